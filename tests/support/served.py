"""The server of the pages at work beside a test that is not asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from productionpolicy.controller.pages import Pages
from productionpolicy.overview.cluster import Snapshot


@contextmanager
def served(of: Snapshot) -> Iterator[str]:
    """Serve what the operator knows, and yield the address of the first page."""
    origins: list[str] = []
    begun, loop, stopped = Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with Pages(("127.0.0.1", 0), look=lambda: of) as pages:
            origins.append(f"http://127.0.0.1:{pages.addresses[0][1]}/")
            begun.set()
            await stopped.wait()

    thread = Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert begun.wait(timeout=30)
    try:
        yield origins[0]
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(timeout=30)
        loop.close()
