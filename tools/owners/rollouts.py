"""How far the workloads of owners are, and how far the operator is with a policy."""

from __future__ import annotations

from owners.manifests import Raw


def is_rolled_out(workload: Raw) -> bool:
    """Say whether all pods of a workload are new and available."""
    status, replicas = workload.get("status", {}), workload["spec"]["replicas"]
    counts = [status.get(each, 0) for each in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == workload["metadata"]["generation"] and counts == [replicas] * 3


def is_ready(raw: Raw) -> bool:
    """Say whether a pod or a node is ready, and is not being deleted."""
    return conditions(raw).get("Ready", {}).get("status") == "True" and "deletionTimestamp" not in raw["metadata"]


def present_status(policy: Raw) -> Raw:
    """Return the status of a policy; empty where it has none that speaks of the policy as it is."""
    status: Raw = policy.get("status", {})
    return status if status.get("observedGeneration") == policy["metadata"]["generation"] else {}


def is_settled(policy: Raw, **counts: int) -> bool:
    """Say whether the operator has done all that it can do by a policy, and the status counts so many workloads.

    Args:
        policy: as the API server gives it.
        counts: what the status counts, such as `total`, `compliant` or `repaired`.
    """
    status = present_status(policy)
    workloads = status.get("workloads", {})
    still = not workloads.get("repairing") and not status.get("pending", {"repairs": 1})["repairs"]
    told = {**workloads, "repaired": status.get("repaired")}
    return still and all(told.get(name) == count for name, count in counts.items())


def conditions(raw: Raw) -> dict[str, Raw]:
    """Return the conditions of an object by their types."""
    return {each["type"]: each for each in raw.get("status", {}).get("conditions", [])}
