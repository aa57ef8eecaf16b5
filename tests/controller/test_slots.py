"""Slots for rollouts: a line moves up whenever there is room, however the room came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.records import Records
from productionpolicy.controller.resources import DEPLOYMENTS, NAMESPACES
from productionpolicy.controller.rollouts import LINGERING_SECONDS, Rollouts
from productionpolicy.kube.identity import REPAIRS_POLICY, ROLLOUT_STARTED
from productionpolicy.kube.workloads import Progress, Workload, WorkloadKey
from support.harness import WEB, Harness, settled


def workload(name: str) -> Workload:
    return Workload(WorkloadKey("shop", "Deployment", name))


@dataclass
class Line:
    woken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        clock = Clock(monotonic=lambda: self.seconds)
        self.rollouts = Rollouts(Records(), clock=clock, wake=lambda key: self.woken.append(key.name))

    def enter(self, name: str, *, slots: int) -> bool:
        return self.rollouts.enter("default", workload(name), slots=slots)


def test_the_next_in_line_is_woken_where_one_enters_and_there_is_still_room() -> None:
    line = Line()
    assert [line.enter(name, slots=1) for name in ("a", "b", "c")] == [True, False, False]
    line.rollouts.leave(workload("a").key)
    assert line.woken == ["b"]
    assert line.enter("b", slots=3)
    assert line.woken == ["b", "c"]


def test_whoever_waits_is_woken_once_more_is_known_of_the_slots() -> None:
    line = Line()
    assert [line.enter(name, slots=1) for name in ("a", "b")] == [True, False]
    line.rollouts.wake_lines()
    assert line.woken == ["b"]


def test_whoever_is_woken_and_has_to_wait_on_is_not_woken_for_that() -> None:
    line = Line()
    line.rollouts.wait("default", workload("a").key)
    line.rollouts.wake_lines()
    line.rollouts.wait("default", workload("a").key)
    line.rollouts.acted(workload("a").key)
    assert line.woken == ["a"]


def rolled_out(name: str, *, terminating: int) -> Workload:
    progress = Progress(replicas=1, updated=1, available=1, terminating=terminating)
    return msgspec.structs.replace(workload(name), progress=progress)


def test_a_slot_is_held_until_the_old_pods_are_gone() -> None:
    line = Line()
    assert line.enter("a", slots=1)
    line.rollouts.observe(rolled_out("a", terminating=1))
    assert line.rollouts.rolling(workload("a").key)
    line.rollouts.observe(rolled_out("a", terminating=0))
    assert not line.rollouts.rolling(workload("a").key)


def test_a_pod_that_hangs_while_it_shuts_down_does_not_hold_a_slot_for_ever() -> None:
    line = Line()
    assert line.enter("a", slots=1)
    line.rollouts.observe(rolled_out("a", terminating=1))
    line.seconds += workload("a").template.grace_seconds + LINGERING_SECONDS
    line.rollouts.observe(rolled_out("a", terminating=1))
    assert not line.rollouts.rolling(workload("a").key)


def test_pods_that_shut_down_later_take_no_slot() -> None:
    line = Line()
    line.rollouts.observe(rolled_out("a", terminating=1))
    assert not line.rollouts.rolling(workload("a").key)


async def test_a_look_during_a_write_does_not_give_the_slot_back() -> None:
    harness = Harness()
    amended: list[bool] = []

    async def create(*_: Any) -> Any:
        harness.rollouts.enter("default", harness.workload, slots=1)
        harness.reconciler.evaluate(WEB)
        amended.append(harness.rollouts.rolling(WEB))
        return {"metadata": {"name": "web-deployment-productionpolicy", "namespace": "shop", "resourceVersion": "9"}}

    harness.written.create = create  # type: ignore[assignment, method-assign]  # what happens in the middle of a write
    await harness.reconcile()
    assert amended == [True]


@pytest.mark.parametrize("time", ["9Z", "2025-13-40T00:00:00Z"])
async def test_a_forged_note_of_a_rollout_stops_nobody(time: str) -> None:
    harness = Harness()
    harness.store.observe(NAMESPACES, {"metadata": {"name": "shop", "resourceVersion": "7"}})
    raw = settled()
    notes = {REPAIRS_POLICY: "x", ROLLOUT_STARTED: f"preStop at {time}, after revision 1 [ab]"}
    harness.store.observe(
        DEPLOYMENTS, {**raw, "metadata": {**raw["metadata"], "resourceVersion": "8", "annotations": notes}}
    )
    harness.reconciler.resume(harness.store.all_workloads())
    assert harness.reconciler.evaluate(WEB) is not None
