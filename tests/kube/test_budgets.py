"""Disruption budgets and what they allow."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.budgets import read_budget
from productionpolicy.kube.identity import MANAGED_BY
from productionpolicy.kube.selectors import Selector
from support.manifests import budget

COUNTS = st.one_of(st.integers(0, 50), st.integers(0, 100).map("{}%".format))


def scaled(given_: int | str, pods: int) -> int:
    """Return a count as the disruption controller computes it: a percentage of the pods, rounded up."""
    return given_ if isinstance(given_, int) else ceil(Fraction(int(given_.rstrip("%")) * pods, 100))


@given(terms=COUNTS, pods=st.integers(1, 60))
def test_max_unavailable_allows_what_the_disruption_controller_allows(terms: int | str, pods: int) -> None:
    must_stay = max(0, pods - scaled(terms, pods))
    assert read_budget(budget(maxUnavailable=terms)).allowed_disruptions(pods) == pods - must_stay


@given(terms=COUNTS, pods=st.integers(1, 60))
def test_min_available_allows_what_the_disruption_controller_allows(terms: int | str, pods: int) -> None:
    assert read_budget(budget(minAvailable=terms)).allowed_disruptions(pods) == max(0, pods - scaled(terms, pods))


def test_a_budget_without_terms_allows_nothing() -> None:
    read = read_budget(budget())
    assert (read.allowed_disruptions(5), read.terms) == (0, "neither minAvailable nor maxUnavailable")


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ({"maxUnavailable": 1}, True),
        ({"maxUnavailable": "25%"}, True),
        ({"minAvailable": "50%"}, True),
        ({"minAvailable": 1}, False),
        ({"minAvailable": 0}, False),
    ],
)
def test_only_a_min_available_that_is_a_whole_number_needs_no_scale(spec: dict[str, Any], needed: bool) -> None:
    assert read_budget(budget(**spec)).needs_scale is needed


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ({"minAvailable": 1}, []),
        ({"maxUnavailable": "100%", "unhealthyPodEvictionPolicy": "IfHealthyBudget"}, []),
        ({"minAvailable": "1"}, ["spec.minAvailable"]),
        ({"minAvailable": 1.0}, []),
        ({"minAvailable": 1.5}, ["spec.minAvailable"]),
        ({"maxUnavailable": "33.3%"}, ["spec.maxUnavailable"]),
        ({"maxUnavailable": "101%"}, ["spec.maxUnavailable"]),
        ({"maxUnavailable": -1}, ["spec.maxUnavailable"]),
        ({"maxUnavailable": 1, "minAvailable": 1}, ["spec.maxUnavailable"]),
        ({"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "Never"}, ["spec.unhealthyPodEvictionPolicy"]),
        ({"maxUnavailable": 1, "selector": {"matchLabels": {"build": 7}}}, ["spec.selector.matchLabels.build"]),
        ({"maxUnavailable": 1, "selector": {"matchLabels": {"track": None}}}, ["spec.selector.matchLabels.track"]),
        ({"maxUnavailable": 1, "selector": {"app": "web"}}, ["spec.selector.app"]),
        ({"minavailable": 1}, ["spec.minavailable"]),
        ({"maxUnavailable": 1, "minavailable": 1}, []),
        ({}, []),
    ],
)
def test_a_budget_that_no_api_server_takes_says_why(spec: dict[str, Any], paths: list[str]) -> None:
    assert [each.path for each in read_budget(budget(**spec)).unreadable] == paths


@pytest.mark.parametrize(
    ("metadata", "paths"), [({"name": None}, ["metadata.name"]), ({"name": None, "generateName": "web-"}, [])]
)
def test_a_budget_without_a_name_is_not_taken(metadata: dict[str, Any], paths: list[str]) -> None:
    assert [each.path for each in read_budget(budget(metadata=metadata, maxUnavailable=1)).unreadable] == paths


def test_a_budget_may_be_patched_with_a_label_that_is_removed() -> None:
    assert read_budget(budget(metadata={"labels": {"track": None}}, maxUnavailable=1)).unreadable == ()


def test_a_budget_is_read_whole() -> None:
    raw = budget(
        "mine",
        metadata={
            "uid": "u1",
            "resourceVersion": "7",
            "labels": {MANAGED_BY: "productionpolicy"},
            "ownerReferences": [{"kind": "Deployment", "uid": "owner"}],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
        },
        maxUnavailable="25%",
        unhealthyPodEvictionPolicy="AlwaysAllow",
    )
    read = read_budget(raw)
    assert (read.namespace, read.name, read.uid, read.resource_version) == ("shop", "mine", "u1", "7")
    assert (read.selector, read.terms) == (Selector.of_labels({"app": "web"}), "maxUnavailable 25%")
    assert (read.eviction_policy, read.owner_uids) == ("AlwaysAllow", ("owner",))
    assert (read.made_by_operator, read.deleting) == (True, True)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": {MANAGED_BY: "productionpolicy"}},
        {"labels": {MANAGED_BY: "Helm"}, "ownerReferences": [{"uid": "owner"}]},
        {"ownerReferences": [{"uid": "owner"}]},
    ],
    ids=["bare", "label only", "label of another", "owner only"],
)
def test_a_budget_is_ours_only_by_label_and_owner_reference(metadata: dict[str, Any]) -> None:
    assert read_budget(budget(metadata=metadata)).made_by_operator is False


def deadlocked(*, generation: int = 1, **status: Any) -> bool:
    raw = budget(metadata={"generation": generation}, maxUnavailable=1)
    return read_budget({**raw, "status": {"observedGeneration": 1, **status}}).deadlocked


def test_a_budget_that_allows_no_eviction_of_healthy_pods_is_deadlocked() -> None:
    assert deadlocked(expectedPods=3, currentHealthy=3, disruptionsAllowed=0)


@pytest.mark.parametrize("observed", [0, 1, 2])
def test_a_budget_that_cannot_be_computed_is_deadlocked_whatever_generation_was_observed(observed: int) -> None:
    failed = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}
    assert deadlocked(generation=2, observedGeneration=observed, conditions=[failed])


@pytest.mark.parametrize(
    "status",
    [
        {"expectedPods": 3, "currentHealthy": 3, "disruptionsAllowed": 1},
        {"expectedPods": 3, "currentHealthy": 2, "disruptionsAllowed": 0},
        {"expectedPods": 0, "currentHealthy": 0, "disruptionsAllowed": 0},
        {"generation": 2, "expectedPods": 3, "currentHealthy": 3, "disruptionsAllowed": 0},
        {"conditions": [{"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"}]},
    ],
    ids=["allows one", "a pod is unhealthy", "no pods", "not yet seen by its controller", "only short of pods"],
)
def test_a_budget_is_not_deadlocked_while(status: dict[str, Any]) -> None:
    assert not deadlocked(**status)


def test_a_budget_that_no_controller_has_seen_is_not_deadlocked() -> None:
    assert read_budget(budget(maxUnavailable=1)).deadlocked is False
