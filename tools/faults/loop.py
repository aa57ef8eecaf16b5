"""An event loop in a thread of its own, for what serves while something else waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any


class Loop:
    """An event loop that is used once."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()

    def call(self, action: Callable[[], Any]) -> None:
        """Have the loop do something, and do not wait for it."""
        self._loop.call_soon_threadsafe(action)

    @contextmanager
    def running(self, serve: Callable[[], AbstractAsyncContextManager[None]]) -> Iterator[None]:
        """Run the loop until the end of the block, which begins when `serve` has been entered, and ends it then."""
        ready = threading.Event()

        async def run() -> None:
            async with serve():
                ready.set()
                await self._stop.wait()

        thread = threading.Thread(target=lambda: self._loop.run_until_complete(run()), daemon=True)
        thread.start()
        assert ready.wait(10)
        try:
            yield
        finally:
            self.call(self._stop.set)
            thread.join(10)
            self._loop.close()
