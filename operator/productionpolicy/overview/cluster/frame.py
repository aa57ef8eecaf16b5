"""What all pages have in common: the head, the way to the other pages, and the foot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from productionpolicy.overview.cluster.history import RULES as CHART
from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import Filter, Snapshot
from productionpolicy.page import Element, Node, document, tag
from productionpolicy.page.part import Part
from productionpolicy.page.parts import contents

RULES = f"""\
.crumbs {{ display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; margin: 0 0 1.4rem; padding: 0; border: 0; }}
.crumbs .now {{ font-weight: 600; }}
.notice {{ background: var(--bad-soft); border-left: 3px solid var(--bad); padding: .4rem .8rem; margin: .8rem 0; }}
.chosen {{ display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .3rem 0; align-items: baseline; }}
.chosen .dim {{ min-width: 6rem; }}
.pages {{ display: flex; gap: 1.3rem; margin: 1rem 0; }}
.more {{ margin: .4rem 0; }}
{CHART}"""
"""The style of the pages that the operator serves."""


def frame(  # each of them is another part of the page
    snapshot: Snapshot,
    links: Links,
    title: str,
    *parts: Part,
    head: Iterable[Node] = (),
    here: str = "",
    listed: bool = False,
) -> str:
    """Return a page.

    Args:
        snapshot: what the operator knows.
        links: the addresses of the other pages.
        title: its title.
        parts: its parts.
        head: what is below the title.
        here: its name in the list of pages, if it is one of them.
        listed: whether it begins with a list of its parts.
    """
    pages = {
        "Overview": links.overview(),
        "Namespaces": links.namespaces(),
        "Workloads": links.workloads(Filter()),
        "JSON": links.json("policies"),
    }
    names = {each.name: each.title for each in parts}
    header = tag(
        "header",
        _pages(pages, here),
        tag("h1", title),
        _fault(snapshot),
        *head,
        contents(names) if listed and names else None,
    )
    moment = f"{snapshot.now:%Y-%m-%d %H:%M:%S} UTC"
    foot = tag("footer", f"productionpolicy {snapshot.version}, as the operator saw the cluster at {moment}.")
    return document(title, header, tag("main", *(each.element for each in parts)), foot, rules=RULES)


def _pages(pages: Mapping[str, str], here: str) -> Element:
    items = (_item(name, address, here=name == here) for name, address in pages.items())
    return tag("nav", tag("ul", *items, class_="crumbs"), aria_label="Pages")


def _item(name: str, address: str, *, here: bool) -> Element:
    current, kind = ("page", "now") if here else (None, None)
    return tag("li", tag("a", name, href=address, aria_current=current, class_=kind))


def _fault(snapshot: Snapshot) -> Node:
    if not snapshot.fault:
        return None
    return tag("p", f"The operator is not ready ({snapshot.fault}), so this page may be incomplete.", class_="notice")


def pager(address: Mapping[str, str], *, page: int, pages: int) -> Node:
    """Return the links to the previous and the next page of a list; nothing if there is only one.

    Args:
        address: the addresses by their names; those that are missing are left out.
        page: the number of this one.
        pages: how many there are.
    """
    if pages <= 1:
        return None
    listed = (tag("a", name, href=where) for name, where in address.items())
    return tag("nav", tag("span", f"Page {page:,} of {pages:,}"), *listed, class_="pages", aria_label="More pages")
