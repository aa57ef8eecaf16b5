"""The clocks: one that never goes back, for durations, one that tells the day, and the API server's."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct


class Clock(Struct, frozen=True):
    """What time it is."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds, for durations; it is not set by anybody."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The moment in UTC, for people and for exemptions that expire."""


@dataclass(slots=True)
class ServerClock:
    """The API server's clock, as far as its answers have told of it."""

    monotonic: Callable[[], float] = time.monotonic
    _date: str = ""
    _told: datetime | None = None
    _at: float = 0.0

    def heard(self, date: str | None) -> None:
        """Take note of the header `Date` of an answer. It counts seconds, so its first appearance tells the most."""
        if not date or date == self._date:
            return
        with suppress(ValueError):
            self._told, self._at, self._date = parsedate_to_datetime(date), self.monotonic(), date

    def now(self) -> datetime:
        """Return the moment by that clock, and by the local one where it has never told."""
        if self._told is None:
            return datetime.now(UTC)
        return self._told + timedelta(seconds=self.monotonic() - self._at)
