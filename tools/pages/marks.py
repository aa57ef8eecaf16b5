"""The part of a page that is written by a program stands between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class NoPlace(Exception):
    """The page has no place for the lines; the message says what is missing."""


def read_between(begin: str, end: str, *, page: Path) -> list[str]:
    """Return the lines in their place on a page, without blank ones around them.

    Raises:
        NoPlace: as `write_between`.
    """
    _, lines, _ = _parts(begin, end, page)
    return lines.strip().splitlines()


def rows_between(begin: str, end: str, *, page: Path) -> dict[str, list[str]]:
    """Return the cells of each row of a table in its place on a page, by the first cell.

    Raises:
        NoPlace: as `write_between`.
    """
    lines = [line for line in read_between(begin, end, page=page) if line.startswith("| ")]
    return {cells[0]: cells for cells in (line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines)}


def write_between(begin: str, end: str, *, page: Path, lines: Sequence[str]) -> None:
    """Put the lines in their place on a page.

    Raises:
        NoPlace: the page lacks the marks between which they belong.
    """
    page.write_text(replaced(begin, end, page=page, lines=lines))


def replaced(begin: str, end: str, *, page: Path, lines: Sequence[str]) -> str:
    """Return the text of a page with the lines in their place.

    Raises:
        NoPlace: as `write_between`.
    """
    head, _, tail = _parts(begin, end, page)
    return f"{head}{begin}\n\n" + "\n".join(lines).rstrip() + f"\n\n{end}{tail}"


def _parts(begin: str, end: str, page: Path) -> tuple[str, str, str]:
    """Return what stands before the marks, between them and after them."""
    head, found_begin, rest = page.read_text().partition(begin)
    between, found_end, tail = rest.partition(end)
    if not found_begin or not found_end:
        raise NoPlace(f"{page} lacks the marks {begin} and {end}")
    return head, between, tail
