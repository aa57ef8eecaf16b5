"""The totals of the last days: one entry a day, bounded, and never of a day to come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.policy.status import MOST_DAYS, DayTotals
from productionpolicy.verdict import State, WorkloadReport
from productionpolicy.verdict.history import SKEW, history
from productionpolicy.verdict.report import Reported
from productionpolicy.verdict.totals import Totals

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 12, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def totals(*, compliant: int = 1, violating: int = 0) -> Totals:
    found = Totals()
    for number in range(compliant):
        found.put(WorkloadReport(WorkloadKey("shop", "Deployment", f"good-{number}"), "default", State.COMPLIANT))
    finding = Reported("replicas", "spec.replicas", "x")
    for number in range(violating):
        key = WorkloadKey("shop", "Deployment", f"bad-{number}")
        found.put(WorkloadReport(key, "default", State.VIOLATING, findings=(finding, finding)))
    return found


def entry(day: str, *, workloads: int = 9, compliant: int = 5, findings: int = 7) -> dict[str, Any]:
    return {"date": day, "workloads": workloads, "compliant": compliant, "findings": findings}


def written(status: Any, now: datetime, counted: Totals | None = None) -> list[dict[str, Any]]:
    """Return the history as the API server gets it."""
    made = history(status, counted or totals(), now=now)
    return list(msgspec.to_builtins(made))


def days(entries: list[dict[str, Any]]) -> list[str]:
    return [each["date"] for each in entries]


def test_the_first_entry_has_the_totals_of_today() -> None:
    counted = totals(compliant=2, violating=3)
    assert written(None, NOON, counted) == [entry("2026-12-01", workloads=5, compliant=2, findings=6)]


def test_the_entry_of_a_day_has_its_last_totals() -> None:
    before = written(None, NOON, totals(violating=3))
    after = written(before, NOON + timedelta(hours=3), totals(violating=1))
    assert after == [entry("2026-12-01", workloads=2, compliant=1, findings=2)]


def test_the_same_totals_on_the_same_day_are_the_same_entries() -> None:
    before = written([entry("2026-11-30")], NOON)
    assert written(before, NOON + timedelta(hours=11)) == before


def test_a_new_day_gets_an_entry_and_leaves_the_earlier_ones_alone() -> None:
    before = written([entry("2026-11-28")], NOON)
    assert written(before, NOON + DAY, totals(violating=1))[:-1] == before


def test_at_most_thirty_entries_are_kept() -> None:
    entries: list[dict[str, Any]] = []
    for number in range(MOST_DAYS + 5):
        entries = written(entries, NOON + number * DAY)
    assert days(entries) == [(NOON + (number + 5) * DAY).date().isoformat() for number in range(MOST_DAYS)]


def test_entries_of_days_to_come_are_dropped() -> None:
    assert days(written([entry("2026-12-03"), entry("2026-11-30"), entry("2027-12-01")], NOON)) == [
        "2026-11-30",
        "2026-12-01",
    ]


def test_a_clock_that_was_a_year_ahead_costs_one_entry() -> None:
    before = [entry((NOON - number * DAY).date().isoformat()) for number in range(MOST_DAYS, 0, -1)]
    ahead = written(before, NOON + 365 * DAY)
    assert days(written(ahead, NOON)) == [*days(before)[1:], "2026-12-01"]


def test_two_servers_whose_clocks_differ_around_midnight_agree() -> None:
    by_the_fast_one = written(None, MIDNIGHT)
    assert written(by_the_fast_one, MIDNIGHT - SKEW) == by_the_fast_one
    assert days(by_the_fast_one) == ["2026-12-02"]
    assert days(written(by_the_fast_one, MIDNIGHT - SKEW - timedelta(seconds=1))) == ["2026-12-01"]


@pytest.mark.parametrize(
    "status",
    [
        {"date": "2026-11-30"},
        "text",
        [None, 3, "2026-11-30", {}, {"date": "yesterday", "workloads": 1, "compliant": 1, "findings": 0}],
        [entry("2026-11-30", workloads=-1)],
        [{**entry("2026-11-30"), "workloads": "9"}],
    ],
)
def test_what_cannot_be_read_is_dropped(status: Any) -> None:
    assert days(written(status, NOON)) == ["2026-12-01"]


@given(
    st.lists(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=80),
    st.datetimes(datetime(2026, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # it gets one
)
def test_days_rise_and_none_is_to_come(known: list[date], now: datetime) -> None:
    made = history([entry(each.isoformat()) for each in known], totals(), now=now)
    dates = [each.day for each in made]
    assert dates == sorted(set(dates))
    assert len(dates) <= MOST_DAYS
    assert now.date() <= dates[-1] <= (now + SKEW).date()
    assert isinstance(made[-1], DayTotals)
