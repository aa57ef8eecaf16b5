"""The API server's clock, as its answers tell of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from productionpolicy.controller.clock import ServerClock

TOLD, MOMENT = "Mon, 15 Jun 2026 11:00:00 GMT", datetime(2026, 6, 15, 11, tzinfo=UTC)


def test_it_goes_on_from_what_it_was_told_last() -> None:
    elapsed = 50.0
    clock = ServerClock(monotonic=lambda: elapsed)
    clock.heard(TOLD)
    elapsed = 65.0
    assert clock.now() == MOMENT + timedelta(seconds=15)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_what_tells_nothing_changes_nothing(date: str | None) -> None:
    clock = ServerClock(monotonic=lambda: 0.0)
    clock.heard(TOLD)
    clock.heard(date)
    assert clock.now() == MOMENT


def test_until_it_is_told_it_is_our_own() -> None:
    assert abs(ServerClock().now() - datetime.now(UTC)) < timedelta(minutes=1)
