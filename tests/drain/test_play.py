"""Drains of small clusters."""

from __future__ import annotations

from productionpolicy.drain import DrainFlags, Options, Result, drain
from support.scenes import budget, cluster, controller, deployment, node, owner, pod, stateful_set

A, B, C = node("a"), node("b"), node("c")


def test_a_node_without_pods_drains() -> None:
    (found,) = drain(cluster(A), ["a"]).nodes
    assert (found.result, found.steps) == (Result.DRAINS, ())


def test_the_pods_of_a_deployment_move_to_another_node() -> None:
    outcome = drain(cluster(A, B, deployment("web", ["a", "b"])), ["a"])
    assert outcome.nodes[0].result is Result.DRAINS
    assert [(each.pod, each.to, each.ready) for each in outcome.nodes[0].steps] == [("shop/web-1-0", "b", True)]
    assert outcome.dark == ()


def test_a_workload_with_all_pods_on_one_node_goes_dark() -> None:
    outcome = drain(cluster(A, B, deployment("web", ["a", "a", "a"])), ["a"])
    assert [(each.workload.name, each.steps, each.lasts) for each in outcome.dark] == [("web", 1, False)]


def test_a_budget_lets_one_pod_go_after_the_other() -> None:
    parts = deployment("web", ["a", "a", "a"]), budget("web", app="web", maxUnavailable=1)
    outcome = drain(cluster(A, B, *parts), ["a"])
    assert outcome.nodes[0].result is Result.DRAINS
    assert [each.round for each in outcome.nodes[0].steps] == [1, 2, 3]
    assert outcome.dark == ()


def test_a_budget_that_allows_nothing_blocks() -> None:
    parts = deployment("web", ["a", "b"]), budget("web", app="web", minAvailable=2)
    (found,) = drain(cluster(A, B, *parts), ["a"]).nodes
    assert found.result is Result.BLOCKED
    assert [(each.pod, each.budgets) for each in found.blockers] == [("shop/web-1-0", ("shop/web",))]
    assert found.blockers[0].reason == "the budget web (minAvailable 2) needs 2 healthy pods and has 2"


def test_two_budgets_block_although_both_have_room() -> None:
    parts = deployment("web", ["a", "b"]), budget("one", maxUnavailable=1), budget("two", app="web", maxUnavailable=1)
    (found,) = drain(cluster(A, B, *parts), ["a"]).nodes
    assert found.result is Result.BLOCKED
    assert found.blockers[0].budgets == ("shop/one", "shop/two")


def test_a_budget_waits_in_vain_for_a_pod_that_fits_nowhere() -> None:
    parts = deployment("web", ["a", "a"], cpu="2"), budget("web", app="web", maxUnavailable=1)
    (found,) = drain(cluster(A, node("b", cpu="1"), *parts), ["a"]).nodes
    assert found.result is Result.STUCK
    assert "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable" in found.blockers[0].reason


def test_a_pod_that_fits_nowhere_stays_pending_though_the_node_drains() -> None:
    outcome = drain(cluster(A, node("b", cpu="1"), deployment("web", ["a"], cpu="2")), ["a"])
    assert outcome.nodes[0].result is Result.DRAINS
    assert [each.workload.name for each in outcome.nodes[0].pending] == ["web"]
    assert outcome.pending == ()  # the empty node that replaces the drained one takes it


def test_an_unready_pod_goes_only_if_its_budget_says_so() -> None:
    web = deployment("web", ["a", "b"], ready=False)
    strict, kind = (
        budget("web", app="web", maxUnavailable=1),
        budget("web", app="web", maxUnavailable=1, unhealthyPodEvictionPolicy="AlwaysAllow"),
    )
    assert drain(cluster(A, B, web, strict), ["a"]).nodes[0].result is Result.BLOCKED
    assert drain(cluster(A, B, web, kind), ["a"]).nodes[0].result is Result.DRAINS


def test_a_budget_over_the_pods_of_a_job_cannot_be_computed_as_a_percentage() -> None:
    parts = [*deployment("web", ["a", "b"]), controller("Job", "load", replicas=1)]
    parts.append(pod("load-1", "b", by=owner("Job", "load")))
    (found,) = drain(cluster(A, B, parts, budget("all", minAvailable="50%")), ["a"]).nodes
    assert found.result is Result.BLOCKED
    assert "Job load, which has no scale" in found.blockers[0].reason
    assert drain(cluster(A, B, parts, budget("all", minAvailable=1)), ["a"]).nodes[0].result is Result.DRAINS


def test_kubectl_does_not_begin_with_a_pod_of_its_own_or_local_data() -> None:
    alone, local = pod("alone", "a"), deployment("web", ["a"], volumes=[{"name": "x", "emptyDir": {}}])
    (found,) = drain(cluster(A, B, alone, local), ["a"]).nodes
    assert found.result is Result.REFUSED
    assert [each.pod for each in found.blockers] == ["shop/alone", "shop/web-1-0"]
    flags = DrainFlags(force=True, delete_emptydir_data=True)
    assert drain(cluster(A, B, alone, local), ["a"], Options(flags=flags)).nodes[0].result is Result.DRAINS


def test_a_stateful_set_comes_back_in_order() -> None:
    outcome = drain(cluster(A, node("b", cpu="150m"), stateful_set("db", ["a", "a"])), ["a"])
    assert [(each.pod, each.successor, each.to) for each in outcome.nodes[0].steps] == [
        ("shop/db-0", "shop/db-0", "b"),
        ("shop/db-1", "shop/db-1", ""),
    ]


def test_a_cordoned_node_still_counts_for_a_constraint_and_leaves_no_place() -> None:
    constraint = {
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "maxSkew": 1,
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    web = deployment("web", ["a", "b"], topologySpreadConstraints=[constraint])
    outcome = drain(cluster(A, B, web), ["a"])
    assert [each.workload.name for each in outcome.nodes[0].pending] == ["web"]


def test_required_anti_affinity_keeps_two_pods_apart() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    web = deployment("web", ["a", "b"], affinity=affinity)
    (found,) = drain(cluster(A, B, web), ["a"]).nodes
    assert "1 node(s) didn't satisfy existing pods anti-affinity rules" in found.pending[0].reason
    assert drain(cluster(A, B, C, web), ["a"]).nodes[0].pending == ()


def test_all_nodes_drain_one_after_the_other() -> None:
    parts = deployment("web", ["a", "b", "c"]), budget("web", app="web", maxUnavailable=1)
    outcome = drain(cluster(A, B, C, *parts), ["a", "b", "c"])
    assert [each.result for each in outcome.nodes] == [Result.DRAINS] * 3
    assert outcome.dark == ()
