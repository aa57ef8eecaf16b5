"""A steady load: as many requests a second, whatever becomes of those before, on new connections and on kept ones."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proof.connection import Address, Closed, Connection, Failed
from proof.record import Manner, Mark, Record, Request

Target = Callable[[], Address | None]
"""Tells where the next connection goes."""

Sources = Mapping[Manner, str]
"""The address of the client of each manner; without one the system chooses."""

PER_SECOND = 50
"""Requests to each service, in each manner."""

KEPT_CONNECTIONS = 8
"""To each service. They take turns, so that each is idle most of the time, as those of a client library are."""

PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class Load:
    """Requests to some services, from `driving` on."""

    targets: Mapping[str, Target]
    sources: Sources = field(default_factory=dict)
    _requests: list[Request] = field(default_factory=list)
    _marks: list[Mark] = field(default_factory=list)
    _begun: float = 0.0
    _over: bool = False

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self._begun

    @property
    def progress(self) -> str:
        """How many requests were sent and failed by now."""
        failed = sum(bool(each.failure) for each in self._requests)
        return f"{len(self._requests):,} requests, {failed:,} failed"

    def mark(self, text: str) -> None:
        """Note that something is done now."""
        self._marks.append(Mark(round(self.seconds, 3), text))

    def record(self) -> Record:
        """Return what became of all requests."""
        return Record(tuple(self._requests), marks=tuple(self._marks), seconds=self.seconds)

    @asynccontextmanager
    async def driving(self) -> AsyncIterator[None]:
        """Send requests until the block ends, and wait for the last answer."""
        self._begun = time.monotonic()
        streams = [
            asyncio.create_task(self._drive(service, manner, senders(target, self.sources.get(manner))))
            for service, target in self.targets.items()
            for manner, senders in SENDERS.items()
        ]
        try:
            yield
        finally:
            self._over = True
            await asyncio.gather(*streams)

    async def _drive(self, service: str, manner: Manner, sender: Sender) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, number / PER_SECOND - self.seconds))
                if self._over:
                    break
                tasks.create_task(self._send(service, manner, sender))
        sender.close()

    async def _send(self, service: str, manner: Manner, sender: Sender) -> None:
        sent, failure, resent = self.seconds, "", False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                resent = await sender.send()
        except TimeoutError:
            failure = "no answer"
        except Failed as reason:
            failure = str(reason)
        self._requests.append(Request(service, manner, sent, self.seconds, failure=failure, resent=resent))


@dataclass(frozen=True, slots=True)
class _FreshConnections:
    """Sends each request on a connection of its own."""

    target: Target
    source: str | None

    async def send(self) -> bool:
        """Send a request; never twice."""
        connection = await Connection.open(self.target(), source=self.source)
        try:
            await connection.get(keep=False)
        finally:
            connection.close()
        return False

    def close(self) -> None:
        """Nothing is left open."""


@dataclass(slots=True)
class _KeptConnections:
    """Sends requests on connections that stay open, the longest idle first; those that were closed are replaced."""

    target: Target
    source: str | None
    _idle: deque[Connection] = field(default_factory=deque)
    _busy: int = 0

    async def send(self) -> bool:
        """Send a request, and tell whether it had to be sent twice.

        A server may close an idle connection at any time, even while a request is on its way. HTTP has the client send
        it again then if it changes nothing (RFC 9112, section 9.3.1), as browsers, proxies and client libraries do.
        """
        connection = self._longest_idle()
        if connection is None:
            await self._send_on(await self._open())
            return False
        try:
            await self._send_on(connection)
        except Closed:
            await self._send_on(await self._open())
            return True
        return False

    def close(self) -> None:
        """Close what is open."""
        for connection in self._idle:
            connection.close()

    async def _open(self) -> Connection:
        return await Connection.open(self.target(), source=self.source)

    def _longest_idle(self) -> Connection | None:
        """Return a connection; None as long as there are too few."""
        for connection in [each for each in self._idle if each.closed]:
            connection.close()
            self._idle.remove(connection)
        if len(self._idle) + self._busy < KEPT_CONNECTIONS or not self._idle:
            return None
        return self._idle.popleft()

    async def _send_on(self, connection: Connection) -> None:
        self._busy += 1
        try:
            await connection.get(keep=True)
        except BaseException:
            connection.close()
            raise
        finally:
            self._busy -= 1
        self._idle.append(connection)


Sender = _FreshConnections | _KeptConnections
SENDERS: dict[Manner, Callable[[Target, str | None], Sender]] = {
    Manner.NEW: _FreshConnections,
    Manner.KEPT: _KeptConnections,
}
