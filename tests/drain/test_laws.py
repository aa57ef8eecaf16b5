"""Laws that hold for every drain, tried on many small clusters."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from productionpolicy.drain import Cluster, DrainFlags, Options, Result, drain, lose, lose_each
from support.scenes import Raw, budget, cluster, controller, deployment, node, owner, pod, stateful_set

NODES = ("a", "b", "c", "d")
FLAGS = DrainFlags(ignore_daemonsets=True, delete_emptydir_data=True, force=True)
ONE_PLAY = Options(flags=FLAGS, plays=1)

UNREACHABLE: Raw = {"key": "node.kubernetes.io/unreachable", "operator": "Exists"}
TOLERATIONS: list[list[Raw]] = [[], [], [UNREACHABLE], [{**UNREACHABLE, "tolerationSeconds": 300}]]

spots = st.lists(st.sampled_from(NODES), min_size=1, max_size=5)
counts = st.one_of(st.integers(0, 4), st.sampled_from(["0%", "25%", "50%", "100%"]))


def _affinity(name: str, kind: int) -> Raw:
    selector = {"matchLabels": {"app": name}}
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}
    if kind == 1:
        return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    if kind == 2:
        rule = {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **term}
        return {"topologySpreadConstraints": [rule]}
    return {}


@st.composite
def workloads(draw: st.DrawFn, number: int, *, priorities: bool) -> list[Raw]:
    name = f"w{number}"
    more: Raw = {
        "cpu": draw(st.sampled_from(["100m", "1", "2"])),
        "ready": draw(st.sampled_from([True, True, True, False])),
    }
    more |= _affinity(name, draw(st.integers(0, 2)))
    more["tolerations"] = draw(st.sampled_from(TOLERATIONS))
    if priorities:
        more["priority"] = draw(st.sampled_from([-10, 0, 1000]))
    ordered = draw(st.booleans())
    found = stateful_set(name, draw(spots), **more) if ordered else deployment(name, draw(spots), **more)
    if draw(st.booleans()):
        field = draw(st.sampled_from(["minAvailable", "maxUnavailable"]))
        policy = draw(st.sampled_from([{}, {"unhealthyPodEvictionPolicy": "AlwaysAllow"}]))
        found.append(budget(name, app=name, **{field: draw(counts)}, **policy))
    return found


@st.composite
def clusters(draw: st.DrawFn, *, priorities: bool = False, dead: bool = False) -> Cluster:
    parts: list[Raw] = []
    for number in range(draw(st.integers(1, 4))):
        parts.extend(draw(workloads(number, priorities=priorities)))
    if draw(st.booleans()):
        parts.append(controller("DaemonSet", "agent", replicas=1))
        parts.extend(pod(f"agent-{each}", each, app="agent", by=owner("DaemonSet", "agent")) for each in NODES)
    cpu = "3" if priorities else "4"
    ready = {each: draw(st.sampled_from(["True", "False", "Unknown"])) if dead else "True" for each in NODES}
    for each in parts:
        if dead and each["kind"] == "Pod" and draw(st.booleans()):
            each["metadata"]["deletionTimestamp"] = "2026-11-28T00:00:00Z"
    nodes = [node(each, cpu=cpu, zone="east" if each < "c" else "west", ready=ready[each]) for each in NODES]
    return cluster(*nodes, parts)


@settings(max_examples=60, deadline=None)
@given(clusters(), st.permutations(NODES))
def test_no_pod_is_evicted_against_its_budget(found: Cluster, order: list[str]) -> None:
    outcome = drain(found, order, ONE_PLAY)
    guarded = {each.budget.name: each.budget for each in found.budgets}
    sizes = Counter(each.labels for each in found.pods)
    of = {dict(each.labels)["app"]: each for each in found.pods}
    for name, rule in guarded.items():
        steps = [each for node in outcome.nodes for each in node.steps if each.workload.name == name]
        allowed = rule.allowed_disruptions(sizes[of[name].labels])
        per_round = Counter(each.round for each in steps)
        if of[name].sound:
            assert all(number <= allowed for number in per_round.values())


@settings(max_examples=60, deadline=None)
@given(clusters(), st.permutations(NODES))
def test_every_pod_of_a_node_that_drains_is_evicted(found: Cluster, order: list[str]) -> None:
    outcome = drain(found, order[:1], ONE_PLAY)
    (first,) = outcome.nodes
    there = {each.title for each in found.pods if each.node == first.node and each.owner.kind != "DaemonSet"}  # type: ignore[union-attr]  # all have an owner
    gone = {each.pod for each in first.steps}
    assert gone <= there
    if first.result is Result.DRAINS:
        assert gone == there
    else:
        assert there - gone == {each.pod for each in first.blockers}


@settings(max_examples=60, deadline=None)
@given(clusters(), st.permutations(NODES))
def test_nothing_overcommits_a_node_and_nothing_lands_on_a_cordoned_one(found: Cluster, order: list[str]) -> None:
    outcome = drain(found, order, Options(flags=FLAGS, plays=1, keep_cordoned=True))
    cordoned: set[str] = set()
    used = dict.fromkeys(NODES, 0)
    size: dict[str, int] = {}
    for each in found.pods:
        size[each.title] = dict(each.shape.requests)["cpu"]
        used[each.node] += size[each.title]
    before = dict(used)
    for drained in outcome.nodes:
        cordoned.add(drained.node)
        for step in drained.steps:
            used[drained.node] -= size[step.pod]
            size[step.successor] = size[step.pod]
        for step in drained.steps:
            if step.to:
                used[step.to] += size[step.pod]
                assert step.to not in cordoned
                assert used[step.to] <= max(4000, before[step.to])


@settings(max_examples=120, deadline=None)
@given(st.one_of(clusters(), clusters(priorities=True), clusters(dead=True)))
def test_a_failure_leaves_no_trace_in_the_next_one(found: Cluster) -> None:
    together = list(lose_each(found, [[each] for each in NODES]))
    assert [(each.dark, each.nodes) for each in together] == [
        (each.dark, each.nodes) for each in (lose(found, [name]) for name in NODES)
    ]


@settings(max_examples=60, deadline=None)
@given(clusters(dead=True), st.permutations(NODES))
def test_a_node_whose_kubelet_does_not_answer_drains_only_if_nothing_has_to_end(
    found: Cluster, order: list[str]
) -> None:
    for drained in drain(found, order, ONE_PLAY).nodes:
        known = found.node(drained.node)
        assert known is not None
        if known.silent and drained.result is Result.DRAINS:
            assert not drained.steps
