"""When repairs may restart pods, on ordinary days and on days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.policy import ALWAYS, Calendar, InvalidPolicy, Window, read_windows
from productionpolicy.policy.spec import read_spec
from productionpolicy.policy.windows import Freeze

BERLIN = "Europe/Berlin"


def calendar(*windows: dict[str, Any], freezes: tuple[dict[str, Any], ...] = (), **narrowed: Any) -> Calendar:
    return Calendar(
        msgspec.convert(windows, tuple[Window, ...]), msgspec.convert(freezes, tuple[Freeze, ...]), **narrowed
    )


def night(**fields: Any) -> dict[str, Any]:
    return {"from": "02:00", "to": "05:00", **fields}


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def test_without_windows_and_freezes_it_is_always_open() -> None:
    assert ALWAYS.open_at(at("2026-12-24T18:00"))
    assert ALWAYS.opens_after(at("2026-12-24T18:00")) == at("2026-12-24T18:00")


@pytest.mark.parametrize(
    ("time", "is_open"),
    [
        ("2026-11-30T01:59", False),
        ("2026-11-30T02:00", True),
        ("2026-11-30T04:59", True),
        ("2026-11-30T05:00", False),
        ("2026-12-02T03:00", False),
    ],
)
def test_a_window_includes_its_beginning_and_not_its_end(time: str, is_open: bool) -> None:
    assert calendar(night(days=["Mon", "Tue"], timeZone=BERLIN)).open_at(at(time, BERLIN)) is is_open


def test_a_window_that_ends_on_the_next_day_belongs_to_the_day_of_its_beginning() -> None:
    friday_night = calendar({"days": ["Fri"], "from": "22:00", "to": "04:00"})
    hours = [datetime(2026, 12, 4, tzinfo=UTC) + timedelta(hours=number) for number in range(72)]
    assert [each for each in hours if friday_night.open_at(each)] == hours[22:28]


def test_a_window_without_times_lasts_the_whole_day() -> None:
    saturday = calendar({"days": ["Sat"]})
    assert [
        saturday.open_at(at(f"2026-12-0{day}T{time}")) for day, time in ((4, "23:59"), (5, "00:00"), (6, "00:00"))
    ] == [
        False,
        True,
        False,
    ]


def test_a_time_that_the_clocks_skip_does_not_occur() -> None:
    """On 2026-03-29 clocks in Berlin go from 02:00 to 03:00."""
    skipped = calendar({"from": "02:00", "to": "03:00", "timeZone": BERLIN})
    assert skipped.opens_after(at("2026-03-28T12:00", BERLIN)) == at("2026-03-30T02:00", BERLIN)


def test_a_window_whose_beginning_the_clocks_skip_opens_when_they_have_changed() -> None:
    shorter = calendar({"from": "02:30", "to": "05:00", "timeZone": BERLIN})
    opening = shorter.opens_after(at("2026-03-28T12:00", BERLIN))
    assert opening == at("2026-03-29T03:00", BERLIN)
    assert opening is not None
    assert not shorter.open_at(opening - timedelta(minutes=1))


def test_a_time_that_the_clocks_show_twice_occurs_twice() -> None:
    """On 2026-10-25 clocks in Berlin go from 03:00 to 02:00."""
    twice = calendar({"days": ["Sun"], "from": "02:00", "to": "02:30", "timeZone": BERLIN})
    minutes = [datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(minutes=number) for number in range(300)]
    assert sum(map(twice.open_at, minutes)) == 60
    assert twice.opens_after(datetime(2026, 10, 25, 0, 45, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


def test_no_window_opens_during_a_freeze() -> None:
    december = calendar(night(), freezes=({"from": "2026-12-20", "to": "2027-01-02", "reason": "holidays"},))
    assert december.open_at(at("2026-12-19T03:00"))
    assert not december.open_at(at("2026-12-20T03:00"))
    assert not december.open_at(at("2027-01-02T23:59"))
    assert december.opens_after(at("2026-12-24T12:00")) == at("2027-01-03T02:00")


def test_freezes_that_overlap_or_follow_each_other_hold_until_the_last_has_ended() -> None:
    frozen = calendar(
        freezes=(
            {"from": "2026-12-01", "to": "2026-12-10"},
            {"from": "2026-12-05", "to": "2026-12-20"},
            {"from": "2026-12-21", "to": "2026-12-22", "timeZone": "UTC"},
        )
    )
    assert frozen.opens_after(at("2026-12-02T00:00")) == at("2026-12-23T00:00")


def test_a_namespace_narrows_the_windows_and_never_widens_them() -> None:
    narrowed = calendar(night(), narrowed=read_windows('[{"from": "04:00", "to": "08:00"}]'))
    assert narrowed.opens_after(at("2026-12-01T02:30")) == at("2026-12-01T04:00")
    assert not narrowed.open_at(at("2026-12-01T06:00"))


def test_windows_that_never_meet_never_open() -> None:
    assert (
        calendar(night(), narrowed=read_windows('[{"from": "06:00", "to": "08:00"}]')).opens_after(
            at("2026-12-01T02:30")
        )
        is None
    )


@pytest.mark.parametrize(
    ("rollout", "message"),
    [
        (
            {"windows": [night(timeZone="Europe/Berln")]},
            "spec.rollout.windows[0]: there is no time zone 'Europe/Berln'",
        ),
        ({"windows": [night(timeZone="../../etc/passwd")]}, "there is no time zone"),
        ({"windows": [{"from": "02:00", "to": "02:00"}]}, "spec.rollout.windows[0]: from and to must differ"),
        ({"windows": [{"from": "2:00"}]}, "spec.rollout.windows[0].from: "),
        ({"windows": [{"days": ["Monday"]}]}, "use Mon, Tue, Wed, Thu, Fri, Sat or Sun"),
        ({"windows": [{"timezone": "UTC"}]}, "did you mean timeZone?"),
        ({"freezes": [{"from": "2027-01-02", "to": "2026-12-20"}]}, "from must not be after to"),
        ({"freezes": [{"from": "2026-13-01", "to": "2026-12-20"}]}, "spec.rollout.freezes[0].from: "),
    ],
)
def test_what_cannot_be_meant_is_refused(rollout: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPolicy, match="spec") as refused:
        read_spec({"mode": "Enforce", "rollout": rollout})
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["", "Sat 02:00-05:00", "{}", '[{"days": "Sat"}]', "[" * 100_000])
def test_an_annotation_that_is_no_list_of_windows_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicy):
        read_windows(text)


ZONES = st.sampled_from(
    ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
)
MINUTES = st.integers(0, 23 * 60 + 59).map(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}")
WINDOWS = st.builds(
    lambda days, start, end, zone: {"days": days, "from": start, "to": end, "timeZone": zone},
    st.lists(st.sampled_from(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]), max_size=2),
    MINUTES,
    MINUTES,
    ZONES,
).filter(lambda window: window["from"] != window["to"])


@given(
    windows=st.lists(WINDOWS, min_size=1, max_size=2),
    hour=st.integers(0, 24 * 365),
)
def test_the_next_opening_is_the_first_minute_at_which_it_is_open(windows: list[dict[str, Any]], hour: int) -> None:
    now, some = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour), calendar(*windows)
    opening = some.opens_after(now)
    steps = (now + timedelta(minutes=15 * number) for number in range(4 * 24 * 8))
    seen = next((each for each in steps if some.open_at(each)), None)
    if opening is None:
        assert seen is None
        return
    assert some.open_at(opening)
    assert seen is None or opening <= seen
    assert opening == now or not some.open_at(opening - timedelta(minutes=1))
