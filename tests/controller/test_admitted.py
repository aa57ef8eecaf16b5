"""What the API server has repaired at admission is told when it is first seen, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.controller.resources import DEPLOYMENTS
from productionpolicy.kube.identity import REPAIRS, REPAIRS_POLICY
from support.harness import WEB, Harness, settled
from support.manifests import container

NOTES = {f"{REPAIRS}preStop": "sleep 10s: web", REPAIRS_POLICY: "default"}
HOOK = {"preStop": {"sleep": {"seconds": 10}}}


def repaired(*, version: int, uid: str = "w", **metadata: str) -> dict[str, Any]:
    raw = settled()
    raw["metadata"] |= {"resourceVersion": str(version), "uid": uid, "annotations": NOTES, **metadata}
    raw["spec"]["template"]["spec"]["containers"] = [container("web", lifecycle=HOOK)]
    return raw


@pytest.fixture
def harness() -> Harness:
    return Harness()


def told(harness: Harness) -> list[str]:
    pairs = zip(harness.told.reasons, harness.told.messages, strict=True)
    return [message for reason, message in pairs if reason == "RepairedAtAdmission"]


async def test_of_a_workload_that_is_changed(harness: Harness) -> None:
    harness.reconciler.evaluate(WEB)
    harness.store.observe(DEPLOYMENTS, repaired(version=30))
    for _ in range(2):
        harness.reconciler.evaluate(WEB)
    assert told(harness) == ["preStop (sleep 10s: web)"]


async def test_of_a_workload_that_is_created(harness: Harness) -> None:
    harness.publisher.begin()
    harness.store.forget(DEPLOYMENTS, "shop", "web")
    harness.reconciler.evaluate(WEB)
    harness.store.observe(DEPLOYMENTS, repaired(version=30, uid="another", creationTimestamp="2999-01-01T00:00:00Z"))
    for _ in range(2):
        harness.reconciler.evaluate(WEB)
    assert told(harness) == ["preStop (sleep 10s: web)"]


async def test_but_not_of_what_was_there_at_the_start(harness: Harness) -> None:
    harness.store.observe(DEPLOYMENTS, repaired(version=30))
    for _ in range(2):
        harness.reconciler.evaluate(WEB)
    assert told(harness) == []


async def test_nor_where_the_api_server_repairs_nothing(harness: Harness) -> None:
    harness.admits = False
    harness.reconciler.evaluate(WEB)
    harness.store.observe(DEPLOYMENTS, repaired(version=30))
    harness.reconciler.evaluate(WEB)
    assert told(harness) == []
