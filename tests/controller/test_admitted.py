"""What the API server has repaired at admission is told when it is first seen, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.controller.resources import DEPLOYMENTS
from productionpolicy.kube.identity import REPAIRS, REPAIRS_POLICY
from support.manifests import container
from support.stage import WEB, Stage, settled

NOTES = {f"{REPAIRS}preStop": "sleep 10s: web", REPAIRS_POLICY: "default"}
HOOK = {"preStop": {"sleep": {"seconds": 10}}}


def repaired(*, version: int, uid: str = "w", **metadata: str) -> dict[str, Any]:
    raw = settled()
    raw["metadata"] |= {"resourceVersion": str(version), "uid": uid, "annotations": NOTES, **metadata}
    raw["spec"]["template"]["spec"]["containers"] = [container("web", lifecycle=HOOK)]
    return raw


@pytest.fixture
def stage() -> Stage:
    return Stage()


def told(stage: Stage) -> list[str]:
    pairs = zip(stage.told.reasons, stage.told.messages, strict=True)
    return [message for reason, message in pairs if reason == "RepairedAtAdmission"]


async def test_of_a_workload_that_is_changed(stage: Stage) -> None:
    stage.reconciler.evaluate(WEB)
    stage.store.observe(DEPLOYMENTS, repaired(version=30))
    for _ in range(2):
        stage.reconciler.evaluate(WEB)
    assert told(stage) == ["preStop (sleep 10s: web)"]


async def test_of_a_workload_that_is_created(stage: Stage) -> None:
    stage.publisher.begin()
    stage.store.forget(DEPLOYMENTS, "shop", "web")
    stage.reconciler.evaluate(WEB)
    stage.store.observe(DEPLOYMENTS, repaired(version=30, uid="another", creationTimestamp="2999-01-01T00:00:00Z"))
    for _ in range(2):
        stage.reconciler.evaluate(WEB)
    assert told(stage) == ["preStop (sleep 10s: web)"]


async def test_but_not_of_what_was_there_at_the_start(stage: Stage) -> None:
    stage.store.observe(DEPLOYMENTS, repaired(version=30))
    for _ in range(2):
        stage.reconciler.evaluate(WEB)
    assert told(stage) == []


async def test_nor_where_the_api_server_repairs_nothing(stage: Stage) -> None:
    stage.admits = False
    stage.reconciler.evaluate(WEB)
    stage.store.observe(DEPLOYMENTS, repaired(version=30))
    stage.reconciler.evaluate(WEB)
    assert told(stage) == []
