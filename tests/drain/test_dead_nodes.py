"""Nodes whose kubelet does not answer, pods that do not end, and nodes that fail."""

from __future__ import annotations

import pytest

from productionpolicy.drain import DrainFlags, Options, Outcome, Result, drain, lose
from support.scenes import Raw, budget, cluster, controller, deployment, node, owner, pod, stateful_set

B, C, D = node("b"), node("c"), node("d")
UNREACHABLE: Raw = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
EVERYTHING: Raw = {"operator": "Exists"}


def taints(*states: str) -> list[Raw]:
    return [{"key": f"node.kubernetes.io/{each}", "effect": "NoExecute"} for each in states]


DEAD = node("a", ready="Unknown", taints=taints("unreachable"))


def database() -> list[Raw]:
    """Return a database with a budget for two of its three pods, of which the first is terminating."""
    controls, *others = stateful_set("db", ["a", "b", "c"])
    one = pod("db-0", "a", app="db", by=owner("StatefulSet", "db"), deleting=True)
    return [controls, one, *others[1:], budget("db", app="db", minAvailable="51%")]


def results(outcome: Outcome) -> list[Result]:
    return [each.result for each in outcome.nodes]


@pytest.mark.parametrize(
    ("first", "result"),
    [
        (DEAD, Result.BLOCKED),
        (node("a", ready="Unknown"), Result.BLOCKED),
        (node("a", ready="False", taints=taints("not-ready")), Result.DRAINS),
        (node("a", ready="False", taints=taints("unreachable")), Result.DRAINS),
        (node("a", ready="Unknown", taints=taints("unreachable", "out-of-service")), Result.DRAINS),
        (node("e"), Result.DRAINS),
    ],
    ids=["tainted", "not yet tainted", "not ready", "answers again", "out of service", "deleted"],
)
def test_a_stateful_set_replaces_a_terminating_pod_only_where_it_ends(first: Raw, result: Result) -> None:
    assert results(drain(cluster(first, B, C, D, database()), ["b"])) == [result]


def test_a_budget_that_waits_for_a_pod_that_does_not_end_says_so() -> None:
    (found,) = drain(cluster(DEAD, B, C, D, database()), ["b"]).nodes
    assert found.blockers[0].reason == (
        "the budget db (minAvailable 51%) needs 2 healthy pods and has 2, because shop/db-0 does not end: the kubelet "
        "of a does not answer"
    )
    assert found.blockers[0].remedy.startswith("bring the node back")


def test_a_replica_set_replaces_a_terminating_pod_though_it_does_not_end() -> None:
    web = [*deployment("web", ["b", "c"], replicas=3), budget("web", app="web", maxUnavailable=1)]
    old = pod("web-1-9", "a", app="web", by=owner("ReplicaSet", "web-1"), deleting=True)
    outcome = drain(cluster(DEAD, B, C, D, web, old), ["b", "a"])
    assert results(outcome) == [Result.DRAINS, Result.STUCK]


@pytest.mark.parametrize(
    ("policy", "number"),
    [
        ({"podReplacementPolicy": "Failed"}, 1),
        ({"podFailurePolicy": {"rules": []}}, 1),
        ({"podReplacementPolicy": "TerminatingOrFailed"}, 2),
        ({}, 2),
    ],
    ids=str,
)
def test_a_job_replaces_a_terminating_pod_as_its_policy_says(policy: Raw, number: int) -> None:
    job = [controller("Job", "load", replicas=2, **policy), pod("load-b", "b", app="load", by=owner("Job", "load"))]
    old = pod("load-a", "a", app="load", by=owner("Job", "load"), deleting=True)
    (found,) = drain(cluster(DEAD, B, job, old), ["b"]).nodes
    assert len(found.steps) == number


def test_kubectl_waits_for_the_pods_of_a_node_whose_kubelet_does_not_answer() -> None:
    web, db = deployment("web", ["a", "b"]), stateful_set("db", ["a", "b"])
    (found,) = drain(cluster(DEAD, B, web, db), ["a"]).nodes
    assert found.result is Result.STUCK
    assert [(each.pod, each.reason) for each in found.blockers] == [
        (each, "the kubelet of a does not answer, so kubectl waits for its pods")
        for each in ("shop/db-0", "shop/web-1-0")
    ]
    assert sorted((each.pod, each.to) for each in found.steps) == [("shop/db-0", ""), ("shop/web-1-0", "b")]
    assert not drain(cluster(DEAD, B, web, db), ["a"]).fine


def test_a_pod_that_does_not_end_is_not_evicted_again_and_counts_as_not_healthy() -> None:
    db = [*stateful_set("db", ["a", "b", "c"]), budget("db", app="db", minAvailable=2)]
    outcome = drain(cluster(DEAD, B, C, D, db), ["a", "a", "b"])
    assert results(outcome) == [Result.STUCK, Result.STUCK, Result.BLOCKED]
    assert [len(each.steps) for each in outcome.nodes] == [1, 0, 0]


def test_finished_pods_and_those_of_a_daemon_set_do_not_hold_up_a_dead_node() -> None:
    agent = [controller("DaemonSet", "agent", replicas=1), pod("agent-1", "a", by=owner("DaemonSet", "agent"))]
    done = [controller("Job", "load", replicas=0), pod("load-1", "a", phase="Succeeded", by=owner("Job", "load"))]
    outcome = drain(cluster(DEAD, B, agent, done), ["a"], Options(flags=DrainFlags(ignore_daemonsets=True)))
    assert results(outcome) == [Result.DRAINS]


def test_a_pod_that_tolerates_everything_does_not_become_ready_on_a_dead_node() -> None:
    web = deployment("web", ["b", "b"], tolerations=[EVERYTHING], cpu="2"), budget("web", app="web", maxUnavailable=1)
    (found,) = drain(cluster(DEAD, B, *web), ["b"], Options(keep_cordoned=True, plays=1)).nodes
    assert [(each.to, each.ready) for each in found.steps] == [("a", False)]
    assert found.result is Result.BLOCKED


def test_a_terminating_pod_does_not_count_for_a_constraint() -> None:
    rule = {"topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
    apart = {"topologySpreadConstraints": [{**rule, "labelSelector": {"matchLabels": {"app": "web"}}}]}
    old = pod("web-1-9", "a", app="web", by=owner("ReplicaSet", "web-1"), deleting=True, **apart)
    scene = cluster(DEAD, B, deployment("web", ["b"], replicas=2, **apart), old)
    assert len(drain(scene, []).pending) == 1  # b may have one pod more than the dead node, which has none


@pytest.mark.parametrize(
    ("more", "result"),
    [
        ({"finalizers": ["example.com/hold"], "deleting": True}, Result.UNKNOWN),
        ({"finalizers": ["example.com/hold"]}, Result.UNKNOWN),
        ({"finalizers": ["batch.kubernetes.io/job-tracking", "example.com/hold"]}, Result.UNKNOWN),
        ({"finalizers": ["batch.kubernetes.io/job-tracking"], "deleting": True}, Result.DRAINS),
        ({"finalizers": ["batch.kubernetes.io/job-tracking"]}, Result.DRAINS),
    ],
    ids=str,
)
def test_whether_a_finalizer_that_nobody_knows_lets_a_pod_go_is_unknown(more: Raw, result: Result) -> None:
    web = deployment("web", ["b"], replicas=2)
    held = pod("web-1-9", "a", app="web", by=owner("ReplicaSet", "web-1"), **more)
    outcome = drain(cluster(node("a"), B, web, held), ["a"])
    assert results(outcome) == [result]
    assert outcome.known is (result is Result.DRAINS)


def test_a_failure_after_which_every_workload_is_ready_and_every_pod_has_a_node_is_fine() -> None:
    agent = [controller("DaemonSet", "agent", replicas=2), pod("agent-a", "a", by=owner("DaemonSet", "agent"))]
    scene = cluster(node("a"), B, deployment("web", ["a", "b"]), stateful_set("db", ["b", "a"]), agent)
    assert lose(scene, ["a"]).fine
    assert not lose(scene, ["a", "b"]).fine
    assert not lose(cluster(node("a"), node("b", cpu="1"), deployment("web", ["a", "b"], cpu="1")), ["a"]).fine


@pytest.mark.parametrize(
    ("tolerations", "stays"),
    [
        ([EVERYTHING], True),
        ([UNREACHABLE], True),
        ([UNREACHABLE, {**UNREACHABLE, "tolerationSeconds": 300}], True),
        ([{**UNREACHABLE, "tolerationSeconds": 300}], False),
        ([{**EVERYTHING, "tolerationSeconds": 0}], False),
        ([{**UNREACHABLE, "effect": "NoSchedule"}], False),
        ([{**UNREACHABLE, "key": "node.kubernetes.io/not-ready"}], False),
        ([], False),
    ],
    ids=str,
)
def test_nothing_replaces_a_pod_that_tolerates_the_failure_without_end(tolerations: list[Raw], stays: bool) -> None:
    (dark,) = lose(cluster(node("a"), B, deployment("web", ["a"], tolerations=tolerations)), ["a"]).dark
    assert dark.lasts is stays


def test_a_pod_that_stays_on_a_failed_node_leaves_none_without_a_node() -> None:
    web = deployment("web", ["a", "b"], tolerations=[EVERYTHING], cpu="3")
    assert lose(cluster(node("a"), B, web), ["a"]).pending == ()


@pytest.mark.parametrize(("nodes", "surge"), [(["a"], 3), (["a", "b"], 3)])
def test_there_are_as_many_surge_nodes_as_asked_for(nodes: list[str], surge: int) -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    rule = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    web = deployment("web", ["a", "a", "a"], affinity=rule)
    first, *_ = drain(cluster(node("a"), *([B] if "b" in nodes else []), web), nodes, Options(surge=surge)).nodes
    assert first.pending == ()


@pytest.mark.parametrize("state", ["unreachable", "not-ready", "disk-pressure", "out-of-service"])
def test_a_surge_node_has_not_the_state_of_the_node_that_it_is_like(state: str) -> None:
    ill = node("a", taints=[*taints(state), {"key": "pool", "value": "web", "effect": "NoSchedule"}])
    web = deployment("web", ["a"], tolerations=[{"key": "pool", "operator": "Exists"}])
    (found,) = drain(cluster(ill, node("b", cpu="0"), web), ["a"], Options(surge=1)).nodes
    assert [each.to for each in found.steps] == ["surge-1"]
    stranger = drain(cluster(ill, deployment("web", ["a"])), ["a"], Options(surge=1))
    assert [each.workload.name for each in stranger.pending] == ["web"]


def test_the_node_that_takes_the_place_of_a_drained_one_is_ready() -> None:
    ill = node("a", ready="False", taints=taints("not-ready"))
    outcome = drain(cluster(ill, node("b", cpu="1"), deployment("web", ["a"], cpu="2")), ["a"])
    assert (len(outcome.nodes[0].pending), outcome.pending) == (1, ())


@pytest.mark.parametrize("ready", ["Unknown", "False"])
def test_a_node_that_is_not_ready_takes_no_pods_whatever_other_taints_it_has(ready: str) -> None:
    ill = node("b", ready=ready, taints=[{"key": "pool", "value": "web", "effect": "NoSchedule"}])
    web = deployment("web", ["a"], tolerations=[{"key": "pool", "operator": "Exists"}])
    (found,) = drain(cluster(node("a"), ill, web), ["a"]).nodes
    assert [each.workload.name for each in found.pending] == ["web"]


def versioned(strategy: Raw, *revisions: str, cpu: str = "3") -> list[Raw]:
    """Return a database with pods of these revisions, and with another template, which is the new revision."""
    database, *pods = stateful_set("db", ["a", *["b"] * (len(revisions) - 1)], policy="Parallel")
    for each, revision in zip(pods, revisions, strict=True):
        each["metadata"]["labels"]["controller-revision-hash"] = revision
        if revision == "new":
            each["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    database["spec"] |= {"updateStrategy": strategy}
    database["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    database["status"] = {"currentRevision": "old", "updateRevision": "new"}
    return [database, *pods]


HELD: Raw = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
ROLLING: Raw = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


@pytest.mark.parametrize(
    ("parts", "result", "pending"),
    [
        (versioned({"type": "OnDelete"}, "old", "old"), Result.UNKNOWN, 0),
        (versioned({"type": "OnDelete"}, "old", "new"), Result.DRAINS, 1),
        (versioned({"type": "OnDelete"}, "old", "old", cpu="100m"), Result.DRAINS, 0),
        (versioned(ROLLING, "old", "new"), Result.DRAINS, 1),
        (versioned(HELD, "old", "new"), Result.DRAINS, 0),
        (versioned(HELD, "new", "old"), Result.DRAINS, 0),
        (versioned(HELD, "new", "new"), Result.UNKNOWN, 1),
    ],
)
def test_a_stateful_set_creates_a_pod_from_the_revision_that_its_strategy_says(
    parts: list[Raw], result: Result, pending: int
) -> None:
    (found,) = drain(cluster(node("a"), B, parts), ["a"]).nodes
    assert (found.result, len(found.pending)) == (result, pending)


def test_a_successor_of_a_revision_that_never_gets_ready_does_not_either() -> None:
    database, *pods = versioned(ROLLING, "old", "old", "new", cpu="100m")
    pods[2]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    (found,) = drain(cluster(node("a"), B, database, *pods), ["a"]).nodes
    assert [(each.to, each.ready) for each in found.steps] == [("b", False)]
