"""What a person sees while it runs: a live line where there is a terminal, and a line for whatever is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.status import Status

from proof.load import Load
from proof.record import Record

LIVE_SECONDS = 0.25


class Teller:
    """Tells on standard error, so that standard output holds the table alone."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)

    def say(self, sentence: str) -> None:
        """Tell that something is done."""
        self._console.print(f"{time.strftime('%H:%M:%S')} {sentence}", soft_wrap=True)

    def finished(self, title: str, record: Record) -> None:
        """Tell what came of a scenario."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in record.reasons.items())
        details = f" ({reasons})" if reasons else ""
        self.say(f"{title}: {len(record.failed):,} of {len(record.requests):,} requests failed{details}")
        if record.drain:
            self.say(f"{title}: predicted: {record.drain.predicted}; happened: {record.drain.happened}")

    def hand_back(self) -> None:
        """Leave the terminal as it was, after one who told there was killed."""
        self._console.show_cursor(show=True)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show, on a terminal, that there is something to wait for."""
        with self._console.status(what):
            yield

    @contextmanager
    def following(self, title: str) -> Iterator[Callable[[Load], None]]:
        """Lend a function that takes a load and shows, on a terminal, how it goes."""
        with self._console.status(title) as status:
            watchers: list[asyncio.Task[None]] = []
            yield lambda load: watchers.append(asyncio.create_task(_follow(status, title, load)))
            for each in watchers:
                each.cancel()


async def _follow(status: Status, title: str, load: Load) -> None:
    with suppress(asyncio.CancelledError):
        while True:
            status.update(f"{title}: {load.seconds:3.0f} s, {load.progress}")
            await asyncio.sleep(LIVE_SECONDS)
