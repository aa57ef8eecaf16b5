"""Pods, ReplicaSets and ReplicationControllers that nothing else makes.

They are found by lists of metadata, now and then: nearly all pods and ReplicaSets belong to other objects, and a watch
of all of them would cost more than all the rest together.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress

import structlog

from productionpolicy.controller.cluster import Cluster, Gone, Raw, RequestFailed
from productionpolicy.controller.intake import Intake
from productionpolicy.controller.resources import LISTED, Resource
from productionpolicy.controller.store import Store
from productionpolicy.kube.workloads import WorkloadKey, is_made

log = structlog.get_logger(__name__)


class Unowned:
    """Keeps those of the governed namespaces in the store; those of all others are ignored."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        intake: Intake,
        *,
        interval_seconds: float,
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._intake = intake
        self._interval = interval_seconds
        self._listed: set[str] = set()
        """The namespaces that were listed in this round."""
        self._looking = asyncio.Lock()

    async def run(self) -> None:
        """List all governed namespaces again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            self._listed.clear()
            await self.refresh()

    async def refresh(self) -> None:
        """List the governed namespaces that were not yet listed in this round, and forget what was known of others."""
        async with self._looking:
            governed = set(self._store.governed_namespaces())
            self._listed &= governed
            for resource in LISTED:
                known = self._known(resource)
                for namespace in known.keys() - governed:
                    self._forget(resource, namespace, known[namespace])
                for namespace in sorted(governed - self._listed):
                    await self._attempt(resource, namespace, known[namespace])
            self._listed |= governed

    async def _attempt(self, resource: Resource, namespace: str, known: set[str]) -> None:
        try:
            self._forget(resource, namespace, known - await self._listed_in(namespace, resource))
        except RequestFailed as error:
            log.warning("listing failed", resource=resource.plural, namespace=namespace, error=str(error)[:300])

    async def _listed_in(self, namespace: str, resource: Resource) -> set[str]:
        """Take in what nothing else makes of a kind in a namespace, and return the names."""
        names = set()
        async for page in self._cluster.metadata_pages(resource, namespace):
            for raw in page:
                if not is_made(raw):
                    names.add(raw["metadata"]["name"])
                    await self._take_in(raw, resource)
        return names

    async def _take_in(self, seen: Raw, resource: Resource) -> None:
        """Read an object whole, unless it is still the one that is known."""
        metadata = seen["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        if self._store.version(resource, namespace, name) == metadata["resourceVersion"]:
            return
        with suppress(Gone):
            raw = await self._cluster.workload(WorkloadKey(namespace, resource.kind, name))
            self._intake.put(resource, raw)

    def _known(self, resource: Resource) -> defaultdict[str, set[str]]:
        known: defaultdict[str, set[str]] = defaultdict(set)
        for namespace, name in self._store.names(resource):
            known[namespace].add(name)
        return known

    def _forget(self, resource: Resource, namespace: str, names: set[str]) -> None:
        for name in sorted(names):
            self._intake.drop(resource, namespace, name)
