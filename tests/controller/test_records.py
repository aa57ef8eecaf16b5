"""What is remembered of a workload: how long what was refused is not tried again, and until when it is remembered."""

from __future__ import annotations

import pytest

from productionpolicy.controller.cluster import Forbidden, Refused
from productionpolicy.controller.records import FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS, Record
from productionpolicy.controller.resources import DEPLOYMENTS, NAMESPACES
from support.stage import WEB, Stage, settled


def pauses(record: Record, *moments: float) -> list[float]:
    left = []
    for now in moments:
        record.pause(now)
        left.append(record.paused_until - now)
    return left


def test_what_stays_forbidden_is_tried_more_and_more_rarely() -> None:
    record, now, found = Record("w"), 1000.0, []
    for _ in range(12):
        found += pauses(record, now)
        now = record.paused_until
    assert found[:4] == [FIRST_PAUSE_SECONDS * each for each in (1, 2, 4, 8)]
    assert found[-1] == LAST_PAUSE_SECONDS


def test_two_writes_of_one_look_count_once() -> None:
    found = pauses(Record("w"), 1000.0, 1001.0, 1000.0 + FIRST_PAUSE_SECONDS)
    assert found == [FIRST_PAUSE_SECONDS, pytest.approx(FIRST_PAUSE_SECONDS - 1), 2 * FIRST_PAUSE_SECONDS]


def test_what_is_wrong_with_the_object_itself_is_not_tried_again() -> None:
    record = Record("w", refused={"rights": Forbidden("no"), "value": Refused("invalid")})
    record.retry_forbidden()
    assert list(record.refused) == ["value"]


async def test_a_withdrawal_keeps_its_slot_until_the_pods_are_replaced() -> None:
    stage = Stage()
    await stage.look()
    stage.rollouts.enter("default", stage.workload, slots=1)
    raw = settled()
    rolling = {**raw, "metadata": {**raw["metadata"], "resourceVersion": "40", "generation": 2}}
    stage.store.observe(NAMESPACES, {"metadata": {"name": "shop", "resourceVersion": "50"}})
    stage.store.observe(DEPLOYMENTS, rolling)
    await stage.look()
    assert (stage.policies.totals["default"].overall.total, stage.rollouts.rolling(WEB)) == (0, True)
    done = {**rolling, "metadata": {**rolling["metadata"], "resourceVersion": "41"}}
    stage.store.observe(DEPLOYMENTS, {**done, "status": {**raw["status"], "observedGeneration": 2}})
    await stage.look()
    assert (stage.rollouts.rolling(WEB), WEB in stage.context.records) == (False, False)


async def test_a_workload_that_is_created_again_begins_anew() -> None:
    stage = Stage()
    await stage.look()
    assert stage.context.records[WEB].applied
    raw = settled()
    again = {**raw, "metadata": {**raw["metadata"], "uid": "another", "resourceVersion": "40"}}
    stage.store.observe(DEPLOYMENTS, again)
    stage.reconciler.evaluate(WEB)
    assert (stage.context.records[WEB].uid, stage.context.records[WEB].applied) == ("another", {})


async def test_nothing_is_remembered_of_a_workload_that_is_gone() -> None:
    stage = Stage()
    await stage.look()
    stage.store.forget(DEPLOYMENTS, "shop", "web")
    await stage.look()
    assert WEB not in stage.context.records


async def test_nothing_is_remembered_of_a_workload_of_which_nothing_is_decided_any_more() -> None:
    stage = Stage()
    await stage.look()
    stage.store.observe(NAMESPACES, {"metadata": {"name": "shop", "resourceVersion": "50"}})
    stage.reconciler.evaluate(WEB)
    carrying = WEB in stage.context.records
    await stage.look()
    assert (carrying, WEB in stage.context.records) == (True, False)
