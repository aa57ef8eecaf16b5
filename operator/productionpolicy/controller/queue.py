"""A queue of keys: each is in it once, fresh changes come before the backlog, failures wait and are tried again.

A key that has to wait comes back where it was: a fresh change does not fall behind the backlog.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

import structlog
from prometheus_client import Gauge

FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 60.0

LONGEST_HOLD_SECONDS = 5.0
"""How long `hold` holds at most."""

log = structlog.get_logger(__name__)

K = TypeVar("K")


class Retry(Exception):
    """Work on a key failed; the queue retries it later."""

    def __init__(self, reason: str, *, after: float = 0) -> None:
        super().__init__(reason)
        self.after = after
        """The least seconds to wait."""


class WorkQueue(Generic[K]):
    """Hands out keys to a bounded number of workers, never the same key to two of them.

    Args:
        of: what the keys name, as the log calls it.
        workers: how many keys are worked on at the same time.
        length: a metric that tells how many keys wait.
    """

    def __init__(self, *, of: str, workers: int, length: Gauge | None = None) -> None:
        self._of = of
        self._length = length
        self._workers = workers
        self._fresh: OrderedDict[K, None] = OrderedDict()
        self._backlog: OrderedDict[K, None] = OrderedDict()
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._waiting: dict[K, asyncio.TimerHandle] = {}
        self._added = asyncio.Event()
        self._holding = 0
        self._held_until = 0.0
        self._stopping = False

    def add(self, key: K) -> None:
        """Enter a key that has just changed."""
        self._enter(key, self._fresh)

    def add_backlog(self, keys: Iterable[K]) -> None:
        """Enter keys that can wait for those that have just changed."""
        for key in keys:
            if key not in self._fresh:
                self._enter(key, self._backlog)

    def add_after(self, key: K, seconds: float, *, fresh: bool = False) -> None:
        """Enter a key after some time; of several appointments the soonest counts.

        Args:
            key: what to enter.
            seconds: after how long.
            fresh: whether it then comes before the backlog.
        """
        loop, known = asyncio.get_running_loop(), self._waiting.get(key)
        if self._stopping or (known is not None and known.when() <= loop.time() + seconds):
            return
        if known is not None:
            known.cancel()
        self._waiting[key] = loop.call_later(seconds, self._due, key, self._fresh if fresh else self._backlog)

    def forget(self, key: K) -> None:
        """Drop the appointment of a key that is gone, and the count of its failures."""
        timer = self._waiting.pop(key, None)
        if timer is not None:
            timer.cancel()
        self._failures.pop(key, None)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hand out nothing until the end of the block, but for no longer than `LONGEST_HOLD_SECONDS`.

        Blocks that overlap count as one, so that blocks which follow each other closely cannot hold it for ever.
        """
        if not self._holding:
            self._held_until = asyncio.get_running_loop().time() + LONGEST_HOLD_SECONDS
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
            self._added.set()

    def __len__(self) -> int:
        return len(self._fresh) + len(self._backlog)

    @property
    def busy(self) -> bool:
        """Whether a worker is at work."""
        return bool(self._busy)

    async def run(self, work: Callable[[K], Awaitable[float | None]]) -> None:
        """Work until stopped.

        Args:
            work: what to do with a key. It returns after how many seconds the key is due again, if it is, and raises
                `Retry` where it failed.
        """
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._workers):
                workers.create_task(self._serve(work))

    def stop(self) -> None:
        """Let the workers finish what they are at, and no more."""
        self._stopping = True
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        self._added.set()

    def _enter(self, key: K, lane: OrderedDict[K, None]) -> None:
        if key in self._busy:
            self._again.add(key)
            return
        if lane is self._fresh:
            self._backlog.pop(key, None)
        lane[key] = None
        self._measure()
        self._added.set()

    def _due(self, key: K, lane: OrderedDict[K, None]) -> None:
        self._waiting.pop(key, None)
        self._enter(key, lane)

    async def _serve(self, work: Callable[[K], Awaitable[float | None]]) -> None:
        while True:
            following = await self._next()
            if following is None:
                return
            key, fresh = following
            self._busy.add(key)
            try:
                await self._attempt(key, work, fresh=fresh)
            finally:
                self._busy.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self._enter(key, self._fresh)

    async def _next(self) -> tuple[K, bool] | None:
        """Wait for the next key; say also whether it is a fresh change. None once the queue stops."""
        while not self._stopping:
            lane, hold = self._fresh or self._backlog, self._hold_seconds()
            if lane and not hold:
                key, _ = lane.popitem(last=False)
                self._measure()
                return key, lane is self._fresh
            self._added.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(hold or None):
                    await self._added.wait()
        return None

    def _measure(self) -> None:
        if self._length is not None:
            self._length.set(len(self))

    def _hold_seconds(self) -> float:
        if not self._holding:
            return 0.0
        return max(0.0, self._held_until - asyncio.get_running_loop().time())

    async def _attempt(self, key: K, work: Callable[[K], Awaitable[float | None]], *, fresh: bool) -> None:
        try:
            after = await work(key)
        except Retry as retry:
            self._retry(key, reason=str(retry), after=retry.after, fresh=fresh)
        except Exception:  # one object must not stop the work on the others
            log.exception("work failed", **{self._of: str(key)})
            self._retry(key, reason="error", after=0, fresh=fresh)
        else:
            self._failures.pop(key, None)
            if after is not None:
                self.add_after(key, after, fresh=fresh)

    def _retry(self, key: K, *, reason: str, after: float, fresh: bool) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = max(after, min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 10)))
        log.info("will be tried again", **{self._of: str(key)}, reason=reason[:300], seconds=round(delay, 1))
        self.add_after(key, delay, fresh=fresh)
