"""A world of one workload: its object, what stands around it, its policy, and an operator that acts at once."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from productionpolicy.expectations import BY_NAME
from productionpolicy.kube.identity import CONTESTED, EXEMPT, REPAIRS
from productionpolicy.kube.surroundings import ServerFeatures
from productionpolicy.kube.workloads import read_workload
from productionpolicy.policy import OnRemoval, Policy
from productionpolicy.verdict import (
    Applied,
    Governance,
    Inputs,
    Plan,
    Restarts,
    WorkloadReport,
    audit,
    begun,
    plan,
    report,
)
from productionpolicy.verdict.report import NOT_REJECTED, Rejection
from support.manifests import Raw
from support.policies import policy
from support.server import defaulted, patched
from support.surroundings import NEWEST, surroundings_of

JOURNAL = REPAIRS
TODAY = date(2026, 6, 15)
MADE, EDITED = "2026-06-15T11:00:00Z", "2026-06-15T12:00:00Z"
"""When the operator writes, and when others do."""


@dataclass
class World:
    """One workload as the API server holds it."""

    raw: Raw
    others: list[Raw] = field(default_factory=list)
    policy: Policy | None = field(default_factory=policy)
    on_removal: OnRemoval = OnRemoval.KEEP
    governance: Governance = Governance.WRITTEN
    applied: dict[str, Applied] = field(default_factory=dict)
    rejection: Rejection = NOT_REJECTED
    server: ServerFeatures = NEWEST
    now: datetime = datetime(2026, 6, 15, 11, tzinfo=UTC)
    """The time by the API server's clock."""
    watched: float | None = None
    no_room: bool = False

    def __post_init__(self) -> None:
        self.raw = defaulted(self.raw)

    @property
    def inputs(self) -> Inputs:
        """The inputs that the operator sees."""
        return Inputs(
            read_workload(self.raw),
            around=surroundings_of(self.raw, self.others, server=self.server),
            policy=self.policy,
            on_removal=self.on_removal,
            governance=self.governance,
            today=TODAY,
            applied=self.applied,
            now=self.now,
            watched=self.watched,
            no_room=self.no_room,
        )

    def plan(self, *, restarts: Restarts = Restarts.ANY) -> Plan:
        """Return what the operator would do now."""
        return plan(self.inputs, restarts=restarts)

    def changes(self) -> list[str]:
        """Return what the operator would do now, in words."""
        return [str(each) for each in self.plan().changes]

    def report(self, *, rolling: bool = False) -> WorkloadReport:
        """Return what is told about the workload."""
        inputs = replace(self.inputs, rolling=rolling)
        return report(inputs, audit(inputs), plan(inputs), rejection=self.rejection)

    def findings(self) -> list[str]:
        """Return the names of the expectations with a finding, one for each."""
        return [each.expectation for each in audit(self.inputs) for _ in each.findings]

    def reconcile(self) -> Plan:
        """Do what the plan says, and remember it as the operator does."""
        inputs, planned = self.inputs, self.plan()
        self.raw = patched(self.raw, begun(inputs, planned, at=self.now))
        self._put_objects(planned, inputs)
        for change in planned.changes:
            self._remember(change.expectation, planned, inputs, withdrawn=change.after is None)
        return planned

    def _put_objects(self, planned: Plan, inputs: Inputs) -> None:
        for change in planned.objects:
            if change.live is not None:
                self.others = [each for each in self.others if each["metadata"]["name"] != change.live.name]
            if change.wanted is not None:
                self.others.append(
                    change.wanted.manifest(inputs.workload, policy=inputs.policy.name if inputs.policy else "")
                )

    def _remember(self, name: str, planned: Plan, inputs: Inputs, *, withdrawn: bool) -> None:
        if withdrawn:
            self.applied.pop(name, None)
            return
        contest = planned.contests.get(name)
        undone = contest.undone if contest else 0
        self.applied[name] = Applied(inputs.terms(BY_NAME[name]), made=MADE, undone=undone)

    def edit(self, change: Callable[[Raw], Any], *, manager: str = "kubectl-edit") -> None:
        """Let somebody change the object."""
        self.raw = deepcopy(self.raw)
        change(self.raw)
        entry = {"manager": manager, "operation": "Update", "time": EDITED, "fieldsV1": {}}
        self.raw["metadata"]["managedFields"] = [entry]

    def annotate(self, **annotations: str | None) -> None:
        """Let somebody set or, with None, remove annotations."""
        self.raw = patched(self.raw, {"metadata": {"annotations": annotations}})

    def exempt(self, expectation: str, reason: str = "because") -> None:
        """Let the owner opt out of an expectation."""
        self.annotate(**{f"{EXEMPT}{expectation}": reason})

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations of the workload."""
        found: dict[str, str] = self.raw["metadata"].get("annotations", {})
        return found

    @property
    def journal(self) -> dict[str, str]:
        """Our notes of repairs, by expectation."""
        return {key.removeprefix(JOURNAL): note for key, note in self.annotations.items() if key.startswith(JOURNAL)}

    @property
    def contests(self) -> dict[str, str]:
        """Our notes of contested repairs, by expectation."""
        return {
            key.removeprefix(CONTESTED): note for key, note in self.annotations.items() if key.startswith(CONTESTED)
        }

    @property
    def pod(self) -> Raw:
        """The pod spec of the template."""
        pod: Raw = self.raw["spec"]["template"]["spec"]
        return pod

    @property
    def budgets(self) -> list[Raw]:
        """The disruption budgets beside the workload."""
        return [each for each in self.others if each["kind"] == "PodDisruptionBudget"]


def repaired(raw: Raw, **around: Any) -> World:
    """Return a world in which the operator has done all that it wants."""
    world = World(raw, **around)
    world.reconcile()
    assert world.plan().empty
    return world
