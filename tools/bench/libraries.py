"""The same writes with what the operator is made from: Kopf watches, the client of Kubernetes writes, nobody judges.

No operator of Kopf can be faster; what the operator itself takes is what lies between the two.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterable, Mapping, Sequence
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


async def write(field: Field, specs: Sequence[dict[str, Any]]) -> list[Load]:
    """Write what policies with these specs ask for, one after another; return what was used for each.

    The first is counted from Kopf's start, as an operator's is, and all of them until the last answer.
    """
    gc.set_threshold(*GARBAGE)
    connection, loads = await Connection.load(field.kubeconfig), list[Load]()
    async with connection.client() as client, connected(field.plane.site, user=OPERATOR) as api:
        writer, stop = Writer(Cluster(client)), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(writer.queue.run())
            for spec in specs:
                decisions = await decided(field, api, spec)
                meter = Meter([*field.plane.pids, os.getpid()])
                if not loads:
                    tasks.create_task(_kopf(connection, writer, stop))
                await writer.write(decisions)
                loads.append(meter.read())
            stop.set()
            writer.queue.stop()
    return loads


class Writer:
    """Writes for each workload what is decided, as soon as Kopf has told of it."""

    def __init__(self, cluster: Cluster) -> None:
        self.queue = WorkQueue(self._write, workers=WORKERS)
        self._cluster = cluster
        self._told: set[WorkloadKey] = set()
        self._due: dict[WorkloadKey, Decision] = {}
        self._done = asyncio.Event()

    def note(self, resource: Resource, raw: Mapping[str, Any], _deleted: bool) -> None:  # noqa: FBT001  # Kopf's form
        """Take note of an object."""
        metadata = raw["metadata"]
        key = WorkloadKey(metadata.get("namespace", ""), resource.kind, metadata["name"])
        if key in self._due and key not in self._told:
            self._told.add(key)
            self.queue.add(key)

    async def write(self, decisions: Iterable[Decision]) -> None:
        """Wait until all of it is written."""
        self._due = {each.workload.key: each for each in decisions}
        self._done.clear()
        self.queue.add_backlog(self._due.keys() & self._told)
        await self._done.wait()

    async def _write(self, key: WorkloadKey) -> None:
        decision = self._due[key]
        if decision.budget is not None:
            await self._cluster.create_budget(decision.budget)
        await self._cluster.release(key, await self._cluster.amend(decision.workload, decision.patch))
        del self._due[key]
        if not self._due:
            self._done.set()


async def _kopf(connection: Connection, writer: Writer, stop: asyncio.Event) -> None:
    async def log_in() -> kopf.AiohttpSession:
        return await connection.session([Watches(WATCHED, clock=Clock()).trace()])

    registry = handlers.registry(writer.note, log_in)
    await kopf.operator(registry=registry, settings=handlers.settings(), clusterwide=True, stop_flag=stop)
