"""The workloads with their findings and repairs, and the controls that show some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from productionpolicy.kube.yaml import dumped
from productionpolicy.overview.entries import Entry, Found, Group
from productionpolicy.overview.form import Form
from productionpolicy.overview.reasons import ORDER, Reasons, container_of
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.part import Part, counted, part
from productionpolicy.page.parts import choice, filters, fold, mark

MOST_OPEN = 12
"""Workloads. A page with more of them shows each in one line until a reader opens it."""


def shown(groups: list[Group], reasons: Reasons, form: Form, *, compared: bool) -> Part | None:
    """Return the part of the page."""
    if not groups:
        return None
    note = "those with findings, by namespace; the worst first"
    controls = _filters(groups, reasons, compared=compared)
    return part("workloads", "Workloads", controls, _limits(form), *listed(groups, reasons, form), note=note)


def listed(groups: list[Group], reasons: Reasons, form: Form) -> list[Element]:
    """Return the namespaces with their workloads."""
    list_of_all = _List(groups, reasons, form)
    return [list_of_all.namespace(each) for each in groups]


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
    found = dict.fromkeys(f"e{ORDER[each.expectation]}" for each in entry.findings)
    return [*found, *(["new"] if entry.new else [])]


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
        content = details(entry, self._reasons, self._form)
        return fold(
            _summary(entry, names=self._form.reasons),
            *content,
            opened=self._open,
            class_=" ".join(["w", *_kinds(entry)]),
        )


def details(entry: Entry, reasons: Reasons, form: Form) -> list[Node]:
    """Return what there is to say about a workload with findings or changes."""
    found = (_explained(each) if form.reasons else _linked(each, reasons) for each in entry.findings)
    left = (tag("p", f"Left to you: {name}: {reason}.") for name, reason in entry.left.items())
    about = tag("p", tag("a", "All about this workload", href=entry.link)) if entry.link else None
    omitted = tag("p", f"Not listed: {counted(entry.omitted, 'finding')}.", class_="dim") if entry.omitted else None
    return [tag("ul", *found, class_="findings"), omitted, *left, *_repair(entry, patches=form.patches), about]


def _explained(finding: Found) -> Element:
    head = tag("div", tag("b", finding.expectation), " ", mark("new", "new") if finding.new else None)
    where = tag("p", tag("code", finding.path), tag("small", _line(finding)))
    why = [tag("p", finding.message)]
    if finding.remedy:
        why.append(tag("p", f"Remedy: {finding.remedy}", class_="fix"))
    if finding.reason:
        why.append(tag("p", f"Not repaired: {finding.reason}", class_="fix"))
    return tag("li", head, tag("div", where, *why), class_=_kind(finding))


def _linked(finding: Found, reasons: Reasons) -> Element:
    reason = tag("a", finding.expectation, href=f"#r{reasons.number_of(finding)}")
    where = f" {container_of(finding)}{_line(finding)} "
    marked = mark("new", "new") if finding.new else None
    return tag("li", reason, " ", tag("code", finding.path), where, marked, class_=_kind(finding))


def _kind(finding: Found) -> str:
    return f"e{ORDER[finding.expectation]}{' new' if finding.new else ''}"


def _line(finding: Found) -> str:
    return f" line {finding.line}" if finding.line else ""


def _summary(entry: Entry, *, names: bool) -> list[Node]:
    failed = Counter(each.expectation for each in entry.findings)
    listed = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in failed.items())
    return [
        tag("strong", entry.title),
        " ",
        tag("code", entry.place) if entry.place else "",
        f" {counted(entry.number, 'finding')}, {entry.met} ",
        mark(f"{entry.new} new", "new") if entry.new else None,
        " " if entry.new else None,
        *(part for text, kind in entry.marks for part in (mark(text, kind), " ")),
        tag("small", f" {listed}") if names else None,
    ]


def _repair(entry: Entry, *, patches: bool) -> list[Node]:
    """Return what the operator does, or would do, about the findings."""
    if not entry.changes:
        return []
    repair = f" {'; '.join(entry.changes)}. {'The pods restart.' if entry.restarts else 'No pod restarts.'}"
    notes = [tag("p", f"Note: {each}") for each in entry.notes]
    if not patches or not entry.manifests:
        return [tag("p", mark("repair", "fix"), repair), *(notes if patches else [])]
    made = "---\n".join(map(dumped, entry.manifests))
    return [fold([mark("repair", "fix"), repair], *notes, tag("pre", made.rstrip()))]


def _compliant(group: Group) -> Node:
    if not group.compliant:
        return None
    summary = counted(len(group.compliant), "workload") + " without findings"
    return fold([summary], compliant(group.compliant), class_="clean")


def compliant(entries: Iterable[Entry]) -> Element:
    """Return a list of workloads without findings."""
    return tag("ul", *map(_compliant_workload, entries))


def _compliant_workload(entry: Entry) -> Element:
    exempt = ", ".join(each.expectation for each in entry.exemptions)
    note = f" {entry.met}" + (f", exempt from {exempt}" if exempt else "")
    title = tag("a", entry.title, href=entry.link) if entry.link else entry.title
    return tag("li", title, " ", tag("code", entry.place) if entry.place else "", note)
