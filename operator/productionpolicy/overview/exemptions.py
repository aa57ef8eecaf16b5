"""The exemptions of the workloads of a page."""

from __future__ import annotations

from collections.abc import Iterable

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.page import Node
from productionpolicy.page.part import Part, part
from productionpolicy.page.parts import SHORT, table
from productionpolicy.verdict import Exempted

Listed = tuple[WorkloadKey, Exempted]


def shown(listed: Iterable[Listed], *more: Node, title: str = "Exempt") -> Part | None:
    """Return the table of the exemptions, with what follows it; nothing if there are none."""
    rows = [(key.title, each.expectation, each.until or "no end date", each.reason) for key, each in in_order(listed)]
    if not rows:
        return None
    columns = {"workload": "", "exempt from": "", "until": SHORT, "reason": ""}
    return part(
        "exemptions", title, table(columns, rows, name="Exemptions"), *more, note="what ends first, comes first"
    )


def in_order(listed: Iterable[Listed]) -> list[Listed]:
    """Return exemptions in their order: those that end first come first."""
    return sorted(listed, key=lambda pair: (not pair[1].until, pair[1].until))
