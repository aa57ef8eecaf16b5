"""Elements of HTML. Rendering escapes all text, so no caller can forget it, and no element can run anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from productionpolicy.kube.text import printable

_TEXT = {"a", "b", "br", "code", "em", "i", "p", "pre", "small", "span", "strong", "time", "h1", "h2", "h3", "h4"}
_LISTS = {"dd", "div", "dl", "dt", "li", "ol", "ul", "caption", "table", "tbody", "td", "th", "thead", "tr"}
_PARTS = {"article", "aside", "details", "footer", "header", "main", "nav", "section", "summary"}
_CONTROLS = {"input", "label", "option", "select"}
_DRAWINGS = {"rect", "svg", "title"}
ELEMENTS = frozenset(_TEXT | _LISTS | _PARTS | _CONTROLS | _DRAWINGS)
"""The names that are allowed; `script`, `style`, `iframe` and the like are not, and of drawings only these are."""
_FOR_READERS = {"aria-current", "aria-hidden", "aria-label", "aria-labelledby", "role", "tabindex"}
_GENERAL = {"class", "hidden", "id", "style"}
_SPECIAL = {"colspan", "datetime", "for", "href", "open", "scope", "type", "value"}
_DRAWN = {"height", "preserveAspectRatio", "viewBox", "width", "x", "y"}
ATTRIBUTES = frozenset(_FOR_READERS | _GENERAL | _SPECIAL | _DRAWN)
"""The attributes that are allowed; those that run something or load something are not."""
_VOID = frozenset({"br", "input"})
_ENDED_BY_THE_NEXT = frozenset({"dd", "dt", "li", "option", "tbody", "td", "th", "thead", "tr"})
"""Elements whose end tag HTML implies; in a large page, these tags would take a tenth of its size."""
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_IN_ATTRIBUTE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_LINKS = ("#", "./", "../", "https://")
"""How links begin: to a place in the page, to a page beside it, or to one with https."""
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_.#-]+")


class Element(Struct, frozen=True):
    """An element with its attributes and content."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    content: tuple[Node, ...]


Node = Element | str | None
"""Something in a page: an element, text, or nothing."""


def tag(name: str, /, *content: Node, **attributes: str | bool | None) -> Element:
    """Return an element.

    Args:
        name: its name.
        content: what it contains; strings are text, never markup.
        attributes: its attributes. An underscore at the end is dropped (`class_`), others become hyphens
            (`aria_label`). True writes the name alone; None and False leave the attribute out.

    Raises:
        ValueError: the element or an attribute is not allowed, or a link leads to another place than this page, a
            page beside it, or a page with https.
    """
    if name not in ELEMENTS:
        raise ValueError(f"{name} is not an element of a page")
    return Element(name, tuple(_attributes(attributes)), content)


def rendered(*nodes: Node) -> str:
    """Return the HTML of elements and text."""
    return "".join(_parts(nodes))


def escaped(text: str) -> str:
    """Return text as HTML, with unprintable characters replaced; only line breaks stay."""
    lines = text.split("\n") if "\n" in text else (text,)
    return "\n".join(map(printable, lines)).translate(_IN_TEXT)


def _attributes(given: dict[str, str | bool | None]) -> Iterator[tuple[str, str]]:
    for key, value in given.items():
        name = key.rstrip("_").replace("_", "-")
        if name not in ATTRIBUTES:
            raise ValueError(f"{name} is not an attribute of an element of a page")
        if name == "href" and not str(value).startswith(_LINKS):
            raise ValueError("a link leads to a place in the page, to a page beside it, or to a page with https")
        if value is not None and value is not False:
            yield name, "" if value is True else value


def _parts(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield escaped(node)
        elif node is not None:
            yield f"<{node.name}{''.join(map(_attribute, node.attributes))}>"
            yield from _parts(node.content)
            if node.name not in _VOID and node.name not in _ENDED_BY_THE_NEXT:
                yield f"</{node.name}>"


def _attribute(attribute: tuple[str, str]) -> str:
    name, value = attribute
    if not value:
        return f" {name}"
    if _NEEDS_NO_QUOTES.fullmatch(value):
        return f" {name}={value}"
    return f' {name}="{printable(value).translate(_IN_ATTRIBUTE)}"'
