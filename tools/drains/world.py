"""What is in the cluster, as its watches tell, and which workloads were without a ready pod in the meantime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from control_plane.plane import RequestFailed
from owners.manifests import Raw
from owners.rollouts import is_ready
from testbed.api import Api
from testbed.client import path

KINDS = (
    "Node",
    "Pod",
    "ReplicationController",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "PodDisruptionBudget",
    "CSINode",
)
"""What is listed and watched."""

CLUSTER_WIDE = frozenset({"Node", "PersistentVolume", "CSINode"})
_DAY_SECONDS = 86_400
_LONGEST_LINE = 2**24


def key_of(raw: Raw) -> str:
    """Return the name of an object, with its namespace where it has one."""
    metadata = raw["metadata"]
    return "/".join(filter(None, (metadata.get("namespace", ""), metadata["name"])))


def path_of(kind: str, key: str) -> str:
    """Return the path of an object."""
    place, _, name = key.rpartition("/")
    return f"{path(kind, place)}/{name}"


def controller_of(raw: Raw) -> Raw | None:
    """Return the reference to the controller of an object."""
    return next((each for each in raw["metadata"].get("ownerReferences", ()) if each.get("controller")), None)


def is_serving(pod: Raw) -> bool:
    """Tell whether a pod is Ready, and neither ends nor has ended."""
    return is_ready(pod) and pod["status"].get("phase") == "Running"


def is_ending(raw: Raw) -> bool:
    """Tell whether an object is being deleted."""
    return "deletionTimestamp" in raw["metadata"]


def is_finished(pod: Raw) -> bool:
    """Tell whether the containers of a pod have ended for good."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


@dataclass(slots=True)
class Lights:
    """Who has a ready pod, and who had none for a moment. A pod without controller counts for itself."""

    ready: dict[str, set[str]] = field(default_factory=dict)
    """The ready pods by the UID of their controller."""

    dark: set[str] = field(default_factory=set)
    """The UIDs of those that lost their last ready pod since `begin`."""

    def begin(self) -> None:
        """Forget what was dark until now."""
        self.dark.clear()

    def see(self, pod: Raw, *, gone: bool) -> None:
        """Take note of a pod."""
        uid = pod["metadata"]["uid"]
        controller = controller_of(pod)
        owner = controller["uid"] if controller else uid
        pods = self.ready.setdefault(owner, set())
        if is_serving(pod) and not gone:
            pods.add(uid)
        elif uid in pods:
            pods.remove(uid)
            if not pods:
                self.dark.add(owner)


@dataclass(slots=True)
class World:
    """The objects of a control plane by kind and name, kept up to date."""

    api: Api
    objects: dict[str, dict[str, Raw]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    newest: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    """The version of the newest change of each kind, of those that an informer of kube-scheduler tells of.

    It does not tell of deletions, and does not see finished pods.
    """

    lights: Lights = field(default_factory=Lights)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    on_pod: Callable[[Raw], None] = lambda _: None
    """Called with each pod that appears or changes."""

    watches: list[asyncio.Task[None]] = field(default_factory=list)
    _owned: dict[str, list[Raw]] | None = None
    """The pods by the UID of their controller; None: to be found again."""

    def of(self, kind: str) -> list[Raw]:
        """Return all objects of a kind, in the order in which the API server lists them."""
        return [raw for _, raw in sorted(self.objects[kind].items())]

    def pods_of(self, owner: Raw) -> list[Raw]:
        """Return the pods that an object controls."""
        if self._owned is None:
            self._owned = {}
            for pod in self.of("Pod"):
                self._owned.setdefault((controller_of(pod) or {}).get("uid", ""), []).append(pod)
        return self._owned.get(owner["metadata"]["uid"], [])

    def snapshot(self) -> list[Raw]:
        """Return all objects."""
        return [raw for kind in KINDS for raw in self.of(kind)]

    def workload_names(self) -> dict[str, str]:
        """Return what people call the controller of pods, or a pod without one, by UID: `Deployment blue/web`."""
        names: dict[str, str] = {}
        for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController", "Pod"):
            for raw in self.of(kind):
                above = controller_of(raw)
                names[raw["metadata"]["uid"]] = names.get(above["uid"] if above else "", f"{kind} {key_of(raw)}")
        return names

    def check(self) -> None:
        """Fail if something that keeps it up to date has failed."""
        for each in self.watches:
            if each.done():
                each.result()

    async def follow(self, kind: str, listed: asyncio.Event) -> None:
        """Keep the objects of a kind up to date until cancelled."""
        found = await self.api.get(path(kind))
        for raw in found["items"]:
            self._take(kind, "ADDED", raw)
        listed.set()
        version = found["metadata"]["resourceVersion"]
        while True:
            version = await self._watch(kind, version)

    async def _watch(self, kind: str, version: str) -> str:
        """Take what has changed since a version until the API server ends the watch, as it does with slow clients."""
        query = f"watch=true&allowWatchBookmarks=true&timeoutSeconds={_DAY_SECONDS}&resourceVersion={version}"
        timeout = aiohttp.ClientTimeout(total=None)
        url = f"{self.api.server}{path(kind)}?{query}"
        async with self.api.session.get(url, timeout=timeout, read_bufsize=_LONGEST_LINE) as answer:
            async for line in answer.content:
                event = msgspec.json.decode(line)
                self._take(kind, event["type"], event["object"])
                version = event["object"]["metadata"]["resourceVersion"]
        return version

    def _take(self, kind: str, change: str, raw: Any) -> None:
        if change == "BOOKMARK":
            return
        if change == "ERROR":
            raise RequestFailed(f"The watch of {kind} ended: {raw}")
        if kind == "Pod":
            self._owned = None
            self.lights.see(raw, gone=change == "DELETED")
        if change == "DELETED":
            self.objects[kind].pop(key_of(raw), None)
        else:
            if not is_finished(raw):
                self.newest[kind] = max(self.newest[kind], int(raw["metadata"]["resourceVersion"]))
            self.objects[kind][key_of(raw)] = {"kind": kind, "apiVersion": _version(kind), **raw}
            if kind == "Pod":
                self.on_pod(raw)
        self.changed.set()


def _version(kind: str) -> str:
    return path(kind).removeprefix("/apis/").removeprefix("/api/").rpartition("/")[0]


@asynccontextmanager
async def followed(world: World) -> AsyncIterator[World]:
    """Yield the world once it is known, and keep it up to date until the end."""
    events = {kind: asyncio.Event() for kind in KINDS}
    world.watches = [asyncio.create_task(world.follow(kind, listed)) for kind, listed in events.items()]
    try:
        for listed in events.values():
            await listed.wait()
        yield world
    finally:
        for watch in world.watches:
            watch.cancel()
        await asyncio.gather(*world.watches, return_exceptions=True)
