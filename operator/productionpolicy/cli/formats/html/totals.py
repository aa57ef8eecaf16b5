"""Compliance by namespace and by expectation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from productionpolicy.cli.formats.html.namespaces import Group
from productionpolicy.cli.formats.html.part import Part, part
from productionpolicy.cli.formats.html.reasons import ORDER, Reasons, title_of
from productionpolicy.offline import Judgement
from productionpolicy.page import Node, tag
from productionpolicy.page.parts import ASIDE, NUMBER, SHARE, number, share, table
from productionpolicy.verdict import Outcome


def by_namespace(groups: list[Group]) -> Part | None:
    """Return the table of the namespaces."""
    if not groups:
        return None
    columns = {
        "namespace": "",
        "without findings": SHARE,
        "workloads": NUMBER,
        "with findings": NUMBER,
        "findings": NUMBER,
    }
    rows = (
        (
            tag("a", each.called, href=f"#ns{each.number}"),
            share(len(each.compliant), each.total),
            number(each.total),
            number(len(each.failing), "bad"),
            number(each.findings, "bad"),
        )
        for each in groups
    )
    return part("namespaces", "By namespace", table(columns, rows, name="Compliance by namespace"))


def by_expectation(judgement: Judgement, reasons: Reasons) -> Part | None:
    """Return the table of the expectations."""
    if not judgement.outcomes:
        return None
    titles = {re.sub(r"([A-Z])", lambda upper: f" {upper[1].lower()}", each): NUMBER for each in Outcome}
    columns = {"expectation": "", "what it requires": ASIDE, "share that passed": SHARE, **titles}
    rows = _rows(judgement, set(reasons.expectations))
    return part("expectations", "By expectation", table(columns, rows, name="Compliance by expectation"))


def _rows(judgement: Judgement, failing: set[str]) -> Iterator[tuple[Node, ...]]:
    for name, counts in judgement.outcomes.items():
        linked: Node = tag("a", name, href=f"#e{ORDER[name]}") if name in failing else name
        passed, failed = counts[Outcome.PASSED], counts[Outcome.FAILED]
        numbers = (number(counts[each], "bad" if each is Outcome.FAILED else "") for each in Outcome)
        yield linked, title_of(name), share(passed, passed + failed), *numbers
