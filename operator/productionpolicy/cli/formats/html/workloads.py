"""The workloads with their findings and repairs, and the controls that show some of them."""

from __future__ import annotations

from collections import Counter

from productionpolicy.cli.formats.html.namespaces import Entry, Group
from productionpolicy.cli.formats.html.part import Part, counted, part
from productionpolicy.cli.formats.html.reasons import ORDER, Reasons, container_of
from productionpolicy.cli.plans.yaml import dumped
from productionpolicy.offline import Comparison, Judged, Judgement, Located, Proposal, Proposed
from productionpolicy.offline.gathering import shown as shown_text
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.parts import choice, filters, fold, mark
from productionpolicy.verdict import Outcome

MOST_IN_FULL = 4000
"""Findings. In a page with more of them, each names its reason by a link, so that the page stays small."""
MOST_OPEN = 12
"""Workloads. A page with more of them shows each in one line until a reader opens it."""


def entries(judgement: Judgement, proposal: Proposal, comparison: Comparison | None) -> list[Entry]:
    """Return the workloads, each with its repairs and whether its findings are new."""
    new = comparison.new if comparison else tuple((False,) * len(each.findings) for each in judgement.workloads)
    return [Entry(*each) for each in zip(judgement.workloads, proposal.workloads, new, strict=True)]


def shown(groups: list[Group], reasons: Reasons, *, compared: bool) -> Part | None:
    """Return the part of the page."""
    if not groups:
        return None
    list_of_all = _List(groups, reasons)
    note = "those with findings, by namespace; the worst first"
    sections = (list_of_all.namespace(each) for each in groups)
    return part("workloads", "Workloads", _filters(groups, reasons, compared=compared), *sections, note=note)


def rules(groups: list[Group], reasons: Reasons) -> str:
    """Return the style that makes the filters work, without a script."""
    by_namespace = (_only(f'#namespace option[value="{each.number}"]', f".ns:not(#ns{each.number})") for each in groups)
    of_expectations = (ORDER[name] for name in reasons.expectations)
    by_expectation = (_only(f'#expectation option[value="{each}"]', _without(f".e{each}")) for each in of_expectations)
    return "".join([*by_namespace, *by_expectation, _only("#only-new", _without(".new"))])


def _only(control: str, hidden: str) -> str:
    return f"body:has({control}:checked) {hidden}{{display:none}}\n"


def _without(kind: str) -> str:
    """Return a selector for what contains no finding of a class, and is none."""
    return f":is(.clean,.ns:not(:has(.f{kind})),.w:not(:has(.f{kind})),.f:not({kind}))"


def _filters(groups: list[Group], reasons: Reasons, *, compared: bool) -> Element:
    namespaces = ((str(each.number), each.called) for each in sorted(groups, key=lambda group: group.name))
    names = ((str(ORDER[name]), name) for name in reasons.expectations)
    only_new = tag("label", tag("input", type="checkbox", id="only-new"), " only new findings") if compared else None
    return filters(
        choice("Namespace", namespaces, name="namespace", all_of_them="all"),
        " ",
        choice("Expectation", names, name="expectation", all_of_them="all"),
        " ",
        only_new,
    )


class _List:
    """All workloads of the page, in one form."""

    def __init__(self, groups: list[Group], reasons: Reasons) -> None:
        self._reasons = reasons
        self._in_full = reasons.findings.total() <= MOST_IN_FULL
        self._open = sum(len(each.failing) for each in groups) <= MOST_OPEN

    def namespace(self, group: Group) -> Element:
        """Return a namespace: its workloads with findings, and below them the others in one line."""
        name = f"ns{group.number}"
        note = f"{len(group.failing):,} of {counted(group.total, 'workload')} with findings"
        heading = tag("h3", group.called, " ", tag("small", note), id=f"{name}-title")
        rows = (self._workload(each) for each in group.failing)
        listed = tag("div", *rows, _compliant(group), class_="rows")
        return tag("section", heading, listed, class_="ns", id=name, aria_labelledby=f"{name}-title")

    def _workload(self, entry: Entry) -> Element:
        proposed, judged = entry.proposed, entry.judged
        found = (self._finding(each, judged, new=new) for each, new in zip(judged.findings, entry.new, strict=True))
        left = (tag("p", f"Left to you: {name}: {reason}.") for name, reason in proposed.left.items())
        content = [tag("ul", *found, class_="findings"), *left, _repair(proposed)]
        return fold(_summary(entry), *content, opened=self._open, class_="w")

    def _finding(self, finding: Located, judged: Judged, *, new: bool) -> Element:
        kind = f"f e{ORDER[finding.expectation]}{' new' if new else ''}"
        head = tag("div", tag("b", finding.expectation), " ", mark("new", "new") if new else None)
        place = tag("small", f" line {finding.line}") if finding.line != judged.line else None
        what = self._explained(finding) if self._in_full else self._linked(finding)
        return tag("li", head, " ", tag("div", tag("code", finding.path), place, *what), class_=kind)

    def _explained(self, finding: Located) -> list[Node]:
        return [tag("p", finding.message), tag("p", f"Remedy: {finding.remedy}", class_="fix")]

    def _linked(self, finding: Located) -> list[Node]:
        link = tag("a", "reason and remedy", href=f"#r{self._reasons.number_of(finding)}")
        return [f" {container_of(finding)} ", link]


def _summary(entry: Entry) -> list[Node]:
    judged, new = entry.judged, sum(entry.new)
    failed = Counter(each.expectation for each in judged.findings)
    names = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in failed.items())
    return [
        tag("strong", judged.title),
        " ",
        tag("code", f"{judged.file}:{judged.line}"),
        f" {counted(len(judged.findings), 'finding')}, {_met(judged)} ",
        mark(f"{new} new", "new") if new else None,
        " ",
        mark("repairable", "fix") if entry.proposed.changes else None,
        " ",
        tag("small", names),
    ]


def _met(judged: Judged) -> str:
    outcomes = Counter(each.outcome for each in judged.verdicts)
    passed = outcomes[Outcome.PASSED]
    return f"{passed} of {passed + outcomes[Outcome.FAILED]} expectations met"


def _repair(proposed: Proposed) -> Node:
    """Return what the operator would do about the findings."""
    if not proposed.changes:
        return None
    restarts = " The pods restart." if proposed.restarts else " No pod restarts."
    notes = (tag("p", f"Note: {shown_text(each.note)}") for each in proposed.objects if each.note)
    manifests = (proposed.patch, *(each.manifest for each in proposed.objects))
    made = "---\n".join(dumped(each) for each in manifests if each)
    changes = "; ".join(shown_text(str(each)) for each in proposed.changes)
    summary: list[Node] = [mark("repair", "fix"), f" {changes}.{restarts}"]
    return fold(summary, *notes, tag("pre", made.rstrip()) if made else None)


def _compliant(group: Group) -> Node:
    if not group.compliant:
        return None
    items = (_compliant_workload(each.judged) for each in group.compliant)
    summary = counted(len(group.compliant), "workload") + " without findings"
    return fold([summary], tag("ul", *items), class_="clean")


def _compliant_workload(judged: Judged) -> Element:
    exempt = ", ".join(each.expectation for each in judged.exemptions)
    note = f" {_met(judged)}" + (f", exempt from {exempt}" if exempt else "")
    return tag("li", judged.title, " ", tag("code", f"{judged.file}:{judged.line}"), note)
