"""Drains of small clusters."""

from __future__ import annotations

import pytest

from productionpolicy.drain import DrainFlags, Key, Options, Result, drain, lose, lose_each, moves
from productionpolicy.drain.protection import Cause
from support.scenes import Raw, budget, cluster, controller, deployment, node, owner, pod, stateful_set

A, B, C = node("a"), node("b"), node("c")
AWAY = Options(keep_cordoned=True)
REQUIRED, PREFERRED = (f"{each}DuringSchedulingIgnoredDuringExecution" for each in ("required", "preferred"))


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


NAKED = [pod("n1", "a", app="web"), pod("n2", "b", app="web")]
JOB = [controller("Job", "load", replicas=1), pod("load-1", "b", app="web", phase="Succeeded", by=owner("Job", "load"))]
DAEMON_SET = [controller("DaemonSet", "log", replicas=1), pod("log-1", "b", app="web", by=owner("DaemonSet", "log"))]
ORPHANS = deployment("web", ["a", "b"])[2:]
CUSTOM = [{**owner("Database", "db")[0], "apiVersion": "example.com/v1"}]


@pytest.mark.parametrize(
    ("parts", "terms", "cause", "reason"),
    [
        (NAKED, {"maxUnavailable": 1}, Cause.NO_SCALE, "expects no pods, because no controller owns the pods"),
        (NAKED, {"minAvailable": 2}, Cause.NO_SCALE, "needs 2 healthy pods and has 2"),
        (
            [*deployment("web", ["a"]), *DAEMON_SET],
            {"minAvailable": 2},
            Cause.NO_SCALE,
            "needs 2 healthy pods and has 2",
        ),
        ([*deployment("web", ["a"]), *JOB], {"maxUnavailable": 1}, Cause.UNCOMPUTABLE, "the pods of Job load"),
        ([*deployment("web", ["a"]), *DAEMON_SET], {"minAvailable": "50%"}, Cause.UNCOMPUTABLE, "DaemonSet log"),
        (ORPHANS, {"minAvailable": "50%"}, Cause.UNCOMPUTABLE, "ReplicaSet web-1, which owns a pod, does not exist"),
        ([pod("db", "a", app="web", by=CUSTOM)], {"maxUnavailable": 1}, Cause.UNKNOWN, "the scale of Database db"),
        (deployment("web", ["a", "b"]), {}, Cause.NO_TERMS, "expects no pods, because it has neither field"),
        (deployment("web", ["a"], replicas=0), {"maxUnavailable": 1}, Cause.SCALED_TO_ZERO, "are scaled to 0"),
        (deployment("web", ["a", "b"], ready=False), {"maxUnavailable": 1}, Cause.UNREADY, "needs 1 healthy pod and"),
        (deployment("web", ["a", "b"], ready=False), {"minAvailable": 0}, Cause.UNREADY, "while no pod is ready"),
        (deployment("web", ["a"], ready=False), {"maxUnavailable": 1}, Cause.UNREADY, "while no pod is ready"),
        (
            deployment("web", ["a"], ready=False),
            {"minAvailable": 1},
            Cause.UNREADY_AND_STRICT,
            "1 healthy pod and has 0",
        ),
        (
            deployment("web", ["a"], replicas=3),
            {"minAvailable": "50%"},
            Cause.OTHERS_UNREADY,
            "2 healthy pods and has 1",
        ),
        (deployment("web", ["a", "b"]), {"minAvailable": "100%"}, Cause.STRICT, "needs 2 healthy pods and has 2"),
        (deployment("web", ["a"]), {"minAvailable": 1}, Cause.SINGLE, "needs 1 healthy pod and has 1"),
    ],
    ids=lambda each: each.name if isinstance(each, Cause) else "",
)
def test_each_kind_of_refusal_has_its_own_reason_and_remedy(
    parts: list[Raw], terms: Raw, cause: Cause, reason: str
) -> None:
    options = Options(flags=DrainFlags(force=True, ignore_daemonsets=True), plays=1)
    (found,) = drain(cluster(A, B, parts, budget("web", app="web", **terms)), ["a"], options).nodes
    assert [each.remedy for each in found.blockers] == [cause.value]
    assert reason in found.blockers[0].reason


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


def test_a_budget_over_a_static_pod_cannot_be_computed_because_a_node_has_no_scale() -> None:
    static = pod("proxy", "b", by=[{**owner("Node", "b")[0], "apiVersion": "v1"}])
    parts = deployment("web", ["a", "b"]), static, budget("all", minAvailable="10%")
    (found,) = drain(cluster(A, B, *parts), ["a"]).nodes
    assert found.result is Result.BLOCKED
    assert "Node b, which has no scale" in found.blockers[0].reason


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


def test_a_stateful_set_creates_its_other_pods_for_the_first_time_once_those_before_them_are_ready() -> None:
    here = {"kubernetes.io/hostname": "a"}
    first = pod("db-0", app="db", by=owner("StatefulSet", "db"), cpu="2", nodeSelector=here)
    db = [controller("StatefulSet", "db", replicas=2, podManagementPolicy="OrderedReady"), first]
    outcome = drain(cluster(node("a", cpu="3500m"), B, deployment("web", ["a"], cpu="3"), db), ["a"])
    assert [each.pod for each in outcome.nodes[0].pending] == ["shop/db-0"]
    assert [each.pod for each in outcome.pending] == ["shop/db-1"]


def test_a_node_to_which_a_pod_returns_that_tolerates_the_cordon_drains_and_comes_back() -> None:
    everything = deployment("agent", ["a"], tolerations=[{"operator": "Exists"}], nodeSelector=A["metadata"]["labels"])
    web = deployment("web", ["a"], nodeSelector=A["metadata"]["labels"])
    outcome = drain(cluster(A, B, everything, web), ["a", "b"])
    assert [each.result for each in outcome.nodes] == [Result.DRAINS, Result.DRAINS]
    assert [len(each.pending) for each in outcome.nodes] == [1, 0]
    assert [each.returned for each in outcome.nodes] == [1, 0]


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


@pytest.mark.parametrize(("selector", "fits"), [({}, True), ({"matchLabels": {"app": "web"}}, False)], ids=str)
def test_a_constraint_with_an_empty_selector_counts_no_pods_but_the_new_one(selector: Raw, fits: bool) -> None:
    constraint = {"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
    web = deployment("web", ["a", "b"], topologySpreadConstraints=[{**constraint, "labelSelector": selector}])
    (found,) = drain(cluster(A, B, web), ["a"]).nodes
    assert bool(found.pending) is not fits


def test_a_pod_may_start_its_group_if_others_are_only_on_nodes_without_the_label() -> None:
    racks = {name: node(name) for name in "ab"}
    for name, each in racks.items():
        each["metadata"]["labels"]["rack"] = name
    term = {"topologyKey": "rack", "labelSelector": {"matchLabels": {"app": "web"}}}
    web = deployment("web", ["a"], affinity={"podAffinity": {REQUIRED: [term]}})
    (found,) = drain(cluster(*racks.values(), C, web, pod("lone", "c", app="web")), ["a"]).nodes
    assert [each.to for each in found.steps] == ["b"]


def test_required_anti_affinity_keeps_two_pods_apart() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    web = deployment("web", ["a", "b"], affinity=affinity)
    (found,) = drain(cluster(A, B, web), ["a"]).nodes
    assert "1 node(s) didn't satisfy existing pods anti-affinity rules" in found.pending[0].reason
    assert drain(cluster(A, B, C, web), ["a"]).nodes[0].pending == ()


@pytest.mark.parametrize(
    ("where", "apart"), [({}, True), ({"namespaceSelector": {}}, True), ({"namespaces": ["other"]}, False)], ids=str
)
def test_pods_are_kept_apart_in_the_namespaces_of_the_rule(where: Raw, apart: bool) -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}, **where}
    rule = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    (found,) = drain(cluster(A, B, deployment("web", ["a", "b"], affinity=rule)), ["a"]).nodes
    assert bool(found.pending) is apart


def beside(app: str) -> Raw:
    """Return the rule of a pod that runs only on a node with a pod of another workload."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}
    return {"podAffinity": {REQUIRED: [term]}}


def test_a_pod_goes_where_others_want_or_must_have_it() -> None:
    wants: Raw = {"weight": 1, "podAffinityTerm": beside("web")["podAffinity"][REQUIRED][0]}
    for rule in (beside("web"), {"podAffinity": {PREFERRED: [wants]}}):
        parts = deployment("web", ["a", "c"]), deployment("follower", ["c"], affinity=rule, cpu="2")
        (found,) = drain(cluster(A, B, C, *parts), ["a"], Options(plays=1)).nodes
        assert [each.to for each in found.steps] == ["c"]


def test_a_pod_goes_away_from_those_that_do_not_want_it() -> None:
    wants: Raw = {"weight": 1, "podAffinityTerm": beside("web")["podAffinity"][REQUIRED][0]}
    parts = deployment("web", ["a"]), deployment("loner", ["b"], affinity={"podAntiAffinity": {PREFERRED: [wants]}})
    (found,) = drain(cluster(A, B, C, *parts, pod("big", "c", cpu="2")), ["a"], Options(plays=1)).nodes
    assert [each.to for each in found.steps] == ["c"]


def test_a_pod_that_waits_for_a_neighbor_is_tried_again_when_that_has_come() -> None:
    first: Raw = {"priority": 10, "preemptionPolicy": "Never"}
    parts = deployment("follower", [""], affinity=beside("web"), **first), deployment("web", [""], cpu="3")
    options = Options(flags=DrainFlags(force=True), plays=1)
    found = drain(cluster(A, pod("alone", "a", cpu="2"), *parts), ["a"], options)
    assert [each.workload.name for each in found.nodes[0].pending] == ["follower", "web"]
    assert found.pending == ()


def test_a_pod_that_waits_may_get_its_place_between_two_evictions() -> None:
    parts = deployment("follower", [""], affinity=beside("web")), deployment("web", ["a"]), deployment("zeta", ["a"])
    (found,) = drain(cluster(node("a", pods="2"), node("b", pods="2"), *parts), ["a"]).nodes
    assert sorted((each.workload.name, each.certain) for each in found.pending) == [
        ("follower", False),
        ("zeta", False),
    ]


def test_the_zone_of_a_node_in_the_labels_of_its_pods_does_not_count_for_spreading() -> None:
    zones = {"a": "east", "b": "east", "c": "west"}
    web = deployment("web", list(zones))
    for each in web:
        if each["kind"] == "Pod":
            each["metadata"]["labels"]["topology.kubernetes.io/zone"] = zones[each["spec"]["nodeName"]]
    nodes = [node(name, zone=zone) for name, zone in zones.items()]
    (found,) = drain(cluster(*nodes, web), ["a"], Options(plays=1)).nodes
    assert [each.to for each in found.steps] == ["b"]


def test_one_workload_that_counts_no_cordoned_nodes_does_not_change_what_another_counts() -> None:
    def apart(name: str, **more: str) -> Raw:
        rule = {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
        return {"topologySpreadConstraints": [{**rule, "labelSelector": {"matchLabels": {"app": name}}, **more}]}

    zones = [node(each, zone=f"zone-{each}") for each in "abc"]
    first = deployment("honors", ["a", "b", "c"], **apart("honors", nodeTaintsPolicy="Honor"))
    second = deployment("ignores", ["a", "b", "c"], **apart("ignores"))
    (found,) = drain(cluster(*zones, first, second), ["a"], AWAY).nodes
    assert [each.workload.name for each in found.pending] == ["ignores"]


def test_all_nodes_drain_one_after_the_other() -> None:
    parts = deployment("web", ["a", "b", "c"]), budget("web", app="web", maxUnavailable=1)
    outcome = drain(cluster(A, B, C, *parts), ["a", "b", "c"])
    assert [each.result for each in outcome.nodes] == [Result.DRAINS] * 3
    assert outcome.dark == ()


def test_a_pod_takes_the_room_of_pods_with_a_lower_priority() -> None:
    parts = deployment("web", ["a"], cpu="3", priority=1000), deployment("low", ["b"], cpu="2")
    outcome = drain(cluster(A, B, *parts), ["a"], Options(keep_cordoned=True))
    (found,) = outcome.nodes
    assert found.result is Result.DRAINS
    assert [each.workload.name for each in found.pending] == ["low"]
    assert "made room for shop/web-" in found.pending[0].reason
    assert [each.workload.name for each in outcome.dark] == ["low", "web"]


def test_a_pod_that_never_preempts_leaves_the_others_alone() -> None:
    parts = deployment("web", ["a"], cpu="3", priority=1000, preemptionPolicy="Never"), deployment("low", ["b"])
    (found,) = drain(cluster(A, node("b", cpu="3"), *parts), ["a"], Options(keep_cordoned=True)).nodes
    assert [each.workload.name for each in found.pending] == ["web"]


def test_a_pod_that_fits_nowhere_even_without_pods_of_lower_priority_stays_pending() -> None:
    parts = deployment("web", ["a"], cpu="3", priority=1000), deployment("low", ["b"], cpu="100m")
    (found,) = drain(cluster(A, node("b", cpu="2"), *parts), ["a"]).nodes
    assert (found.result, found.unknown) == (Result.DRAINS, ())
    assert [each.workload.name for each in found.pending] == ["web"]


def test_a_scheduler_of_its_own_makes_the_place_unknown() -> None:
    outcome = drain(cluster(A, B, deployment("web", ["a"], schedulerName="mine")), ["a"])
    assert outcome.nodes[0].result is Result.UNKNOWN
    assert not outcome.known
    assert outcome.nodes[0].unknown == (
        "where shop/web-1-new1 runs: the scheduler mine places it, by rules that are not known",
    )


def test_a_budget_over_the_pods_of_a_custom_owner_follows_its_status_or_is_unknown() -> None:
    reference = [{**owner("Database", "db")[0], "apiVersion": "example.com/v1"}]
    pods = [pod("db-a", "a", app="db", by=reference), pod("db-b", "b", app="db", by=reference)]
    rule = budget("db", app="db", maxUnavailable=1)
    (unknown,) = drain(cluster(A, B, pods, rule), ["a"]).nodes
    assert (unknown.result, unknown.steps) == (Result.UNKNOWN, ())
    assert unknown.unknown == ("the scale of Database db is not known",)
    rule["metadata"]["generation"] = 1
    rule["status"] = {"observedGeneration": 1, "expectedPods": 2}
    (known,) = drain(cluster(A, B, pods, rule), ["a"]).nodes
    assert [each.pod for each in known.steps] == ["shop/db-a"]
    assert known.unknown == ("whether Database db replaces its pods",)


def test_a_budget_that_its_status_says_cannot_be_computed_blocks_for_certain() -> None:
    reference = [{**owner("Database", "db")[0], "apiVersion": "example.com/v1"}]
    pods = [pod(f"db-{each}", each, app="db", by=reference) for each in "ab"]
    rule = budget("db", app="db", maxUnavailable=1)
    rule["status"] = {"conditions": [{"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}]}
    (found,) = drain(cluster(A, B, pods, rule), ["a"]).nodes
    assert found.result is Result.BLOCKED
    assert found.blockers[0].reason.endswith(
        "cannot be computed (SyncFailed), and the scale of Database db is not known"
    )


def test_surge_nodes_take_the_pods_that_fit_nowhere_else() -> None:
    found = cluster(A, node("b", cpu="1"), deployment("web", ["a"], cpu="2"))
    (plain,) = drain(found, ["a"], Options(keep_cordoned=True)).nodes
    (surged,) = drain(found, ["a"], Options(keep_cordoned=True, surge=1)).nodes
    assert [each.workload.name for each in plain.pending] == ["web"]
    assert [each.to for each in surged.steps] == ["surge-1"]


def test_nodes_in_parallel_are_cordoned_together() -> None:
    found = cluster(A, B, C, deployment("web", ["a", "b"]))
    outcome = drain(found, ["a", "b"], Options(parallel=2, keep_cordoned=True))
    assert [each.to for node in outcome.nodes for each in node.steps] == ["c", "c"]
    assert [each.workload.name for each in outcome.dark] == ["web"]


def test_a_volume_of_one_zone_keeps_its_pod_there() -> None:
    east, west = node("e", zone="east"), node("w", zone="west")
    names = {"metadata": {"name": "disk"}, "apiVersion": "v1", "kind": "PersistentVolume"}
    expression = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["east"]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
    volume = {**names, "spec": {"nodeAffinity": affinity}}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "shop", "name": "data"},
        "spec": {"volumeName": "disk", "accessModes": ["ReadWriteOnce"]},
    }
    db = stateful_set("db", ["e"], volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}])
    (found,) = drain(cluster(east, west, volume, claim, db), ["e"]).nodes
    assert found.pending[0].reason == (
        "0/2 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 1 node(s) were unschedulable"
    )


def test_only_repairs_that_decide_where_pods_run_change_a_drain() -> None:
    web = Key("shop", "Deployment", "web")

    def patch(**pod: object) -> dict[Key, Raw]:
        return {web: {"spec": {"template": {"spec": pod}}}}

    assert moves(patch(topologySpreadConstraints=[{"maxSkew": 1}]))
    assert not moves(patch(terminationGracePeriodSeconds=60))
    assert not moves({})


def test_a_job_that_fails_deletes_its_other_pods_whatever_their_budget_says() -> None:
    load = [pod(f"load-{each}", each, app="load", by=owner("Job", "load")) for each in "ab"]
    job = controller("Job", "load", replicas=2, backoffLimit=0)
    outcome = drain(cluster(A, B, job, *load, budget("load", app="load", minAvailable=1)), ["a", "b"])
    assert [(each.result, len(each.steps)) for each in outcome.nodes] == [(Result.DRAINS, 1), (Result.DRAINS, 0)]
    assert [each.name for each in outcome.lost_work] == ["load"]


def test_a_job_that_fails_runs_again_when_another_node_is_lost_instead() -> None:
    load = [pod(f"load-{each}", each, app="load", by=owner("Job", "load")) for each in ("a", "b", "")]
    found = cluster(A, B, controller("Job", "load", replicas=3, backoffLimit=0), *load)
    first, second, third = lose_each(found, [["a"], ["b"], ["a"]])
    assert first == third
    assert second == lose(found, ["b"])


def test_a_job_loses_its_work_and_gives_up_after_its_retries() -> None:
    load = [controller("Job", "load", replicas=1, backoffLimit=0), pod("load-1", "a", by=owner("Job", "load"))]
    outcome = drain(cluster(A, B, load), ["a"])
    assert [each.name for each in outcome.lost_work] == [each.name for each in outcome.given_up] == ["load"]
    assert outcome.nodes[0].steps[0].successor == ""


def test_a_job_that_tries_again_loses_its_work_and_does_not_give_up() -> None:
    load = [controller("Job", "load", replicas=1, backoffLimit=1), pod("load-1", "a", by=owner("Job", "load"))]
    outcome = drain(cluster(A, B, load), ["a"])
    assert ([each.name for each in outcome.lost_work], outcome.given_up) == (["load"], ())


def test_a_job_gives_up_only_with_the_node_that_runs_it() -> None:
    load = [controller("Job", "load", replicas=1, backoffLimit=0), pod("load-1", "a", by=owner("Job", "load"))]
    outcomes = list(lose_each(cluster(A, B, load), [["a"], ["b"]]))
    assert [len(each.given_up) for each in outcomes] == [len(each.lost_work) for each in outcomes] == [1, 0]


def test_a_failed_node_darkens_a_stateful_set_until_it_is_back_and_a_deployment_until_it_is_replaced() -> None:
    outcome = lose(cluster(A, B, deployment("web", ["a"]), stateful_set("db", ["a"])), ["a"])
    assert [(each.workload.name, each.lasts) for each in outcome.dark] == [("web", False), ("db", True)]


def test_a_pod_that_waited_for_a_node_before_the_drains_is_protected_once_it_runs() -> None:
    selected: Raw = {"nodeSelector": {"kubernetes.io/hostname": "a"}}
    parts = deployment("late", ["", ""], affinity=beside("web"), **selected), deployment("web", ["b"])
    rule = budget("late", app="late", minAvailable=1)
    outcome = drain(cluster(A, B, *parts, rule), ["b", "a"], AWAY)
    assert [each.result for each in outcome.nodes] == [Result.DRAINS, Result.STUCK]
    assert outcome.nodes[1].blockers[0].budgets == ("shop/late",)


def test_pods_that_are_pending_or_finished_go_without_a_look_at_budgets() -> None:
    stuck = deployment("web", ["a"], ready=False, phase="Pending"), budget("web", app="web", minAvailable=1)
    done = [controller("Job", "load", replicas=0), pod("load-1", "a", phase="Succeeded", by=owner("Job", "load"))]
    (found,) = drain(cluster(A, B, *stuck, done), ["a"]).nodes
    assert sorted(each.pod for each in found.steps) == ["shop/load-1", "shop/web-1-0"]
    assert found.result is Result.DRAINS


def test_a_daemon_set_and_a_static_pod_stay() -> None:
    agent = [controller("DaemonSet", "agent", replicas=1), pod("agent-1", "a", by=owner("DaemonSet", "agent"))]
    static = pod("proxy", "a", annotations={"kubernetes.io/config.mirror": "x"})
    assert drain(cluster(A, B, agent, static), ["a"]).nodes[0].result is Result.REFUSED
    options = Options(flags=DrainFlags(ignore_daemonsets=True))
    (found,) = drain(cluster(A, B, agent, static), ["a"], options).nodes
    assert (found.result, found.steps) == (Result.DRAINS, ())


def test_kubectl_looks_for_the_daemon_set_of_a_pod_by_its_name() -> None:
    again = controller("DaemonSet", "agent", replicas=1)
    again["metadata"]["uid"] = "another"
    agent = pod("agent-1", "a", by=owner("DaemonSet", "agent"))
    flags = DrainFlags(ignore_daemonsets=True)
    assert drain(cluster(A, B, again, agent), ["a"], Options(flags=flags)).nodes[0].result is Result.DRAINS
    again["metadata"]["namespace"] = "other"
    assert drain(cluster(A, B, again, agent), ["a"], Options(flags=flags)).nodes[0].result is Result.REFUSED
