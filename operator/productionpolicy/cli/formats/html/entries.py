"""What was judged and planned, as the workloads of a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from productionpolicy.offline import Comparison, Judged, Judgement, Proposal, Proposed
from productionpolicy.offline.gathering import shown
from productionpolicy.overview.entries import REPAIRABLE, Entry, Found
from productionpolicy.verdict import Outcome


def entries(judgement: Judgement, proposal: Proposal, comparison: Comparison | None) -> list[Entry]:
    """Return the workloads, each with its repairs and whether its findings are new."""
    new = comparison.new if comparison else tuple((False,) * len(each.findings) for each in judgement.workloads)
    return [_entry(*each) for each in zip(judgement.workloads, proposal.workloads, new, strict=True)]


def _entry(judged: Judged, proposed: Proposed, new: tuple[bool, ...]) -> Entry:
    outcomes = Counter(each.outcome for each in judged.verdicts)
    return Entry(
        judged.key,
        findings=tuple(_found(judged, new)),
        passed=outcomes[Outcome.PASSED],
        failed=outcomes[Outcome.FAILED],
        exemptions=judged.exemptions,
        place=judged.place,
        marks=(REPAIRABLE,) if proposed.changes else (),
        changes=tuple(shown(str(each)) for each in proposed.changes),
        restarts=proposed.restarts,
        notes=tuple(shown(each.note) for each in proposed.objects if each.note),
        left=proposed.left,
        manifests=tuple(_manifests(proposed)),
    )


def _found(judged: Judged, new: tuple[bool, ...]) -> Iterator[Found]:
    for each, is_new in zip(judged.findings, new, strict=True):
        line = each.line if each.line != judged.line else 0
        yield Found(each.expectation, each.path, each.message, each.remedy, line=line, new=is_new)


def _manifests(proposed: Proposed) -> Iterator[Mapping[str, Any]]:
    if proposed.patch:
        yield proposed.patch
    yield from (each.manifest for each in proposed.objects)
