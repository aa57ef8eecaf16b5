"""Kopf handlers: one per watched kind, and each only takes note. Kopf watches, authenticates, and does nothing else.

Only `on.event` leaves the watched objects alone: handlers of changes annotate them, timers and daemons put finalizers
on them. It does not retry, which is the queue's part.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import kopf

# Kopf takes them as an argument of its public `operator`, but exports their class nowhere.
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from productionpolicy.controller.resources import Resource


class Put(Protocol):
    """Takes in an object of a watched kind, or its deletion."""

    def __call__(self, resource: Resource, raw: Mapping[str, Any], *, deleted: bool = False) -> None:
        """Take it in."""


_BACKOFFS = (1, 2, 3, 5, 8, 13, 21)
_LAST_BACKOFF_SECONDS = 30
_IDLE_SECONDS = 0.05
"""How long Kopf keeps a worker for an object that brings no more events. Each holds the object as it came, so with ten
thousand of them at the start this is what decides on the peak of memory."""


class Nothing(kopf.DiffBaseStorage):
    """What Kopf remembers of an object in order to tell what has changed: nothing, for no handler of the operator asks.

    By default it copies each object twice for that, which took a sixth of the operator's time.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return what is compared."""
        return {}

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return what was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


class NoMemories(ResourceMemories):
    """What Kopf remembers of each object for its other kinds of handlers: nothing.

    By default it keeps a kilobyte of each object of the watched kinds, also of those in namespaces without a policy.
    """

    async def recall(
        self,
        raw_body: kopf.RawBody,
        *,
        memobase: Any = None,
        noticed_by_listing: bool = False,
        ephemeral: bool = False,  # noqa: ARG002  # the signature is Kopf's
    ) -> ResourceMemory:
        """Return a new memory each time."""
        return await super().recall(raw_body, memobase=memobase, noticed_by_listing=noticed_by_listing, ephemeral=True)


class Forever:
    """Pauses between attempts, without an end: a watch that gives up would end the whole operator."""

    def __iter__(self) -> Iterator[float]:
        yield from _BACKOFFS
        while True:
            yield _LAST_BACKOFF_SECONDS


def registry(
    put: Put, login: Callable[[], Awaitable[kopf.AiohttpSession]], resources: Iterable[Resource]
) -> kopf.OperatorRegistry:
    """Return the handlers of some kinds."""
    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(_login(login))
    for resource in resources:
        kopf.on.event(resource.group, resource.version, resource.plural, id=resource.plural, registry=handlers)(
            _taking_note(put, resource)
        )
    return handlers


def settings() -> kopf.OperatorSettings:
    """Return the settings of Kopf."""
    chosen = kopf.OperatorSettings()
    chosen.peering.standalone = True
    chosen.posting.enabled = False
    chosen.posting.loggers = False
    chosen.scanning.disabled = True
    chosen.persistence.diffbase_storage = Nothing()
    chosen.watching.server_timeout = 290
    chosen.watching.inactivity_timeout = 120
    chosen.watching.reconnect_backoff = 1
    chosen.watching.chunk_size = 500
    chosen.networking.request_timeout = 30
    chosen.networking.connect_timeout = 5
    chosen.networking.error_backoffs = Forever()
    chosen.queueing.idle_timeout = _IDLE_SECONDS
    chosen.process.ultimate_exiting_timeout = 25
    return chosen


def _login(login: Callable[[], Awaitable[kopf.AiohttpSession]]) -> Callable[..., Awaitable[kopf.AiohttpSession]]:
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return await login()

    return log_in


def _taking_note(put: Put, resource: Resource) -> Callable[..., Awaitable[None]]:
    async def take_note(event: Mapping[str, Any], **_: Any) -> None:
        put(resource, event["object"], deleted=event["type"] == "DELETED")

    return take_note
