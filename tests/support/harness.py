"""A reconciler at work on one workload, whose writes are only taken down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from productionpolicy.controller.clock import Clock, ServerClock
from productionpolicy.controller.cluster import Cluster, RequestFailed
from productionpolicy.controller.context import Context
from productionpolicy.controller.effectiveness import Effectiveness
from productionpolicy.controller.events import Events
from productionpolicy.controller.intake import Intake
from productionpolicy.controller.namespace_warnings import NamespaceWarnings
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.publisher import Publisher
from productionpolicy.controller.reconciler import Reconciler
from productionpolicy.controller.reports import Reports
from productionpolicy.controller.resources import BUDGETS, DEPLOYMENTS, NAMESPACES, POLICIES, Resource
from productionpolicy.controller.writer import Writer
from productionpolicy.kube.identity import FIELD_MANAGER, POLICY_LABEL
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.policy import Policy
from support.manifests import Raw, deployment

WEB = WorkloadKey("shop", "Deployment", "web")


@dataclass
class Written:
    """Takes the writes of budgets, and knows of nothing else."""

    budgets: list[Raw] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    patches: list[Raw] = field(default_factory=list)
    releases: int = 0
    refusal: RequestFailed | None = None
    """What the API server says to a release."""
    clock: ServerClock = field(default_factory=ServerClock)

    async def create(self, _: Resource, manifest: Raw) -> Raw:
        metadata = {**manifest["metadata"], "uid": "b", "resourceVersion": "10", "generation": 1}
        self.budgets.append({**manifest, "metadata": metadata})
        return self.budgets[-1]

    async def delete(self, _: Resource, live: Ownable) -> None:
        self.deleted.append(live.name)

    async def patch_workload(self, _: Workload, patch: Raw) -> Raw:
        self.patches.append(patch)
        return settled()

    async def workload(self, *_: object) -> Raw:
        return settled()

    async def release(self, *_: object) -> None:
        """Take our entry out of the managed fields, unless it is refused."""
        self.releases += 1
        if self.refusal is not None:
            raise self.refusal


@dataclass
class Told:
    reasons: list[str] = field(default_factory=list)

    messages: list[str] = field(default_factory=list)

    def about_workload(self, *_: Any, reason: str, message: str, **__: Any) -> None:
        self.reasons.append(reason)
        self.messages.append(message)


@dataclass
class Admits:
    """What is known of repairs at admission."""

    harness: Harness

    def repairs(self, _: Policy) -> bool:
        """Say whether the API server repairs."""
        return self.harness.admits

    def repairs_since(self, _: str) -> None:
        """Return since when: it is never certain."""


@dataclass
class Harness:
    """A reconciler at work on one workload, by a clock that the test sets."""

    written: Written = field(default_factory=Written)
    told: Told = field(default_factory=Told)
    later: list[float] = field(default_factory=list)
    seconds: float = 100.0
    version: int = 20
    admits: bool = True
    """Whether the API server repairs at admission."""

    def __post_init__(self) -> None:
        clock = Clock(monotonic=lambda: self.seconds)
        self.context = Context.of(cast("Cluster", self.written), events=cast("Events", self.told), clock=clock)
        self.store, self.rollouts = self.context.store, self.context.rollouts
        self.policies = Policies(self.context)
        self.effectiveness = Effectiveness(self.context, self.policies)
        self.reports = Reports(self.context, self.policies)
        self.publisher = Publisher(self.context, self.policies, self.effectiveness, self.reports)
        writer = Writer(self.context, self.policies, self.publisher)
        self.reconciler = Reconciler(self.context, self.publisher, writer)
        warnings = NamespaceWarnings(self.context)
        self.intake = Intake(self.context, self.reconciler, self.policies, self.effectiveness, warnings)
        expectations = {"podDisruptionBudget": {"action": "Repair"}}
        spec = {"mode": "Enforce", "profile": "Development", "expectations": expectations}
        labels = {POLICY_LABEL: "default"}
        self.store.observe(NAMESPACES, {"metadata": {"name": "shop", "labels": labels}})
        self.store.observe(POLICIES, {"metadata": {"name": "default", "generation": 1}, "spec": spec})
        self.context.scope.listed(self.context.scope.widen())
        self.store.observe(DEPLOYMENTS, settled())
        self.policies.admission = cast("Any", Admits(self))

    @property
    def workload(self) -> Workload:
        found = self.store.workload(WEB)
        assert found is not None
        return found

    def observe_budget(self, *conditions: Raw) -> None:
        self.version += 1
        (made,) = self.written.budgets
        metadata = {**made["metadata"], "resourceVersion": str(self.version)}
        status = {"observedGeneration": 1, "conditions": list(conditions)}
        self.store.observe(BUDGETS, {**made, "metadata": metadata, "status": status})

    async def reconcile(self) -> None:
        after = await self.reconciler.reconcile(WEB)
        if after is not None:
            self.later.append(after)


def settled() -> Raw:
    raw = deployment()
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), raw["spec"]["replicas"])
    metadata = {**raw["metadata"], "uid": "w", "resourceVersion": "5", "generation": 1}
    return {**raw, "metadata": metadata, "status": {**counts, "observedGeneration": 1}}


def holds_fields() -> Raw:
    """Return it with an entry of ours in its managed fields, as after an operator that ended between two requests."""
    raw = settled()
    entry = {"manager": FIELD_MANAGER, "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1"}
    return {**raw, "metadata": {**raw["metadata"], "resourceVersion": "6", "managedFields": [entry]}}
