"""`productionpolicy explain`: the pages of the expectations, in the terminal."""

from __future__ import annotations

import sys

import click

from productionpolicy.cli.names import ExpectationName
from productionpolicy.cli.reporting import ReportingCommand
from productionpolicy.expectations import BY_NAME, EXPECTATIONS
from productionpolicy.policy.manual import manual


@click.command("explain", cls=ReportingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False, metavar="[NAME]", type=ExpectationName())
def command(name: str | None) -> None:
    """Explain an expectation: what it requires, why, its repair, its fields, and its built-in lists.

    Without NAME, list all expectations with their default action in each profile.
    """
    if name is None:
        click.echo(_list())
    else:
        _show(f"# {name}\n\n{manual(BY_NAME[name])}")


def _list() -> str:
    rows = [("expectation", "Production", "Development", "what it requires")]
    rows += [(each.name, str(each.production), str(each.development), each.title) for each in EXPECTATIONS]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    )
    return "\n".join(lines)


def _show(page: str) -> None:
    """Print a page, formatted on a terminal and as Markdown elsewhere."""
    if not sys.stdout.isatty():
        click.echo(page)
        return
    from rich.console import Console  # noqa: PLC0415  # its import takes longer than the rest of this command
    from rich.markdown import Markdown  # noqa: PLC0415  # the same

    Console().print(Markdown(page))
