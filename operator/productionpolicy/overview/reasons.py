"""Why workloads fail, by expectation: each reason once, with its remedy and how often it occurs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from msgspec import Struct

from productionpolicy.expectations import BY_NAME, EXPECTATIONS
from productionpolicy.overview.entries import Entry, Found
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.part import Part, counted, part
from productionpolicy.page.parts import NUMBER, fold, mark, number, table
from productionpolicy.verdict.notices import TITLES

ORDER = {name: place for place, name in enumerate((*(each.name for each in EXPECTATIONS), *TITLES))}
"""The place of each expectation in the page; the findings of the same name have the class `e<place>`."""
_CONTAINER = re.compile(r"\bcontainer ([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)")


class Reason(Struct, frozen=True, order=True):
    """Why findings fail, without the container that differs among them."""

    expectation: str
    message: str
    remedy: str


class Reasons(Struct, frozen=True):
    """All reasons of a page in its order, each with its number, how many findings and how many workloads it has."""

    numbers: dict[Reason, int]
    findings: Counter[Reason]
    workloads: Counter[Reason]

    def number_of(self, finding: Found) -> int:
        """Return the number of the reason of a finding."""
        return self.numbers[reason_of(finding)]

    @property
    def expectations(self) -> list[str]:
        """The expectations that fail, in the order of the page."""
        return list(dict.fromkeys(each.expectation for each in self.numbers))


def collected(entries: Iterable[Entry]) -> Reasons:
    """Return the reasons of all findings."""
    findings: Counter[Reason] = Counter()
    workloads: Counter[Reason] = Counter()
    for each in entries:
        of_workload = [reason_of(finding) for finding in each.findings]
        findings.update(of_workload)
        workloads.update(set(of_workload))
    ordered = sorted(findings, key=lambda each: (ORDER[each.expectation], -findings[each], each))
    return Reasons({each: number for number, each in enumerate(ordered)}, findings, workloads)


def reason_of(finding: Found) -> Reason:
    """Return the reason of a finding."""
    return Reason(finding.expectation, _CONTAINER.sub("container …", finding.message, count=1), finding.remedy)


def container_of(finding: Found) -> str:
    """Return which container the reason of a finding leaves out, such as `container web`; empty if there is none."""
    found = _CONTAINER.search(finding.message)
    return found.group() if found else ""


def title_of(expectation: str) -> str:
    """Return what an expectation requires, in a sentence."""
    return BY_NAME[expectation].title if expectation in BY_NAME else TITLES[expectation]


def shown(reasons: Reasons) -> Part | None:
    """Return the part of the page."""
    if not reasons.numbers:
        return None
    folds = (_fold(name, list(same), reasons) for name, same in groupby(reasons.numbers, lambda each: each.expectation))
    note = "by expectation; the most frequent first"
    return part("reasons", "Reasons and remedies", tag("div", *folds, class_="rows"), note=note)


def _fold(expectation: str, listed: list[Reason], reasons: Reasons) -> Element:
    findings = sum(reasons.findings[each] for each in listed)
    repair = BY_NAME[expectation].repair if expectation in BY_NAME else None
    summary: list[Node] = [
        tag("strong", expectation),
        f" {title_of(expectation)} ",
        tag("span", counted(findings, "finding"), class_="dim"),
        " ",
        mark("the operator repairs this", "fix") if repair else None,
    ]
    columns = {"reason": "", "remedy": "", "findings": NUMBER, "workloads": NUMBER}
    rows = table(columns, _rows(listed, reasons), name=f"Reasons of {expectation}")
    return fold(summary, rows, id=f"e{ORDER[expectation]}")


def _rows(listed: list[Reason], reasons: Reasons) -> Iterator[tuple[Node, ...]]:
    for each in listed:
        reason = tag("span", each.message, id=f"r{reasons.numbers[each]}")
        yield reason, each.remedy, number(reasons.findings[each]), number(reasons.workloads[each])
