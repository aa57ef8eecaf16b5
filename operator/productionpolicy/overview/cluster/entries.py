"""The workloads of a cluster, as pages show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from productionpolicy.overview.cluster.bounds import MOST_FINDINGS, bounded
from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import Known
from productionpolicy.overview.entries import REPAIRABLE, Entry, Found
from productionpolicy.verdict import Outcome, State
from productionpolicy.verdict.report import WAITS

STATES = {
    State.CONTESTED: "another writer undoes a repair, so the operator does not make it again",
    State.FAILED: "a repair was refused, or its rollout failed and was rolled back",
    State.REPAIRING: "a change is in progress or waits for its turn",
    State.VIOLATING: "it has findings that no pending change fixes",
    State.EXEMPT: "it has no findings only because of exemptions",
    State.COMPLIANT: "it has no findings",
}
"""What the states mean."""

_MARKS = {State.CONTESTED: ("contested", "bad"), State.FAILED: ("failed", "bad"), State.REPAIRING: ("repairing", "fix")}


def entry(known: Known, links: Links, *, most: int = MOST_FINDINGS) -> Entry:
    """Return a workload for a page, with so many of its findings at most."""
    report = bounded(known.report, most=most)
    outcomes = Counter(outcome for _, outcome in report.outcomes)
    return Entry(
        report.key,
        findings=tuple(
            Found(each.expectation, each.path, each.message, each.remedy, each.reason) for each in report.findings
        ),
        omitted=len(known.report.findings) - len(report.findings),
        passed=outcomes[Outcome.PASSED],
        failed=outcomes[Outcome.FAILED],
        exemptions=report.exemptions,
        link=links.workload(report.key),
        marks=tuple(_marks(known)),
        changes=report.changes,
        restarts=report.restarts,
        notes=(f"it waits, because {WAITS[report.waits]}",) if report.waits else (),
    )


def _marks(known: Known) -> Iterator[tuple[str, str]]:
    state = known.report.state
    if state in _MARKS:
        yield _MARKS[state]
    elif known.report.changes:
        yield REPAIRABLE
