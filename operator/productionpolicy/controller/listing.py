"""The full listing: it fills the store at the start, and later finds what the watches have missed."""

from __future__ import annotations

import asyncio
import time

import structlog

from productionpolicy.controller.cluster import Cluster, Expired, Gone, RequestFailed, Unavailable
from productionpolicy.controller.intake import Intake
from productionpolicy.controller.metrics import LISTING_SECONDS
from productionpolicy.controller.resources import WATCHED, Resource
from productionpolicy.controller.store import Store

RETRY_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Listing:
    """Lists all watched kinds, page by page, and drops what is not there any more."""

    def __init__(self, cluster: Cluster, store: Store, intake: Intake) -> None:
        self._cluster = cluster
        self._store = store
        self._intake = intake

    async def complete(self) -> None:
        """List everything; try again until it succeeds."""
        started = time.monotonic()
        for resource in WATCHED:
            await self.renew(resource)
        LISTING_SECONDS.set(time.monotonic() - started)
        log.debug("listed", seconds=round(time.monotonic() - started, 1))

    async def renew(self, resource: Resource) -> None:
        """List everything of a kind; try again until it succeeds."""
        while True:
            try:
                await self._list(resource)
            except Expired:
                log.info("a listing took too long and begins again", resource=resource.plural)
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

    async def _list(self, resource: Resource) -> None:
        unseen = self._store.names(resource)
        async for page in self._cluster.pages(resource):
            for raw in page:
                self._intake.put(resource, raw)
                metadata = raw["metadata"]
                unseen.discard((metadata.get("namespace", ""), metadata["name"]))
            await asyncio.sleep(0)
        self._drop(resource, unseen)

    def _drop(self, resource: Resource, unseen: set[tuple[str, str]]) -> None:
        for namespace, name in sorted(unseen):
            log.info(
                "an object is gone that no watch told of", resource=resource.plural, namespace=namespace, name=name
            )
            self._intake.drop(resource, namespace, name)
