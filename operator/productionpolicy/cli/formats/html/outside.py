"""What is not among the findings: what is gone since an earlier report, and what was not judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from productionpolicy.offline import Comparison, Judgement
from productionpolicy.offline.gathering import place_of
from productionpolicy.page import Node, tag
from productionpolicy.page.part import Part, counted, part
from productionpolicy.page.parts import table

Gaps = Sequence[tuple[str, str]]


def number(judgement: Judgement, gaps: Gaps) -> int:
    """Return how much was not judged."""
    return len(judgement.unreadable) + len(judgement.not_judged) + len(gaps)


def gone(comparison: Comparison) -> Part:
    """Return what is gone, and what limits the comparison."""
    notes = (tag("p", each) for each in comparison.notes)
    columns = {"workload": "", "expectation": "", "what has become of it": "", "finding of the earlier report": ""}
    rows = (
        (each.title, each.expectation, each.reason, _finding(each.path, each.message))
        for each in sorted(comparison.gone, key=lambda gone: (gone.key, gone.expectation, gone.path, gone.message))
    )
    listed = table(columns, rows, name="Findings that are gone") if comparison.gone else tag("p", "No finding is gone.")
    note = f"{len(comparison.gone):,} of {counted(comparison.before, 'finding')}"
    return part("gone", f"Gone since {comparison.name}", *notes, listed, note=note)


def _finding(path: str, message: str) -> Node:
    return tag("span", tag("code", path), " ", message)


def not_judged(judgement: Judgement, gaps: Gaps) -> Part | None:
    """Return what was not judged, and why."""
    unreadable = ((place_of(each.file, each.line), each.message) for each in judgement.unreadable)
    others = ((each.title, place_of(each.file, each.line), each.reason) for each in judgement.not_judged)
    tables = [
        _table("Kinds that could not be read", ["kind", "reason"], gaps),
        _table("Documents that could not be read", ["place", "reason"], list(unreadable)),
        _table("Objects that are not judged", ["object", "place", "reason"], list(others)),
    ]
    listed = [each for pair in tables for each in pair]
    return part("not-judged", "Not judged", *listed) if listed else None


def _table(title: str, columns: Iterable[str], rows: Sequence[Sequence[Node]]) -> list[Node]:
    if not rows:
        return []
    return [tag("h3", title), table(dict.fromkeys(columns, ""), rows, name=title)]
