"""The rows as a table: for the terminal, and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.runner import Row
from pages.marks import read_between, write_between

BEGIN = "<!-- the rest up to the end of the table is written by `make chaos` -->"
END = "<!-- end of the table -->"
COLUMNS = ("fault", "tried", "struck", "lost", "extra rollouts", "operator ended by itself", "longest to converge")


def printed(console: Console, rows: Sequence[Row]) -> None:
    """Print the table, and below it what was lost."""
    table = Table(box=None, pad_edge=False)
    table.add_column(COLUMNS[0])
    for column in COLUMNS[1:]:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    for row in rows:
        for each in row.lost:
            console.print(f"{row.fault}: {each}")


def write(page: Path, rows: Sequence[Row], *, seed: int, order: Sequence[str]) -> None:
    """Put the rows in their place on the page. Those of faults that were not run now stay as they are.

    Args:
        page: where they belong.
        rows: what was finished.
        seed: by which.
        order: of all faults.
    """
    lines = {**_written(page), **{row.fault: f"| {' | '.join([*_cells(row), str(seed)])} |" for row in rows}}
    heading = ["| " + " | ".join((*COLUMNS, "seed")) + " |", "|---" + "|---:" * len(COLUMNS) + "|"]
    write_between(BEGIN, END, page=page, lines=[*heading, *(lines[each] for each in order if each in lines)])


def _written(page: Path) -> dict[str, str]:
    """Return the rows that are there, by their faults."""
    rows = [line for line in read_between(BEGIN, END, page=page) if line.startswith("| ")]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def _cells(row: Row) -> list[str]:
    lost, rollouts = len(row.lost) or "nothing", row.extra_rollouts or "none"
    counts = [row.tried, row.struck, lost, rollouts, row.ended or "never"]
    return [row.fault, *map(str, counts), f"{row.longest_seconds:.0f} s"]
