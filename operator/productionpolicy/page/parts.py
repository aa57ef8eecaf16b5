"""What pages consist of: sections, tables, figures, shares, marks, facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from productionpolicy.page.markup import Element, Node, tag

NUMBER, SHARE, SHORT, ASIDE = "n", "share", "nw", "aside"
"""The classes of columns: numbers, shares with a bar, text on one line, and text that narrow screens omit."""


def section(title: str, *content: Node, name: str, note: str = "") -> Element:
    """Return a part of a page with a heading, which `#name` leads to.

    Args:
        title: its heading.
        content: what follows.
        name: its id.
        note: something short beside the heading.
    """
    heading = tag("h2", title, " ", tag("small", note) if note else None, id=f"{name}-title")
    return tag("section", heading, *content, id=name, aria_labelledby=f"{name}-title")


def contents(names: Mapping[str, str]) -> Element:
    """Return the links to the parts of a page: their titles by name."""
    items = (tag("li", tag("a", title, href=f"#{name}")) for name, title in names.items())
    return tag("nav", tag("ul", *items), aria_label="Contents")


def facts(given: Iterable[tuple[str, str]]) -> Element:
    """Return a list of names with what they are."""
    pairs = (tag(name, text) for fact in given for name, text in zip(("dt", "dd"), fact, strict=True))
    return tag("dl", *pairs, class_="facts")


def figures(given: Iterable[tuple[str, str, str]]) -> Element:
    """Return a row of large numbers: each with its name and its class, such as `bad`, or none."""
    boxes = (tag("div", tag("dt", name), tag("dd", number), class_=kind or None) for name, number, kind in given)
    return tag("dl", *boxes, class_="figures")


def table(columns: Mapping[str, str], rows: Iterable[Sequence[Node]], *, name: str) -> Element:
    """Return a table whose first column is the heading of each row; it scrolls if the screen is too narrow.

    Args:
        columns: the heading of each column with its class, or an empty one.
        rows: the cells.
        name: what the table shows, for readers that hear it.
    """
    head = tag("tr", *(tag("th", title, class_=kind or None, scope="col") for title, kind in columns.items()))
    body = (_row(each, list(columns.values())) for each in rows)
    whole = tag("table", tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="scroll", role="region", aria_label=name, tabindex="0")


def _row(cells: Sequence[Node], kinds: Sequence[str]) -> Element:
    first, *others = cells
    return tag(
        "tr",
        tag("th", first, scope="row"),
        *(tag("td", each, class_=kind or None) for each, kind in zip(others, kinds[1:], strict=True)),
    )


def share(part: int, whole: int) -> Element:
    """Return a percentage with a bar; the percentage is rounded down, so only all of them are 100%."""
    if not whole:
        return tag("span", tag("b", "n/a"), " ", tag("span", class_="bar none", aria_hidden="true"))
    percentage = percent(part, whole)
    filled = tag("i", style=f"width:{part * 100 / whole:.3g}%") if part else None
    return tag("span", tag("b", percentage), " ", tag("span", filled, class_="bar", aria_hidden="true"))


def number(value: int, kind: str = "") -> Element:
    """Return a number for a table; zero steps back, and others can have a class, such as `bad`."""
    return tag("span", f"{value:,}", class_=(kind if value else "zero") or None)


def percent(part: int, whole: int) -> str:
    """Return a percentage, rounded down; `n/a` of nothing."""
    return f"{part * 100 // whole}%" if whole else "n/a"


def mark(text: str, kind: str) -> Element:
    """Return a short word in a frame: of the kind `new`, `fix` or `bad`."""
    return tag("span", text, class_=f"mark {kind}")


def fold(summary: Sequence[Node], *content: Node, opened: bool = False, **attributes: str) -> Element:
    """Return content that a reader opens by its summary."""
    return tag("details", tag("summary", *summary), *content, open=opened, **attributes)


def choice(label: str, options: Iterable[tuple[str, str]], *, name: str, all_of_them: str) -> Element:
    """Return a list to choose from: the value and the text of each option, after one for all of them."""
    every = tag("option", all_of_them, value="all")
    listed = (tag("option", text, value=value) for value, text in options)
    return tag("label", label, " ", tag("select", every, *listed, id=name))


def filters(*controls: Node) -> Element:
    """Return controls that show some of the page; they are hidden where the style does not support them."""
    return tag("div", *controls, class_="filters", role="group", aria_label="Filter", hidden=True)
