"""Results as tables: for the terminal, and for a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table as Printed
from rich.text import Text

from control_plane.session import console

WIDTH = 140


def megabytes(size: float) -> str:
    """Return a number of bytes as people read it: 1 MB is 1,000,000 bytes."""
    return f"{size / 1e6:.0f} MB"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, of which the first column names the rows.

    Attributes:
        columns: the headings.
        rows: with a cell for each column.
        title: printed above it on the terminal.
        numbers: whether the columns but the first hold numbers.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    numbers: bool = True

    def show(self, *, notes: Sequence[str] = ()) -> None:
        """Print it on standard output, and notes below it; what they hold is not taken for markup."""
        table = Printed(title=self.title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
        for number, column in enumerate(self.columns):
            table.add_column(Text(column, style="bold"), justify="right" if number and self.numbers else "left")
        for row in self.rows:
            table.add_row(*map(Text, row))
        out = console(width=WIDTH)
        out.print(table)
        for note in notes:
            out.print(note)

    def markdown(self) -> list[str]:
        """Return it as lines of Markdown."""
        rule = "|---" + ("|---:" if self.numbers else "|---") * (len(self.columns) - 1) + "|"
        head, *rows = (f"| {' | '.join(row)} |" for row in (self.columns, *self.rows))
        return [head, rule, *rows]
