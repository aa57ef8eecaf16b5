"""Rollouts of ours that failed, by policy. They are counted from the notes on the workloads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.policy import Policy
from productionpolicy.verdict.marks import Setback
from productionpolicy.verdict.rollouts import TOO_MANY


class Setbacks:
    """Knows which workloads have a failed rollout, and so which policies restart no more pods."""

    def __init__(self, *, dropped: Callable[[str], None]) -> None:
        self._policies: defaultdict[str, dict[WorkloadKey, Setback]] = defaultdict(dict)
        self._dropped = dropped
        """Is told of the policy that has lost one."""

    def put(self, policy: str, key: WorkloadKey, setback: Setback | None) -> bool:
        """Enter what a workload tells; say whether that is news."""
        known = self._policies[policy]
        if known.get(key) == setback:
            return False
        if setback is None:
            del known[key]
            self._dropped(policy)
        else:
            known[key] = setback
        return True

    def counted(self, policy: Policy) -> list[WorkloadKey]:
        """Return the workloads whose failed rollout counts, sorted."""
        return sorted(key for key, each in self._policies[policy.name].items() if each.counts(policy))

    def stop(self, policy: Policy) -> bool:
        """Say whether repairs that restart pods have to stop under a policy."""
        return len(self.counted(policy)) >= TOO_MANY
