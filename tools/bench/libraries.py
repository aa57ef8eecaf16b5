"""The same writes with what the operator is made from: Kopf watches, the client of Kubernetes writes, nobody judges.

No operator of Kopf can be faster; what the operator itself takes is what lies between the two.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Mapping
from typing import Any

import kopf

from bench.client import connected
from bench.decisions import Decision, decided
from bench.field import OPERATOR, Field
from bench.load import Load, Meter
from productionpolicy.cli.run import GARBAGE
from productionpolicy.controller import handlers
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.operator import WORKERS
from productionpolicy.controller.queue import WorkQueue
from productionpolicy.controller.resources import WATCHED, Resource
from productionpolicy.controller.watches import Watches
from productionpolicy.kube.workloads import WorkloadKey


async def write(field: Field, spec: dict[str, Any]) -> Load:
    """Write what a policy with this spec asks for; return what was used from Kopf's start to the last answer."""
    async with connected(field.plane.site, user=OPERATOR) as api:
        decisions = {each.workload.key: each for each in await decided(field, api, spec)}
    gc.set_threshold(*GARBAGE)
    connection = await Connection.load(field.kubeconfig)
    async with connection.client() as client:
        writer = _Writer(Cluster(client), decisions)
        meter = Meter([*field.plane.pids, os.getpid()])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_kopf(connection, writer))
            tasks.create_task(writer.queue.run())
            await writer.done.wait()
            load = meter.read()
            writer.queue.stop()
    return load


class _Writer:
    """Makes each write as soon as Kopf tells of its workload."""

    def __init__(self, cluster: Cluster, decisions: dict[WorkloadKey, Decision]) -> None:
        self.queue = WorkQueue(self._write, workers=WORKERS)
        self.done = asyncio.Event()
        self._cluster = cluster
        self._decisions = decisions
        self._left = len(decisions)
        self._told: set[WorkloadKey] = set()

    def note(self, resource: Resource, raw: Mapping[str, Any], _deleted: bool) -> None:  # noqa: FBT001  # Kopf's form
        """Take note of an object."""
        metadata = raw["metadata"]
        key = WorkloadKey(metadata.get("namespace", ""), resource.kind, metadata["name"])
        if key in self._decisions and key not in self._told:
            self._told.add(key)
            self.queue.add(key)

    async def _write(self, key: WorkloadKey) -> None:
        decision = self._decisions[key]
        if decision.budget is not None:
            await self._cluster.create_budget(decision.budget)
        await self._cluster.release(key, await self._cluster.amend(decision.workload, decision.patch))
        self._left -= 1
        if not self._left:
            self.done.set()


async def _kopf(connection: Connection, writer: _Writer) -> None:
    """Watch until all is written."""

    async def log_in() -> kopf.AiohttpSession:
        return await connection.session([Watches(WATCHED, clock=Clock()).trace()])

    registry = handlers.registry(writer.note, log_in)
    await kopf.operator(registry=registry, settings=handlers.settings(), clusterwide=True, stop_flag=writer.done)
