"""Text for people, grouped by workload; in color on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from productionpolicy.offline import Comparison, Gone, Judged, Judgement, Located, NotJudged, Unread
from productionpolicy.offline.gathering import place_of
from productionpolicy.verdict import Outcome

_WIDTH_OF_A_FILE = 120
_CALLED = {Outcome.NOT_APPLICABLE: "not applicable"}


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
    _write_unknown(judgement, console)
    if judgement.workloads:
        console.print(_table(judgement))
    for each in judgement.workloads:
        _write_exemptions(each, console)
    console.print(_total(judgement))
    if comparison:
        _write_comparison(comparison, console)


def _write_unknown(judgement: Judgement, console: Console) -> None:
    """Write which verdicts are unknown, and why: once for all workloads, because the reasons are the same."""
    reasons = Counter(pair for each in judgement.workloads for pair in each.unknown.items())
    for (expectation, reason), count in reasons.items():
        console.print(Text.assemble((expectation, "bold"), f" of {count} workloads  ", ("unknown", "yellow")))
        console.print(Text(f"    {reason}"))
    if reasons:
        console.print()


def _write_exemptions(workload: Judged, console: Console) -> None:
    for each in workload.exemptions:
        until = f"until {each.until}" if each.until else "without an end date"
        exempt = Text.assemble(
            ("exempt: ", "green"), f"{workload.title} from {each.expectation}, {until}: {each.reason}"
        )
        console.print(exempt)


def _write_workload(workload: Judged, console: Console, *, new: Sequence[bool]) -> None:
    console.print(spaced((workload.title, "bold"), workload.place))
    for each, is_new in zip_longest(workload.findings, new, fillvalue=False):
        assert isinstance(each, Located)
        parts = ((each.expectation, "yellow"), place_of(workload.file, each.line), (each.path, "cyan"))
        new_ones = [("new", "magenta")] if is_new else []
        console.print(Text.assemble("  ", spaced(*parts, *new_ones)))
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


def spaced(*parts: str | tuple[str, str]) -> Text:
    """Return the parts that are not empty, with spaces between them."""
    return Text("  ").join(Text.assemble(each) for each in parts if each)


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
    place = place_of(left_out.file, left_out.line)
    console.print(spaced((left_out.title, "bold"), place, ("not judged", "yellow")))
    console.print(Text(f"    {left_out.reason}"))
    console.print()


def _table(judgement: Judgement) -> Table:
    table = Table("expectation", box=None, pad_edge=False, header_style="bold")
    columns = [each for each in Outcome if each is not Outcome.UNKNOWN or judgement.unknown]
    for each in columns:
        table.add_column(_CALLED.get(each, str(each)), justify="right")
    for name, counts in judgement.outcomes.items():
        table.add_row(Text(name), *(str(counts[each]) for each in columns))
    return table


def _total(judgement: Judgement) -> Text:
    workloads, unreadable = len(judgement.workloads), len(judgement.unreadable)
    unknown = f", unknown verdicts: {judgement.unknown}" if judgement.unknown else ""
    return Text(
        f"\nworkloads: {workloads}, of these with findings: {judgement.failed}, findings: {judgement.findings}, "
        f"unreadable documents: {unreadable}, objects not judged: {len(judgement.not_judged)}{unknown}"
    )
