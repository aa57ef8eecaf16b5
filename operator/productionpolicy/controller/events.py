"""Kubernetes Events about what was done, at a bearable rate."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import structlog

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster, RequestFailed
from productionpolicy.controller.metrics import EVENTS_DROPPED
from productionpolicy.kube.identity import GROUP, KIND, NAME, VERSION
from productionpolicy.kube.text import printable
from productionpolicy.kube.workloads import Workload

BURST = 50
PER_SECOND = 5.0
LONGEST_MESSAGE = 1024

log = structlog.get_logger(__name__)


class Events:
    """Posts Events in the background. Beyond a burst and a rate they are dropped: the status tells all."""

    def __init__(self, cluster: Cluster, *, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._tokens = float(BURST)
        self._refilled = clock.monotonic()
        self._queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    def about_workload(self, workload: Workload, *, reason: str, message: str, warning: bool = False) -> None:
        """Tell of a workload."""
        regarding = {
            "apiVersion": workload.key.api_version,
            "kind": workload.key.kind,
            "namespace": workload.key.namespace,
            "name": workload.key.name,
            "uid": workload.uid,
        }
        self._post(workload.key.namespace, regarding, reason, message, warning=warning)

    def about_namespace(self, name: str, *, reason: str, message: str) -> None:
        """Warn of a namespace, in that namespace, where its users look."""
        self._post(
            name,
            {"apiVersion": "v1", "kind": "Namespace", "namespace": name, "name": name},
            reason,
            message,
            warning=True,
        )

    def about_policy(self, name: str, uid: str, *, reason: str, message: str) -> None:
        """Warn of a ProductionPolicy. Events on what belongs to no namespace are kept in the namespace `default`."""
        regarding = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": name, "uid": uid}
        self._post("default", regarding, reason, message, warning=True)

    async def run(self) -> None:
        """Post what is queued, until cancelled."""
        while True:
            namespace, event = await self._queue.get()
            try:
                await self._cluster.create_event(namespace, event)
            except RequestFailed as error:
                log.info("an event could not be posted", namespace=namespace, error=str(error)[:300])

    def _post(self, namespace: str, regarding: dict[str, str], reason: str, message: str, *, warning: bool) -> None:
        if not self._take_token():
            EVENTS_DROPPED.inc()
            return
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{regarding['name'][:200]}.{uuid4().hex[:16]}", "namespace": namespace},
            "involvedObject": regarding,
            "reason": reason,
            "message": printable(message, longest=LONGEST_MESSAGE),
            "type": "Warning" if warning else "Normal",
            "source": {"component": NAME},
            "reportingComponent": NAME,
            "reportingInstance": NAME,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self._queue.put_nowait((namespace, event))

    def _take_token(self) -> bool:
        now = self._clock.monotonic()
        self._tokens = min(float(BURST), self._tokens + (now - self._refilled) * PER_SECOND)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
