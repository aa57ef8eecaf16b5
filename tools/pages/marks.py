"""The part of a page that is written by a program stands between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class NoPlace(Exception):
    """The page has no place for the lines; the message says what is missing."""


def write_between(begin: str, end: str, *, page: Path, lines: Sequence[str]) -> None:
    """Put the lines in their place on a page.

    Raises:
        NoPlace: the page lacks the marks between which they belong.
    """
    text = page.read_text()
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found_begin or not found_end:
        raise NoPlace(f"{page} lacks the marks between which the tables belong")
    page.write_text(f"{head}{begin}\n\n" + "\n".join(lines).rstrip() + f"\n\n{end}{tail}")
