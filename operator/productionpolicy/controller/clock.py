"""The two clocks: one that never goes back, for durations, and one that tells the day."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds, for durations; it is not set by anybody."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The moment in UTC, for people and for exemptions that expire."""
