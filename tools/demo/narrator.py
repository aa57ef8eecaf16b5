"""What a person sees: chapters, commands and their output, differences and tables; calm, and never cut.

What comes from the cluster is shown as it is: nothing in it is taken for markup.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

WIDTH = 115
INDENT = "  "
_GAP = re.compile(r" {3,}")
"""What kubectl puts between columns."""

_MARKS = {"+": "green", "-": "red"}


class Narrator:
    """Tells the story on standard output."""

    def __init__(self) -> None:
        console = Console()
        width = min(console.width, WIDTH) if console.is_terminal else WIDTH
        self._console = Console(width=width, highlight=False, markup=False, emoji=False)

    def chapter(self, title: str) -> None:
        """Begin something new."""
        self._console.print()
        self._console.print(Rule(Text(title, style="bold"), align="left", style="dim"))

    def say(self, sentences: str) -> None:
        """Tell something, wrapped between words."""
        self._print_indented(Text(sentences))

    def command(self, *arguments: str) -> None:
        """Show a command as it can be typed."""
        for at, line in enumerate(_wrapped(arguments)):
            self._console.print(Text(f"{INDENT}{'    ' if at else '$ '}{line}", style="cyan"), soft_wrap=True)

    def output(self, text: str) -> None:
        """Show what a command printed; a table that is too wide gets narrow headings."""
        lines = text.rstrip().splitlines()
        if any(len(INDENT) + len(line) > WIDTH for line in lines) and all(map(_GAP.search, lines)):
            heads, *rows = (_GAP.split(line.rstrip()) for line in lines)
            self.table([head.replace(" ", "\n") for head in heads], rows)
        else:
            self.lines(lines)

    def lines(self, lines: Sequence[str]) -> None:
        """Show lines that are not to be wrapped."""
        for line in lines:
            self._console.print(Text(f"{INDENT}{line}"), soft_wrap=True)

    def difference(self, lines: Sequence[str]) -> None:
        """Show lines of which the first character tells whether they came or went."""
        for line in lines:
            self._console.print(Text(f"{INDENT}{line}", style=_MARKS.get(line[:1], "")), soft_wrap=True)

    def shown(self, claim: str) -> None:
        """Tell what has just been proved."""
        self._print_indented(Text.assemble(("ok ", "bold green"), claim))

    def aside(self, text: str) -> None:
        """Tell how far something has come."""
        self._console.print(Text(f"{INDENT}{text}", style="dim"), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()) -> None:
        """Show a table; long cells are wrapped, and the named columns hold numbers."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
        for column in columns:
            table.add_column(column, overflow="fold", justify="right" if column in numbers else "left")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._print_indented(table)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show, on a terminal, that there is something to wait for."""
        with self._console.status(what):
            yield

    def _print_indented(self, content: Text | Table) -> None:
        """Print without the blanks with which rich fills lines."""
        with self._console.capture() as printed:
            self._console.print(content, width=self._console.width - len(INDENT))
        for line in printed.get().splitlines():
            print(f"{INDENT}{line}".rstrip(), file=self._console.file)


def _wrapped(arguments: Sequence[str]) -> Iterator[str]:
    """Break a command between arguments, as a shell allows it, but not between an option and its value."""
    room = WIDTH - len(INDENT) - len("    ") - len(" \\")
    line = ""
    for part in _parts(arguments):
        if line and len(line) + 1 + len(part) > room:
            yield f"{line} \\"
            line = part
        else:
            line = f"{line} {part}".lstrip()
    yield line


def _parts(arguments: Sequence[str]) -> Iterator[str]:
    option = ""
    for argument in arguments:
        if re.fullmatch("-[a-z]", argument):
            option = argument
        else:
            yield f"{option} {_quoted(argument)}".lstrip()
            option = ""


def _quoted(argument: str) -> str:
    """Quote what a shell would otherwise take apart; a lone pipe is meant as one."""
    return argument if argument == "|" else shlex.quote(argument)
