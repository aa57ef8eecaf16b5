"""Which pods kube-scheduler deletes for one with a higher priority, and what follows for their workloads."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.drain import Cluster, Options, drain, lose, lose_each
from productionpolicy.drain.board import Board
from productionpolicy.drain.preemption import Room, room_for
from productionpolicy.drain.protection import Protection
from support.scenes import Raw, budget, cluster, controller, deployment, node, owner, pod

A, B, C = node("a"), node("b"), node("c")
AWAY = Options(keep_cordoned=True)


def room(found: Cluster) -> Room | None:
    (waiting,) = (each for each in found.pods if not each.node)
    protection = Protection(found)
    for each in found.pods:
        protection.add(each, ready=each.ready)
    return room_for(waiting, Board(found), protection)


def victims(*parts: Raw | list[Raw]) -> list[str]:
    """Return the names of the pods that go, beside those of the node."""
    found = room(cluster(*parts))
    return [] if found is None else [found.node, *(each.name for each in found.victims)]


def waiting(cpu: str = "3", **more: Any) -> Raw:
    return pod("vip", cpu=cpu, priority=1000, **more)


@pytest.mark.parametrize(
    ("there", "gone"),
    [
        ([pod("one", "a", cpu="2"), pod("two", "a", cpu="1")], ["a", "one"]),
        ([pod("one", "a", cpu="2", priority=5), pod("two", "a", cpu="2", priority=4)], ["a", "one", "two"]),
        ([pod("one", "a", cpu="3", priority=1000)], []),
        ([pod("one", "a", cpu="3", priority=2000), pod("two", "a")], []),
    ],
)
def test_no_more_pods_go_than_have_to_and_none_with_the_same_priority(there: list[Raw], gone: list[str]) -> None:
    assert sorted(victims(A, waiting(), *there)) == sorted(gone)


def test_a_node_with_a_victim_of_a_lower_priority_is_chosen() -> None:
    assert victims(A, B, waiting(), pod("one", "a", cpu="2", priority=7), pod("two", "b", cpu="2")) == ["b", "two"]


def test_a_node_with_fewer_victims_is_chosen() -> None:
    two = pod("one", "a", cpu="2"), pod("two", "a", cpu="2")
    assert victims(A, B, waiting("4"), *two, pod("three", "b", cpu="4")) == ["b", "three"]


def test_a_node_whose_budgets_allow_it_is_chosen_even_for_a_higher_priority() -> None:
    there = pod("kept", "a", cpu="2"), pod("free", "b", cpu="2", priority=7)
    assert victims(A, B, waiting(), *there, budget("kept", app="kept", minAvailable=1)) == ["b", "free"]


def test_a_pod_goes_against_its_budget_if_nothing_else_helps() -> None:
    found = room(cluster(A, waiting(), pod("kept", "a", cpu="2"), budget("kept", app="kept", minAvailable=1)))
    assert found is not None
    assert (found.violations, [each.name for each in found.victims]) == (1, ["kept"])


def test_of_two_pods_on_a_node_that_which_no_budget_protects_goes() -> None:
    there = pod("free", "a", cpu="2", priority=7), pod("kept", "a", cpu="2")
    assert victims(A, waiting("2"), *there, budget("kept", app="kept", minAvailable=1)) == ["a", "free"]


def started(name: str, on: str, at: str) -> Raw:
    raw = pod(name, on, cpu="2")
    raw["status"]["startTime"] = f"2026-11-28T{at}:00Z"
    return raw


def test_of_equal_pods_on_a_node_that_which_started_last_goes() -> None:
    assert victims(A, waiting("2"), started("new", "a", "12:00"), started("old", "a", "10:00")) == ["a", "new"]


def test_of_equal_nodes_that_is_chosen_whose_victim_started_last() -> None:
    assert victims(A, B, waiting(), started("old", "a", "10:00"), started("new", "b", "12:00")) == ["b", "new"]


def test_a_host_port_is_a_reason_to_delete_a_pod() -> None:
    port: Raw = {"containers": [{"name": "app", "ports": [{"containerPort": 80, "hostPort": 80}]}]}
    assert victims(A, waiting(**port), pod("one", "a", **port)) == ["a", "one"]


def test_a_node_that_the_pod_cannot_have_helps_nobody() -> None:
    tainted = node("a", taints=[{"key": "gpu", "effect": "NoSchedule"}])
    assert victims(tainted, waiting(), pod("one", "a", cpu="2")) == []
    assert victims(node("a", unschedulable=True), waiting(), pod("one", "a", cpu="2")) == []
    assert victims(A, waiting(nodeSelector={"disk": "ssd"}), pod("one", "a", cpu="2")) == []
    assert victims(A, waiting(preemptionPolicy="Never"), pod("one", "a", cpu="2")) == []


def test_the_board_is_as_before() -> None:
    found = cluster(A, waiting(), pod("one", "a", cpu="2"), pod("two", "a", cpu="1"))
    board, protection = Board(found), Protection(found)
    (wanting,) = (each for each in found.pods if not each.node)
    assert room_for(wanting, board, protection) == room_for(wanting, board, protection)
    assert sorted(each.name for each in board.places["a"].pods.values()) == ["one", "two"]
    assert board.places["a"].used["cpu"] == 3000


def test_who_loses_its_place_takes_that_of_a_still_lower_one() -> None:
    top = deployment("top", ["a"], cpu="3", priority=1000)
    middle, low = deployment("middle", ["b"], cpu="2", priority=10), deployment("low", ["c"], cpu="2")
    outcome = drain(cluster(A, B, node("c", cpu="2"), top, middle, low), ["a"], AWAY)
    assert [each.workload.name for each in outcome.pending] == ["low"]
    assert [each.workload.name for each in outcome.dark] == ["low", "middle", "top"]


def test_the_pod_of_a_daemon_set_waits_for_its_own_node() -> None:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}
    pinned = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    agent = pod("agent-b", "b", app="agent", by=owner("DaemonSet", "agent"), cpu="2", affinity=pinned)
    parts = deployment("web", ["a"], cpu="3", priority=1000), controller("DaemonSet", "agent", replicas=1), agent
    outcome = drain(cluster(A, B, C, *parts, deployment("full", ["c"], cpu="4", priority=1000)), ["a"], AWAY)
    assert [(each.workload.kind, each.workload.name) for each in outcome.pending] == [("DaemonSet", "agent")]


def test_a_pod_without_a_controller_is_gone_for_good() -> None:
    parts = deployment("web", ["a"], cpu="3", priority=1000), pod("alone", "b", cpu="2")
    outcome = drain(cluster(A, B, *parts), ["a"], AWAY)
    assert outcome.pending == ()
    assert sorted((each.workload.name, each.lasts) for each in outcome.dark) == [("alone", True), ("web", False)]


def test_the_loss_of_a_node_takes_the_room_of_others_each_time_anew() -> None:
    found = cluster(A, B, deployment("web", ["a"], cpu="3", priority=1000), deployment("low", ["b"], cpu="2"))
    first, second, third = lose_each(found, [["a"], ["b"], ["a"]])
    assert [each.workload.name for each in first.dark] == ["low", "web"]
    assert (first.dark, first.pending) == (third.dark, third.pending)
    assert second == lose(found, ["b"])
