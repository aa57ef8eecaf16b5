"""The same writes with what the operator is made from: Kopf watches, the client of Kubernetes writes, nobody judges.

What the operator takes beyond that is its own: to start, list, read and judge, and to tell by status, Events and logs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import kopf

from bench.decisions import Decision, decided
from bench.field import Field
from bench.kopf_alone import registry
from bench.load import Load, Meter
from control_plane.patience import NeverHappened
from productionpolicy.cli.run import GARBAGE
from productionpolicy.controller import handlers
from productionpolicy.controller.cluster import Cluster, RequestFailed
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.context import WORKERS
from productionpolicy.controller.resources import BUDGETS, Resource
from productionpolicy.kube.workloads import WorkloadKey
from testbed.api import spread


async def write(field: Field, specs: Sequence[dict[str, Any]]) -> list[Load]:
    """Write what policies with these specs ask for, one after another; return what was used for each.

    The first is counted from before Kopf starts and lists, and each of them until the last answer.

    Raises:
        NeverHappened: a request had no success.
    """
    loads: list[Load] = []
    connection = await Connection.load(field.kubeconfig)
    async with connection.client() as client, AsyncExitStack() as stack:
        stack.enter_context(_rare_garbage())
        writer = Writer(Cluster(client))
        for spec in specs:
            decisions = decided(field, spec)
            meter = Meter([*field.plane.pids, os.getpid()])
            if not loads:
                await stack.enter_async_context(_watching(connection, writer))
            await writer.write(decisions)
            loads.append(meter.read())
    return loads


class Writer:
    """Writes for each workload what is decided, as soon as Kopf has told of it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._told: set[WorkloadKey] = set()
        self._due: dict[WorkloadKey, Decision] = {}
        self._turns: asyncio.Queue[Decision] = asyncio.Queue()

    def note(self, resource: Resource, raw: Mapping[str, Any], *, deleted: bool = False) -> None:  # noqa: ARG002  # the form of what the handlers call
        """Take note of an object."""
        metadata = raw["metadata"]
        key = WorkloadKey(metadata.get("namespace", ""), resource.kind, metadata["name"])
        self._told.add(key)
        self._enter(key)

    async def write(self, decisions: Iterable[Decision]) -> None:
        """Wait until all of it is written.

        Raises:
            NeverHappened: a request had no success.
        """
        self._due = {each.workload.key: each for each in decisions}
        number = len(self._due)
        for key in self._told.intersection(self._due):
            self._enter(key)
        try:
            await spread(range(number), self._write_next, workers=WORKERS)
        except* RequestFailed as failures:
            raise NeverHappened(f"a write had no success: {failures.exceptions[0]}") from failures

    def _enter(self, key: WorkloadKey) -> None:
        if key in self._due:
            self._turns.put_nowait(self._due.pop(key))

    async def _write_next(self, _number: int) -> None:
        decision = await self._turns.get()
        if decision.budget is not None:
            await self._cluster.create(BUDGETS, decision.budget)
        amended = await self._cluster.patch_workload(decision.workload, decision.patch)
        await self._cluster.release(decision.workload.key, amended)


@contextmanager
def _rare_garbage() -> Iterator[None]:
    """Look for unused cycles as rarely as the operator does."""
    before = gc.get_threshold()
    gc.set_threshold(*GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@asynccontextmanager
async def _watching(connection: Connection, writer: Writer) -> AsyncIterator[None]:
    """Run Kopf until the end of the block."""
    ready, stop = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(
        kopf.operator(
            registry=registry(connection, writer.note),
            settings=handlers.settings(),
            clusterwide=True,
            ready_flag=ready,
            stop_flag=stop,
        )
    )
    returning = asyncio.create_task(_take_back_signals(ready))
    try:
        yield
    finally:
        stop.set()
        returning.cancel()
        await asyncio.wait([running])


async def _take_back_signals(ready: asyncio.Event) -> None:
    """Kopf takes the signals that end a program, and keeps them."""
    await ready.wait()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(each)
