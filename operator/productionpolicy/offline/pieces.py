"""The documents of a file as text, cut apart before any of them is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SEPARATOR = re.compile(r"^(?:---|\.\.\.)(?=\s|$)", re.MULTILINE)
"""YAML ends a document here even within a block of text."""
_KIND = re.compile(r"\bkind[\"']?\s*:[ \t]*([^\s,}]*)")
_OUTERMOST_KIND = re.compile(r"^kind\s*:[ \t]*([^\s,}]*)", re.MULTILINE)
_PLAIN = re.compile(r"[\"']?([A-Za-z]+)[\"']?")
_CONTENT = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
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
        """Say whether it may hold an object of these kinds, or a list; unclear words may mean any kind."""
        for word in _OUTERMOST_KIND.findall(self.text) or _KIND.findall(self.text):
            plain = _PLAIN.fullmatch(word)
            if plain is None or plain[1] in kinds or plain[1].endswith("List"):
                return True
        return False


def cut(file: str, text: str) -> Iterator[Piece]:
    """Return the documents of a YAML file."""
    start, line = 0, 1
    for separator in _SEPARATOR.finditer(text):
        yield Piece(file, text[start : separator.start()], line)
        line += text.count("\n", start, separator.end())
        start = separator.end()
    yield Piece(file, text[start:], line)
