"""DaemonSets, Jobs, CronJobs, and what nothing makes of Pods, ReplicaSets and ReplicationControllers: judged like all
others, and never written.
"""

from __future__ import annotations

from cluster.world import Raw, World, container, deployment, eventually
from owners.manifests import cron_job, daemon_set, job, pod, replica_set, replication_controller
from productionpolicy.kube.identity import REPAIRS, REPAIRS_POLICY

ONLY_TAGS = {"imageTag": {"action": "Audit"}}
UNTAGGED = container(image="example/web")


def violations(world: World, policy: str) -> dict[str, list[tuple[str, str]]]:
    """Return expectation and path of what is found, by kind."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in world.status(policy).get("violations", []):
        found.setdefault(each["kind"], []).append((each["expectation"], each["path"]))
    return found


def test_all_kinds_are_judged(world: World) -> None:
    policy = world.policy(expectations=ONLY_TAGS)
    namespace = world.namespace()
    of_pods = (each(containers=[UNTAGGED]) for each in (daemon_set, replica_set, replication_controller))
    world.apply(namespace, job("migrate", UNTAGGED), cron_job("report", UNTAGGED), pod("shell", UNTAGGED), *of_pods)
    world.govern(namespace, policy)
    world.settled(policy, total=6)
    expected = {
        "CronJob": ("imageTag", "spec.jobTemplate.spec.template.spec.containers[0].image"),
        "DaemonSet": ("imageTag", "spec.template.spec.containers[0].image"),
        "Job": ("imageTag", "spec.template.spec.containers[0].image"),
        "Pod": ("imageTag", "spec.containers[0].image"),
        "ReplicaSet": ("imageTag", "spec.template.spec.containers[0].image"),
        "ReplicationController": ("imageTag", "spec.template.spec.containers[0].image"),
    }
    found = eventually(lambda: set(expected) <= set(seen := violations(world, policy)) and seen)
    assert {kind: finding in found[kind] for kind, finding in expected.items()} == dict.fromkeys(expected, True)


def test_nothing_is_written_to_them(world: World) -> None:
    namespace = world.applied(daemon_set(), cron_job(), replica_set(), replication_controller())
    kinds = {"daemonset": "agent", "cronjob": "report", "replicaset": "old", "replicationcontroller": "older"}

    def owned() -> Raw:
        return {kind: own(world.get(kind, name, namespace)) for kind, name in kinds.items()}

    before = owned()
    policy = world.policy()
    world.govern(namespace, policy)
    eventually(lambda: world.status(policy).get("workloads", {}).get("total", 0) >= 4)
    assert world.fixed(owned) == before
    reasons = world.messages(policy, "preStop")
    assert reasons, world.status(policy)
    assert all("is judged but not repaired)" in each for each in reasons)


def own(raw: Raw) -> Raw:
    """Return what only an owner, or we, would change."""
    metadata = raw["metadata"]
    return {"spec": raw["spec"], "annotations": metadata.get("annotations"), "labels": metadata.get("labels")}


def test_a_note_of_ours_on_a_kind_that_is_only_judged_moves_nobody(world: World) -> None:
    policy = world.policy(onRemoval="Revert")
    namespace = world.namespace(policy)
    raw = daemon_set()
    notes = {REPAIRS_POLICY: policy, f"{REPAIRS}preStop": "sleep 10s: web"}
    raw["metadata"]["annotations"] = notes
    world.apply(namespace, raw)
    world.settled(policy, total=1)
    world.kubectl("delete", "productionpolicy", policy, "--timeout=20s")
    live = world.get("daemonset", "agent", namespace)["metadata"]["annotations"]
    assert {key: live[key] for key in notes} == notes


def test_pods_that_something_makes_are_not_judged_beside_it(world: World) -> None:
    policy, namespace = world.governed(deployment())
    world.repaired("web", namespace)
    world.apply(namespace, pod())
    eventually(lambda: world.status(policy)["workloads"]["total"] == 2)


def test_a_bare_pod_that_is_deleted_is_forgotten(world: World) -> None:
    policy, namespace = world.governed(pod())
    eventually(lambda: world.status(policy).get("workloads", {}).get("total") == 1)
    world.kubectl("delete", "pod", "shell", "-n", namespace, "--wait=false")
    eventually(lambda: world.status(policy)["workloads"]["total"] == 0)


def test_of_a_hook_nothing_is_expected_but_an_end(world: World) -> None:
    policy = world.policy(expectations={**ONLY_TAGS, "jobDeadline": {"action": "Audit"}})
    namespace = world.namespace()
    hooks = [pod("test", UNTAGGED), job("migrate", UNTAGGED)]
    for each in hooks:
        each["metadata"]["annotations"] = {"helm.sh/hook": "test"}
    world.apply(namespace, *hooks)
    world.govern(namespace, policy)
    eventually(lambda: violations(world, policy) == {"Job": [("jobDeadline", "spec.activeDeadlineSeconds")]})


def test_bare_pods_of_a_namespace_are_found_when_it_is_labelled(world: World) -> None:
    namespace = world.applied(pod())
    policy = world.policy()
    world.govern(namespace, policy)
    eventually(lambda: world.status(policy).get("workloads", {}).get("total") == 1)
    world.govern(namespace, None)
    eventually(lambda: world.status(policy)["workloads"]["total"] == 0)


def test_a_bare_pod_with_the_same_labels_keeps_no_budget_away(world: World) -> None:
    namespace = world.applied(pod(labels={"app": "web"}), deployment())
    policy = world.policy()
    world.govern(namespace, policy)
    world.repaired("web", namespace)
    assert world.fixed(lambda: world.budgets(namespace)) == ["web-deployment-productionpolicy"]
