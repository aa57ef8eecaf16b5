"""How far the workloads of owners are."""

from __future__ import annotations

from owners.manifests import Raw


def is_rolled_out(workload: Raw) -> bool:
    """Say whether all pods of a workload are new and available."""
    status, replicas = workload.get("status", {}), workload["spec"]["replicas"]
    counts = [status.get(each, 0) for each in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == workload["metadata"]["generation"] and counts == [replicas] * 3
