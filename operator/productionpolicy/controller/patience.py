"""Asking the API server again while it cannot answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from productionpolicy.controller.cluster import Unauthorized, Unavailable

_TRIES = 6
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 60.0

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> T:
    """Ask again while the API server cannot answer, after the time that it asks for.

    Raises:
        Unauthorized: the API server does not accept the credentials.
        Unavailable: it still cannot answer after some tries.
    """
    pause = _FIRST_PAUSE_SECONDS
    for left in reversed(range(_TRIES)):
        try:
            return await ask()
        except Unauthorized:
            raise
        except Unavailable as error:
            if not left:
                raise
            await sleep(min(error.retry_after or pause, _LONGEST_PAUSE_SECONDS))
            pause *= 2
    raise AssertionError("the last try returns or raises")
