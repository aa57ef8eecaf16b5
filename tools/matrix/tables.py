"""The cells as tables: for the terminal, and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from matrix.changes import CHANGES
from matrix.runner import Cell
from matrix.writers import WRITERS
from pages.marks import write_between

BEGIN = "<!-- the rest up to the end of the tables is written by `make matrix` -->"
END = "<!-- end of the tables -->"
WIDTH = 140
NOT_COUNTED = "-"


def printed(console: Console, title: str, cells: Sequence[Cell]) -> None:
    """Print a table, and below it the reasons."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for writer in _columns(cells):
        table.add_column(writer)
    rows, reasons = _rows(cells)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for number, reason in enumerate(reasons, start=1):
        console.print(f"[{number}] {reason}")


def markdown(title: str, cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the lines of a table, and of the reasons below it."""
    rows, reasons = _rows(cells)
    yield f"### {title}"
    yield ""
    yield "| | " + " | ".join(_columns(cells)) + " |"
    yield "|---" * (len(_columns(cells)) + 1) + "|"
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""
    for number, reason in enumerate(reasons, start=1):
        yield f"{number}. {reason}"
    if reasons:
        yield ""


def write(page: Path, lines: Sequence[str]) -> None:
    """Put the lines in their place on a page."""
    write_between(BEGIN, END, page=page, lines=lines)


def _columns(cells: Sequence[Cell]) -> list[str]:
    """Return the writers that have a cell, in their order."""
    present = {each.writer for each in cells}
    return [each.title for each in WRITERS if each.title in present]


def _rows(cells: Sequence[Cell]) -> tuple[list[list[str]], list[str]]:
    """Return the rows, and the reasons to which they refer by number."""
    found = {(each.change, each.writer): each for each in cells}
    reasons: list[str] = []
    rows = []
    for change in CHANGES:
        row = [found.get((change.name, title)) for title in _columns(cells)]
        if any(row):
            rows.append([change.name, *(_short(each, reasons) for each in row)])
    return rows, reasons


def _short(cell: Cell | None, reasons: list[str]) -> str:
    if cell is None:
        return ""
    if not cell.counted:
        return NOT_COUNTED
    if cell.won:
        return "ok"
    reason = str(cell)
    if reason not in reasons:
        reasons.append(reason)
    return f"no [{reasons.index(reason) + 1}]"
