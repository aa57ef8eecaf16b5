"""Reads the objects of some kinds from a cluster, as far as it is allowed to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct

from productionpolicy.controller.cluster import (
    PAGE,
    Cluster,
    Expired,
    Forbidden,
    Gone,
    Raw,
    Refused,
    RequestFailed,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from productionpolicy.controller.patience import patiently
from productionpolicy.controller.resources import NAMESPACES, Resource
from productionpolicy.kube.coverage import COMPLETE, Coverage, Read
from productionpolicy.kube.text import printable

_AT_A_TIME = 4
"""How many requests are made at the same time."""
_RESTARTS = 3
"""How often an expired list begins again, before it is asked for in one part, which cannot expire."""
_LONGEST_REASON = 300

Keep = Callable[[Resource, Raw], bool]
Told = Callable[[Resource, int], None]
T = TypeVar("T")


class Scope(Struct, frozen=True):
    """The namespaces to read. Kinds without namespaces are always read as a whole."""

    namespace: str | None = None
    """The namespace; None for all."""
    fallback: str = "default"
    """The namespace to read if all are wanted, but neither a kind nor the namespaces may be listed as a whole."""


EVERYWHERE = Scope()


class Reading(Struct, frozen=True):
    """What was read."""

    items: list[bytes]
    """Each object as JSON with apiVersion and kind, in the order of the kinds."""
    coverage: dict[Resource, Coverage]


def everything(_resource: Resource, _raw: Raw) -> bool:
    """Keep all objects."""
    return True


def silent(_resource: Resource, _count: int) -> None:
    """Show no progress."""


class Reader:
    """Reads from a cluster with the verbs `get` and `list` alone.

    Args:
        cluster: the cluster.
        keep: decides which objects are kept. The others are dropped with the page in which they arrive.
        told: is called after each page, with the kind and the number of objects in the page.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        keep: Keep = everything,
        told: Told = silent,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cluster = cluster
        self._keep = keep
        self._told = told
        self._sleep = sleep
        self._turns = asyncio.Semaphore(_AT_A_TIME)
        self._looking = asyncio.Lock()
        self._names: list[str] | None = None
        """The namespaces, once they are needed."""

    async def read(self, kinds: Sequence[Resource], scope: Scope = EVERYWHERE) -> Reading:
        """Read kinds: as a whole, and what may not be listed as a whole, namespace by namespace.

        Raises:
            Unauthorized: the API server does not accept the credentials.
            Unreachable: the API server does not answer.
        """
        parts = await asyncio.gather(*(self._kind(each, scope) for each in kinds))
        coverage = {each: part.coverage for each, part in zip(kinds, parts, strict=True)}
        return Reading([item for part in parts for item in part.items], coverage)

    async def _kind(self, resource: Resource, scope: Scope) -> _Part:
        in_namespaces = resource.namespaced or resource == NAMESPACES
        if scope.namespace is not None and in_namespaces:
            return await self._by_namespace(resource, [scope.namespace])
        try:
            return _Part(await self._list(resource), COMPLETE)
        except Forbidden as error:
            if not in_namespaces:
                return _Part([], _unread(error))
            return await self._by_namespace(resource, await self._namespaces(scope), reason=_words(error))
        except Gone:
            return _not_served(resource)
        except (Unauthorized, Unreachable):
            raise
        except RequestFailed as error:
            return _Part([], _unread(error))

    async def _by_namespace(self, resource: Resource, namespaces: Sequence[str], *, reason: str = "") -> _Part:
        """Read a kind in some namespaces.

        Args:
            resource: the kind.
            namespaces: the namespaces.
            reason: why the kind was not read as a whole.
        """
        parts = await asyncio.gather(*(self._namespace(resource, each) for each in namespaces))
        if all(part is NOT_SERVED for part in parts):
            return _not_served(resource)
        covered = tuple(sorted(name for name, part in zip(namespaces, parts, strict=True) if part.coverage == COMPLETE))
        reasons = (reason, *(part.coverage.reason for part in parts))
        why = next(filter(None, reasons), "")
        coverage = Coverage(Read.NAMESPACES, covered, why) if covered else Coverage(Read.NONE, reason=why)
        return _Part([item for part in parts for item in part.items], coverage)

    async def _namespace(self, resource: Resource, namespace: str) -> _Part:
        try:
            if resource == NAMESPACES:
                return _Part(await self._find(resource, namespace), COMPLETE)
            return _Part(await self._list(resource, namespace), COMPLETE)
        except Gone:
            return NOT_SERVED
        except (Unauthorized, Unreachable):
            raise
        except RequestFailed as error:
            return _Part([], _unread(error))

    async def _namespaces(self, scope: Scope) -> list[str]:
        """Return the namespaces that may be listed, or else the one that the kubeconfig names."""
        async with self._looking:
            if self._names is None:
                try:
                    self._names = [each["metadata"]["name"] async for each in self._objects(NAMESPACES)]
                except (Forbidden, Refused):
                    self._names = [scope.fallback]
        return self._names

    async def _find(self, resource: Resource, name: str) -> list[bytes]:
        found = await self._patiently(lambda: self._cluster.find(resource, name))
        return [_encoded(resource, found)] if found is not None else []

    async def _list(self, resource: Resource, namespace: str | None = None) -> list[bytes]:
        """Return the objects of a kind; a list that expires while it is read begins again."""
        for limit in (*[PAGE] * _RESTARTS, None):
            try:
                return [_encoded(resource, each) async for each in self._objects(resource, namespace, limit=limit)]
            except Expired:
                continue
        raise Unavailable(f"the list of {resource.called} expired again and again")

    async def _objects(
        self, resource: Resource, namespace: str | None = None, *, limit: int | None = PAGE
    ) -> AsyncIterator[Raw]:
        token = ""
        while True:
            page = await self._patiently(partial(self._cluster.page, resource, namespace, token=token, limit=limit))
            self._told(resource, len(page.items))
            for each in page.items:
                if self._keep(resource, each):
                    yield each
            token = page.token
            if not token:
                return

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        async def in_turn() -> T:
            async with self._turns:
                return await ask()

        return await patiently(in_turn, sleep=self._sleep)


class _Part(Struct, frozen=True):
    """The objects of a kind, and how many of them these are."""

    items: list[bytes]
    coverage: Coverage


_SERVED_BY_NOBODY = "the API server does not serve it"
NOT_SERVED = _Part([], Coverage(Read.NONE, reason=_SERVED_BY_NOBODY))


def _not_served(resource: Resource) -> _Part:
    """Return the part of a kind that is not served: an optional one has no objects then."""
    return _Part([], Coverage(Read.ALL, reason=_SERVED_BY_NOBODY)) if resource.optional else NOT_SERVED


def _unread(error: RequestFailed) -> Coverage:
    return Coverage(Read.NONE, reason=_words(error))


def _words(error: RequestFailed) -> str:
    """Return the first line of what the API server said; a proxy may answer with a whole page."""
    kind = "Forbidden: " if isinstance(error, Forbidden) else ""
    return f"{kind}{printable((str(error).splitlines() or [''])[0], longest=_LONGEST_REASON)}"


def _encoded(resource: Resource, raw: Raw) -> bytes:
    return msgspec.json.encode({"apiVersion": resource.api_version, "kind": resource.kind, **raw})
