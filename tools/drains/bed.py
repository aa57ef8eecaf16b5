"""A control plane on which one cluster after the other is played: its objects come, settle, and go again."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from control_plane.credentials import ADMIN
from control_plane.patience import NeverHappened
from control_plane.plane import ControlPlane, RequestFailed
from control_plane.ports import LOOPBACK, free_ports
from drains.generator import NAMESPACES, Scenario
from drains.kubelets import Kubelets
from drains.more import late_class, priority_classes
from drains.settled import is_current, unsettled, without_node
from drains.world import CLUSTER_WIDE, World, followed, key_of, path_of
from owners import manifests
from owners.manifests import Raw
from testbed.api import Api, connected, spread
from testbed.client import path

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.02
NUDGE_SECONDS = 0.5
NUDGED = "drains.productionpolicy.dev/nudged"
LOOKS = 2
CREATORS = 8
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicationController", "ReplicaSet")
_LONG_METRICS = (
    "informer_processing_latency_seconds",
    "kubernetes_feature_enabled",
    "rest_client_rate_limiter_duration_seconds",
    "rest_client_request_duration_seconds",
    "rest_client_request_size_bytes",
    "rest_client_response_size_bytes",
    "scheduler_event_handling_duration_seconds",
    "scheduler_framework_extension_point_duration_seconds",
    "scheduler_plugin_evaluation_total",
    "scheduler_plugin_execution_duration_seconds",
    "scheduler_pod_scheduling_sli_duration_seconds",
    "scheduler_queueing_hint_execution_duration_seconds",
    "scheduler_scheduling_attempt_duration_seconds",
)
_PENDING = re.compile(r'^scheduler_pending_pods{queue="(\w+)"} (\d+)', re.MULTILINE)
_SEEN = re.compile(r'^informer_store_resource_version{.*resource="(\w+)".*} (\d+)', re.MULTILINE)
_OFTEN = "--pvclaimbinder-sync-period=1s"
"""After a conflict, a claim is bound in the next period only. The default is 15 seconds."""

_SCHEDULED_BY = {"pods": "Pod", "nodes": "Node"}
"""The resources that decide whether a pod that waits finds a node."""


@dataclass(slots=True)
class Bed:
    """A running control plane without a cluster, or with one."""

    plane: ControlPlane
    api: Api
    world: World
    kubelets: Kubelets
    scheduler: str
    """The address of the metrics of kube-scheduler."""

    seconds: dict[str, float] = field(default_factory=dict)
    """What took how long altogether."""

    async def make(self, scenario: Scenario) -> None:
        """Create a cluster and return when it is at rest."""
        self.kubelets.at_once = True
        nodes = [_alive(each) for each in scenario.objects if each["kind"] == "Node"]
        # A StatefulSet creates the claims that it does not find.
        claims = [each for each in scenario.objects if each["kind"] == "PersistentVolumeClaim"]
        rest = [each for each in scenario.objects if each["kind"] not in ("Node", "PersistentVolumeClaim")]
        await spread(nodes, self.api.create, workers=CREATORS)
        await self.until(lambda: next((each for each in unsettled(self.world) if each.startswith("node")), ""))
        await spread(claims, self.api.create, workers=CREATORS)
        await spread(rest, self.api.create, workers=CREATORS)
        wanted = [(each["kind"], key_of(each)) for each in scenario.objects]
        await self.until(
            lambda: next((f"{kind} {key}" for kind, key in wanted if key not in self.world.objects[kind]), "")
        )
        await self.settle()
        for name in scenario.cordoned:
            await self.cordon(name)
        await self.settle()

    async def cordon(self, node: str, *, back: bool = False) -> None:
        """Cordon a node, or take it back."""
        await self.api.merge(path_of("Node", node), {"spec": {"unschedulable": None if back else True}})
        await self.until(lambda: "" if self._cordoned(node) != back else f"node {node}: {self._cordoned(node)}")

    def _cordoned(self, node: str) -> bool:
        return bool(self.world.objects["Node"][node]["spec"].get("unschedulable", False))

    async def settle(self) -> None:
        """Let everything come to rest: pods find nodes and become Ready until nothing more happens."""
        started = time.monotonic()
        await self._rest()
        while await self.kubelets.start():
            await self._rest()
        self.took("settling", started)

    async def _rest(self) -> None:
        """Wait until nothing but pods that are not Ready is left to do, at two moments where pods wait for a node."""
        await self._idle()
        while without_node(self.world) and await self._scheduler_busy():
            await self._idle()

    async def _idle(self) -> None:
        """Wait until nothing is left to do.

        After conflicts, the disruption controller waits longer and longer before it looks at a budget again, except
        if the budget changes. Of several budgets that select a pod which changes, it looks at one only. So those that
        are late get an annotation.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self.until(self._busy, seconds=NUDGE_SECONDS)
            except NeverHappened:
                if time.monotonic() > deadline:
                    raise
            await self._nudge()

    async def _nudge(self) -> None:
        for each in self.world.of("PodDisruptionBudget"):
            if not is_current(each, self.world):
                change = {"metadata": {"annotations": {NUDGED: str(time.monotonic())}}}
                await self.api.merge(path_of("PodDisruptionBudget", key_of(each)), change)

    def _busy(self) -> str:
        complaint = next(unsettled(self.world), "")
        return complaint or ("pods are starting" if self.kubelets.busy() else "")

    async def _scheduler_busy(self) -> bool:
        """Tell whether kube-scheduler still tries pods, or has not seen all of them."""
        looks = 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while looks < LOOKS:
            newest = {resource: self.world.newest[kind] for resource, kind in _SCHEDULED_BY.items()}
            pending, seen = await self._scheduler_state()
            waiting = len(without_node(self.world))
            still = pending == {"active": 0, "backoff": 0, "unschedulable": waiting}
            still = still and all(seen.get(resource, version) >= version for resource, version in newest.items())
            if not still and time.monotonic() > deadline:
                raise NeverHappened(f"kube-scheduler has {pending}, and {waiting} pods have no node")
            if self._busy():
                return True
            looks = looks + 1 if still else 0
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _scheduler_state(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the number of pods in each queue of kube-scheduler, and the newest version that it knows of resources.

        Versions before 1.37 do not tell what they know.
        """
        async with self.api.session.get(self.scheduler, ssl=False) as answer:
            text = await answer.text()
        found = {queue: int(count) for queue, count in _PENDING.findall(text)}
        seen = {resource: int(version) for resource, version in _SEEN.findall(text)}
        return {queue: found.get(queue, 0) for queue in ("active", "backoff", "unschedulable")}, seen

    async def until(self, complaint: Callable[[], str], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until there is no complaint any more.

        Raises:
            NeverHappened: there still is.
            RequestFailed: a watch has failed.
        """
        deadline = time.monotonic() + seconds
        while told := complaint():
            self.world.check()
            if time.monotonic() > deadline:
                raise NeverHappened(told)
            self.world.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.world.changed.wait(), timeout=min(1, seconds))

    async def snapshot(self) -> list[Raw]:
        """Return everything that a drain depends on."""
        names = await self.api.items("/api/v1/namespaces")
        namespaces = [{"apiVersion": "v1", "kind": "Namespace", **each} for each in names]
        return [*namespaces, late_class(), *self.world.snapshot()]

    async def clear(self) -> None:
        """Delete the cluster."""
        started = time.monotonic()
        for kind in ("PodDisruptionBudget", *WORKLOADS):
            await self._delete_all(kind)
        while any(self.world.objects[kind] for kind in (*WORKLOADS, "Pod")):
            await self._delete_all("Pod")
            await self._delete_all("ReplicaSet")
            with suppress(NeverHappened):
                await self._gone("Pod", *WORKLOADS)
        for kind in ("PersistentVolumeClaim", "PersistentVolume", "CSINode", "Node"):
            await self._delete_all(kind)
        await self.until(lambda: next((kind for kind in self.world.objects if self.world.objects[kind]), ""))
        self.took("deleting", started)

    async def _gone(self, *kinds: str) -> None:
        before = time.monotonic()

        def complaint() -> str:
            left = [kind for kind in kinds if self.world.objects[kind]]
            if left and time.monotonic() - before > 1:
                raise NeverHappened(left[0])
            return "".join(left)

        await self.until(complaint)

    async def _delete_all(self, kind: str) -> None:
        if not self.world.objects[kind]:
            return
        grace = {"gracePeriodSeconds": 0} if kind == "Pod" else {}
        options = msgspec.json.encode({"propagationPolicy": "Background", **grace})
        for namespace in ("",) if kind in CLUSTER_WIDE else NAMESPACES:
            await self.api.send("DELETE", path(kind, namespace), options)

    def took(self, what: str, started: float) -> None:
        """Count the time since a moment."""
        self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - started


@asynccontextmanager
async def running_bed(folder: Path) -> AsyncIterator[Bed]:
    """Yield a control plane without nodes."""
    (port,) = free_ports(1)
    flags = {"kube-scheduler": metrics_flags(port), "kube-controller-manager": [_OFTEN]}
    with ControlPlane.start(folder, nodes=(), flags=flags) as plane:
        async with connected(plane.site, user=ADMIN) as api:
            await _namespaces(api, NAMESPACES)
            for each in (late_class(), *priority_classes()):
                await api.create(each)
            world = World(api)
            kubelets = Kubelets(world)
            world.on_pod = kubelets.see
            async with followed(world):
                yield Bed(plane, api, world, kubelets, scheduler=f"https://{LOOPBACK}:{port}/metrics")


def _alive(node: Raw) -> Raw:
    """Return a node with the heartbeat of a kubelet, which is its only one: a cluster does not live for an hour.

    Nodes of different clusters have the same name, and the node lifecycle controller remembers the last heartbeat of
    a node by its name.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [{**each, "lastHeartbeatTime": now} for each in node["status"]["conditions"]]
    return {**node, "status": {**node["status"], "conditions": conditions}}


def metrics_flags(port: int) -> list[str]:
    """Return the flags with which kube-scheduler serves metrics, without the long ones, which nobody reads here."""
    return [
        f"--secure-port={port}",
        f"--bind-address={LOOPBACK}",
        "--authorization-always-allow-paths=/metrics",
        f"--disabled-metrics={','.join(_LONG_METRICS)}",
    ]


async def _namespaces(api: Api, names: Iterable[str]) -> None:
    """Create namespaces, and wait for the service account that each pod has."""
    for name in names:
        await api.create(manifests.namespace(name))
    for name in names:
        while True:
            with suppress(RequestFailed):
                await api.get(f"/api/v1/namespaces/{name}/serviceaccounts/default")
                break
            await asyncio.sleep(LOOK_SECONDS)
