"""The totals of the last days: a chart, and a table with the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from productionpolicy.overview.cluster.snapshot import KnownPolicy
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.part import Part, counted, part
from productionpolicy.page.parts import NUMBER, SHARE, fold, number, share, table
from productionpolicy.policy.status import MOST_DAYS, DayTotals

RULES = """\
.chart { width: 100%; max-width: 48rem; height: 6rem; display: block; border-bottom: 1px solid var(--line);
  margin: .6rem 0 .2rem; }
.chart .good { fill: var(--good); } .chart .bad { fill: var(--bad); } .chart .none { fill: var(--soft); }
.ends { display: flex; justify-content: space-between; max-width: 48rem; color: var(--dim); font-size: .86em; }
.key { color: var(--dim); }
.key i { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin: 0 .4em 0 1em; }
.key i:first-child { margin-left: 0; }
.key .good { background: var(--good); } .key .bad { background: var(--bad); }
"""
"""The style of the chart."""

_WIDTH, _HEIGHT, _BAR = 10, 100, 8
"""Of a day and of its bar, in the units of the drawing."""


def combined(policies: Iterable[KnownPolicy], *, today: date) -> list[DayTotals]:
    """Return the totals of the last 30 days over some policies, the earliest day first.

    Of a day without an entry, the last entry before counts: the operator did not run, or had nothing to write yet.
    """
    histories = [each.status.history for each in policies]
    first = today - timedelta(days=MOST_DAYS - 1)
    days = sorted({each.day for entries in histories for each in entries if first <= each.day <= today})
    return [_sum(day, [_last(entries, day) for entries in histories]) for day in days]


def _last(entries: Sequence[DayTotals], day: date) -> DayTotals | None:
    return next((each for each in reversed(entries) if each.day <= day), None)


def _sum(day: date, entries: Iterable[DayTotals | None]) -> DayTotals:
    known = [each for each in entries if each is not None]
    return DayTotals(
        day=day,
        workloads=sum(each.workloads for each in known),
        compliant=sum(each.compliant for each in known),
        findings=sum(each.findings for each in known),
    )


def shown(days: Sequence[DayTotals], *, today: date) -> Part | None:
    """Return the part of the page; nothing before there is an entry."""
    if not days:
        return None
    rows = fold([f"The numbers of {counted(len(days), 'day')}"], _table(days))
    return part("history", "Last 30 days", tag("p", _change(days)), *_chart(days, today), rows)


def _change(days: Sequence[DayTotals]) -> str:
    """Say what has changed since the day before."""
    if len(days) == 1:
        return f"This is the first day with numbers: {days[0].day.isoformat()}."
    before, last = days[-2:]
    yesterday = before.day == last.day - timedelta(days=1)
    since = "yesterday" if yesterday else before.day.isoformat()
    compliant, findings = last.compliant - before.compliant, last.findings - before.findings
    workloads = last.workloads - before.workloads
    if not (compliant or findings or workloads):
        return f"Nothing has changed since {since}."
    return f"Since {since}: workloads {workloads:+,}, compliant {compliant:+,}, findings {findings:+,}."


def _chart(days: Sequence[DayTotals], today: date) -> Iterator[Element]:
    first, most = today - timedelta(days=MOST_DAYS - 1), max(each.workloads for each in days) or 1
    bars = (bar for each in days for bar in _bars(each, (each.day - first).days * _WIDTH, most))
    size = {"viewBox": f"0 0 {MOST_DAYS * _WIDTH} {_HEIGHT}", "preserveAspectRatio": "none"}
    label = "How many workloads were compliant on each of the last 30 days. The table below has the numbers."
    yield tag("svg", *bars, class_="chart", role="img", aria_label=label, **size)
    yield tag("div", tag("span", first.isoformat()), tag("span", today.isoformat()), class_="ends")
    keys = (tag("i", class_="good"), "compliant", tag("i", class_="bad"), "not compliant")
    yield tag("p", *keys, f", of at most {counted(most, 'workload')}", class_="key")


def _bars(day: DayTotals, x: int, most: int) -> Iterator[Element]:
    compliant, every = day.compliant * _HEIGHT / most, day.workloads * _HEIGHT / most
    name = f"{day.day.isoformat()}: {day.compliant:,} of {counted(day.workloads, 'workload')} compliant"
    yield _bar(name, "bad", x, every, every - compliant)
    yield _bar(name, "good", x, compliant, compliant)


def _bar(name: str, kind: str, x: int, top: float, height: float) -> Element:
    place = {"x": str(x), "y": f"{_HEIGHT - top:.4g}", "width": str(_BAR), "height": f"{max(height, 0):.4g}"}
    return tag("rect", tag("title", name), class_=kind, **place)


def _table(days: Sequence[DayTotals]) -> Element:
    columns = {"day": "", "compliant": SHARE, "workloads": NUMBER, "not compliant": NUMBER, "findings": NUMBER}
    return table(columns, map(_row, reversed(days)), name="The last 30 days")


def _row(day: DayTotals) -> tuple[Node, ...]:
    others = day.workloads - day.compliant
    numbers = number(day.workloads), number(others, "bad"), number(day.findings, "bad")
    return day.day.isoformat(), share(day.compliant, day.workloads), *numbers
