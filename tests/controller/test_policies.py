"""The policies themselves: when their status is written, when repairs stop, and what is left when one is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from productionpolicy.controller.cluster import Unavailable
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.queue import Retry
from productionpolicy.controller.resources import NAMESPACES, NODES, POLICIES
from productionpolicy.policy import Policy
from productionpolicy.verdict.rollout_notes import FailedRollout
from productionpolicy.verdict.rollouts import TOO_MANY
from support.stage import WEB, Stage


@dataclass
class Server:
    """Takes statuses."""

    written: list[str] = field(default_factory=list)
    silent: bool = False

    async def set_status(self, policy: str, _status: Any) -> None:
        if self.silent:
            raise Unavailable("no answer")
        self.written.append(policy)


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    stage.reconciler.look(WEB)
    return stage


@pytest.fixture
async def server(stage: Stage) -> Server:
    server = Server()
    stage.policies.cluster = cast("Any", server)
    stage.policies.admission = cast("Any", NoAdmission())
    return server


class NoAdmission:
    """Nothing is done at admission."""

    def __init__(self) -> None:
        self.looks = 0

    async def learn(self) -> bool:
        self.looks += 1
        return True

    async def keep(self, _: object) -> None:
        """Bind nothing."""

    def unbound(self, _: object) -> bool:
        return False

    def conditions(self, _: object) -> tuple[()]:
        """Tell nothing."""
        return ()

    def repairs(self, _: object) -> bool:
        return False

    def repairs_since(self, _: object) -> None:
        return None


def gauges(policy: str) -> list[str]:
    samples = (sample for metric in REGISTRY.collect() if metric.type == "gauge" for sample in metric.samples)
    return [each.name for each in samples if each.labels.get("policy") == policy]


async def test_the_gauges_of_a_policy_go_with_it(stage: Stage, server: Server) -> None:
    await stage.policies.reconcile("default")
    assert server.written == ["default"]
    assert gauges("default")
    stage.store.forget(POLICIES, "", "default")
    await stage.policies.reconcile("default")
    assert gauges("default") == []


async def test_a_status_that_could_not_be_written_is_tried_again(stage: Stage, server: Server) -> None:
    server.silent = True
    with pytest.raises(Retry):
        await stage.policies.reconcile("default")


async def test_what_a_changed_policy_may_ask_for_is_looked_up_once(stage: Stage, server: Server) -> None:
    admission = cast("NoAdmission", stage.policies.admission)
    looks: list[int] = []
    for generation in (1, 1, 2, 2):
        metadata = {"name": "default", "generation": generation, "resourceVersion": str(10 + len(looks))}
        stage.store.observe(POLICIES, {"metadata": metadata, "spec": {"mode": "Enforce"}})
        await stage.policies.reconcile("default")
        looks.append(admission.looks)
    assert looks == [0, 0, 1, 1]
    assert server.written


def failing(policies: Policies, *, count: int) -> Policy:
    stored = policies.store.policies["default"].policy
    assert stored is not None
    report = policies.totals["default"].reports[WEB]
    terms = {"policy": stored.edition, "resumed": stored.resumption}
    failed_rollout = FailedRollout(("preStop",), at="2026-06-15T11:00:00Z", workload="aa", **terms)
    for number in range(count):
        policies.totals["default"].put(
            replace(report, key=replace(WEB, name=f"web-{number}"), failed_rollout=failed_rollout)
        )
    return stored


@pytest.mark.parametrize("count", [TOO_MANY - 1, TOO_MANY])
async def test_so_many_failed_rollouts_stop_the_repairs_of_a_policy(stage: Stage, count: int) -> None:
    policy = failing(stage.policies, count=count)
    assert stage.policies.stops(policy) is (count == TOO_MANY)


@pytest.fixture
async def running(stage: Stage) -> Stage:
    """A stage of which the status of two policies is written."""
    stage.store.observe(POLICIES, {"metadata": {"name": "other", "generation": 1, "resourceVersion": "1"}, "spec": {}})
    stage.intake.open()
    return stage


def due(stage: Stage) -> set[str]:
    queue = stage.policies.queue
    return {*queue._fresh, *queue._backlog, *queue._waiting}


async def test_a_status_that_is_written_to_one_policy_has_no_other_written(running: Stage) -> None:
    before = due(running)
    metadata = {"name": "other", "generation": 1, "resourceVersion": "2"}
    running.intake.put(POLICIES, {"metadata": metadata, "spec": {}, "status": {"compliance": "100%"}})
    await asyncio.sleep(0)
    assert due(running) - before == {"other"}


async def test_a_namespace_that_changes_its_policy_has_both_written(running: Stage) -> None:
    labels = {"productionpolicy.dev/policy": "other"}
    running.intake.put(NAMESPACES, {"metadata": {"name": "shop", "labels": labels, "resourceVersion": "9"}})
    assert due(running) == {"default", "other"}


@pytest.mark.parametrize("label", ["a", "b"], ids=["no news", "news that concern nobody"])
async def test_an_event_of_a_node_moves_no_line_unless_somebody_is_concerned(running: Stage, label: str) -> None:
    node = {"metadata": {"name": "n1", "labels": {"x": "a"}, "resourceVersion": "1"}}
    running.store.observe(NODES, node)
    woken = len(running.context.queue)
    running.rollouts.wait("default", WEB)
    looking = asyncio.create_task(running.intake.run(asyncio.Event().wait))  # type: ignore[arg-type]  # never called
    running.intake.put(NODES, {"metadata": {**node["metadata"], "labels": {"x": label}, "resourceVersion": "2"}})
    for _ in range(5):
        await asyncio.sleep(0)
    looking.cancel()
    assert len(running.context.queue) == woken
