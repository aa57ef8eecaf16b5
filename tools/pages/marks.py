"""The part of a page that a program writes is between two marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

END = "<!-- end of what is written -->"


class NoPlace(Exception):
    """The page has no place for the lines; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command writes on a page. Without the marks there, each use of it raises NoPlace.

    Attributes:
        page: the page.
        command: the command, as the first mark names it.
    """

    page: Path
    command: str

    @property
    def lines(self) -> list[str]:
        """What it has written, without blank lines around it."""
        return self._parts()[1].strip().splitlines()

    @property
    def rows(self) -> dict[str, list[str]]:
        """The cells of each row of the table that it has written, by the first cell."""
        lines = [line.removeprefix("| ").removesuffix(" |") for line in self.lines if line.startswith("| ")]
        return {cells[0]: cells for cells in (line.split(" | ") for line in lines)}

    def write(self, lines: Iterable[str]) -> None:
        """Write lines instead of those that are there."""
        self.page.write_text(self.with_lines(lines))

    def with_lines(self, lines: Iterable[str]) -> str:
        """Return the text of the page with these lines."""
        before, _, after = self._parts()
        return f"{before}\n\n" + "\n".join(lines).rstrip() + f"\n\n{after}"

    def _parts(self) -> tuple[str, str, str]:
        """Return the text up to the first mark, between the marks, and from the last mark on."""
        begin = f"<!-- written by `{self.command}` -->"
        head, found_begin, rest = self.page.read_text().partition(begin)
        between, found_end, tail = rest.partition(END)
        if not found_begin or not found_end:
            raise NoPlace(f"{self.page} lacks the marks {begin} and {END}")
        return head + begin, between, END + tail
