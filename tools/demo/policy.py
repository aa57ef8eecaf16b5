"""What the status of a policy says, as far as the story tells it."""

from __future__ import annotations

from dataclasses import dataclass

from demo.excerpt import Raw


@dataclass(frozen=True, slots=True)
class Verdict:
    """The policy as `kubectl get` returned it; empty if it is gone."""

    policy: Raw

    @property
    def exists(self) -> bool:
        """Whether there is such a policy."""
        return bool(self.policy)

    @property
    def settled(self) -> bool:
        """Whether the status speaks of this generation, and the operator has done what it can."""
        done = self.condition("Progressing").get("status") == "False"
        return self.current and done and not self.policy["status"]["pending"]["repairs"]

    @property
    def current(self) -> bool:
        """Whether the status speaks of this generation, and of workloads."""
        status = self.policy.get("status", {})
        return status.get("observedGeneration") == self.policy["metadata"]["generation"] and self.total > 0

    @property
    def total(self) -> int:
        """How many workloads are governed."""
        return int(self.policy.get("status", {}).get("workloads", {}).get("total", 0))

    @property
    def pending(self) -> list[Raw]:
        """The first workloads that are still to be changed."""
        return list(self.policy["status"]["pending"]["workloads"])

    @property
    def violations(self) -> list[Raw]:
        """The findings that are left."""
        return list(self.policy["status"]["violations"])

    @property
    def repaired(self) -> int:
        """How many workloads carry a repair."""
        return int(self.policy["status"]["repaired"])

    @property
    def progress(self) -> str:
        """How far it has come, in a line; empty as long as there is nothing to tell."""
        if "deletionTimestamp" in self.policy.get("metadata", {}):
            return str(self.condition("Removal").get("message", ""))
        status = self.policy.get("status", {})
        if not status.get("workloads", {}).get("total"):
            return ""
        told, pending = status["workloads"], status["pending"]
        return (
            f"{told['repairing']} of {told['total']} workloads are being repaired; "
            f"pending changes: {pending['repairs']}, pending restarts: {pending['restarts']}"
        )

    def condition(self, kind: str) -> Raw:
        """Return a condition; empty if it is not there."""
        conditions = self.policy.get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == kind), {})
