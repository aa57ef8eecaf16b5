"""What comes in of a namespace that has just been governed waits until everything in it is known."""

from __future__ import annotations

import asyncio

from productionpolicy.controller.resources import DEPLOYMENTS, NAMESPACES
from productionpolicy.kube.identity import POLICY_LABEL
from productionpolicy.kube.workloads import WorkloadKey
from support.harness import Harness
from support.manifests import Raw, deployment

BOARD = WorkloadKey("games", "Deployment", "board")
LABELS = {POLICY_LABEL: "default"}


def board(version: int = 30) -> Raw:
    raw = deployment("board")
    metadata = {**raw["metadata"], "namespace": "games", "uid": "b", "resourceVersion": str(version)}
    return {**raw, "metadata": metadata}


def namespace(version: int, labels: dict[str, str] | None = None) -> Raw:
    return {"metadata": {"name": "games", "labels": labels or {}, "resourceVersion": str(version)}}


async def until_idle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_nothing_in_a_namespace_is_evaluated_before_all_of_it_is_listed() -> None:
    harness, listed = Harness(), asyncio.Event()
    harness.intake.open()

    async def add_namespaces() -> list[str]:
        names = harness.context.scope.widen()
        harness.intake.put(DEPLOYMENTS, board())
        await listed.wait()
        harness.context.scope.listed(names)
        return names

    running = asyncio.create_task(harness.intake.run(add_namespaces))
    harness.intake.put(NAMESPACES, namespace(1))
    harness.intake.put(DEPLOYMENTS, board(version=29))
    assert harness.store.workload(BOARD) is None
    harness.intake.put(NAMESPACES, namespace(2, LABELS))
    await until_idle()
    assert harness.store.workload(BOARD) is not None
    assert len(harness.context.queue) == 0
    assert BOARD not in harness.context.records
    listed.set()
    await until_idle()
    assert harness.context.records[BOARD].policy == "default"
    running.cancel()
