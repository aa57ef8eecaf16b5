"""What comes in of a namespace that has just been governed waits until everything in it is known."""

from __future__ import annotations

import asyncio

from productionpolicy.controller.resources import DEPLOYMENTS, NAMESPACES
from productionpolicy.kube.workloads import WorkloadKey
from support.manifests import Raw, deployment
from support.stage import Stage

BOARD = WorkloadKey("games", "Deployment", "board")
LABELS = {"productionpolicy.dev/policy": "default"}


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
    stage, listed = Stage(), asyncio.Event()
    stage.intake.open()

    async def add_namespaces() -> list[str]:
        names = stage.context.scope.widen()
        stage.intake.put(DEPLOYMENTS, board())
        await listed.wait()
        stage.context.scope.listed(names)
        return names

    running = asyncio.create_task(stage.intake.run(add_namespaces))
    stage.intake.put(NAMESPACES, namespace(1))
    stage.intake.put(DEPLOYMENTS, board(version=29))
    assert stage.store.workload(BOARD) is None
    stage.intake.put(NAMESPACES, namespace(2, LABELS))
    await until_idle()
    assert stage.store.workload(BOARD) is not None
    assert len(stage.context.queue) == 0
    assert BOARD not in stage.context.records
    listed.set()
    await until_idle()
    assert stage.context.records[BOARD].policy == "default"
    running.cancel()
