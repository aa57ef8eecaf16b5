"""What stands around a workload."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.kube.budgets import BUDGET, read_budget
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.surroundings import (
    ALONE,
    Autoscaler,
    Reach,
    ServerFeatures,
    Surroundings,
    Topology,
    read_autoscaler,
    read_node,
    read_scaled_object,
)
from productionpolicy.kube.workloads import read_workload
from support.manifests import Raw, autoscaler, budget, deployment, job, node, scaled_object, stateful_set

WORKLOAD = read_workload(deployment(replicas=4))


def test_without_an_autoscaler_the_replicas_are_floor_and_ceiling() -> None:
    assert (ALONE.floor(WORKLOAD), ALONE.ceiling(WORKLOAD)) == (4, 4)


@pytest.mark.parametrize(("minimum", "floor"), [(2, 2), (None, 1), (0, 0)])
def test_an_autoscaler_says_floor_and_ceiling(minimum: int | None, floor: int) -> None:
    around = Surroundings(autoscaler=read_autoscaler(autoscaler(minimum, 9)))
    assert (around.floor(WORKLOAD), around.ceiling(WORKLOAD)) == (floor, 9)


def test_an_autoscaler_names_its_target() -> None:
    read = read_autoscaler(autoscaler(2, 9, target="db", kind="StatefulSet"))
    assert read == Autoscaler("shop", "db", GroupKind("apps", "StatefulSet"), "db", minimum=2, maximum=9)


@pytest.mark.parametrize(
    ("spec", "schedulable"),
    [
        ({}, True),
        ({"unschedulable": True}, False),
        ({"taints": [{"key": "k", "effect": "NoSchedule"}]}, False),
        ({"taints": [{"key": "k", "effect": "NoExecute"}]}, False),
        ({"taints": [{"key": "k", "effect": "PreferNoSchedule"}]}, True),
    ],
)
def test_a_node_that_is_cordoned_or_tainted_takes_no_pod(spec: Raw, schedulable: bool) -> None:
    assert read_node(node("n", **spec)).schedulable is schedulable


def topology(*nodes: Raw) -> dict[str, Any]:
    return dict(Topology.of(read_node(each) for each in nodes).places)


def test_places_are_counted_on_schedulable_nodes() -> None:
    nodes = [node("a", zone="x"), node("b", zone="x"), node("c", zone="y", unschedulable=True), node("d")]
    assert topology(*nodes) == {"kubernetes.io/hostname": 3, "topology.kubernetes.io/zone": 1}


def test_without_nodes_nothing_is_known_of_places() -> None:
    assert topology() == {}


def test_nodes_that_take_no_pod_offer_no_place() -> None:
    assert topology(node("a", zone="x", unschedulable=True)) == {"kubernetes.io/hostname": 0}


def test_a_key_that_one_node_lacks_is_not_carried_by_all() -> None:
    counted = Topology.of(read_node(each) for each in (node("a", zone="x"), node("b")))
    assert counted.carried == {"kubernetes.io/hostname"}
    assert not counted.is_one_place("topology.kubernetes.io/zone")


@pytest.mark.parametrize(
    ("version", "matches_label_keys", "max_unavailable_of_sets"),
    [
        ((1, 30, 14), False, False),
        ((1, 34, 4), True, False),
        ((1, 35, 0), True, True),
        ((1, 35, 3), True, True),
        ((1, 35, 4), True, False),
        ((1, 36, 3), True, False),
        ((1, 37, 0), True, True),
    ],
)
def test_a_release_honours_what_it_has_on_by_default(
    version: tuple[int, int, int], *, matches_label_keys: bool, max_unavailable_of_sets: bool
) -> None:
    expected = ServerFeatures(matches_label_keys=matches_label_keys, max_unavailable_of_sets=max_unavailable_of_sets)
    assert ServerFeatures.of(version) == expected


def test_a_scaled_object_of_keda_has_the_defaults_of_keda() -> None:
    read = read_scaled_object(scaled_object())
    assert (read.target, read.minimum, read.maximum) == (GroupKind("apps", "Deployment"), 0, 100)


def test_a_scaled_object_of_keda_says_floor_and_ceiling() -> None:
    around = Surroundings(autoscaler=read_scaled_object(scaled_object(minReplicaCount=3, maxReplicaCount=7)))
    assert (around.floor(WORKLOAD), around.ceiling(WORKLOAD)) == (3, 7)


def test_the_surroundings_without_our_budget_tell_that_it_exists() -> None:
    both = (read_budget(budget("mine")), read_budget(budget("ours")))
    left = Surroundings(budgets=both, owned={BUDGET: both[1]}).without_owned()
    assert ([each.name for each in left.budgets], left.holds_owned(BUDGET)) == (["mine"], True)


def test_a_budget_that_is_being_deleted_guards_nothing() -> None:
    dying = read_budget(budget("ours", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    assert not Surroundings(budgets=(dying,), owned={BUDGET: dying}).without_owned().holds_owned(BUDGET)


def test_a_budget_reaches_the_sum_of_the_floors_of_what_it_selects() -> None:
    scaled = read_workload(stateful_set("db", replicas=9))
    scaler = read_autoscaler(autoscaler(2, 9, target="db", kind="StatefulSet"))
    assert Reach.over([(WORKLOAD, None), (scaled, scaler)]) == Reach(pods=6, most=4, workloads=2)


def test_what_has_no_scale_is_no_part_of_the_sum() -> None:
    reach = Reach.over([(WORKLOAD, None), (read_workload(job("sweep")), None)])
    assert reach == Reach(pods=4, most=4, unscaled=("Job sweep",))


@pytest.mark.parametrize(("kind", "complete"), [("DaemonSet", False), ("CronJob", True), ("Job", True)])
def test_only_the_pods_of_a_daemon_set_are_more_than_the_sum(kind: str, complete: bool) -> None:
    other = read_workload({"kind": kind, "metadata": {"name": "other"}})
    assert Reach.over([(WORKLOAD, None), (other, None)]).complete is complete


@pytest.mark.parametrize(("minimum", "replicas", "pods"), [(0, 3, 1), (None, 0, 0)])
def test_a_workload_that_may_have_no_pod_counts_as_one_only_by_its_autoscaler(
    minimum: int | None, replicas: int, pods: int
) -> None:
    scaler = None if minimum is None else read_autoscaler(autoscaler(minimum, 9))
    assert Reach.over([(read_workload(deployment(replicas=replicas)), scaler)]).pods == pods


@pytest.mark.parametrize(
    ("minimum", "maximum", "readable"), [(2, 9, True), (9, 9, True), (9, 2, False), ("2", 9, False), (1.5, 9, False)]
)
def test_an_autoscaler_that_no_api_server_takes_is_unreadable(minimum: Any, maximum: Any, readable: bool) -> None:
    assert (read_autoscaler(autoscaler(minimum, maximum)).unreadable == ()) is readable
