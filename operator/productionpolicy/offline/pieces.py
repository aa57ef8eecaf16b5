"""The documents of a file as text, split before any of them is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

# Expressions that begin with a fixed character are many times as fast as those that begin with `^` or a word boundary.
# A line feed before the text lets them match in the first line, too.
_SEPARATOR = re.compile(r"\n(?:---|\.\.\.)(?=\s|$)")
"""YAML ends a document here even within a block scalar."""
_KIND = re.compile(r"kind[\"']?\s*:[ \t]*([^\s,}]*)")
_OUTERMOST_KIND = re.compile(r"\nkind\s*:[ \t]*([^\s,}]*)")
_CONTAINERS = re.compile(r"containers[\"']?\s*:")
_WITHOUT_CONTAINERS = frozenset({"ConfigMap", "CustomResourceDefinition", "Secret"})
"""The kinds that may contain long texts about containers, but have none."""
_ANY, _UNCLEAR = "", "?"
_PLAIN = re.compile(r"[\"']?([A-Za-z]+)[\"']?")
_CONTENT = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)


class Piece(Struct, frozen=True):
    """The text of one document."""

    file: str
    text: str
    first: int = 1
    """The line of the file on which the text begins."""
    start: int = 0
    """The position in the text of the file at which the text begins."""

    @property
    def line(self) -> int:
        """The line of its first content; comments do not count."""
        found = _CONTENT.search(self.text)
        return self.line_at(found.end() - 1 if found else 0)

    def line_at(self, position: int) -> int:
        """Return the line of the file for a position in the text."""
        return self.first + self.text.count("\n", 0, position)

    def may_hold(self, kinds: frozenset[str]) -> bool:
        """Return whether it may contain an object of these kinds, or a list of them. An unclear `kind` may be any."""
        outermost = self._outermost_kinds()
        if not outermost or any(each.endswith("List") for each in outermost):
            return mentions(self.text, kinds)
        return not outermost.isdisjoint(kinds | {_UNCLEAR})

    def may_have_containers(self) -> bool:
        """Return whether it may be an object, of any kind, that has containers."""
        return not self._outermost_kinds() <= _WITHOUT_CONTAINERS and has_containers(self.text)

    def _outermost_kinds(self) -> frozenset[str]:
        return _kinds(_OUTERMOST_KIND.findall(f"\n{self.text}"))


def mentions(text: str, kinds: frozenset[str]) -> bool:
    """Return whether a text may contain an object of these kinds, at any level; a `List` may contain any."""
    meant = kinds | {_ANY, _UNCLEAR}
    return any(each.removesuffix("List") in meant for each in _kinds(_KIND.findall(text)))


def has_containers(text: str) -> bool:
    """Return whether a text may contain objects that have containers."""
    return _CONTAINERS.search(text) is not None


def cut(file: str, text: str) -> Iterator[Piece]:
    """Return the documents of a YAML file."""
    start, line = 0, 1
    for separator in _SEPARATOR.finditer(f"\n{text}"):
        before, after = separator.start(), separator.end() - 1
        yield Piece(file, text[start:before], line, start)
        line += text.count("\n", start, after)
        start = after
    yield Piece(file, text[start:], line, start)


def _kinds(words: Iterable[str]) -> frozenset[str]:
    plain = (_PLAIN.fullmatch(each) for each in words)
    return frozenset(each[1] if each else _UNCLEAR for each in plain)
