"""Waiting until something is so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

POLL_SECONDS = 0.2


class NeverHappened(Exception):
    """Something did not come about; the message says what was seen instead."""


async def eventually(
    look: Callable[[], Awaitable[tuple[bool, Any]]],
    *,
    seconds: float,
    poll_seconds: float = POLL_SECONDS,
    not_now: tuple[type[Exception], ...] = (),
) -> Any:
    """Return what `look` sees as soon as it says that it is right.

    Args:
        look: says whether it is right, and what it sees.
        seconds: how long to wait.
        poll_seconds: how long to wait between two looks.
        not_now: errors after which to look again.

    Raises:
        NeverHappened: it is not right in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            right, seen = await look()
        except not_now as error:
            right, seen = False, error
        if right:
            return seen
        if time.monotonic() > deadline:
            raise NeverHappened(str(seen))
        await asyncio.sleep(poll_seconds)
