"""Whether the watches are alive: what Kopf's HTTP session hears of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.metrics import WATCH_SILENCE
from productionpolicy.controller.resources import Resource

SILENT_SECONDS = 150.0
"""How long a watch may be silent: the API server sends a bookmark about every minute."""


class Watches:
    """Keeps, for each watched kind, when its stream was last heard of, and whether it is open."""

    def __init__(self, resources: tuple[Resource, ...], *, clock: Clock) -> None:
        self._clock = clock
        self._paths: Mapping[str, Resource] = {each.path(): each for each in resources}
        self._heard: dict[Resource, float] = {}
        self._faults: dict[Resource, str] = dict.fromkeys(resources, "not yet open")

    def fault(self) -> str | None:
        """Return what is wrong with the watches, for people; None if all are open and heard of lately."""
        faults = [f"{each.plural}: {fault}" for each, fault in self._faults.items()]
        now = self._clock.monotonic()
        for resource, heard in self._heard.items():
            WATCH_SILENCE.labels(resource=resource.plural).set(now - heard)
            if now - heard > SILENT_SECONDS:
                faults.append(f"{resource.plural}: silent for {now - heard:.0f} s")
        return "; ".join(sorted(faults)) or None

    def longest_silence(self) -> float:
        """Return how many seconds ago the most silent watch was heard of."""
        now = self._clock.monotonic()
        return max((now - heard for heard in self._heard.values()), default=0.0)

    def trace(self) -> aiohttp.TraceConfig:
        """Return the trace that listens to Kopf's session."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._started)
        trace.on_request_end.append(self._opened)
        trace.on_request_exception.append(self._failed)
        trace.on_response_chunk_received.append(self._heard_of)
        return trace

    async def _started(self, _session: Any, context: SimpleNamespace, started: aiohttp.TraceRequestStartParams) -> None:
        watching = started.url.query.get("watch") == "true"
        context.resource = self._paths.get(started.url.path) if watching else None

    async def _opened(self, _session: Any, context: SimpleNamespace, ended: aiohttp.TraceRequestEndParams) -> None:
        if context.resource is None:
            return
        if ended.response.status == 200:  # noqa: PLR2004  # HTTP OK
            self._faults.pop(context.resource, None)
            self._heard[context.resource] = self._clock.monotonic()
        else:
            self._faults[context.resource] = f"answered with {ended.response.status}"

    async def _failed(
        self, _session: Any, context: SimpleNamespace, failed: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if context.resource is not None:
            self._faults[context.resource] = type(failed.exception).__name__

    async def _heard_of(self, _session: Any, context: SimpleNamespace, _chunk: Any) -> None:
        if context.resource is not None:
            self._heard[context.resource] = self._clock.monotonic()
