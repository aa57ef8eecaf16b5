"""Whether the watches are alive: what Kopf's HTTP session hears of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import aiohttp

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.metrics import WATCH_SILENCE
from productionpolicy.controller.resources import Resource

SILENT_SECONDS = 150.0
"""How long a watch may be silent: the API server sends a bookmark about every minute."""

LISTEN_SECONDS = 5.0
"""How often to look for what the watches have brought: so exact is the time of silence."""


class NotServed(aiohttp.ClientConnectionError):
    """The API server does not serve an optional kind.

    Kopf stops if a list request returns 404, but retries forever if a connection fails.
    """


@dataclass(slots=True)
class _Stream:
    """An open watch."""

    content: aiohttp.StreamReader
    heard: float
    """When it was found to have brought something, by the monotonic clock."""
    size: int = 0
    """How many bytes it had brought then."""

    def listen(self, now: float) -> None:
        """Take note of what has come since the last time. Tracing does not tell of the pieces of a stream."""
        if self.content.total_bytes != self.size:
            self.size, self.heard = self.content.total_bytes, now


class Watches:
    """Keeps, for each watched kind, when its stream was last heard of, and whether it is open.

    Args:
        resources: the watched kinds.
        clock: the time.
        missed: is called with a required kind that is no longer served, before Kopf stops because of it.
    """

    def __init__(
        self, resources: tuple[Resource, ...], *, clock: Clock, missed: Callable[[Resource], None] | None = None
    ) -> None:
        self._clock = clock
        self._missed = missed
        self.absent: set[Resource] = set()
        """The optional kinds that the API server does not serve now. Readiness does not wait for their watches."""
        self._paths: Mapping[str, Resource] = {each.path(): each for each in resources}
        self._streams: dict[Resource, _Stream] = {}
        self._faults: dict[Resource, str] = dict.fromkeys(resources, "not yet open")
        self._listed: set[Resource] = set()
        """Kinds that Kopf has listed since it last opened a watch of them."""
        self._begun: set[Resource] = set()
        self._news = asyncio.Event()
        self._missing: set[Resource] = set()

    def miss(self, resource: Resource) -> None:
        """Record that an optional kind is not served. `begun` returns it, so that it is listed as empty."""
        if resource in self.absent:
            return
        self.absent.add(resource)
        self._faults.pop(resource, None)
        self._streams.pop(resource, None)
        WATCH_SILENCE.remove_by_labels({"resource": resource.plural})
        self._tell_begun(resource)

    def fault(self) -> str | None:
        """Return what is wrong with the watches, for people; None if all are open and heard of lately."""
        faults = [f"{each.plural}: {fault}" for each, fault in self._faults.items()]
        silences = {each: self._silence(each) for each in self._streams}
        silent = (f"{each.plural}: silent for {s:.0f} s" for each, s in silences.items() if s > SILENT_SECONDS)
        return "; ".join(sorted([*faults, *silent])) or None

    def longest_silence(self) -> float:
        """Return how many seconds ago the most silent watch was heard of."""
        return max(map(self._silence, self._streams), default=0.0)

    async def listen(self) -> None:
        """Note when the watches bring something, until cancelled, so that nobody has to ask for that."""
        while True:
            now = self._clock.monotonic()
            for each in self._streams.values():
                each.listen(now)
            await asyncio.sleep(LISTEN_SECONDS)

    async def begun(self) -> set[Resource]:
        """Return the kinds whose watch has begun again, as soon as there are any.

        That is so at the start, and when the API server calls the last known version too old. Kopf then lists what is
        there and tells of it; it never tells of what has gone in between.
        """
        await self._news.wait()
        self._news.clear()
        begun, self._begun = self._begun, set()
        return begun

    async def opened(self) -> None:
        """Return when the watches of all kinds have been opened."""
        while any(each not in self._streams and each not in self.absent for each in self._paths.values()):
            await self._news.wait()
            self._news.clear()
        self._news.clear()
        self._begun.clear()

    async def retry_absent(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Make Kopf retry if an optional kind is not served (a middleware of its session).

        Raises:
            NotServed: the kind is optional and not served.
        """
        response = await handler(request)
        resource = self._paths.get(request.url.path)
        if resource is None or not resource.optional or response.status != HTTPStatus.NOT_FOUND:
            return response
        response.release()
        self.miss(resource)
        raise NotServed(f"{resource.group_kind} is not served")

    def trace(self) -> aiohttp.TraceConfig:
        """Return the trace that listens to Kopf's session."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._started)
        trace.on_request_end.append(self._answered)
        trace.on_request_exception.append(self._failed)
        return trace

    def _silence(self, resource: Resource) -> float:
        """Return how many seconds ago a watch was heard of."""
        now, stream = self._clock.monotonic(), self._streams[resource]
        stream.listen(now)
        return now - stream.heard

    async def _started(self, _session: Any, context: SimpleNamespace, started: aiohttp.TraceRequestStartParams) -> None:
        resource = self._paths.get(started.url.path)
        watching = started.url.query.get("watch") == "true"
        context.resource, context.asked = resource if watching else None, resource
        if resource is not None and not watching:
            self._listed.add(resource)

    async def _answered(self, _session: Any, context: SimpleNamespace, ended: aiohttp.TraceRequestEndParams) -> None:
        missing = context.asked if ended.response.status == HTTPStatus.NOT_FOUND else None
        if missing is not None and missing not in self._missing:
            self._missing.add(missing)
            if self._missed is not None:
                self._missed(missing)
        if context.resource is None:
            return
        if ended.response.status == HTTPStatus.OK:
            self._open(context.resource, ended.response.content)
        else:
            self._faults[context.resource] = f"answered with {ended.response.status}"

    def _open(self, resource: Resource, content: aiohttp.StreamReader) -> None:
        self._faults.pop(resource, None)
        self.absent.discard(resource)
        self._streams[resource] = _Stream(content, self._clock.monotonic())
        WATCH_SILENCE.labels(resource=resource.plural).set_function(partial(self._silence, resource))
        if resource in self._listed:
            self._listed.discard(resource)
            self._tell_begun(resource)

    def _tell_begun(self, resource: Resource) -> None:
        self._begun.add(resource)
        self._news.set()

    async def _failed(
        self, _session: Any, context: SimpleNamespace, failed: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if context.resource is not None and context.resource not in self.absent:
            self._faults[context.resource] = type(failed.exception).__name__
