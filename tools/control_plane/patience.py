"""Waiting until something is so, and doing something meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.1
RARER = 0.02
"""The pause between two looks grows with the time waited so far: at least this share of it."""


class NeverHappened(Exception):
    """Something did not come about; the message says what was seen instead."""


class NotYet(Exception):
    """What was looked at is not right yet; the message says what was seen."""


def eventually(
    look: Callable[[], Any],
    *,
    within: float = PATIENCE_SECONDS,
    poll_seconds: float = POLL_SECONDS,
    not_now: tuple[type[Exception], ...] = (),
    otherwise: str = "",
) -> Any:
    """Return the first truthy value that `look` returns.

    Args:
        look: returns what it sees, or raises `NotYet` to tell what is not right.
        within: how many seconds to wait.
        poll_seconds: how long to wait between two looks at least.
        not_now: further errors after which to look again.
        otherwise: says what did not happen, instead of what was seen last.

    Raises:
        NeverHappened: there is none in time.
    """
    again: tuple[type[Exception], ...] = (NotYet, *not_now)
    started = time.monotonic()
    while True:
        try:
            seen = look()
        except again as error:
            seen, told = None, str(error)
        else:
            told = f"not within {within:g} s: {look.__doc__ or look}, last seen: {seen!r}"
        if seen:
            return seen
        waited = time.monotonic() - started
        if waited > within:
            raise NeverHappened(f"{otherwise} within {within:g} s" if otherwise else told)
        time.sleep(max(poll_seconds, waited * RARER))


def seconds_until(
    look: Callable[[], Any], *, within: float, otherwise: str = "", poll_seconds: float = POLL_SECONDS
) -> float:
    """Wait until what `look` returns is truthy, as `eventually` does, and return the seconds that it took.

    Raises:
        NeverHappened: it is not in time.
    """
    started = time.monotonic()
    eventually(look, within=within, poll_seconds=poll_seconds, otherwise=otherwise)
    return time.monotonic() - started


def insist(holds: bool, otherwise: str) -> None:  # noqa: FBT001  # reads like an assertion, which it is
    """Go on only if something holds.

    Raises:
        NeverHappened: it does not; the message is `otherwise`.
    """
    if not holds:
        raise NeverHappened(otherwise)


def unchanged(look: Callable[[], Any], *, still_seconds: float, within: float) -> Any:
    """Return what `look` sees once that has not changed for some seconds; after `NotYet` they are counted again.

    Raises:
        NeverHappened: it goes on changing.
    """
    before, since = None, time.monotonic()

    def still() -> list[Any]:
        nonlocal before, since
        try:
            seen = look()
        except NotYet:
            since = time.monotonic()
            raise
        if seen != before:
            before, since = seen, time.monotonic()
        return [seen] if time.monotonic() - since > still_seconds else []

    return eventually(still, within=within)[0]


@contextmanager
def repeating(act: Callable[[], Any], *, seconds: float) -> Iterator[None]:
    """Do something again and again, in a thread of its own, until the end of the block."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
