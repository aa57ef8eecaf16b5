"""What is remembered of a workload: how long what was refused is not tried again, and until when it is remembered."""

from __future__ import annotations

import pytest

from productionpolicy.controller.cluster import Forbidden, Refused
from productionpolicy.controller.records import FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS, Record
from productionpolicy.controller.resources import DEPLOYMENTS, NAMESPACES
from support.harness import WEB, Harness, settled


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
    harness = Harness()
    await harness.reconcile()
    harness.rollouts.enter("default", harness.workload, slots=1)
    raw = settled()
    rolling = {**raw, "metadata": {**raw["metadata"], "resourceVersion": "40", "generation": 2}}
    harness.store.observe(NAMESPACES, {"metadata": {"name": "shop", "resourceVersion": "50"}})
    harness.store.observe(DEPLOYMENTS, rolling)
    await harness.reconcile()
    assert (harness.policies.totals["default"].overall.total, harness.rollouts.rolling(WEB)) == (0, True)
    done = {**rolling, "metadata": {**rolling["metadata"], "resourceVersion": "41"}}
    harness.store.observe(DEPLOYMENTS, {**done, "status": {**raw["status"], "observedGeneration": 2}})
    await harness.reconcile()
    assert (harness.rollouts.rolling(WEB), WEB in harness.context.records) == (False, False)


async def test_a_workload_that_is_created_again_begins_anew() -> None:
    harness = Harness()
    await harness.reconcile()
    assert harness.context.records[WEB].applied
    raw = settled()
    again = {**raw, "metadata": {**raw["metadata"], "uid": "another", "resourceVersion": "40"}}
    harness.store.observe(DEPLOYMENTS, again)
    harness.reconciler.evaluate(WEB)
    assert (harness.context.records[WEB].uid, harness.context.records[WEB].applied) == ("another", {})


async def test_nothing_is_remembered_of_a_workload_that_is_gone() -> None:
    harness = Harness()
    await harness.reconcile()
    harness.store.forget(DEPLOYMENTS, "shop", "web")
    await harness.reconcile()
    assert WEB not in harness.context.records


async def test_nothing_is_remembered_of_a_workload_of_which_nothing_is_decided_any_more() -> None:
    harness = Harness()
    await harness.reconcile()
    harness.store.observe(NAMESPACES, {"metadata": {"name": "shop", "resourceVersion": "50"}})
    harness.reconciler.evaluate(WEB)
    carrying = WEB in harness.context.records
    await harness.reconcile()
    assert (carrying, WEB in harness.context.records) == (True, False)
