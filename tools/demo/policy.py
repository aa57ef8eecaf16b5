"""How far a policy has come, for a person who waits."""

from __future__ import annotations

from owners.manifests import Raw
from owners.rollouts import conditions


def progress(policy: Raw) -> str:
    """Return in a line how far the operator has come; empty as long as there is nothing to tell."""
    if "deletionTimestamp" in policy.get("metadata", {}):
        return str(conditions(policy).get("Removal", {}).get("message", ""))
    status = policy.get("status", {})
    if not status.get("workloads", {}).get("total"):
        return ""
    told, pending = status["workloads"], status["pending"]
    return (
        f"{told['repairing']} of {told['total']} workloads are being repaired; "
        f"pending changes: {pending['repairs']}, pending restarts: {pending['restarts']}"
    )
