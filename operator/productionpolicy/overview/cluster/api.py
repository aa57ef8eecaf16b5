"""The JSON of the operator. docs/page.schema.json is generated from these types.

Later versions of the operator may add fields, but do not remove or rename one as long as the address has the same
version.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from productionpolicy.overview.cluster.bounds import MOST_FINDINGS, MOST_FINDINGS_OF_MANY, bounded
from productionpolicy.overview.cluster.listing import Slice
from productionpolicy.overview.cluster.one import repairs
from productionpolicy.overview.cluster.policies import mode
from productionpolicy.overview.cluster.snapshot import Filter, Known, KnownPolicy, Snapshot
from productionpolicy.policy.status import Status
from productionpolicy.verdict import Outcome, State
from productionpolicy.verdict.journal import read_journal

WORKLOADS = 100
"""How many workloads an answer has, unless the request says otherwise."""
MOST_WORKLOADS = 200


class _Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of the JSON."""


class Policy(_Object, frozen=True, kw_only=True):
    """A ProductionPolicy, with its status as the operator wrote it last.

    `mode` is Enforce, Audit, paused, or not valid. `nextWindow` is when its repairs may restart pods next, in UTC: now,
    if they may; null if not within a week, or never in this mode.
    """

    name: str
    mode: str
    profile: str
    next_window: datetime | None
    status: Status


class Finding(_Object, frozen=True, kw_only=True):
    """A finding: where it is, why it matters there, and the remedy.

    `notRepaired` is why the operator leaves it, although the policy asks for a repair; otherwise, it is empty.
    """

    expectation: str
    path: str
    message: str
    remedy: str
    not_repaired: str


class Exemption(_Object, frozen=True, kw_only=True):
    """An exemption that is in effect; `until` is its last day, or empty if it has no end."""

    expectation: str
    reason: str
    until: str


class Contest(_Object, frozen=True, kw_only=True):
    """A repair that the operator does not make again, and the reason."""

    expectation: str
    reason: str


class Rollout(_Object, frozen=True, kw_only=True):
    """A rollout that the operator has begun: what it brings, and when it began, by the clock of the API server.

    `state` is InProgress or RolledBack. `pod` is a pod that a person has to delete; otherwise, it is empty.
    """

    state: str
    expectations: list[str]
    since: str
    pod: str


class Changes(_Object, frozen=True, kw_only=True):
    """The changes to come: each in words, whether the pods restart for them, and what they wait for, if anything."""

    changes: list[str]
    restarts: bool
    waits_for: str


class Workload(_Object, frozen=True, kw_only=True):
    """A workload with the verdict of each expectation, its findings, and what the operator does about them.

    `findingsOmitted` is how many findings are not listed: 500 of one workload are, and 50 of each in a list of many.
    """

    namespace: str
    kind: str
    name: str
    policy: str
    state: State
    verdicts: dict[str, Outcome]
    findings: list[Finding]
    findings_omitted: int
    repairs: dict[str, str]
    pending: Changes
    contests: list[Contest]
    rollout: Rollout | None
    exemptions: list[Exemption]


class _Reply(_Object, frozen=True, kw_only=True):
    """An answer: when the operator saw this, and why it is not ready, which is empty if it is."""

    time: datetime
    version: str
    not_ready: str


class PoliciesReply(_Reply, frozen=True, kw_only=True, tag_field="kind", tag="Policies"):
    """The answer of /api/v1/policies."""

    policies: list[Policy]


class WorkloadsReply(_Reply, frozen=True, kw_only=True, tag_field="kind", tag="Workloads"):
    """The answer of /api/v1/workloads: a page of the workloads that the request selects, the worst first."""

    workloads: list[Workload]
    total: int
    page: int
    pages: int


class WorkloadReply(_Reply, frozen=True, kw_only=True, tag_field="kind", tag="Workload"):
    """The answer of /api/v1/workloads/NAMESPACE/KIND/NAME."""

    workload: Workload


class ErrorReply(_Object, frozen=True, kw_only=True, tag_field="kind", tag="Error"):
    """The answer to a request that is not possible: what is wrong, and the addresses that there are."""

    status: int
    error: str
    see: list[str]


Reply = PoliciesReply | WorkloadsReply | WorkloadReply | ErrorReply
"""What an address of the JSON answers."""


def policies(snapshot: Snapshot) -> PoliciesReply:
    """Return all policies."""
    listed = [_policy(each, snapshot.now) for each in snapshot.policies]
    return PoliciesReply(time=snapshot.now, version=snapshot.version, not_ready=snapshot.fault, policies=listed)


def workloads(snapshot: Snapshot, chosen: Filter, *, page: int, limit: int) -> WorkloadsReply:
    """Return some workloads."""
    every = snapshot.selected(chosen)
    cut = Slice.of(len(every), page=page, size=min(limit, MOST_WORKLOADS))
    return WorkloadsReply(
        time=snapshot.now,
        version=snapshot.version,
        not_ready=snapshot.fault,
        workloads=[_workload(each, most=MOST_FINDINGS_OF_MANY) for each in cut.within(every)],
        total=len(every),
        page=cut.page,
        pages=cut.pages,
    )


def workload(snapshot: Snapshot, known: Known) -> WorkloadReply:
    """Return one workload."""
    return WorkloadReply(
        time=snapshot.now,
        version=snapshot.version,
        not_ready=snapshot.fault,
        workload=_workload(known, most=MOST_FINDINGS),
    )


def _policy(known: KnownPolicy, now: datetime) -> Policy:
    policy = known.policy
    return Policy(
        name=known.name,
        mode=mode(policy),
        profile=str(policy.spec.profile) if policy else "",
        next_window=policy.calendar.opens_after(now) if policy and policy.writes else None,
        status=known.status,
    )


def _workload(known: Known, *, most: int) -> Workload:
    report = bounded(known.report, most=most)
    return Workload(
        namespace=known.key.namespace,
        kind=known.key.kind,
        name=known.key.name,
        policy=report.policy,
        state=report.state,
        verdicts=dict(report.outcomes),
        findings=[
            Finding(
                expectation=each.expectation,
                path=each.path,
                message=each.message,
                remedy=each.remedy,
                not_repaired=each.reason,
            )
            for each in report.findings
        ],
        findings_omitted=len(known.report.findings) - len(report.findings),
        repairs=repairs(known),
        pending=Changes(changes=list(report.changes), restarts=report.restarts, waits_for=str(report.waits or "")),
        contests=[Contest(expectation=name, reason=reason) for name, reason in report.contests],
        rollout=_rollout(known),
        exemptions=[
            Exemption(expectation=each.expectation, reason=each.reason, until=each.until) for each in report.exemptions
        ],
    )


def _rollout(known: Known) -> Rollout | None:
    if known.rolling:
        started = read_journal(known.workload).started
        names, at = (list(started.expectations), started.at) if started else ([], "")
        return Rollout(state="InProgress", expectations=names, since=at, pod="")
    failed = known.report.failed_rollout
    if failed is None:
        return None
    return Rollout(state="RolledBack", expectations=list(failed.expectations), since=failed.at, pod=failed.pod)
