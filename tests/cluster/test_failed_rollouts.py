"""A rollout that a repair made fail is put back; one that its owner made fail is not touched."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.governing import meddling
from cluster.world import Raw, World, changed, container, deployment, eventually, journal, pod_spec, stateful_set
from control_plane.plane import ControlPlane
from owners import manifests
from productionpolicy.kube.identity import (
    CONTESTED,
    EXEMPT,
    REPAIRS,
    REPAIRS_POLICY,
    RESUME,
    ROLLOUT_FAILED,
    ROLLOUT_STARTED,
)
from productionpolicy.verdict.rollouts import LENIENCY_SECONDS
from testbed.client import Client

FAILED = ROLLOUT_FAILED
DEADLINE = 4
QUICK = {"terminationGracePeriod": {"action": "Ignore"}, "preStop": {"sleepSeconds": 1}}
"""Expectations that leave a short grace period alone, for a StatefulSet has that time, too."""

FRAGILE = {"fragile": "yes"}
"""Pods with this label find no node as soon as they have a preStop hook."""


@pytest.fixture(scope="module", autouse=True)
def _fragile_pods(plane: ControlPlane) -> Iterator[None]:
    """Have the API server break fragile pods, as a repair does that their program cannot live with."""
    client, broken = Client(plane), '[JSONPatch{op: "add", path: "/spec/nodeSelector", value: {"no": "such-node"}}]'
    hooked = "object.spec.containers.exists(each, has(each.lifecycle))"
    pods = {"apiGroups": [""], "resources": ["pods"]}
    with meddling(client, "fragile", broken, resource=pods, labels=FRAGILE, when=hooked):
        probe = container("probe", lifecycle={"preStop": {"sleep": {"seconds": 1}}})
        eventually(lambda: "such-node" in str(client.tried(manifests.pod("probe", probe, labels=FRAGILE))))
        yield


def fragile(raw: Raw, **spec: Any) -> Raw:
    """Return a workload whose pods break as soon as they have a preStop hook, and whose rollouts soon have failed."""
    labels = raw["spec"]["template"]["metadata"]["labels"]
    template = {**raw["spec"]["template"], "metadata": {"labels": {**labels, **FRAGILE}}}
    deadline = {"progressDeadlineSeconds": DEADLINE} if raw["kind"] == "Deployment" else {}
    return {**raw, "spec": {**raw["spec"], **deadline, "template": template, **spec}}


def has_failed(world: World, namespace: str, name: str = "web", kind: str = "deployment") -> Raw:
    """Return a workload once its rollout was put back."""

    def found() -> Raw | None:
        seen = world.get(kind, name, namespace)
        return seen if FAILED in seen["metadata"].get("annotations", {}) else None

    return dict(eventually(found, within=60))


def out_of_time(world: World, namespace: str) -> None:
    """Wait until the rollout of a Deployment has failed.

    Now and then its controller misses the start of a rollout, and then it never tells of its end.
    """
    ended = time.monotonic() + DEADLINE + LENIENCY_SECONDS

    def is_out_of_time() -> bool:
        status = json.dumps(world.get("deployment", "web", namespace)["status"])
        return "ProgressDeadlineExceeded" in status or time.monotonic() > ended

    eventually(is_out_of_time)


def fill(world: World, namespace: str, *, pods: int) -> None:
    """Allow so many pods in a namespace, by a quota that is in effect."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}}
    world.create({**quota, "spec": {"hard": {"pods": pods}}}, namespace)
    eventually(lambda: "used" in world.get("resourcequota", "full", namespace).get("status", {}))


def failed(world: World, policy: str, count: int) -> Raw:
    """Return the status once it counts so many failed workloads."""

    def found() -> Raw | None:
        status = world.status(policy)
        return status if status.get("workloads", {}).get("failed") == count else None

    return dict(eventually(found, within=60))


def test_a_rollout_that_a_repair_made_fail_is_put_back(world: World) -> None:
    policy, namespace = world.governed_later(fragile(deployment()))
    before = world.get("deployment", "web", namespace)
    hashes = world.running_hashes(namespace)

    has_failed(world, namespace)
    after = world.rolled_out("web", namespace)
    assert (after["spec"], journal(after)) == (before["spec"], {"policy": policy})
    eventually(lambda: world.running_hashes(namespace) == hashes)
    failed(world, policy, 1)
    put_back = " did not end in time and was rolled back; find out why pods did not become available"
    eventually(lambda: put_back in world.messages(policy, "rollout")[0])
    (message,) = world.messages(policy, "rollout")
    assert message.startswith("the rollout of spread, preStop, terminationGracePeriod, started at ")
    eventually(lambda: world.events(namespace, "RolloutFailed"))


def test_what_was_put_back_is_not_tried_again_nor_after_a_restart(world: World) -> None:
    policy, namespace = world.governed_later(fragile(deployment()))
    has_failed(world, namespace)
    generation = world.rolled_out("web", namespace)["metadata"]["generation"]
    assert world.fixed(lambda: world.get("deployment", "web", namespace)["metadata"]["generation"]) == generation
    world.operator.restart(kill=True)
    assert world.fixed(lambda: world.get("deployment", "web", namespace)["metadata"]["generation"]) == generation
    assert world.status(policy)["workloads"]["failed"] == 1
    assert world.budgets(namespace) == ["web-deployment-productionpolicy"]


def test_a_rollout_that_fails_while_the_operator_is_away_is_put_back_when_it_is_back(world: World) -> None:
    policy, namespace = world.governed_later(fragile(deployment()))
    eventually(lambda: journal(world.get("deployment", "web", namespace)))
    world.operator.kill()
    out_of_time(world, namespace)
    world.operator.start().wait_ready(60)
    has_failed(world, namespace)
    failed(world, policy, 1)


def test_a_changed_parameter_that_fails_gives_way_to_the_one_before(world: World) -> None:
    policy = world.policy(expectations={"preStop": {"sleepSeconds": 5}})
    namespace = world.namespace(policy)
    calm = deployment(spec={"progressDeadlineSeconds": DEADLINE})
    world.apply(namespace, calm)
    hashes = world.running_hashes(namespace) if world.repaired("web", namespace) else set()
    fill(world, namespace, pods=3)

    world.change_policy(policy, expectations={"preStop": {"sleepSeconds": 7}})
    after = has_failed(world, namespace)
    (event,) = eventually(lambda: world.events(namespace, "RolloutFailed"))
    assert "exceeded quota: full" in event["message"]
    assert journal(after)["preStop"] == "sleep 5s: web"
    assert pod_spec(after)["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert pod_spec(after)["terminationGracePeriodSeconds"] == 35
    world.rolled_out("web", namespace)
    assert world.running_hashes(namespace) == hashes


def test_it_is_tried_again_when_the_owner_changes_the_pods(world: World) -> None:
    policy, namespace = world.governed_later(fragile(deployment()))
    has_failed(world, namespace)
    world.apply(namespace, deployment())
    world.settled(policy, total=1, compliant=1)
    after = world.rolled_out("web", namespace)
    assert set(journal(after)) >= {"preStop", "spread"}
    assert FAILED not in after["metadata"]["annotations"]


def test_when_no_policy_governs_any_more_nothing_is_left_of_the_failure(world: World) -> None:
    _, namespace = world.governed_later(fragile(deployment()))
    has_failed(world, namespace)
    world.govern(namespace, None)

    def domains() -> set[str]:
        return {key.partition("/")[0] for key in world.get("deployment", "web", namespace)["metadata"]["annotations"]}

    eventually(lambda: domains() == {"deployment.kubernetes.io", "kubectl.kubernetes.io"})


def test_an_exemption_of_what_was_the_reason_lets_the_rest_be_tried_again(world: World) -> None:
    policy, namespace = world.governed_later(fragile(deployment()))
    has_failed(world, namespace)
    exemption = {f"{EXEMPT}preStop": "does not survive it"}
    patch = {"metadata": {"annotations": exemption}, "spec": {"progressDeadlineSeconds": 60}}
    world.merge("deployment", "web", patch, namespace)
    world.settled(policy, total=1, exempt=1)
    assert set(journal(world.rolled_out("web", namespace))) == {"policy", "spread"}


def test_an_image_of_the_owners_that_breaks_is_not_touched(world: World) -> None:
    policy, namespace = world.governed_later(deployment())
    world.repaired("web", namespace)
    world.settled(policy, total=1, compliant=1)
    broken = deployment(nodeSelector={"no": "such-node"}, spec={"progressDeadlineSeconds": DEADLINE})
    world.apply(namespace, broken)
    out_of_time(world, namespace)
    generation = world.get("deployment", "web", namespace)["metadata"]["generation"]
    after = world.fixed(lambda: world.get("deployment", "web", namespace))
    assert after["metadata"]["generation"] == generation
    assert set(journal(after)) >= {"preStop", "spread"}
    assert (world.status(policy)["workloads"]["failed"], world.messages(policy, "rollout")) == (0, [])


def test_pods_that_are_lost_after_the_rollout_are_not_our_doing(world: World) -> None:
    policy = world.policy()
    calm = deployment(spec={"progressDeadlineSeconds": DEADLINE})
    namespace = world.running(calm, policy=policy)
    world.repaired("web", namespace)
    fill(world, namespace, pods=3)
    world.kubectl("scale", "deployment", "web", "--replicas=5", "-n", namespace)
    eventually(lambda: "exceeded quota" in json.dumps(world.get("deployment", "web", namespace)["status"]))
    assert world.fixed(lambda: world.status(policy)["workloads"]["failed"]) == 0
    assert set(journal(world.get("deployment", "web", namespace))) >= {"preStop", "spread"}


def test_a_stateful_set_is_put_back_and_the_pod_that_a_person_must_delete_is_named(world: World) -> None:
    policy, namespace = world.governed_later(
        fragile(stateful_set(replicas=3, terminationGracePeriodSeconds=2)),
        rollout={"progressDeadlineSeconds": 2},
        expectations=QUICK,
    )
    before = world.get("statefulset", "db", namespace)
    after = has_failed(world, namespace, "db", "statefulset")
    assert (after["spec"], journal(after)) == (before["spec"], {"policy": policy})
    failed(world, policy, 1)
    by_a_person = "; delete pod db-2, which the StatefulSet does not replace by itself; "
    eventually(lambda: by_a_person in world.messages(policy, "rollout")[0])
    world.kubectl("delete", "pod", "db-2", "-n", namespace, "--wait=false")
    world.rolled_out("db", namespace, "statefulset")
    eventually(lambda: world.messages(policy, "rollout") and "db-2" not in world.messages(policy, "rollout")[0])
    assert world.status(policy)["workloads"]["failed"] == 1


def test_a_stateful_set_that_takes_its_time_is_waited_for(world: World) -> None:
    policy, namespace = world.governed_later(fragile(stateful_set(replicas=3)))
    eventually(lambda: journal(world.get("statefulset", "db", namespace)))
    assert FAILED not in world.fixed(lambda: world.get("statefulset", "db", namespace)["metadata"]["annotations"])
    assert world.status(policy)["workloads"]["repairing"] == 1


def test_a_stateful_set_that_replaces_only_some_pods_is_put_back_likewise(world: World) -> None:
    policy = world.policy(rollout={"progressDeadlineSeconds": 2}, expectations=QUICK)
    partition = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    calm = stateful_set("calm", replicas=3, terminationGracePeriodSeconds=2)
    raws = [fragile(stateful_set(replicas=3, terminationGracePeriodSeconds=2), **partition)]
    raws.append({**calm, "spec": {**calm["spec"], **partition}})
    namespace = world.running(*raws, policy=policy)
    assert journal(has_failed(world, namespace, "db", "statefulset")) == {"policy": policy}

    def notes() -> set[str]:
        return set(world.get("statefulset", "calm", namespace)["metadata"].get("annotations", {}))

    eventually(lambda: f"{REPAIRS}preStop" in notes())
    eventually(lambda: ROLLOUT_STARTED not in notes())
    assert f"{REPAIRS}preStop" in notes()


def test_pods_that_a_person_replaces_are_no_rollout_of_ours(world: World) -> None:
    policy = world.policy(rollout={"progressDeadlineSeconds": 1}, expectations=QUICK)
    by_hand = {"updateStrategy": {"type": "OnDelete"}}
    namespace = world.running(
        fragile(stateful_set(replicas=2, terminationGracePeriodSeconds=2), **by_hand), policy=policy
    )
    eventually(lambda: journal(world.get("statefulset", "db", namespace)))
    world.kubectl("delete", "pod", "db-1", "-n", namespace, "--wait=false")
    eventually(lambda: world.get("statefulset", "db", namespace)["status"].get("availableReplicas") == 1)
    notes = world.fixed(lambda: set(world.get("statefulset", "db", namespace)["metadata"]["annotations"]))
    assert {each for each in notes if each.startswith("rollout.")} == set()
    assert world.status(policy)["workloads"]["failed"] == 0


def test_a_deployment_that_is_paused_meanwhile_is_judged_when_it_goes_on(world: World) -> None:
    _, namespace = world.governed_later(fragile(deployment()))
    eventually(lambda: journal(world.get("deployment", "web", namespace)))
    world.kubectl("rollout", "pause", "deployment/web", "-n", namespace)
    eventually(lambda: "DeploymentPaused" in json.dumps(world.get("deployment", "web", namespace)["status"]))
    assert FAILED not in world.fixed(lambda: world.get("deployment", "web", namespace)["metadata"]["annotations"])
    world.kubectl("rollout", "resume", "deployment/web", "-n", namespace)
    has_failed(world, namespace)


def test_a_workload_without_pods_proves_nothing(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy)
    hooked = container(lifecycle={"preStop": {"sleep": {"seconds": 5}}})
    world.apply(namespace, fragile(deployment(replicas=0, containers=[hooked]), progressDeadlineSeconds=DEADLINE))
    world.repaired("web", namespace)
    world.kubectl("scale", "deployment", "web", "--replicas=2", "-n", namespace)
    # Three where the controller scales the ReplicaSet of the template before, too: it may not know the new one yet.
    eventually(lambda: world.get("deployment", "web", namespace)["status"].get("unavailableReplicas", 0) >= 2)
    notes = world.fixed(lambda: set(world.get("deployment", "web", namespace)["metadata"]["annotations"]))
    assert {each for each in notes if each.startswith("rollout.")} == set()


def stopped(world: World) -> tuple[str, str]:
    """Return a policy under which three rollouts have failed, and its namespace; one more workload waits."""
    policy, namespace = world.governed_later(
        *(fragile(deployment(f"bad-{number}", replicas=2)) for number in range(3)), rollout={"maxConcurrent": 3}
    )
    failed(world, policy, 3)
    eventually(lambda: world.condition(policy, "Progressing")["reason"] == "TooManyFailedRollouts")
    world.apply(namespace, deployment(replicas=4))
    eventually(lambda: "rollingUpdate" in journal(world.get("deployment", "web", namespace)))
    eventually(lambda: "web-deployment-productionpolicy" in world.budgets(namespace))
    return policy, namespace


def test_three_failures_stop_what_restarts_pods_and_nothing_else(world: World) -> None:
    policy, namespace = stopped(world)
    assert world.condition(policy, "Progressing")["status"] == "False"
    assert "Deployment " + namespace + "/bad-0" in world.condition(policy, "Progressing")["message"]
    seen = world.fixed(lambda: world.get("deployment", "web", namespace))
    assert set(journal(seen)) == {"policy", "rollingUpdate"}
    assert world.status(policy)["pending"]["restarts"] == 1


def test_what_failures_have_stopped_is_stopped_after_a_restart_of_the_operator(world: World) -> None:
    policy, namespace = stopped(world)
    world.operator.restart(kill=True)
    seen = world.fixed(lambda: world.get("deployment", "web", namespace))
    assert set(journal(seen)) == {"policy", "rollingUpdate"}
    assert world.condition(policy, "Progressing")["reason"] == "TooManyFailedRollouts"


def test_an_annotation_on_the_policy_lets_repairs_go_on(world: World) -> None:
    policy, namespace = stopped(world)
    world.kubectl("annotate", "productionpolicy", policy, f"{RESUME}=seen")
    eventually(lambda: "preStop" in journal(world.get("deployment", "web", namespace)))
    assert world.status(policy)["workloads"]["failed"] == 3
    eventually(lambda: world.condition(policy, "Progressing")["reason"] == "RolloutsFailed")


def test_a_change_of_the_policy_lets_all_be_tried_again(world: World) -> None:
    policy, namespace = stopped(world)
    world.change_policy(policy, expectations={"preStop": {"action": "Ignore"}})
    for name in ("web", "bad-0", "bad-1", "bad-2"):
        eventually(lambda name=name: "spread" in journal(world.get("deployment", name, namespace)))  # type: ignore[misc]
        world.rolled_out(name, namespace)
    eventually(lambda: world.status(policy)["workloads"]["failed"] == 0)


def roomless(world: World, policy: str, *, pods: int) -> str:
    """Return the namespace of a Deployment with a repaired setting, whose quota allows so many pods."""
    namespace = world.namespace(policy)
    calm = deployment(replicas=4, spec={"progressDeadlineSeconds": DEADLINE})
    world.apply(namespace, calm)
    world.repaired("web", namespace)
    eventually(lambda: "rollingUpdate" in journal(world.get("deployment", "web", namespace)))
    fill(world, namespace, pods=pods)
    world.apply(namespace, changed(calm, image="example/web:2.0.0"))
    return namespace


ONLY_SETTING = {
    "preStop": {"action": "Ignore"},
    "spread": {"action": "Ignore"},
    "terminationGracePeriod": {"action": "Ignore"},
}


def test_an_owners_rollout_that_a_quota_leaves_no_surge_pod_gets_its_setting_back(world: World) -> None:
    policy = world.policy(expectations=ONLY_SETTING)
    namespace = roomless(world, policy, pods=4)
    eventually(lambda: "rollingUpdate" not in journal(world.get("deployment", "web", namespace)))
    # How far it goes then is not ours: a quota that lets go late costs Kubernetes a growing pause for each pod.
    eventually(lambda: world.get("deployment", "web", namespace)["status"].get("updatedReplicas"))
    after = world.get("deployment", "web", namespace)
    assert after["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == "25%"
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "example/web:2.0.0"
    note = after["metadata"]["annotations"][f"{CONTESTED}rollingUpdate"]
    assert note.startswith("withdrawn, a surge pod found no place [")
    status = world.settled(policy, total=1, violating=1)
    assert "a surge pod could not be scheduled, so the setting was withdrawn" in status["violations"][0]["message"]

    world.kubectl("delete", "quota", "full", "-n", namespace)
    world.apply(namespace, changed(deployment(replicas=4), image="example/web:3.0.0"))
    world.rolled_out("web", namespace)
    assert "rollingUpdate" not in world.fixed(lambda: journal(world.get("deployment", "web", namespace)))


@pytest.mark.parametrize("away", [False, True], ids=["", "while the operator is away"])
def test_an_owners_rollout_whose_surge_pod_finds_no_node_gets_its_setting_back(world: World, *, away: bool) -> None:
    policy = world.policy(expectations=ONLY_SETTING)
    namespace = world.namespace(policy)
    apart = {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"place": "single"}}, "topologyKey": "kubernetes.io/hostname"}
        ]
    }
    calm = deployment(replicas=4, affinity={"podAntiAffinity": apart}, spec={"progressDeadlineSeconds": DEADLINE})
    calm["spec"]["template"]["metadata"]["labels"]["place"] = "single"
    world.apply(namespace, calm)
    world.rolled_out("web", namespace)
    setting = {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": "1%"}}}}
    notes = {f"{REPAIRS}rollingUpdate": "25% -> 1%", REPAIRS_POLICY: policy}
    world.merge("deployment", "web", {**setting, "metadata": {"annotations": notes}}, namespace)
    if away:
        world.operator.kill()
    world.apply(namespace, changed(calm, image="example/web:2.0.0"))
    if away:
        out_of_time(world, namespace)
        world.operator.start().wait_ready(60)
    eventually(lambda: "rollingUpdate" not in journal(world.get("deployment", "web", namespace)))
    world.rolled_out("web", namespace)
