"""Text for people, grouped by workload; in color on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from productionpolicy.offline import Comparison, Gone, Judged, Judgement, Located, NotJudged, Unread
from productionpolicy.verdict import Outcome

_WIDTH_OF_A_FILE = 120


class ReportConsole(Console):
    """A console that reports a closed pipe as an error, instead of exiting silently."""

    def on_broken_pipe(self) -> None:
        """Raise the error that is being handled."""
        raise  # noqa: PLE0704  # called while an error is handled


def write(judgement: Judgement, out: TextIO, *, comparison: Comparison | None = None) -> None:
    """Write the report as text; with a comparison, it says which findings are new and which are gone."""
    console = console_on(out)
    for index, each in enumerate(judgement.workloads):
        if each.failed:
            _write_workload(each, console, new=comparison.new[index] if comparison else ())
    for unread in judgement.unreadable:
        write_unread(unread, console)
    for left_out in judgement.not_judged:
        write_not_judged(left_out, console)
    if judgement.workloads:
        console.print(_table(judgement))
    for each in judgement.workloads:
        _write_exemptions(each, console)
    console.print(_total(judgement))
    if comparison:
        _write_comparison(comparison, console)


def _write_exemptions(workload: Judged, console: Console) -> None:
    for each in workload.exemptions:
        until = f"until {each.until}" if each.until else "without an end date"
        exempt = Text.assemble(
            ("exempt: ", "green"), f"{workload.title} from {each.expectation}, {until}: {each.reason}"
        )
        console.print(exempt)


def _write_workload(workload: Judged, console: Console, *, new: Sequence[bool]) -> None:
    console.print(Text.assemble((workload.title, "bold"), f"  {workload.file}:{workload.line}"))
    for each, is_new in zip_longest(workload.findings, new, fillvalue=False):
        assert isinstance(each, Located)
        place, mark = f"{workload.file}:{each.line}", "  new" if is_new else ""
        line = Text.assemble("  ", (each.expectation, "yellow"), f"  {place}  ", (each.path, "cyan"), (mark, "magenta"))
        console.print(line)
        console.print(Text(f"    {each.message}"))
        console.print(Text.assemble("    ", ("remedy: ", "green"), each.remedy))
    console.print()


def _write_gone(gone: Gone, console: Console) -> None:
    console.print(Text.assemble((gone.title, "bold"), "  ", ("gone", "green"), f"  {gone.expectation}  {gone.path}"))
    console.print(Text(f"    {gone.message}"))
    console.print(Text(f"    {gone.reason}"))
    console.print()


def _write_comparison(comparison: Comparison, console: Console) -> None:
    console.print()
    for each in comparison.gone:
        _write_gone(each, console)
    counts = f"new findings: {comparison.added}, gone: {len(comparison.gone)}, before: {comparison.before}"
    console.print(Text(f"compared with {comparison.name}: {counts}"))
    for note in comparison.notes:
        console.print(Text(note))


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
