"""The lists: all namespaces, and workloads, which a reader can filter. Each page has a bounded number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.overview import reasons, totals, workloads
from productionpolicy.overview.cluster.bounds import MOST_FINDINGS_OF_MANY
from productionpolicy.overview.cluster.entries import STATES, entry
from productionpolicy.overview.cluster.frame import frame, pager
from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import Filter, Snapshot
from productionpolicy.overview.entries import Entry, Group
from productionpolicy.overview.form import FULL
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.part import Part, counted, part

NAMESPACES_PER_PAGE = 500
WORKLOADS_PER_PAGE = 100

T = TypeVar("T")


class Slice(Struct, frozen=True):
    """Which part of a list a page shows."""

    page: int
    pages: int
    first: int
    """The place of its first item, from 0."""
    size: int

    @classmethod
    def of(cls, total: int, *, page: int, size: int) -> Slice:
        """Return a part of a list; of a page beyond the end, the last one."""
        pages = max(1, -(-total // size))
        shown = min(max(page, 1), pages)
        return cls(shown, pages, (shown - 1) * size, size)

    def within(self, listed: Sequence[T]) -> Sequence[T]:
        """Return the items of a list."""
        return listed[self.first : self.first + self.size]


def namespaces(snapshot: Snapshot, links: Links, *, page: int) -> str:
    """Return a page of the list of the namespaces."""
    every = snapshot.namespaces
    cut = Slice.of(len(every), page=page, size=NAMESPACES_PER_PAGE)
    addresses = {name: links.namespaces(page=number) for name, number in _beside(cut)}
    more = pager(addresses, page=cut.page, pages=cut.pages)
    linked = ((each, links.workloads(Filter(namespace=each.name))) for each in cut.within(every))
    listed = totals.by_namespace(linked, more, note="those with the most workloads with findings first")
    lead = tag("p", f"{counted(len(every), 'namespace')} with workloads.", class_="lead")
    return frame(snapshot, links, "Namespaces", *filter(None, [listed]), head=[lead], here="Namespaces")


def listing(snapshot: Snapshot, links: Links, chosen: Filter, *, page: int) -> str:
    """Return a page of the list of the workloads."""
    every = snapshot.selected(chosen)
    cut = Slice.of(len(every), page=page, size=WORKLOADS_PER_PAGE)
    addresses = {name: links.workloads(chosen, page=number) for name, number in _beside(cut)}
    more = pager(addresses, page=cut.page, pages=cut.pages)
    entries = [entry(each, links, most=MOST_FINDINGS_OF_MANY) for each in cut.within(every)]
    failing = sum(bool(each.report.findings) for each in every)
    lead = f"{counted(len(every), 'workload')}, {failing:,} with findings."
    head = (tag("p", lead, class_="lead"), *_choices(snapshot, links, chosen), more)
    listed = _listed(entries) if entries else _nothing(snapshot)
    return frame(snapshot, links, "Workloads", listed, *_end(more), head=head, here="Workloads")


def _beside(cut: Slice) -> Iterator[tuple[str, int]]:
    if cut.page > 1:
        yield "Previous", cut.page - 1
    if cut.page < cut.pages:
        yield "Next", cut.page + 1


def _end(more: Node) -> Iterator[Part]:
    if more is not None:
        yield Part("more", "More", tag("div", more, id="more"))


def _listed(entries: list[Entry]) -> Part:
    """Return the workloads, namespace by namespace; the order of the list stays."""
    by_name: dict[str, list[Entry]] = {}
    for each in entries:
        by_name.setdefault(each.key.namespace, []).append(each)
    groups = [_group(number, name, listed) for number, (name, listed) in enumerate(by_name.items())]
    listed = workloads.listed(groups, reasons.collected(entries), FULL)
    return part("workloads", "By namespace", *listed, note="those with findings first")


def _group(number: int, name: str, entries: list[Entry]) -> Group:
    failing = tuple(each for each in entries if each.findings)
    return Group(number, name, failing, tuple(each for each in entries if not each.findings))


def _nothing(snapshot: Snapshot) -> Part:
    if snapshot.workloads:
        return part("workloads", "By namespace", tag("p", "No workload is like this. Remove a filter to see others."))
    return part(
        "workloads",
        "By namespace",
        tag("p", "No namespace with workloads selects a policy. Label one:"),
        tag("p", tag("code", "kubectl label namespace NAME productionpolicy.dev/policy=POLICY")),
    )


def _choices(snapshot: Snapshot, links: Links, chosen: Filter) -> Iterator[Element]:
    """Yield the filters: what is chosen, and what else can be."""
    for name in ("namespace", "expectation", "policy"):
        value = getattr(chosen, name)
        if value:
            without = tag("a", "remove", href=links.workloads(replace(chosen, **{name: ""})))
            yield tag("p", tag("span", name, class_="dim"), tag("b", value), without, class_="chosen")
    counts = Counter(each.report.state for each in snapshot.selected(replace(chosen, state="")))
    states = (_state(state, counts[state], links, chosen) for state in STATES if counts[state] or state == chosen.state)
    every = _chosen("all", sum(counts.values()), links.workloads(replace(chosen, state="")), here=not chosen.state)
    yield tag("p", tag("span", "state", class_="dim"), every, *states, class_="chosen")


def _state(state: str, count: int, links: Links, chosen: Filter) -> Element:
    return _chosen(state, count, links.workloads(replace(chosen, state=str(state))), here=chosen.state == state)


def _chosen(name: str, count: int, address: str, *, here: bool) -> Element:
    text = f"{name} ({count:,})"
    return tag("b", text) if here else tag("a", text, href=address)
