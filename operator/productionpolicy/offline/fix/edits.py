"""Changes of a text: insertions, and replacements of spans."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class Edit(Struct, frozen=True):
    """The replacement of a span of a text; an insertion if the span is empty."""

    start: int
    end: int
    text: str

    def moved(self, by: int) -> Edit:
        """Return the same edit of a text in which the old one begins at a position."""
        return Edit(self.start + by, self.end + by, self.text)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text after edits. Insertions at the same position keep their order."""
    parts, position = [], 0
    for each in sorted(edits, key=lambda edit: edit.start):
        parts += [text[position : each.start], each.text]
        position = each.end
    return "".join((*parts, text[position:]))
