"""A proxy between the operator and the real API server that makes chosen requests fail."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    TCPConnector,
    web,
)

from control_plane.plane import ControlPlane
from control_plane.ports import LOOPBACK, free_ports
from faults.loop import Loop

TLS_CLOSES_SECONDS = 0.25
"""How long aiohttp's TLS transports need to close after their session has: nothing tells when they have."""

WRITING = {"DELETE", "PATCH", "POST", "PUT"}
EXPIRED = b'"code":410'
HOP_BY_HOP = {"connection", "content-encoding", "content-length", "host", "transfer-encoding"}


@dataclass(slots=True)
class Fault:
    """How requests of one kind fail."""

    method: str
    path: re.Pattern[str]
    status: int
    times: int = 1
    after: int = 0
    """How many requests pass before the first one fails."""
    headers: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def strikes(self, request: web.Request) -> bool:
        """Say whether this request fails."""
        if request.method != self.method or not self.path.search(request.path_qs) or self.seen >= self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.seen += 1
        return True

    def answer(self) -> web.Response:
        """Return a failure in the API server's form."""
        return _failure(self.status, self.headers)


@dataclass(slots=True)
class Storm:
    """Requests of all kinds fail at random. Of those that write, half are carried out all the same."""

    random: Random
    statuses: Sequence[int]
    share: float
    """Of the requests, between 0 and 1."""
    seen: int = 0
    carried_out: int = 0
    """How many writes were, though their answer said otherwise."""

    def strikes(self) -> bool:
        """Say whether a request fails."""
        return self.random.random() < self.share

    def comes_late(self, request: web.Request) -> bool:
        """Say whether a request that fails is carried out before."""
        late = request.method in WRITING and self.random.random() < 1 / 2
        self.carried_out += late
        return late

    def answer(self) -> web.Response:
        """Return one of the failures."""
        self.seen += 1
        status = self.random.choice(self.statuses)
        headers = {"Retry-After": "1"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
        return _failure(status, headers)


@dataclass(slots=True)
class Hold:
    """Which requests wait."""

    path: re.Pattern[str]
    let_go: asyncio.Event
    after: int

    def catches(self, request: web.Request) -> bool:
        """Say whether this request waits."""
        if request.method != "PATCH" or not self.path.search(request.path_qs):
            return False
        self.after -= 1
        return self.after < 0


class Proxy:
    """Passes everything on, except what is made to fail, or has an answer of its own."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._faults: list[Fault] = []
        self._answers: dict[str, Any] = {}
        self._watches: dict[web.StreamResponse, bytes | None] = {}
        self._streams: set[asyncio.Task[Any]] = set()
        self._holds: list[Hold] = []
        self._storm: Storm | None = None
        self._severed = False
        self.writes = 0
        """How many requests that write the API server has answered."""
        self.expired = 0
        """How many times it called a resource version too old."""
        (self.port,) = free_ports(1)
        self._loop = Loop()
        self._flow = asyncio.Event()
        self._flow.set()

    def fail(self, method: str, path: str, **how: Any) -> Fault:
        """Make the next so many requests fail; see `Fault`."""
        fault = Fault(method, re.compile(path), **how)
        self._faults.append(fault)
        return fault

    def answer(self, path: str, content: Any) -> None:
        """Answer requests of a path without the API server."""
        self._answers[path] = content

    @contextmanager
    def holding(self, path: str, *, after: int = 0) -> Iterator[None]:
        """Hold back PATCH requests, but for the first so many, until the end of the block."""
        let_go = asyncio.Event()
        hold = Hold(re.compile(path), let_go, after)
        self._holds.append(hold)
        try:
            yield
        finally:
            self._holds.remove(hold)
            self._loop.call(let_go.set)

    @contextmanager
    def stalling_watches(self) -> Iterator[None]:
        """Hold back what the streams tell until the end of the block."""
        self._loop.call(self._flow.clear)
        try:
            yield
        finally:
            self._loop.call(self._flow.set)

    @contextmanager
    def storming(self, storm: Storm) -> Iterator[Storm]:
        """Let requests fail at random until the end of the block."""
        self._storm = storm
        self.cut_watches()
        try:
            yield storm
        finally:
            self._storm = None

    @contextmanager
    def without_watches(self) -> Iterator[None]:
        """Break all streams, and let no new one open until the end of the block; all else passes."""
        self._severed = True
        self.cut_watches()
        try:
            yield
        finally:
            self._severed = False

    def reset(self) -> None:
        """Let everything pass again."""
        self._faults.clear()
        self._answers.clear()

    def cut_watches(self) -> None:
        """Break all streams that are open."""
        self._loop.call(lambda: [each.cancel() for each in self._streams])

    def expire_watches(self) -> None:
        """Tell all streams that their resource version is too old, as after a compaction."""
        gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
        self._loop.call(lambda: self._watches.update(dict.fromkeys(self._watches, _line("ERROR", gone))))
        self.cut_watches()

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve in a thread of its own."""
        with self._loop.running(self._serve):
            yield self

    def kubeconfig(self, original: Path, folder: Path, *, port: int | None = None) -> Path:
        """Write a kubeconfig that goes through this proxy, or through what leads to it from another port."""
        copied = json.loads(original.read_text())
        copied["clusters"][0]["cluster"] = {"server": f"http://{LOOPBACK}:{port or self.port}"}
        path = folder / "proxied.kubeconfig"
        path.write_text(json.dumps(copied))
        return path

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[None]:
        application = web.Application(client_max_size=2**26)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        tls = ssl.create_default_context(cafile=str(self._plane.site.certificate_authority))
        async with ClientSession(connector=TCPConnector(ssl=tls, limit=0), auto_decompress=True) as self._session:
            await runner.setup()
            await web.TCPSite(runner, LOOPBACK, self.port).start()
            yield
            for each in self._streams:
                each.cancel()
            await runner.cleanup()
        await asyncio.sleep(TLS_CLOSES_SECONDS)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        for hold in [each for each in self._holds if each.catches(request)]:
            await hold.let_go.wait()
        fault = next((each for each in self._faults if each.strikes(request)), None)
        if fault is not None:
            return fault.answer()
        if request.path in self._answers:
            return web.json_response(self._answers[request.path])
        if self._severed and _watches(request):
            return _failure(HTTPStatus.SERVICE_UNAVAILABLE)
        storm = self._storm
        if storm is not None and storm.strikes():
            if storm.comes_late(request):
                await self._pass_on(request)
            return storm.answer()
        return await self._pass_on(request)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        headers = {name: text for name, text in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = f"{self._plane.site.server}{request.path_qs}"
        timeout = ClientTimeout(total=None)
        body = await request.read() or None
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body, timeout=timeout
            ) as answer:
                return await self._answered(request, answer)
        except (ClientConnectionError, ClientPayloadError):  # there is no server, or no more
            return _broken_off(request)

    async def _answered(self, request: web.Request, answer: ClientResponse) -> web.StreamResponse:
        kept = {name: text for name, text in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        self.expired += answer.status == HTTPStatus.GONE
        if _watches(request):
            return await self._stream(request, answer, kept)
        made = web.Response(body=await answer.read(), status=answer.status, headers=kept)
        self.writes += request.method in WRITING
        return made

    async def _copy(self, answer: Any, response: web.StreamResponse) -> None:
        async for chunk in answer.content.iter_any():
            await self._flow.wait()
            self.expired += EXPIRED in chunk
            await response.write(chunk)

    async def _stream(self, request: web.Request, answer: Any, headers: dict[str, str]) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        self._watches[response] = None
        copying = asyncio.ensure_future(self._copy(answer, response))
        self._streams.add(copying)
        try:
            await asyncio.wait({copying})
        finally:
            copying.cancel()
            self._streams.discard(copying)
        last_word = self._watches.pop(response)
        if not copying.cancelled() and copying.done() and copying.exception() is not None:
            return _broken_off(request)
        if last_word:
            await response.write(last_word)
        return response


def _watches(request: web.Request) -> bool:
    return request.query.get("watch") == "true"


def _broken_off(request: web.Request) -> web.Response:
    """Break the connection, as a server that dies does; the answer goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=HTTPStatus.BAD_GATEWAY)


def _failure(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a failure in the API server's form."""
    reasons = {409: "Conflict", 422: "Invalid", 429: "TooManyRequests", 403: "Forbidden"}
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": f"made to fail with {status:d}",
        "reason": reasons.get(status, "InternalError"),
        "code": status,
    }
    return web.json_response(body, status=status, headers=headers)


def _line(kind: str, raw: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": raw}).encode() + b"\n"
