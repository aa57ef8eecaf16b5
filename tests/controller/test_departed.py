"""What a policy said last counts when it is deleted at once, before the operator could hold it back."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.controller.resources import POLICIES
from productionpolicy.controller.store import Store

REVERT = {"mode": "Enforce", "onRemoval": "Revert"}
KEEP = {"mode": "Enforce", "onRemoval": "Keep"}


def raw(version: int, spec: dict[str, Any], *, uid: str = "first", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "shop", "uid": uid, "resourceVersion": str(version), **metadata}, "spec": spec}


def reverts(store: Store) -> bool:
    former = store.former("shop")
    return former is not None and former.reverts


@pytest.fixture
def store() -> Store:
    store = Store()
    store.observe(POLICIES, raw(1, KEEP))
    return store


def test_the_change_and_the_deletion_may_arrive_as_one(store: Store) -> None:
    store.observe(POLICIES, raw(2, REVERT), deleted=True)
    assert reverts(store)


def test_a_deletion_that_only_a_listing_tells_of_counts_by_what_was_known(store: Store) -> None:
    store.observe(POLICIES, raw(2, REVERT))
    store.forget(POLICIES, "", "shop")
    assert reverts(store)


@pytest.mark.parametrize(
    "last",
    [
        raw(2, KEEP),
        raw(2, {**REVERT, "paused": True}),
        raw(2, {**REVERT, "mode": "Audit"}),
        raw(2, {**REVERT, "rollout": {"maxConcurrent": "many"}}),
        raw(2, REVERT, deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
    ids=["Keep", "paused", "mode Audit", "invalid", "held until its changes were withdrawn"],
)
def test_nothing_is_withdrawn_after_the_deletion_under(store: Store, last: dict[str, Any]) -> None:
    store.observe(POLICIES, last, deleted=True)
    assert not reverts(store)


def test_a_policy_of_the_same_name_takes_its_place(store: Store) -> None:
    store.observe(POLICIES, raw(2, REVERT), deleted=True)
    store.observe(POLICIES, raw(3, KEEP, uid="second"))
    store.observe(POLICIES, raw(4, KEEP, uid="second"), deleted=True)
    assert not reverts(store)


def test_the_deletion_of_the_former_may_be_told_late(store: Store) -> None:
    store.observe(POLICIES, raw(3, KEEP, uid="second"))
    store.observe(POLICIES, raw(2, REVERT), deleted=True)
    assert store.former("shop") is not None
    assert not reverts(store)
