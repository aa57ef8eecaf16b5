"""Waiting for something to become true, for a bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_SECONDS = 0.05


class NotShown(Exception):
    """What was to be shown did not happen; the message says what."""


def until(true: Callable[[], bool], *, seconds: float, otherwise: str, every: float = POLL_SECONDS) -> float:
    """Wait until something is true, looking `every` so many seconds, and return the seconds that it took.

    Raises:
        NotShown: it is not true in time; the message is `otherwise`.
    """
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > seconds:
            raise NotShown(f"{otherwise} within {seconds:g} s")
        time.sleep(every)
    return time.monotonic() - started


def insist(holds: bool, otherwise: str) -> None:  # noqa: FBT001  # reads like an assertion, which it is
    """Go on only if something holds.

    Raises:
        NotShown: it does not; the message is `otherwise`.
    """
    if not holds:
        raise NotShown(otherwise)
