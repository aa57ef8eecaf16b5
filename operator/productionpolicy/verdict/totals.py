"""What all workloads of a policy come to, kept up to date report by report."""

from __future__ import annotations

import bisect
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from productionpolicy.expectations import EXPECTATIONS, Action
from productionpolicy.kube.text import printable
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.policy import Policy
from productionpolicy.policy.status import (
    LONGEST_MESSAGE,
    MOST_EXEMPTIONS,
    MOST_NAMESPACES,
    MOST_PENDING,
    MOST_VIOLATIONS,
    Condition,
    DayTotals,
    ExemptionSummary,
    ExpectationSummary,
    NamespaceSummary,
    Pending,
    PendingWorkload,
    Status,
    Summary,
    Violation,
    Workloads,
)
from productionpolicy.verdict.audit import Outcome
from productionpolicy.verdict.report import State, Wait, WorkloadReport
from productionpolicy.verdict.rollout_notes import FailedRollout


@dataclass(slots=True)
class Counts:
    """Counts of some workloads."""

    total: int = 0
    with_findings: int = 0
    repaired: int = 0
    """Those that carry repairs, and whose pods run with them."""
    asking: int = 0
    """Those that need a person."""
    enforced: int = 0
    """Those that fulfil what the policy repairs or refuses."""
    pods_with_terms: int = 0
    """Pods that carry podAntiAffinity terms that the operator added."""

    def count(self, report: WorkloadReport, sign: int) -> None:
        """Add a report, or with a sign of -1 take it away."""
        self.total += sign
        self.with_findings += sign * bool(report.findings)
        self.repaired += sign * report.in_effect
        self.asking += sign * report.asks
        self.enforced += sign * report.enforced
        self.pods_with_terms += sign * report.pods_with_terms


@dataclass(slots=True)
class Totals:
    """The reports of one policy and their totals. Entering a report costs no more than the report is long."""

    reports: dict[WorkloadKey, WorkloadReport] = field(default_factory=dict)
    overall: Counts = field(default_factory=Counts)
    """Over all workloads."""
    _namespaces: defaultdict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    _states: Counter[State] = field(default_factory=Counter)
    _outcomes: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    _repairs: Counter[str] = field(default_factory=Counter)
    _ranking: list[tuple[int, WorkloadKey]] = field(default_factory=list)
    """The workloads with findings, those with the most first. It is kept in order, for the status needs the worst of
    all each time, and shifting a list costs next to nothing."""
    _coming: list[tuple[int, WorkloadKey]] = field(default_factory=list)
    """The workloads that are still to be changed, those whose pods restart for it first."""
    _waits: Counter[Wait] = field(default_factory=Counter)
    _exempt: list[tuple[int, WorkloadKey]] = field(default_factory=list)
    """The workloads with exemptions that hold, sorted."""
    _failed_rollouts: dict[WorkloadKey, FailedRollout] = field(default_factory=dict)
    _exemptions: int = 0
    _findings: int = 0
    _pending: int = 0
    _restarts: int = 0

    def put(self, report: WorkloadReport) -> bool:
        """Enter a report in place of an earlier one; say whether it differs."""
        earlier = self.reports.get(report.key)
        if earlier == report:
            return False
        self.drop(report.key)
        self.reports[report.key] = report
        self._count(report, 1)
        return True

    def drop(self, key: WorkloadKey) -> WorkloadReport | None:
        """Forget a workload; return what was known of it."""
        report = self.reports.pop(key, None)
        if report is not None:
            self._count(report, -1)
        return report

    def failed_rollouts(self, policy: Policy) -> list[WorkloadKey]:
        """Return the workloads whose failed rollout counts against the repairs of a policy, sorted."""
        return sorted(key for key, each in self._failed_rollouts.items() if each.counts(policy))

    def of_day(self, day: date) -> DayTotals:
        """Return the totals as those of a day."""
        compliant = self._summary().compliant
        return DayTotals(day=day, workloads=self.overall.total, compliant=compliant, findings=self._findings)

    def status(
        self,
        policy: Policy,
        *,
        namespaces: int,
        conditions: tuple[Condition, ...],
        next_window: str = "",
        history: tuple[DayTotals, ...] = (),
    ) -> Status:
        """Return the status of the policy.

        Args:
            policy: whose status it is.
            namespaces: how many namespaces it governs.
            conditions: its conditions.
            next_window: when the next rollout window opens, if changes wait for it.
            history: the totals of the last days.
        """
        violations, exemptions = tuple(self._violations()), tuple(self._listed_exemptions())
        return Status(
            observed_generation=policy.generation,
            conditions=conditions,
            namespaces=namespaces,
            workloads=Workloads(total=self.overall.total, **{str(each): self._states[each] for each in State}),
            summary=self._summary(),
            compliance=self._share(self._states[State.COMPLIANT] + self._states[State.EXEMPT]),
            enforced_compliance=self._share(self.overall.enforced),
            pending=Pending(
                repairs=self._pending,
                restarts=self._restarts,
                next_window=next_window,
                workloads=tuple(self._pending_workloads()),
            ),
            by_namespace=tuple(self._by_namespace()),
            repaired=self.overall.repaired,
            expectations=tuple(self._by_expectation(policy)),
            violations=violations,
            violations_omitted=self._findings - len(violations),
            exemptions=exemptions,
            exemptions_omitted=self._exemptions - len(exemptions),
            history=history,
        )

    @property
    def compliant(self) -> bool:
        """Whether no workload has a finding."""
        return self._findings == 0

    @property
    def pending(self) -> tuple[int, int]:
        """How many changes are still to be made, and how many workloads restart for them."""
        return self._pending, self._restarts

    @property
    def namespaces(self) -> list[str]:
        """The namespaces with workloads, sorted."""
        return sorted(self._namespaces)

    @property
    def by_namespace(self) -> Mapping[str, Counts]:
        """The counts of each namespace with workloads."""
        return self._namespaces

    def waiting(self, wait: Wait) -> int:
        """Return how many workloads wait for something."""
        return self._waits[wait]

    @property
    def outcomes(self) -> Counter[tuple[str, Outcome]]:
        """How often each outcome of each expectation occurs."""
        return self._outcomes

    def count(self, state: State) -> int:
        """Return how many workloads are in a state."""
        return self._states[state]

    def _count(self, report: WorkloadReport, sign: int) -> None:
        self.overall.count(report, sign)
        self._states[report.state] += sign
        self._findings += sign * len(report.findings)
        self._pending += sign * len(report.changes)
        self._restarts += sign * report.restarts
        if report.waits is not None:
            self._waits[report.waits] += sign
        if report.failed_rollout is not None and sign > 0:
            self._failed_rollouts[report.key] = report.failed_rollout
        else:
            self._failed_rollouts.pop(report.key, None)
        for outcome in report.outcomes:
            self._outcomes[outcome] += sign
        for name in report.repaired:
            self._repairs[name] += sign
        self._count_namespace(report, sign)
        if report.findings:
            _rank(self._ranking, (-len(report.findings), report.key), sign)
        self._exemptions += sign * len(report.exemptions)
        if report.exemptions:
            _rank(self._exempt, (0, report.key), sign)
        if report.changes:
            _rank(self._coming, (int(not report.restarts), report.key), sign)

    def _count_namespace(self, report: WorkloadReport, sign: int) -> None:
        namespace = report.key.namespace
        self._namespaces[namespace].count(report, sign)
        if not self._namespaces[namespace].total:
            del self._namespaces[namespace]

    def _summary(self) -> Summary:
        states = self._states
        return Summary(
            compliant=states[State.COMPLIANT] + states[State.EXEMPT],
            violating=states[State.VIOLATING],
            failed=states[State.FAILED] + states[State.CONTESTED],
            pending=states[State.REPAIRING],
        )

    def _share(self, workloads: int) -> str:
        return f"{workloads * 100 // self.overall.total}%" if self.overall.total else "n/a"

    def _pending_workloads(self) -> Iterator[PendingWorkload]:
        for steady, key in self._coming[:MOST_PENDING]:
            yield PendingWorkload(
                namespace=key.namespace,
                kind=key.kind,
                name=key.name,
                restarts=not steady,
                changes=tuple(printable(each, longest=LONGEST_MESSAGE) for each in self.reports[key].changes),
            )

    def _by_namespace(self) -> Iterator[NamespaceSummary]:
        worst = heapq.nsmallest(
            MOST_NAMESPACES, self._namespaces.items(), key=lambda each: (-each[1].with_findings, each[0])
        )
        for name, counts in worst:
            yield NamespaceSummary(
                name=name, total=counts.total, violating=counts.with_findings, repaired=counts.repaired
            )

    def _by_expectation(self, policy: Policy) -> Iterator[ExpectationSummary]:
        for each in EXPECTATIONS:
            action = policy.action(each)
            if action is not Action.IGNORE:
                yield ExpectationSummary(
                    name=each.name,
                    action=action,
                    passed=self._outcomes[each.name, Outcome.PASSED],
                    failed=self._outcomes[each.name, Outcome.FAILED],
                    repaired=self._repairs[each.name],
                    exempt=self._outcomes[each.name, Outcome.EXEMPT],
                )

    def _listed_exemptions(self) -> list[ExemptionSummary]:
        first = (self.reports[key] for _, key in self._exempt[:MOST_EXEMPTIONS])
        return [exemption for each in first for exemption in _exemptions_of(each)][:MOST_EXEMPTIONS]

    def _violations(self) -> Iterable[Violation]:
        worst = (self.reports[key] for _, key in self._ranking[:MOST_VIOLATIONS])
        return [violation for each in worst for violation in _violations_of(each)][:MOST_VIOLATIONS]


def _exemptions_of(report: WorkloadReport) -> Iterator[ExemptionSummary]:
    for each in report.exemptions:
        yield ExemptionSummary(
            namespace=report.key.namespace,
            kind=report.key.kind,
            name=report.key.name,
            expectation=each.expectation,
            reason=printable(each.reason, longest=LONGEST_MESSAGE),
            until=each.until,
        )


def _rank(ranking: list[tuple[int, WorkloadKey]], entry: tuple[int, WorkloadKey], sign: int) -> None:
    if sign > 0:
        bisect.insort(ranking, entry)
    else:
        del ranking[bisect.bisect_left(ranking, entry)]


def _violations_of(report: WorkloadReport) -> Iterator[Violation]:
    for finding in report.findings:
        yield Violation(
            namespace=report.key.namespace,
            kind=report.key.kind,
            name=report.key.name,
            expectation=finding.expectation,
            path=printable(finding.path, longest=LONGEST_MESSAGE),
            message=printable(finding.sentence, longest=LONGEST_MESSAGE),
        )
