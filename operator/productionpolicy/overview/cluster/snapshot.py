"""What the operator knows at one moment. Nothing in it changes, so another thread may read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.overview.cluster.bounds import exemption
from productionpolicy.overview.totals import NamespaceTotals
from productionpolicy.policy import Policy
from productionpolicy.policy.status import Status
from productionpolicy.verdict import Exempted, Outcome, State, WorkloadReport
from productionpolicy.verdict.notices import TITLES


class Known(Struct, frozen=True):
    """A workload that a policy governs."""

    report: WorkloadReport
    workload: Workload
    """The state in which it was evaluated."""
    rolling: bool = False
    """Whether its pods are being replaced because of the operator."""

    @property
    def key(self) -> WorkloadKey:
        """Its identity."""
        return self.report.key


class KnownPolicy(Struct, frozen=True, dict=True):
    """A ProductionPolicy."""

    name: str
    policy: Policy | None
    """What it says; None if that is not valid."""
    written: Mapping[str, Any] = {}
    """Its status, as it was written last."""

    @cached_property
    def status(self) -> Status:
        """Its status; an empty one before it is written, and if somebody has written another."""
        try:
            return msgspec.convert(dict(self.written), Status)
        except msgspec.ValidationError:
            return Status()


class Filter(Struct, frozen=True):
    """Which workloads to show; an empty field does not matter."""

    policy: str = ""
    namespace: str = ""
    expectation: str = ""
    """Those with a finding of this expectation."""
    state: str = ""

    def takes(self, known: Known) -> bool:
        """Return whether the filter selects a workload."""
        report = known.report
        return (
            self.policy in ("", report.policy)
            and self.namespace in ("", report.key.namespace)
            and self.state in ("", report.state)
            and (not self.expectation or any(each.expectation == self.expectation for each in report.findings))
        )


class Snapshot(Struct, frozen=True, dict=True):
    """What the operator knows at one moment."""

    now: datetime
    """The moment, by the clock of the API server."""
    policies: tuple[KnownPolicy, ...] = ()
    workloads: tuple[Known, ...] = ()
    version: str = ""
    """The version of the operator."""
    fault: str = ""
    """Why the operator does not do its work, for people; empty if it does."""

    def of_policy(self, name: str) -> Snapshot:
        """Return what belongs to one policy."""
        return replace(
            self,
            policies=tuple(each for each in self.policies if each.name == name),
            workloads=tuple(each for each in self.workloads if each.report.policy == name),
        )

    def workload(self, key: WorkloadKey) -> Known | None:
        """Return a workload, or None."""
        return self._by_key.get(key)

    def count(self, counts: Callable[[Known], bool]) -> int:
        """Return how many workloads there are of which something is true."""
        return sum(map(counts, self.workloads))

    def selected(self, chosen: Filter) -> list[Known]:
        """Return some workloads in the order of the pages."""
        return [each for each in self.ordered if chosen.takes(each)]

    @cached_property
    def ordered(self) -> list[Known]:
        """The workloads by namespace, those with most failing workloads first, and therein the worst first."""
        place = {each.name: number for number, each in enumerate(self.namespaces)}
        return sorted(
            self.workloads,
            key=lambda each: (place[each.key.namespace], -len(each.report.findings), each.key.kind, each.key.name),
        )

    @cached_property
    def namespaces(self) -> list[NamespaceTotals]:
        """The namespaces with workloads, those with most failing workloads first."""
        counts: dict[str, list[int]] = {}
        for each in self.workloads:
            of_namespace = counts.setdefault(each.key.namespace, [0, 0, 0])
            findings = len(each.report.findings)
            of_namespace[0] += 1
            of_namespace[1] += findings > 0
            of_namespace[2] += findings
        totals = (NamespaceTotals(name, *numbers) for name, numbers in counts.items())
        return sorted(totals, key=lambda each: (-each.failing, each.name))

    @cached_property
    def outcomes(self) -> dict[str, Counter[Outcome]]:
        """How many workloads have each outcome, by expectation, in the order of the expectations."""
        found = Counter(each for known in self.workloads for each in known.report.outcomes)
        by_name: dict[str, Counter[Outcome]] = {}
        for (name, outcome), count in found.items():
            by_name.setdefault(name, Counter())[outcome] = count
        order = (*(each.name for each in EXPECTATIONS), *TITLES)
        return {name: by_name[name] for name in order if name in by_name}

    @cached_property
    def failing(self) -> set[str]:
        """The expectations of which there are findings."""
        return {finding.expectation for each in self.workloads for finding in each.report.findings}

    @cached_property
    def states(self) -> Counter[State]:
        """How many workloads are in each state."""
        return Counter(each.report.state for each in self.workloads)

    @property
    def findings(self) -> int:
        """How many findings there are."""
        return sum(each.findings for each in self.namespaces)

    @property
    def compliant(self) -> int:
        """How many workloads are compliant, as the status of a policy counts them: nothing is in progress on them."""
        return self.states[State.COMPLIANT] + self.states[State.EXEMPT]

    @property
    def met(self) -> int:
        """How many workloads have no findings."""
        return len(self.workloads) - sum(each.failing for each in self.namespaces)

    def exemptions(self) -> Iterator[tuple[WorkloadKey, Exempted]]:
        """Yield the exemptions that are in effect."""
        for known in self.workloads:
            for each in known.report.exemptions:
                yield known.key, exemption(each)

    @cached_property
    def _by_key(self) -> dict[WorkloadKey, Known]:
        return {each.key: each for each in self.workloads}
