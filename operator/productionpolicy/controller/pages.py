"""The pages and the JSON about what the operator knows, at a port of their own.

They are made from the memory of the operator, in a thread, and one at a time. Clients can neither make the operator
wait nor take more than a share of its processor time, and a slow client only holds its own connection.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import structlog
from aiohttp import web
from msgspec import Struct

from productionpolicy.controller.context import Context
from productionpolicy.controller.listening import listen
from productionpolicy.kube.identity import NAME
from productionpolicy.kube.text import printable
from productionpolicy.overview.cluster import Answer, Known, KnownPolicy, Snapshot, answer
from productionpolicy.page.document import SECURITY

METHODS = ("GET", "HEAD")
HEADERS = {
    "Server": NAME,
    "Content-Security-Policy": f"{SECURITY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The headers of every answer."""

SNAPSHOT_SECONDS = 2.0
"""How long pages show the same state of the cluster."""
FORGET_SECONDS = 60.0
"""How long after the last request the state is kept."""
MOST_BYTES = 8_000_000
"""How much the pages of one state may take, before the earliest are dropped."""
MOST_UNREAD_BYTES = 64_000_000
"""How much of all answers clients may not have read yet, before further answers are refused."""
SHARE = 0.25
"""How much of one processor pages may take."""
BURST_SECONDS = 1.0
"""How many seconds of processor time pages may take at once, if there were none for a while."""

MOST_WAITING, MOST_WAITING_OF_ONE = 32, 8
"""How many requests may wait for their page, and how many of one client; further ones are refused."""
REFUSAL_SECONDS = 1.0
"""How long a refusal takes: a client that asks again at once would otherwise keep the event loop busy."""
SWITCH_SECONDS = 0.0005
"""How long the thread may keep the interpreter from the event loop, which gives it away with each system call."""
MOST_CONNECTIONS = 64
"""Each of them may hold an answer that its client does not read."""
IDLE_SECONDS = 10.0
"""How long a client may take to send its request."""
CONNECTION_SECONDS = 60.0
"""How long a connection may last, from its beginning to the last byte of the answer."""
LONGEST_LINE = 4096
"""Bytes of the first line of a request, and of each header."""
MOST_HEADERS = 64

_QUIET = logging.getLogger(f"{__name__}.http")
_QUIET.disabled = True  # whoever can connect could fill the log with requests that are none

log = structlog.get_logger(__name__)

Look = Callable[[], Snapshot]
"""Returns what the operator knows now."""


def known(context: Context, *, fault: str | None) -> Snapshot:
    """Return what the operator knows now; it takes about a microsecond for each workload.

    Args:
        context: the memory of the operator.
        fault: why it is not ready; None if it is.
    """
    return Snapshot(
        context.cluster.clock.now(),
        policies=tuple(
            KnownPolicy(name, stored.policy, stored.status) for name, stored in sorted(context.store.policies.items())
        ),
        workloads=tuple(
            Known(each.report, each.seen, each.slot is not None)
            for each in context.records.values()
            if each.report is not None and each.seen is not None
        ),
        version=_version(),
        fault=fault or "",
    )


@cache
def _version() -> str:
    return version(NAME)


class TooMany(Exception):
    """Too many requests wait."""


class Maker:
    """Makes the answers, one at a time, and keeps those that show the same state."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._turn = asyncio.Lock()
        self._waiting: Counter[str] = Counter()
        """How many requests of each client wait."""
        self._budget, self._counted = BURST_SECONDS, time.monotonic()
        """How many seconds of processor time are left, and when that was counted."""
        self._snapshot: Snapshot | None = None
        self._taken = 0.0
        self._answers: dict[str, Answer] = {}
        self._forgetting: asyncio.TimerHandle | None = None

    async def answer(self, target: str, *, client: str) -> Answer:
        """Return the answer to the request of a client for a target.

        Raises:
            TooMany: too many requests wait already.
        """
        made = self._made(target)
        if made is not None:
            return made
        if self._waiting.total() >= MOST_WAITING or self._waiting[client] >= MOST_WAITING_OF_ONE:
            raise TooMany
        self._waiting[client] += 1
        try:
            async with self._turn:
                return self._made(target) or await self._make(target)
        finally:
            self._waiting -= Counter([client])

    def close(self) -> None:
        """Forget everything, and end the thread."""
        self._forget()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _made(self, target: str) -> Answer | None:
        return self._answers.get(target) if self._is_fresh() else None

    def _is_fresh(self) -> bool:
        return self._snapshot is not None and time.monotonic() - self._taken < SNAPSHOT_SECONDS

    async def _make(self, target: str) -> Answer:
        await asyncio.sleep(max(0.0, -self._left() / SHARE))
        snapshot = self._now()
        made, seconds = await asyncio.get_running_loop().run_in_executor(self._thread, _timed, snapshot, target)
        self._budget = self._left() - seconds
        self._keep(target, made)
        return made

    def _left(self) -> float:
        """Return how many seconds of processor time are left; less than none if pages took more than their share."""
        now = time.monotonic()
        self._budget = min(BURST_SECONDS, self._budget + (now - self._counted) * SHARE)
        self._counted = now
        return self._budget

    def _now(self) -> Snapshot:
        if self._snapshot is None or not self._is_fresh():
            self._forget()
            self._snapshot, self._taken = self._look(), time.monotonic()
            self._forgetting = asyncio.get_running_loop().call_later(FORGET_SECONDS, self._forget)
        return self._snapshot

    def _keep(self, target: str, made: Answer) -> None:
        if made.status != HTTPStatus.OK or len(made.body) > MOST_BYTES:
            return  # whoever asks for what is not there, or for very much, shall not drop the others
        self._answers[target] = made
        size = sum(len(each.body) for each in self._answers.values())
        while size > MOST_BYTES:
            size -= len(self._answers.pop(next(iter(self._answers))).body)

    def _forget(self) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting, self._snapshot = None, None
        self._answers.clear()


def _timed(snapshot: Snapshot, target: str) -> tuple[Answer, float]:
    """Return an answer, and how many seconds of processor time it took."""
    begun = time.thread_time()
    return answer(snapshot, target), time.thread_time() - begun


class Connection(Struct, frozen=True):
    """A connection of a client."""

    transport: asyncio.Transport
    client: str
    end: asyncio.TimerHandle
    """Ends it, if it lasts too long."""


class Connections(web.Server):
    """The connections: how many there may be, and how long each may last.

    If there are too many, one that has not sent its request ends: the oldest of the client with the most of them.
    """

    def __init__(self, handler: Callable[[web.BaseRequest], Any]) -> None:
        super().__init__(
            self._handle,
            logger=_QUIET,
            access_log=None,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=0.0,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
        )
        self._answers = handler
        self._open: dict[web.RequestHandler, Connection] = {}
        self._answering: set[web.RequestHandler] = set()

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Take note of a connection, and end another one if there are too many."""
        super().connection_made(handler, transport)
        end = asyncio.get_running_loop().call_later(CONNECTION_SECONDS, transport.abort)
        peer = transport.get_extra_info("peername")
        self._open[handler] = Connection(transport, str(peer[0]) if peer else "", end)
        if len(self._open) > MOST_CONNECTIONS:
            self._end_one()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        self._drop(handler)
        super().connection_lost(handler, exc)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._answering.add(request.protocol)
        try:
            response: web.StreamResponse = await self._answers(request)
        finally:
            self._answering.discard(request.protocol)
        # With one request for each connection, no client holds one for longer than its answer takes.
        response.force_close()
        return response

    @property
    def unread_bytes(self) -> int:
        """How much of the answers their clients have not read yet."""
        return sum(each.transport.get_write_buffer_size() for each in self._open.values())

    def _end_one(self) -> None:
        idle = [each for each in self._open if each not in self._answering]
        counts = Counter(self._open[each].client for each in idle)
        # Of several, max returns the first, and so the oldest. The new connection is idle, so there is one.
        ended = max(idle, key=lambda each: counts[self._open[each].client])
        self._open[ended].transport.abort()
        self._drop(ended)

    def _drop(self, handler: web.RequestHandler) -> None:
        connection = self._open.pop(handler, None)
        if connection is not None:
            connection.end.cancel()


class Pages:
    """Serves the pages; as a context manager.

    Args:
        address: host and port.
        look: returns what the operator knows now.
    """

    def __init__(self, address: tuple[str, int], *, look: Look) -> None:
        self._address = address
        self._maker = Maker(look)
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Pages:
        self._usual = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._connections = Connections(self._answer)
        self._runner = web.ServerRunner(self._connections, shutdown_timeout=1.0)
        await listen(self._runner, self._address, serves="pages", option="--page")
        host, port = self.addresses[0][:2]
        log.info("pages are served", address=f"{host}:{port}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._maker.close()
        sys.setswitchinterval(self._usual)

    @property
    def addresses(self) -> list[Any]:
        """The addresses at which they are served: host and port, and more with IPv6."""
        return self._runner.addresses if self._runner else []

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in METHODS:
            allowed = {"Allow": ", ".join(METHODS)}
            return _text(405, f"these pages can only be read: {allowed['Allow']}", **allowed)
        try:
            made = await self._maker.answer(request.raw_path, client=request.remote or "")
        except TooMany:
            await asyncio.sleep(REFUSAL_SECONDS)
            return _text(503, "too many requests wait; try again", **{"Retry-After": "5"})
        except Exception:
            log.exception("page failed", target=printable(request.raw_path, longest=200))
            return _text(500, "the page could not be made; the log of the operator says why")
        if self._connections.unread_bytes + len(made.body) > MOST_UNREAD_BYTES:
            return _text(503, "too many answers are not read yet; try again", **{"Retry-After": "5"})
        return web.Response(status=made.status, body=made.body, headers={**HEADERS, "Content-Type": made.type})


def _text(status: int, message: str, **headers: str) -> web.Response:
    return web.Response(status=status, text=f"{message}\n", headers={**HEADERS, **headers})
