"""Text for people, grouped by workload; in color on a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from productionpolicy.offline import Judged, Judgement, NotJudged, Unread
from productionpolicy.verdict import Outcome

_WIDTH_OF_A_FILE = 120


class ReportConsole(Console):
    """A console that reports a closed pipe as an error, instead of exiting silently."""

    def on_broken_pipe(self) -> None:
        """Raise the error that is being handled."""
        raise  # noqa: PLE0704  # called while an error is handled


def write(judgement: Judgement, out: TextIO) -> None:
    """Write the report as text."""
    console = console_on(out)
    for each in judgement.workloads:
        if each.failed:
            _write_workload(each, console)
    for unread in judgement.unreadable:
        write_unread(unread, console)
    for left_out in judgement.not_judged:
        write_not_judged(left_out, console)
    if judgement.workloads:
        console.print(_table(judgement))
    for each in judgement.workloads:
        _write_exemptions(each, console)
    console.print(_total(judgement))


def _write_exemptions(workload: Judged, console: Console) -> None:
    for each in workload.exemptions:
        until = f"until {each.until}" if each.until else "without an end date"
        exempt = Text.assemble(
            ("exempt: ", "green"), f"{workload.title} from {each.expectation}, {until}: {each.reason}"
        )
        console.print(exempt)


def _write_workload(workload: Judged, console: Console) -> None:
    console.print(Text.assemble((workload.title, "bold"), f"  {workload.file}:{workload.line}"))
    for each in workload.findings:
        place = f"{workload.file}:{each.line}"
        console.print(Text.assemble("  ", (each.expectation, "yellow"), f"  {place}  ", (each.path, "cyan")))
        console.print(Text(f"    {each.message}"))
        console.print(Text.assemble("    ", ("remedy: ", "green"), each.remedy))
    console.print()


def console_on(out: TextIO) -> Console:
    """Return a console that uses colors only on a terminal, and never wraps lines."""
    width = None if out.isatty() else _WIDTH_OF_A_FILE
    return ReportConsole(file=out, width=width, soft_wrap=True, highlight=False, legacy_windows=False)


def write_unread(unread: Unread, console: Console) -> None:
    """Write an object that could not be read."""
    console.print(Text.assemble((f"{unread.file}:{unread.line}", "bold"), "  ", ("unreadable", "red")))
    console.print(Text(f"    {unread.message}"))
    console.print()


def write_not_judged(left_out: NotJudged, console: Console) -> None:
    """Write an object that was read but is not judged."""
    console.print(
        Text.assemble((left_out.title, "bold"), f"  {left_out.file}:{left_out.line}  ", ("not judged", "yellow"))
    )
    console.print(Text(f"    {left_out.reason}"))
    console.print()


def _table(judgement: Judgement) -> Table:
    table = Table("expectation", box=None, pad_edge=False, header_style="bold")
    for outcome in ("passed", "failed", "exempt", "not applicable"):
        table.add_column(outcome, justify="right")
    for name, counts in judgement.outcomes.items():
        table.add_row(Text(name), *(str(counts[each]) for each in Outcome))
    return table


def _total(judgement: Judgement) -> Text:
    workloads, unreadable = len(judgement.workloads), len(judgement.unreadable)
    return Text(
        f"\nworkloads: {workloads}, of these with findings: {judgement.failed}, findings: {judgement.findings}, "
        f"unreadable documents: {unreadable}, objects not judged: {len(judgement.not_judged)}"
    )
