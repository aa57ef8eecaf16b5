"""The full listing: it fills the store at the start, and later finds what the watches have missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog

from productionpolicy.controller.cluster import Expired, Gone, RequestFailed, Unavailable
from productionpolicy.controller.context import Context
from productionpolicy.controller.intake import Intake
from productionpolicy.controller.metrics import LISTING_SECONDS
from productionpolicy.controller.resources import NAMESPACES, WATCHED, Resource
from productionpolicy.controller.unowned import Unowned

RETRY_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Listing:
    """Lists all watched kinds, page by page, and drops what is not there any more."""

    def __init__(self, context: Context, intake: Intake, unowned: Unowned) -> None:
        self._cluster = context.cluster
        self._store = context.store
        self._scope = context.scope
        self._intake = intake
        self._unowned = unowned

    async def complete(self) -> None:
        """List everything in scope; try again until it succeeds."""
        started = time.monotonic()
        added = []
        for resource in WATCHED:
            await self.renew(resource)
            if resource is NAMESPACES:
                added = self._scope.widen()
        await self.add_namespaces()
        self._scope.listed(added)
        LISTING_SECONDS.set(time.monotonic() - started)
        log.debug("listed", seconds=round(time.monotonic() - started, 1))

    async def add_namespaces(self) -> list[str]:
        """List the namespaces that have come into scope, until there are none, and return them."""
        added: list[str] = []
        while names := self._scope.widen():
            for resource in WATCHED:
                if resource.namespaced:
                    await self._renew(resource, names)
            added += names
        await self._unowned.refresh()
        self._scope.listed(added)
        return added

    async def renew(self, resource: Resource) -> None:
        """List everything of a kind that is in scope; try again until it succeeds."""
        if resource.namespaced:
            await self._renew(resource, self._scope.names())
        else:
            await self._attempt(resource, None)

    async def _renew(self, resource: Resource, namespaces: Sequence[str]) -> None:
        for each in namespaces if self._scope.is_small(namespaces) else (None,):
            await self._attempt(resource, each)

    async def _attempt(self, resource: Resource, namespace: str | None) -> None:
        while True:
            try:
                await self._list(resource, namespace)
            except Expired:
                log.info("a listing took too long and starts over", resource=resource.plural)
            except Gone:
                if resource.optional:
                    self._drop(resource, self._store.names(resource))
                    return
                log.warning("kind is not served; install it: kubectl apply -k manifests/", resource=resource.plural)
                await asyncio.sleep(RETRY_SECONDS)
            except (Unavailable, RequestFailed) as error:
                log.warning("listing failed", resource=resource.plural, error=str(error)[:300])
                asked = error.retry_after if isinstance(error, Unavailable) else 0.0
                await asyncio.sleep(max(RETRY_SECONDS, asked))
            else:
                return

    async def _list(self, resource: Resource, namespace: str | None) -> None:
        """List a kind in one namespace, or in all, and drop what is not there any more."""
        unseen = self._store.names(resource, namespace)
        async for page in self._cluster.pages(resource, namespace):
            for raw in page:
                self._intake.put(resource, raw)
                metadata = raw["metadata"]
                unseen.discard((metadata.get("namespace", ""), metadata["name"]))
            await asyncio.sleep(0)
        self._drop(resource, unseen)

    def _drop(self, resource: Resource, unseen: set[tuple[str, str]]) -> None:
        for where, name in sorted(unseen):
            log.info(
                "an object was deleted without a watch event", resource=resource.plural, namespace=where, name=name
            )
            self._intake.drop(resource, where, name)
