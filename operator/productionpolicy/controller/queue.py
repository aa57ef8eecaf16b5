"""A queue of workloads to look at: each stands in it once, fresh changes come before the backlog, failures wait."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import structlog

from productionpolicy.controller.metrics import QUEUED
from productionpolicy.kube.workloads import WorkloadKey

FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Retry(Exception):
    """The work on a key is to be tried again later."""

    def __init__(self, reason: str, *, after: float = 0) -> None:
        super().__init__(reason)
        self.after = after
        """The least seconds to wait."""


class WorkQueue:
    """Hands out keys to a bounded number of workers, never the same key to two of them."""

    def __init__(self, work: Callable[[WorkloadKey], Awaitable[None]], *, workers: int) -> None:
        self._work = work
        self._workers = workers
        self._fresh: OrderedDict[WorkloadKey, None] = OrderedDict()
        self._backlog: OrderedDict[WorkloadKey, None] = OrderedDict()
        self._busy: set[WorkloadKey] = set()
        self._again: set[WorkloadKey] = set()
        self._failures: dict[WorkloadKey, int] = {}
        self._waiting: dict[WorkloadKey, asyncio.TimerHandle] = {}
        self._added = asyncio.Event()
        self._stopping = False

    def add(self, key: WorkloadKey) -> None:
        """Enter a key that has just changed."""
        self._enter(key, self._fresh)

    def add_backlog(self, keys: Iterable[WorkloadKey]) -> None:
        """Enter keys that can wait for those that have just changed."""
        for key in keys:
            if key not in self._fresh:
                self._enter(key, self._backlog)

    def add_later(self, key: WorkloadKey, seconds: float) -> None:
        """Enter a key after some time; of several appointments the soonest counts."""
        loop, known = asyncio.get_running_loop(), self._waiting.get(key)
        if self._stopping or (known is not None and known.when() <= loop.time() + seconds):
            return
        if known is not None:
            known.cancel()
        self._waiting[key] = loop.call_later(seconds, self._due, key)

    def __len__(self) -> int:
        return len(self._fresh) + len(self._backlog)

    @property
    def busy(self) -> bool:
        """Whether a worker is at work."""
        return bool(self._busy)

    async def run(self) -> None:
        """Work until stopped."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._workers):
                workers.create_task(self._serve())

    def stop(self) -> None:
        """Let the workers finish what they are at, and no more."""
        self._stopping = True
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        self._added.set()

    def _enter(self, key: WorkloadKey, lane: OrderedDict[WorkloadKey, None]) -> None:
        if key in self._busy:
            self._again.add(key)
            return
        if lane is self._fresh:
            self._backlog.pop(key, None)
        lane[key] = None
        QUEUED.set(len(self))
        self._added.set()

    def _due(self, key: WorkloadKey) -> None:
        self._waiting.pop(key, None)
        self._enter(key, self._backlog)

    async def _serve(self) -> None:
        while True:
            key = await self._next()
            if key is None:
                return
            self._busy.add(key)
            try:
                await self._attempt(key)
            finally:
                self._busy.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self._enter(key, self._fresh)

    async def _next(self) -> WorkloadKey | None:
        while not self._stopping:
            lane = self._fresh or self._backlog
            if lane:
                key, _ = lane.popitem(last=False)
                QUEUED.set(len(self))
                return key
            self._added.clear()
            await self._added.wait()
        return None

    async def _attempt(self, key: WorkloadKey) -> None:
        try:
            await self._work(key)
        except Retry as retry:
            self._retry(key, reason=str(retry), after=retry.after)
        except Exception:  # whatever a workload holds, the others must be served
            log.exception("work failed", workload=str(key))
            self._retry(key, reason="error", after=0)
        else:
            self._failures.pop(key, None)

    def _retry(self, key: WorkloadKey, *, reason: str, after: float) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = max(after, min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 10)))
        log.info("will be tried again", workload=str(key), reason=reason[:300], seconds=round(delay, 1))
        self.add_later(key, delay)
