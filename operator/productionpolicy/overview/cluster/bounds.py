"""Limits on what pages and JSON show of one workload: its owner decides how many and how long its texts are."""

from __future__ import annotations

from msgspec.structs import replace

from productionpolicy.kube.text import printable
from productionpolicy.verdict import Exempted, WorkloadReport
from productionpolicy.verdict.report import Reported

MOST_FINDINGS = 500
"""On the page about the workload, and in the JSON of it."""
MOST_FINDINGS_OF_MANY = 50
"""On a page about many workloads, and in the JSON of many."""
MOST_OTHERS = 50
"""Changes, exemptions and contested repairs."""
LONGEST = 1024


def bounded(report: WorkloadReport, *, most: int) -> WorkloadReport:
    """Return a report with so many findings at most, and with texts of a limited length."""
    return replace(
        report,
        findings=tuple(map(_finding, report.findings[:most])),
        exemptions=tuple(map(exemption, report.exemptions[:MOST_OTHERS])),
        changes=tuple(map(cut, report.changes[:MOST_OTHERS])),
        contests=tuple((name, cut(reason)) for name, reason in report.contests[:MOST_OTHERS]),
    )


def exemption(exempted: Exempted) -> Exempted:
    """Return an exemption with a reason of a limited length."""
    return replace(exempted, reason=cut(exempted.reason))


def cut(text: str) -> str:
    """Return the beginning of a text that is too long."""
    return printable(text, longest=LONGEST)


def _finding(found: Reported) -> Reported:
    texts = (found.path, found.message, found.remedy, found.reason)
    return found if max(map(len, texts)) <= LONGEST else Reported(found.expectation, *map(cut, texts))
