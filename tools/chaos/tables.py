"""The rows as a table: for the terminal, and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.runner import Row
from pages.marks import Place
from testbed.tables import Table

COLUMNS = ("fault", "tried", "struck", "lost", "extra rollouts", "operator ended by itself", "longest to converge")


def show(rows: Sequence[Row]) -> None:
    """Print the table, and below it what was lost."""
    lost = [f"{row.fault}: {each}" for row in rows for each in row.lost]
    Table(COLUMNS, [_cells(row) for row in rows]).show(notes=lost)


def write(place: Place, row: Row, *, seed: int, order: Sequence[str]) -> None:
    """Put a row in its place on the page. Those of other faults stay as they are.

    Args:
        place: where the table is.
        row: what was finished.
        seed: by which.
        order: of all faults.
    """
    rows = {**place.rows, row.fault: [*_cells(row), str(seed)]}
    table = Table((*COLUMNS, "seed"), [rows[each] for each in order if each in rows])
    place.write(table.markdown())


def _cells(row: Row) -> list[str]:
    lost, rollouts = len(row.lost) or "nothing", row.extra_rollouts or "none"
    counts = [row.tried, row.struck, lost, rollouts, row.ended or "never"]
    return [row.fault, *map(str, counts), f"{row.longest_seconds:.0f} s"]
