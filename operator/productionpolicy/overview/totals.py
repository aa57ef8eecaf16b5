"""Compliance by namespace and by expectation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from productionpolicy.overview.reasons import title_of
from productionpolicy.page import Node, tag
from productionpolicy.page.part import Part, part
from productionpolicy.page.parts import ASIDE, NUMBER, SHARE, number, share, table
from productionpolicy.verdict import Outcome


class NamespaceTotals(Struct, frozen=True):
    """How many workloads a namespace has, how many of them have findings, and how many findings there are."""

    name: str
    total: int
    failing: int
    findings: int


def by_namespace(listed: Iterable[tuple[NamespaceTotals, str]], *more: Node, note: str = "") -> Part | None:
    """Return the table of the namespaces, each with the address of its workloads; nothing if there are none.

    Args:
        listed: the namespaces with their addresses.
        more: what follows the table.
        note: something short beside the heading.
    """
    columns = {
        "namespace": "",
        "without findings": SHARE,
        "workloads": NUMBER,
        "with findings": NUMBER,
        "findings": NUMBER,
    }
    rows = [
        (
            tag("a", each.name, href=link),
            share(each.total - each.failing, each.total),
            number(each.total),
            number(each.failing, "bad"),
            number(each.findings, "bad"),
        )
        for each, link in listed
    ]
    if not rows:
        return None
    return part("namespaces", "By namespace", table(columns, rows, name="Compliance by namespace"), *more, note=note)


def by_expectation(outcomes: Mapping[str, Counter[Outcome]], links: Mapping[str, str]) -> Part | None:
    """Return the table of the expectations; nothing if there are none.

    Args:
        outcomes: how many workloads have each outcome, by expectation.
        links: the address of the findings of each expectation that has some.
    """
    if not outcomes:
        return None
    titles = {re.sub(r"([A-Z])", lambda upper: f" {upper[1].lower()}", each): NUMBER for each in Outcome}
    columns = {"expectation": "", "what it requires": ASIDE, "share that passed": SHARE, **titles}
    rows = _rows(outcomes, links)
    return part("expectations", "By expectation", table(columns, rows, name="Compliance by expectation"))


def _rows(outcomes: Mapping[str, Counter[Outcome]], links: Mapping[str, str]) -> Iterator[tuple[Node, ...]]:
    for name, counts in outcomes.items():
        linked: Node = tag("a", name, href=links[name]) if name in links else name
        passed, failed = counts[Outcome.PASSED], counts[Outcome.FAILED]
        numbers = (number(counts[each], "bad" if each is Outcome.FAILED else "") for each in Outcome)
        yield linked, title_of(name), share(passed, passed + failed), *numbers
