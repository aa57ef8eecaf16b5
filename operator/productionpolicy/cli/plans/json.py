"""JSON for programs. docs/plan.schema.json is generated from these types."""

from __future__ import annotations

from typing import Any, TextIO

import msgspec

from productionpolicy.cli.formats.json import (
    ClusterRead,
    Skipped,
    Unreadable,
    cluster_read,
    skipped,
    unreadable,
    write_struct,
)
from productionpolicy.kube.budgets import BUDGET
from productionpolicy.offline import Proposal, Proposed
from productionpolicy.offline.gathering import shown


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A repair: what the operator has written before, if anything, and what it would write (null: it withdraws it)."""

    expectation: str
    before: str | None
    after: str | None
    restarts: bool


class Left(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A repair that is left to a person, and the reason."""

    expectation: str
    reason: str


class Workload(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A workload, the strategic merge patch that repairs it, and the PodDisruptionBudget to create for it."""

    file: str
    line: int
    api_version: str
    kind: str
    namespace: str
    name: str
    changes: list[Change]
    patch: dict[str, Any] | None
    budget: dict[str, Any] | None
    note: str | None
    waits: str | None
    left: list[Left]


class Summary(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How many workloads there are, how many would be changed and restarted, and how many repairs are left."""

    workloads: int
    changed: int
    restarts: int
    budgets: int
    left: int
    unreadable: int
    not_judged: int


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The output of `productionpolicy check --plan -o json`."""

    workloads: list[Workload]
    unreadable: list[Unreadable]
    not_judged: list[Skipped]
    summary: Summary
    cluster: ClusterRead | None


def write(proposal: Proposal, out: TextIO) -> None:
    """Write the report as JSON."""
    write_struct(report(proposal), out)


def report(proposal: Proposal) -> Report:
    """Return the report of a proposal."""
    return Report(
        workloads=[_workload(each) for each in proposal.workloads],
        unreadable=[unreadable(each) for each in proposal.unreadable],
        not_judged=[skipped(each) for each in proposal.not_judged],
        summary=_summary(proposal),
        cluster=cluster_read(proposal.cluster),
    )


def _workload(proposed: Proposed) -> Workload:
    budget = next(iter(proposed.objects_of(BUDGET)), None)
    return Workload(
        file=proposed.file,
        line=proposed.line,
        api_version=proposed.api_version,
        kind=proposed.key.kind,
        namespace=proposed.key.namespace,
        name=proposed.key.name,
        changes=[
            Change(
                expectation=each.expectation, before=_word(each.before), after=_word(each.after), restarts=each.restarts
            )
            for each in proposed.changes
        ],
        patch=dict(proposed.patch) or None,
        budget=dict(budget.manifest) if budget else None,
        note=budget.note or None if budget else None,
        waits=proposed.waits or None,
        left=[Left(expectation=name, reason=reason) for name, reason in proposed.left.items()],
    )


def _word(text: str | None) -> str | None:
    return None if text is None else shown(text)


def _summary(proposal: Proposal) -> Summary:
    changed = proposal.changed
    return Summary(
        workloads=len(proposal.workloads),
        changed=len(changed),
        restarts=sum(each.restarts for each in changed),
        budgets=proposal.number_of(BUDGET),
        left=sum(len(each.left) for each in proposal.workloads),
        unreadable=len(proposal.unreadable),
        not_judged=len(proposal.not_judged),
    )
