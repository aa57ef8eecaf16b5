"""What the control plane still has to do before a cluster is at rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drains.more import LATE
from drains.world import World, controller_of, is_ending, is_finished, is_serving, key_of
from owners.manifests import Raw

UNSCHEDULABLE, NOT_READY = "node.kubernetes.io/unschedulable", "node.kubernetes.io/not-ready"


def unsettled(world: World) -> Iterator[str]:
    """Yield what is still under way, apart from pods that find no node and those that are not Ready."""
    yield from _nodes(world)
    for pod in world.of("Pod"):
        if is_ending(pod):
            yield f"pod {key_of(pod)} is being deleted"
    for claim in world.of("PersistentVolumeClaim"):
        if claim.get("status", {}).get("phase") != "Bound" and claim["spec"].get("storageClassName") != LATE:
            yield f"claim {key_of(claim)} is not bound"
    yield from _workloads(world)
    for budget in world.of("PodDisruptionBudget"):
        if not is_current(budget, world):
            yield f"the status of budget {key_of(budget)} is of an earlier state"


def without_node(world: World) -> list[Raw]:
    """Return the pods that wait for a node."""
    return [each for each in world.of("Pod") if "nodeName" not in each["spec"] and not is_finished(each)]


def _nodes(world: World) -> Iterator[str]:
    for node in world.of("Node"):
        keys = {each["key"] for each in node["spec"].get("taints", ())}
        if NOT_READY in keys or (UNSCHEDULABLE in keys) != node["spec"].get("unschedulable", False):
            yield f"node {key_of(node)} has the taints of an earlier state"


def _workloads(world: World) -> Iterator[str]:
    for deployment in world.of("Deployment"):
        uid = deployment["metadata"]["uid"]
        owned = [each for each in world.of("ReplicaSet") if (controller_of(each) or {}).get("uid") == uid]
        if sum(each["spec"]["replicas"] for each in owned) != deployment["spec"]["replicas"]:
            yield f"Deployment {key_of(deployment)} lacks its ReplicaSet"
    for kind, wanted in _WANTED.items():
        for owner in world.of(kind):
            have = [each for each in world.pods_of(owner) if not is_finished(each)]
            if not wanted(owner, have, world):
                yield f"{kind} {key_of(owner)} lacks pods"


def _replicated(owner: Raw, have: Sequence[Raw], _: World) -> bool:
    return len(have) == int(owner["spec"]["replicas"])


def _ordered(owner: Raw, have: Sequence[Raw], _: World) -> bool:
    """Where pods come one after the other, the first that is not Ready keeps back those that are missing after it."""
    names = {each["metadata"]["name"]: each for each in have}
    for ordinal in range(owner["spec"]["replicas"]):
        pod = names.get(f"{owner['metadata']['name']}-{ordinal}")
        if pod is None:
            return False
        if not is_serving(pod) and owner["spec"]["podManagementPolicy"] == "OrderedReady":
            return True
    return True


def _daemons(owner: Raw, have: Sequence[Raw], world: World) -> bool:
    return len(have) == sum(_runs_on(owner["spec"]["template"]["spec"], node) for node in world.of("Node"))


def _runs_on(pod: Raw, node: Raw) -> bool:
    labels = node["metadata"]["labels"]
    selected = all(labels.get(key) == value for key, value in pod.get("nodeSelector", {}).items())
    hard = [each for each in node["spec"].get("taints", ()) if each["effect"] != "PreferNoSchedule"]
    return selected and all(each["key"] == UNSCHEDULABLE or _tolerated(each, pod) for each in hard)


def _tolerated(taint: Raw, pod: Raw) -> bool:
    def tolerates(each: Raw) -> bool:
        value = each.get("operator") == "Exists" or each.get("value", "") == taint.get("value", "")
        return value and all(each.get(part, taint[part]) == taint[part] for part in ("key", "effect"))

    return any(tolerates(each) for each in pod.get("tolerations", ()))


def _at_work(owner: Raw, have: Sequence[Raw], _: World) -> bool:
    conditions = owner.get("status", {}).get("conditions", ())
    if any(each["type"] in ("Failed", "Complete") and each["status"] == "True" for each in conditions):
        return not have
    return len(have) == int(owner["spec"]["parallelism"])


_WANTED = {
    "ReplicaSet": _replicated,
    "ReplicationController": _replicated,
    "StatefulSet": _ordered,
    "DaemonSet": _daemons,
    "Job": _at_work,
}


def is_current(budget: Raw, world: World) -> bool:
    """Tell whether the disruption controller has seen all pods of a budget as they are."""
    status = budget.get("status", {})
    pods = [each for each in world.of("Pod") if _selects(budget, each)]
    failed = any(each.get("reason") == "SyncFailed" for each in status.get("conditions", ()))
    if failed or _fails(budget, pods):
        return failed and _fails(budget, pods)
    seen = [status.get(name) for name in ("observedGeneration", "currentHealthy", "expectedPods")]
    return seen == [budget["metadata"]["generation"], sum(map(is_serving, pods)), _expected(budget, pods, world)]


def _selects(budget: Raw, pod: Raw) -> bool:
    wanted, labels = budget["spec"]["selector"].get("matchLabels", {}), pod["metadata"].get("labels", {})
    same = budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and all(labels.get(key) == value for key, value in wanted.items())


def _counts_pods(budget: Raw) -> bool:
    return isinstance(budget["spec"].get("minAvailable"), int)


def _fails(budget: Raw, pods: Sequence[Raw]) -> bool:
    """Tell whether there is nothing to count by, because a controller of the pods has no scale."""
    kinds = {(controller_of(each) or {}).get("kind") for each in pods}
    return not _counts_pods(budget) and not kinds.isdisjoint({"Job", "DaemonSet"})


def _expected(budget: Raw, pods: Sequence[Raw], world: World) -> int:
    if _counts_pods(budget):
        return len(pods)
    owners = {uid for each in pods if (uid := (controller_of(each) or {}).get("uid"))}
    kinds = ("ReplicaSet", "StatefulSet", "ReplicationController")
    scaled = (each for kind in kinds for each in world.of(kind))
    return sum(each["spec"]["replicas"] for each in scaled if each["metadata"]["uid"] in owners)
