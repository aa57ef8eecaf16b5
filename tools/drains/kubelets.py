"""The kubelets of all nodes: pods become Ready when they are told to, and end at once.

When a pod becomes Ready decides what a drain does. So it is not left to chance.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import msgspec

from control_plane.plane import RequestFailed
from drains.generator import NEVER
from drains.world import World, controller_of, is_ending, key_of, path_of
from owners.manifests import Raw

_LONG_AGO = "2020-01-01T00:00:00Z"
_PATCH = "application/strategic-merge-patch+json"


@dataclass(slots=True)
class Kubelets:
    """Starts and ends the pods of a world."""

    world: World
    at_once: bool = False
    """Whether pods start as soon as they have a node; otherwise `start` starts them."""

    _ended: set[str] = field(default_factory=set)
    _begun: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def see(self, pod: Raw) -> None:
        """End a pod that is being deleted, as soon as its containers could have ended."""
        uid = pod["metadata"]["uid"]
        if is_ending(pod) and uid not in self._ended:
            self._ended.add(uid)
            self._do(self._end(pod))
        elif self.at_once and self._can_start(pod):
            self._begun.add(uid)
            self._do(self._start(pod))

    async def start(self) -> int:
        """Start all pods that have a node and can start, and return how many did."""
        pods = [each for each in self.world.of("Pod") if self._can_start(each)]
        self._begun.update(each["metadata"]["uid"] for each in pods)
        await asyncio.gather(*(self._start(each) for each in pods))
        return len(pods)

    def busy(self) -> bool:
        """Tell whether a pod that was started is not yet known to be, or whether one is left to start at once."""
        pods = self.world.of("Pod")
        unknown = any(each["status"]["phase"] == "Pending" for each in pods if each["metadata"]["uid"] in self._begun)
        return unknown or (self.at_once and any(self._can_start(each) for each in pods))

    def _can_start(self, pod: Raw) -> bool:
        never = pod["metadata"].get("annotations", {}).get(NEVER)
        waits = "nodeName" in pod["spec"] and pod["status"]["phase"] == "Pending" and never != "started"
        return waits and not is_ending(pod) and pod["metadata"]["uid"] not in self._begun

    async def _start(self, pod: Raw) -> None:
        never = pod["metadata"].get("annotations", {}).get(NEVER)
        ready = "False" if never == "ready" else "True"
        conditions = [{"type": "Initialized", "status": "True"}]
        conditions += [{"type": each, "status": ready} for each in ("ContainersReady", "Ready")]
        await self._report(pod, {"phase": "Running", "conditions": conditions})

    async def _end(self, pod: Raw) -> None:
        """End a pod. That of a Job is reported as failed first, because some Jobs replace it only then.

        The Job controller replaces a pod that has failed just now after 10 seconds, and later ones after minutes. So
        its containers say that they ended long ago.
        """
        if (controller_of(pod) or {}).get("kind") == "Job":
            ended = {"terminated": {"exitCode": 143, "startedAt": _LONG_AGO, "finishedAt": _LONG_AGO}}
            containers = [{"name": each["name"], "state": ended} for each in pod["spec"]["containers"]]
            await self._report(pod, {"phase": "Failed", "containerStatuses": containers})
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        with contextlib.suppress(RequestFailed):  # it has gone
            await self.world.api.send("DELETE", path_of("Pod", key_of(pod)), msgspec.json.encode(options))

    async def _report(self, pod: Raw, status: Raw) -> None:
        body = msgspec.json.encode({"status": status})
        with contextlib.suppress(RequestFailed):  # it has gone
            await self.world.api.send("PATCH", path_of("Pod", key_of(pod)) + "/status", body, content_type=_PATCH)

    def _do(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
