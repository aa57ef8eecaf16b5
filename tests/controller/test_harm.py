"""A budget of ours that allows no eviction is withdrawn, but not for a moment's mistake of its controller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from productionpolicy.controller.clock import Clock, ServerClock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.events import Events
from productionpolicy.controller.reconciler import PASSING_SECONDS, Reconciler
from productionpolicy.controller.resources import BUDGETS, DEPLOYMENTS, NAMESPACES, POLICIES
from productionpolicy.controller.store import Store
from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.workloads import WorkloadKey
from support.manifests import Raw, deployment

WEB = WorkloadKey("shop", "Deployment", "web")
FAILED = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}


@dataclass
class Written:
    """Takes the writes of budgets, and knows of nothing else."""

    budgets: list[Raw] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    clock: ServerClock = field(default_factory=ServerClock)

    async def create_budget(self, manifest: Raw) -> Raw:
        metadata = {**manifest["metadata"], "uid": "b", "resourceVersion": "10", "generation": 1}
        self.budgets.append({**manifest, "metadata": metadata})
        return self.budgets[-1]

    async def delete_budget(self, live: Budget) -> None:
        self.deleted.append(live.name)

    async def amend(self, *_: object) -> Raw:
        return settled()

    async def release(self, *_: object) -> None:
        """Nobody looks at who owns what."""


class Told:
    def about_workload(self, *_: Any, **__: Any) -> None:
        """Tell nobody."""


@dataclass
class Stage:
    """A reconciler at work on one workload, by a clock that the test sets."""

    written: Written = field(default_factory=Written)
    store: Store = field(default_factory=Store)
    later: list[float] = field(default_factory=list)
    seconds: float = 100.0
    version: int = 20

    def __post_init__(self) -> None:
        expectations = {"podDisruptionBudget": {"action": "Repair"}}
        spec = {"mode": "Enforce", "profile": "Development", "expectations": expectations}
        labels = {"productionpolicy.dev/policy": "default"}
        self.store.observe(NAMESPACES, {"metadata": {"name": "shop", "labels": labels}})
        self.store.observe(POLICIES, {"metadata": {"name": "default", "generation": 1}, "spec": spec})
        self.store.observe(DEPLOYMENTS, settled())
        self.reconciler = Reconciler(
            self.store,
            cast("Cluster", self.written),
            events=cast("Events", Told()),
            clock=Clock(monotonic=lambda: self.seconds),
            wake=lambda _: None,
            later=lambda _, seconds: self.later.append(seconds),
        )

    def observe_budget(self, *conditions: Raw) -> None:
        self.version += 1
        (made,) = self.written.budgets
        metadata = {**made["metadata"], "resourceVersion": str(self.version)}
        status = {"observedGeneration": 1, "conditions": list(conditions)}
        self.store.observe(BUDGETS, {**made, "metadata": metadata, "status": status})

    async def look(self) -> None:
        await self.reconciler.reconcile(WEB)


def settled() -> Raw:
    raw = deployment()
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), raw["spec"]["replicas"])
    metadata = {**raw["metadata"], "uid": "w", "resourceVersion": "5", "generation": 1}
    return {**raw, "metadata": metadata, "status": {**counts, "observedGeneration": 1}}


async def test_a_mistake_that_passes_changes_nothing() -> None:
    stage = Stage()
    await stage.look()
    stage.observe_budget(FAILED)
    await stage.look()
    assert len(stage.later) == 1
    stage.observe_budget()
    await stage.look()
    stage.seconds += PASSING_SECONDS + 1
    stage.observe_budget(FAILED)
    await stage.look()
    assert stage.written.deleted == []


async def test_what_lasts_is_withdrawn() -> None:
    stage = Stage()
    await stage.look()
    stage.observe_budget(FAILED)
    await stage.look()
    stage.seconds += stage.later[-1]
    await stage.look()
    assert stage.written.deleted == ["web-deployment-productionpolicy"]
