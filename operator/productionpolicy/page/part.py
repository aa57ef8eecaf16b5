"""A part of a page."""

from __future__ import annotations

from msgspec import Struct

from productionpolicy.page.markup import Element, Node
from productionpolicy.page.parts import section


class Part(Struct, frozen=True):
    """A part with its place in the list of contents."""

    name: str
    title: str
    element: Element


def part(name: str, title: str, *content: Node, note: str = "") -> Part:
    """Return a part: a section with a heading."""
    return Part(name, title, section(title, *content, name=name, note=note))


def counted(number: int, word: str) -> str:
    """Return a number with its word, such as `1 finding` and `2 findings`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
