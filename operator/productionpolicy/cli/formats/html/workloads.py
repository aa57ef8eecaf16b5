"""The workloads with their findings and repairs, and the controls that show some of them."""

from __future__ import annotations

from collections import Counter

from productionpolicy.cli.formats.html.form import Form
from productionpolicy.cli.formats.html.namespaces import Entry, Group
from productionpolicy.cli.formats.html.part import Part, counted, part
from productionpolicy.cli.formats.html.reasons import ORDER, Reasons, container_of
from productionpolicy.cli.plans.yaml import dumped
from productionpolicy.offline import Comparison, Judged, Judgement, Located, Proposal, Proposed
from productionpolicy.offline.gathering import shown as shown_text
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.parts import choice, filters, fold, mark
from productionpolicy.verdict import Outcome

MOST_OPEN = 12
"""Workloads. A page with more of them shows each in one line until a reader opens it."""


def entries(judgement: Judgement, proposal: Proposal, comparison: Comparison | None) -> list[Entry]:
    """Return the workloads, each with its repairs and whether its findings are new."""
    new = comparison.new if comparison else tuple((False,) * len(each.findings) for each in judgement.workloads)
    return [Entry(*each) for each in zip(judgement.workloads, proposal.workloads, new, strict=True)]


def shown(groups: list[Group], reasons: Reasons, form: Form, *, compared: bool) -> Part | None:
    """Return the part of the page."""
    if not groups:
        return None
    list_of_all = _List(groups, reasons, form)
    note = "those with findings, by namespace; the worst first"
    controls = _filters(groups, reasons, compared=compared)
    sections = (list_of_all.namespace(each) for each in groups)
    return part("workloads", "Workloads", controls, _limits(form), *sections, note=note)


def _limits(form: Form) -> Node:
    """Say what this form leaves out."""
    if form.patches:
        return None
    return tag(
        "p",
        "The patches of so many workloads would make this page slow. ",
        tag("code", "productionpolicy check --plan"),
        " shows them.",
        class_="dim",
    )


def rules(groups: list[Group], reasons: Reasons) -> str:
    """Return the style that makes the filters work, without a script."""
    by_namespace = (_only(f'#namespace option[value="{each.number}"]', f".ns:not(#ns{each.number})") for each in groups)
    of_expectations = (ORDER[name] for name in reasons.expectations)
    by_expectation = (_only(f'#expectation option[value="{each}"]', *_without(f"e{each}")) for each in of_expectations)
    return "".join([*by_namespace, *by_expectation, _only("#only-new", *_without("new"))])


def _only(control: str, *hidden: str) -> str:
    # A browser looks for the control among the filters alone; in the whole page, that would take most of its time.
    return ",".join(f".filters:has({control}:checked)~{each}" for each in hidden) + "{display:none}\n"


def _without(kind: str) -> tuple[str, ...]:
    """Return selectors for what contains no finding of a class, and is none."""
    return f".ns:not(.{kind})", f".ns .w:not(.{kind})", f".ns .findings>li:not(.{kind})", ".ns .clean"


def _kinds(entry: Entry) -> list[str]:
    """Return the classes of the findings of a workload."""
    found = dict.fromkeys(f"e{ORDER[each.expectation]}" for each in entry.judged.findings)
    return [*found, *(["new"] if any(entry.new) else [])]


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

    def __init__(self, groups: list[Group], reasons: Reasons, form: Form) -> None:
        self._reasons = reasons
        self._form = form
        self._open = sum(len(each.failing) for each in groups) <= MOST_OPEN

    def namespace(self, group: Group) -> Element:
        """Return a namespace: its workloads with findings, and below them the others in one line."""
        name = f"ns{group.number}"
        note = f"{len(group.failing):,} of {counted(group.total, 'workload')} with findings"
        heading = tag("h3", group.called, " ", tag("small", note), id=f"{name}-title")
        rows = (self._workload(each) for each in group.failing)
        listed = tag("div", *rows, _compliant(group), class_="rows")
        kinds = dict.fromkeys(kind for each in group.failing for kind in _kinds(each))
        return tag(
            "section", heading, listed, class_=" ".join(["ns", *kinds]), id=name, aria_labelledby=f"{name}-title"
        )

    def _workload(self, entry: Entry) -> Element:
        proposed, judged = entry.proposed, entry.judged
        shown = self._explained if self._form.reasons else self._linked
        found = (shown(each, judged, new=new) for each, new in zip(judged.findings, entry.new, strict=True))
        left = (tag("p", f"Left to you: {name}: {reason}.") for name, reason in proposed.left.items())
        repair = _repair(proposed, patches=self._form.patches)
        content = (tag("ul", *found, class_="findings"), *left, repair)
        return fold(
            _summary(entry, names=self._form.reasons),
            *content,
            opened=self._open,
            class_=" ".join(["w", *_kinds(entry)]),
        )

    def _explained(self, finding: Located, judged: Judged, *, new: bool) -> Element:
        head = tag("div", tag("b", finding.expectation), " ", mark("new", "new") if new else None)
        where = tag("p", tag("code", finding.path), tag("small", _line(finding, judged)))
        why = tag("p", finding.message), tag("p", f"Remedy: {finding.remedy}", class_="fix")
        return tag("li", head, tag("div", where, *why), class_=_kind(finding, new=new))

    def _linked(self, finding: Located, judged: Judged, *, new: bool) -> Element:
        reason = tag("a", finding.expectation, href=f"#r{self._reasons.number_of(finding)}")
        where = f" {container_of(finding)}{_line(finding, judged)} "
        marked = mark("new", "new") if new else None
        return tag("li", reason, " ", tag("code", finding.path), where, marked, class_=_kind(finding, new=new))


def _kind(finding: Located, *, new: bool) -> str:
    return f"e{ORDER[finding.expectation]}{' new' if new else ''}"


def _line(finding: Located, judged: Judged) -> str:
    return f" line {finding.line}" if finding.line != judged.line else ""


def _summary(entry: Entry, *, names: bool) -> list[Node]:
    judged, new = entry.judged, sum(entry.new)
    failed = Counter(each.expectation for each in judged.findings)
    listed = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in failed.items())
    return [
        tag("strong", judged.title),
        " ",
        tag("code", judged.place) if judged.place else "",
        f" {counted(len(judged.findings), 'finding')}, {_met(judged)} ",
        mark(f"{new} new", "new") if new else None,
        " " if new else None,
        mark("repairable", "fix") if entry.proposed.changes else None,
        tag("small", f" {listed}") if names else None,
    ]


def _met(judged: Judged) -> str:
    outcomes = Counter(each.outcome for each in judged.verdicts)
    passed = outcomes[Outcome.PASSED]
    return f"{passed} of {passed + outcomes[Outcome.FAILED]} expectations met"


def _repair(proposed: Proposed, *, patches: bool) -> Node:
    """Return what the operator would do about the findings."""
    if not proposed.changes:
        return None
    changes = "; ".join(shown_text(str(each)) for each in proposed.changes)
    repair = f" {changes}. {'The pods restart.' if proposed.restarts else 'No pod restarts.'}"
    if not patches:
        return tag("p", mark("repair", "fix"), repair)
    notes = (tag("p", f"Note: {shown_text(each.note)}") for each in proposed.objects if each.note)
    manifests = (proposed.patch, *(each.manifest for each in proposed.objects))
    made = "---\n".join(dumped(each) for each in manifests if each)
    return fold([mark("repair", "fix"), repair], *notes, tag("pre", made.rstrip()) if made else None)


def _compliant(group: Group) -> Node:
    if not group.compliant:
        return None
    items = (_compliant_workload(each.judged) for each in group.compliant)
    summary = counted(len(group.compliant), "workload") + " without findings"
    return fold([summary], tag("ul", *items), class_="clean")


def _compliant_workload(judged: Judged) -> Element:
    exempt = ", ".join(each.expectation for each in judged.exemptions)
    note = f" {_met(judged)}" + (f", exempt from {exempt}" if exempt else "")
    return tag("li", judged.title, " ", tag("code", judged.place) if judged.place else "", note)
