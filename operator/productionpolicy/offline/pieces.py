"""The documents of a file as text, cut apart before any of them is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

# Expressions that begin with a letter of their own are searched for many times as fast as those that begin with `^`
# or a boundary of words; a line feed before the text makes the first line like all others.
_SEPARATOR = re.compile(r"\n(?:---|\.\.\.)(?=\s|$)")
"""YAML ends a document here even within a block of text."""
_KIND = re.compile(r"kind[\"']?\s*:[ \t]*([^\s,}]*)")
_OUTERMOST_KIND = re.compile(r"\nkind\s*:[ \t]*([^\s,}]*)")
_CONTAINERS = re.compile(r"containers[\"']?\s*:")
_WITHOUT_CONTAINERS = frozenset({"ConfigMap", "CustomResourceDefinition", "Secret"})
"""The kinds that may speak of containers at great length, and have none."""
_ANY, _UNCLEAR = "", "?"
_PLAIN = re.compile(r"[\"']?([A-Za-z]+)[\"']?")
_CONTENT = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)


class Piece(Struct, frozen=True):
    """The text of one document."""

    file: str
    text: str
    first: int = 1
    """The line of the file at which the text begins."""

    @property
    def line(self) -> int:
        """The line of its first word; comments do not count."""
        found = _CONTENT.search(self.text)
        return self.line_at(found.end() - 1 if found else 0)

    def line_at(self, position: int) -> int:
        """Return the line of the file in which a character of the text stands."""
        return self.first + self.text.count("\n", 0, position)

    def may_hold(self, kinds: frozenset[str]) -> bool:
        """Say whether it may hold an object of these kinds, or a list of some; unclear words may mean any kind."""
        outermost = self._outermost_kinds()
        if not outermost or any(each.endswith("List") for each in outermost):
            return mentions(self.text, kinds)
        return not outermost.isdisjoint(kinds | {_UNCLEAR})

    def may_have_containers(self) -> bool:
        """Say whether it may be an object of whatever kind that has containers."""
        return not self._outermost_kinds() <= _WITHOUT_CONTAINERS and has_containers(self.text)

    def _outermost_kinds(self) -> frozenset[str]:
        return _kinds(_OUTERMOST_KIND.findall(f"\n{self.text}"))


def mentions(text: str, kinds: frozenset[str]) -> bool:
    """Say whether any document of a text may hold an object of these kinds, at whatever level; a `List` holds any."""
    meant = kinds | {_ANY, _UNCLEAR}
    return any(each.removesuffix("List") in meant for each in _kinds(_KIND.findall(text)))


def has_containers(text: str) -> bool:
    """Say whether a text may hold objects that have containers."""
    return _CONTAINERS.search(text) is not None


def cut(file: str, text: str) -> Iterator[Piece]:
    """Return the documents of a YAML file."""
    start, line = 0, 1
    for separator in _SEPARATOR.finditer(f"\n{text}"):
        before, after = separator.start(), separator.end() - 1
        yield Piece(file, text[start:before], line)
        line += text.count("\n", start, after)
        start = after
    yield Piece(file, text[start:], line)


def _kinds(words: Iterable[str]) -> frozenset[str]:
    plain = (_PLAIN.fullmatch(each) for each in words)
    return frozenset(each[1] if each else _UNCLEAR for each in plain)
