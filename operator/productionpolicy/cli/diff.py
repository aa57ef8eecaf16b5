"""The difference of two texts as a unified diff, which `patch -p1` and `git apply` accept."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from io import StringIO


def unified(path: str, before: str | None, after: str) -> Iterator[str]:
    """Return the lines of a diff.

    Args:
        path: the file.
        before: its text; None if there is no file yet.
        after: its new text.
    """
    name = path.lstrip("/")
    old = f"a/{name}" if before is not None else "/dev/null"
    for line in unified_diff(_lines(before or ""), _lines(after), old, f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Return the lines of a text. Only line feeds end them, as for `patch`."""
    return list(StringIO(text, newline="\n"))
