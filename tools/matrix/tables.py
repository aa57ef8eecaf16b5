"""The cells as tables: for the terminal, and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from matrix.changes import CHANGES
from matrix.runner import Cell
from matrix.writers import WRITERS
from testbed.tables import Table

NOT_COUNTED = "-"


@dataclass(frozen=True)
class Matrix:
    """The cells of one way to repair; their table refers to reasons by number."""

    title: str
    cells: Sequence[Cell]

    @cached_property
    def reasons(self) -> list[str]:
        """Why owners do not win, each reason once."""
        order = {each.name: row for row, each in enumerate(CHANGES)}
        ordered = sorted((each for each in self.cells if each.counted and not each.won), key=lambda e: order[e.change])
        return list(dict.fromkeys(map(str, ordered)))

    @property
    def table(self) -> Table:
        """The table, with a column for each writer that has a cell, and a row for each change that has one."""
        found = {(each.change, each.writer): each for each in self.cells}
        writers = [each.title for each in WRITERS if any(each.title == writer for _, writer in found)]
        changes = [each.name for each in CHANGES if any(each.name == change for change, _ in found)]
        rows = [[change, *(self._short(found.get((change, writer))) for writer in writers)] for change in changes]
        return Table(["", *writers], rows, title=self.title, numbers=False)

    def show(self) -> None:
        """Print the table, the reasons, and what it comes to."""
        self.table.show(notes=[*(f"[{number}] {each}" for number, each in enumerate(self.reasons, 1)), self._sum()])

    def markdown(self) -> list[str]:
        """Return the lines for the page."""
        reasons = [*(f"{number}. {each}" for number, each in enumerate(self.reasons, 1)), ""] if self.reasons else []
        return [f"### {self.title}", "", *self.table.markdown(), "", *reasons]

    def _short(self, cell: Cell | None) -> str:
        if cell is None:
            return ""
        if not cell.counted:
            return NOT_COUNTED
        return "ok" if cell.won else f"no [{self.reasons.index(str(cell)) + 1}]"

    def _sum(self) -> str:
        counted = [each for each in self.cells if each.counted]
        won, rest = sum(each.won for each in counted), len(self.cells) - len(counted)
        return f"{self.title}: the owner wins in {won} of {len(counted)} cells; {rest} are not counted\n"
