"""Repairs that the API server makes itself, when a workload is created or its pods are replaced anyway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.governing import meddling
from cluster.webhook import hooking
from cluster.world import Raw, World, container, deployment, eventually, journal, pod_spec, stateful_set
from productionpolicy.controller.admission_policies import GUARD
from productionpolicy.kube.identity import EXEMPT, MODE_LABEL, POLICY_LABEL, ROLLOUT_FAILED

ORDERS = 12
"""So many workloads meet the policies of the API server in both orders: it takes them as they come."""

EVALUATIONS = "apiserver_mutating_admission_policy_check_total"

OUR_SLEEP = {"preStop": {"sleep": {"seconds": 10}}}
OWN_HOOK = {"preStop": {"exec": {"command": ["/bin/drain"]}}}


@pytest.fixture
def world(admitting_world: World) -> World:
    return admitting_world


def bound(world: World, name: str | None = None, **spec: Any) -> str:
    """Return a policy once the API server repairs by it."""
    policy = world.policy(name, **spec)
    namespace = world.namespace(policy)

    eventually(lambda: journal(world.tried(deployment("probe"), namespace)))
    return policy


def born(world: World, raw: Raw, **spec: Any) -> tuple[str, str]:
    """Return a policy, and its namespace with a workload that the API server has repaired."""
    policy = bound(world, **spec)
    namespace = world.applied(raw, policy=policy)
    world.settled(policy, total=1, compliant=1)
    return policy, namespace


def sleeps(workload: Raw) -> list[Raw | None]:
    return [each.get("lifecycle") for each in pod_spec(workload)["containers"]]


@pytest.mark.parametrize("raw", [deployment(replicas=4), stateful_set()], ids=lambda each: each["kind"])
def test_a_new_workload_is_born_repaired_and_rolled_out_once(world: World, raw: Raw) -> None:
    _, namespace = born(world, raw)
    kind, name = raw["kind"].lower(), raw["metadata"]["name"]
    live = world.get(kind, name, namespace)
    assert sleeps(live) == [OUR_SLEEP]
    assert (pod_spec(live)["terminationGracePeriodSeconds"], live["metadata"]["generation"]) == (40, 1)
    if kind == "deployment":
        assert len(world.all("replicaset", namespace)) == 1


@pytest.fixture
def meddled(world: World) -> Iterator[Raw]:
    """Labels by which another policy at admission adds a hook of its own to the first container, before or after us."""
    labels = {"meddled": "yes"}
    path = "/spec/template/spec/containers/0/lifecycle"
    hook = '{"httpGet": {"path": dyn("/drain"), "port": dyn(8080)}}'
    expression = f"""
        has(object.spec.template.spec.containers[0].lifecycle)
        ? [JSONPatch{{op: "add", path: "{path}/preStop/httpGet", value: {hook}["httpGet"]}}]
        : [JSONPatch{{op: "add", path: "{path}", value: {{"preStop": {hook}}}}}]"""
    resource = {"apiGroups": ["apps"], "resources": ["deployments"]}
    with meddling(world, "meddler", expression, resource=resource, labels=labels):
        eventually(lambda: "/drain" in str(world.tried(labelled(deployment("probe"), labels))))
        yield labels


def labelled(raw: Raw, labels: Raw) -> Raw:
    return {**raw, "metadata": {**raw["metadata"], "labels": labels}}


HOOKED_PROBE = labelled(deployment("probe"), {"hooked": "yes"})


def test_a_sleep_gives_way_to_a_hook_that_another_policy_adds_in_the_same_request(world: World, meddled: Raw) -> None:
    namespace = world.namespace(bound(world))
    for number in range(ORDERS):
        world.apply(namespace, labelled(deployment(f"web-{number}"), meddled))
        live = world.get("deployment", f"web-{number}", namespace)
        assert [list(each["preStop"]) for each in sleeps(live) if each] == [["httpGet"]]
        assert "preStop" not in journal(live)


def test_a_sleep_gives_way_to_a_hook_that_a_webhook_adds_in_the_same_request(world: World) -> None:
    namespace = world.namespace(bound(world))
    with hooking(world.plane, {"hooked": "yes"}):
        eventually(lambda: "/drain" in str(world.tried(HOOKED_PROBE)))
        for number in range(ORDERS):
            world.apply(namespace, labelled(deployment(f"web-{number}"), {"hooked": "yes"}))
            live = world.get("deployment", f"web-{number}", namespace)
            assert [list(each["preStop"]) for each in sleeps(live) if each] == [["httpGet"]]
            assert "preStop" not in journal(live)


def test_a_sleep_gives_way_to_a_hook_that_a_webhook_adds_later(world: World) -> None:
    _, namespace = born(world, labelled(deployment(), {"hooked": "yes"}))
    with hooking(world.plane, {"hooked": "yes"}):
        eventually(lambda: "/drain" in str(world.tried(HOOKED_PROBE)))
        world.kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=2")
        world.kubectl("annotate", "deployment", "web", "-n", namespace, "example.com/note=x")
    live = world.get("deployment", "web", namespace)
    assert [list(each["preStop"]) for each in sleeps(live) if each] == [["httpGet"]]


def test_a_sleep_that_a_deleted_policy_has_left_gives_way_to_the_owners_hook(world: World) -> None:
    policy, namespace = born(world, deployment())
    world.kubectl("delete", "productionpolicy", policy, "--timeout=30s")
    world.kubectl("label", "namespace", namespace, f"{POLICY_LABEL}-")
    assert sleeps(world.get("deployment", "web", namespace)) == [OUR_SLEEP]
    world.apply(namespace, deployment(containers=[container(lifecycle=OWN_HOOK)]))
    live = world.get("deployment", "web", namespace)
    assert (sleeps(live), journal(live).get("preStop")) == ([OWN_HOOK], None)


@pytest.mark.parametrize("governed", [True, False])
def test_only_namespaces_that_name_a_policy_pay_for_the_guard_when_a_workload_is_created(
    world: World, governed: bool
) -> None:
    namespace = world.namespace(bound(world) if governed else None)
    before = evaluations(world, GUARD)
    world.tried(deployment(), namespace)
    assert (evaluations(world, GUARD) > before) is governed


def evaluations(world: World, policy: str) -> float:
    """Return how often the API server has evaluated a policy at admission."""
    families = text_string_to_metric_families(world.kubectl("get", "--raw", "/metrics"))
    samples = [sample for each in families for sample in each.samples if sample.name == EVALUATIONS]
    return sum(each.value for each in samples if each.labels["policy"] == policy)


def test_an_event_tells_of_what_was_repaired_at_admission(world: World) -> None:
    policy = bound(world)
    eventually(lambda: world.told(policy, "AdmissionRepair")[1] == "Bound")
    namespace = world.applied(deployment(), policy=policy)
    world.settled(policy, total=1, compliant=1)
    (event,) = eventually(lambda: world.events(namespace, "RepairedAtAdmission"))
    assert event["involvedObject"]["name"] == "web"
    assert "preStop (sleep 10s: web)" in event["message"]


def test_the_policy_says_that_it_is_bound_and_not_that_it_works(world: World) -> None:
    policy = bound(world)
    eventually(lambda: world.told(policy, "AdmissionRepair") == ("Unknown", "Bound"))


def test_the_binding_goes_with_the_policy(world: World) -> None:
    policy = bound(world)
    world.kubectl("delete", "productionpolicy", policy, "--timeout=30s")
    binding = f"mutatingadmissionpolicybinding/productionpolicy-{policy}"
    eventually(lambda: not world.kubectl("get", binding, "--ignore-not-found"))


def test_a_policy_that_is_created_again_repairs_at_admission_again(world: World) -> None:
    policy = bound(world)
    world.kubectl("delete", "productionpolicy", policy, "--timeout=30s")
    binding = f"mutatingadmissionpolicybinding/productionpolicy-{policy}"
    eventually(lambda: not world.kubectl("get", binding, "--ignore-not-found"))
    assert bound(world, policy) == policy
    eventually(lambda: world.told(policy, "AdmissionRepair")[1] == "Bound")


def test_a_binding_that_somebody_changed_is_reported_and_created_again_once_it_is_deleted(world: World) -> None:
    policy = bound(world)
    binding = f"mutatingadmissionpolicybinding/productionpolicy-{policy}"
    everywhere = '{"spec":{"matchResources":{"namespaceSelector":null}}}'
    world.kubectl("patch", binding, "--type=merge", "-p", everywhere)
    world.change_policy(policy, rollout={"maxConcurrent": 3})
    eventually(lambda: world.told(policy, "AdmissionRepair") == ("False", "NotBound"))
    world.kubectl("delete", binding)
    eventually(lambda: world.told(policy, "AdmissionRepair") == ("Unknown", "Bound"), within=60)
    selector = json.loads(world.kubectl("get", binding, "-o", "json"))["spec"]["matchResources"]["namespaceSelector"]
    assert selector == {"matchLabels": {"productionpolicy.dev/policy": policy}}


def test_an_annotation_on_an_old_workload_restarts_nothing(world: World) -> None:
    namespace = world.applied(deployment())
    policy = bound(world, rollout={"timing": "NextRollout"})
    world.govern(namespace, policy)
    before = world.rolled_out("web", namespace)["spec"]["template"]
    world.kubectl("annotate", "deployment", "web", "-n", namespace, "example.com/note=x")
    world.kubectl("scale", "deployment", "web", "-n", namespace, "--replicas=2")
    assert world.fixed(lambda: world.get("deployment", "web", namespace)["spec"]["template"]) == before


def test_timing_next_rollout_repairs_with_the_owners_next_change(world: World) -> None:
    namespace = world.applied(deployment())
    policy = bound(world, rollout={"timing": "NextRollout"})
    world.govern(namespace, policy)
    world.rolled_out("web", namespace)
    assert world.fixed(lambda: sleeps(world.get("deployment", "web", namespace))) == [None]
    world.apply(namespace, deployment(containers=[container(image="example/web:1.2.4")]))
    live = world.repaired("web", namespace)
    assert (sleeps(live), pod_spec(live)["containers"][0]["image"]) == ([OUR_SLEEP], "example/web:1.2.4")
    assert len(world.all("replicaset", namespace)) == 2
    world.settled(policy, compliant=1)


def test_under_next_rollout_a_changed_parameter_and_a_withdrawal_come_with_the_owners_next_change(
    world: World,
) -> None:
    policy, namespace = born(world, deployment(), rollout={"timing": "NextRollout"})
    world.change_policy(policy, expectations={"preStop": {"sleepSeconds": 5}, "terminationGracePeriod": {}})
    assert world.fixed(lambda: sleeps(world.get("deployment", "web", namespace))) == [OUR_SLEEP]
    world.kubectl("set", "image", "deployment/web", "web=example/web:1.2.4", "-n", namespace)
    eventually(lambda: sleeps(world.get("deployment", "web", namespace)) == [{"preStop": {"sleep": {"seconds": 5}}}])
    world.settled(policy, total=1)
    exempt = (f"{EXEMPT}preStop=drains by itself",)
    world.kubectl("annotate", "deployment", "web", "-n", namespace, *exempt)
    assert world.fixed(lambda: sleeps(world.get("deployment", "web", namespace))) != [None]
    world.kubectl("rollout", "restart", "deployment/web", "-n", namespace)
    eventually(lambda: sleeps(world.get("deployment", "web", namespace)) == [None])
    world.settled(policy, total=1)


@pytest.mark.parametrize("apply", [World.apply, World.apply_server_side], ids=lambda each: each.__name__)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"containers": [container(lifecycle=OWN_HOOK)]}, ([OWN_HOOK], 40)),
        ({"terminationGracePeriodSeconds": 5}, ([None], 5)),
        (
            {"containers": [container(lifecycle={"preStop": {"sleep": {"seconds": 3}}})]},
            ([{"preStop": {"sleep": {"seconds": 3}}}], 40),
        ),
        ({"containers": [container("other")]}, ([OUR_SLEEP], 40)),
    ],
    ids=["another hook", "a grace period shorter than our sleep", "a shorter sleep", "a container renamed"],
)
def test_the_owners_next_change_wins(world: World, apply: Any, change: Raw, expected: Any) -> None:
    policy = bound(world)
    namespace = world.namespace(policy)
    apply(world, namespace, deployment())
    world.settled(policy, total=1, compliant=1)
    apply(world, namespace, deployment(**change))
    world.settled(policy, total=1)
    live = world.get("deployment", "web", namespace)
    assert (sleeps(live), pod_spec(live)["terminationGracePeriodSeconds"]) == expected
    noted = journal(live).get("preStop", "")
    assert bool(noted) == (OUR_SLEEP in expected[0])


@pytest.mark.parametrize(
    "spec", [{"mode": "Audit"}, {"paused": True}, {"expectations": {"preStop": {"action": "Audit"}}}]
)
def test_nothing_is_added_where_the_policy_forbids_it(world: World, spec: Raw) -> None:
    policy = bound(world)
    namespace = world.namespace(policy)
    world.change_policy(policy, **spec)
    eventually(
        lambda: "preStop" not in str(world.tried(deployment("probe"), namespace))
    )  # the API server hears of the change a moment later
    world.apply(namespace, deployment())
    assert world.fixed(lambda: sleeps(world.get("deployment", "web", namespace))) == [None]


def test_nothing_is_added_where_the_namespace_forbids_it(world: World) -> None:
    policy = bound(world)
    namespace = world.namespace(policy, **{MODE_LABEL: "Audit"})
    world.apply(namespace, deployment())
    assert world.fixed(lambda: sleeps(world.get("deployment", "web", namespace))) == [None]


@pytest.mark.parametrize(
    ("name", "reason", "exempt"),
    [
        ("preStop", "drains by itself", True),
        ("preStop", "drains by itself; until=2099-12-31", True),
        ("all", "is replaced soon", True),
        ("preStop", "drains by itself until 2020-01-01", False),
        ("all", "is replaced soon, Expires=2020-01-01", False),
        ("preStop", "until=2099-12-31", False),
    ],
)
def test_an_exempt_workload_is_left_alone(world: World, name: str, reason: str, exempt: bool) -> None:
    policy = bound(world)
    namespace = world.namespace(policy)
    raw = deployment(metadata={"annotations": {f"{EXEMPT}{name}": reason}})
    world.apply(namespace, raw)
    assert sleeps(world.get("deployment", "web", namespace)) == [None if exempt else OUR_SLEEP]
    world.settled(policy, total=1)
    live = world.get("deployment", "web", namespace)
    assert (sleeps(live), live["metadata"]["generation"]) == ([None if exempt else OUR_SLEEP], 1)


def test_a_policy_that_reverts_leaves_every_template_as_its_owner_wrote_it(world: World) -> None:
    policy, namespace = born(world, deployment(), onRemoval="Revert")
    world.kubectl("delete", "productionpolicy", policy, "--timeout=60s")
    live = world.rolled_out("web", namespace)
    assert (sleeps(live), pod_spec(live)["terminationGracePeriodSeconds"], journal(live)) == ([None], 30, {})
    assert "affinity" not in pod_spec(live)


def test_who_takes_the_sleep_away_twice_keeps_it_away(world: World) -> None:
    policy, namespace = born(world, deployment())

    def take_it_away() -> Raw:
        remove = '[{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}]'
        patch = ("patch", "deployment", "web", "-n", namespace, "--type=json", "-p", remove, "-o", "json")
        return dict(json.loads(world.kubectl(*patch)))

    assert sleeps(take_it_away()) == [None]
    eventually(lambda: sleeps(world.get("deployment", "web", namespace)) == [OUR_SLEEP])
    world.settled(policy, total=1)
    assert sleeps(take_it_away()) == [None]
    world.settled(policy, total=1, contested=1)
    assert sleeps(world.get("deployment", "web", namespace)) == [None]


def test_an_owners_rollout_that_stands_still_keeps_the_repairs_that_came_with_it(world: World) -> None:
    policy = bound(world)
    namespace = world.namespace(policy)
    broken = deployment(replicas=4, nodeSelector={"no": "such-node"}, spec={"progressDeadlineSeconds": 2})
    world.apply(namespace, broken)

    (message,) = eventually(lambda: world.messages(policy, "rollout"))
    assert "the owner's rollout has stopped, and repairs came with it: spread, preStop, term" in message
    live = world.fixed(lambda: world.get("deployment", "web", namespace))
    assert (live["metadata"]["generation"], sleeps(live)) == (1, [OUR_SLEEP])
    assert world.status(policy)["workloads"]["failed"] == 0


def test_what_has_failed_is_not_tried_again_in_the_owners_own_rollout(world: World) -> None:
    policy = bound(world)
    born = deployment(metadata={"annotations": {ROLLOUT_FAILED: "preStop of yesterday"}})
    made = world.tried(born, world.namespace(policy))
    assert (sleeps(made), journal(made)) == ([None], {})
