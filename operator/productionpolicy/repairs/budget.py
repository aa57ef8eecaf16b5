"""The PodDisruptionBudget that we put beside a workload which has none."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from productionpolicy.kube.budgets import EVICTION_POLICY, MANAGED_BY, OURS, Budget, budget_name, within_limit
from productionpolicy.kube.counts import Count
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.workloads import ANNOTATION_DOMAIN, Workload

POLICY_LABEL = f"{ANNOTATION_DOMAIN}/policy"
NOTE_ANNOTATION = f"{ANNOTATION_DOMAIN}/note"


class BudgetTerms(Struct, frozen=True):
    """What a budget of ours allows: one of the two."""

    max_unavailable: Count | None = None
    min_available: Count | None = None
    note: str | None = None
    """Why it differs from what the policy says."""

    def as_fields(self) -> dict[str, int | str]:
        """Return the terms as the API writes them."""
        given = {"maxUnavailable": self.max_unavailable, "minAvailable": self.min_available}
        return {name: count.as_field() for name, count in given.items() if count is not None}

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.as_fields().items())

    def met_by(self, budget: Budget, workload: Workload) -> bool:
        """Say whether a live budget of ours is as it should be."""
        terms = (budget.max_unavailable, budget.min_available) == (self.max_unavailable, self.min_available)
        selector = budget.selector == (workload.selector or Selector())
        return terms and selector and budget.eviction_policy == EVICTION_POLICY and not budget.deleting

    def manifest(self, workload: Workload, *, policy: str) -> dict[str, Any]:
        """Return the budget as an object to create."""
        metadata: dict[str, Any] = {
            "name": budget_name(workload),
            "namespace": workload.key.namespace,
            "labels": {MANAGED_BY: OURS, POLICY_LABEL: policy},
            "ownerReferences": [_owner(workload)],
        }
        if self.note:
            metadata["annotations"] = {NOTE_ANNOTATION: self.note}
        return self._written(metadata, workload)

    def as_owners(self, workload: Workload) -> dict[str, Any]:
        """Return the budget as the workload's owner would write it: nothing in it says that it is ours.

        It has another name, or the operator would meet its own budget with changes that it never made.
        """
        name = within_limit(f"{workload.key.name}-{workload.key.kind.lower()}")
        namespace = {"namespace": workload.key.namespace} if workload.key.namespace else {}
        return self._written({"name": name, **namespace}, workload)

    def _written(self, metadata: dict[str, Any], workload: Workload) -> dict[str, Any]:
        return {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata,
            "spec": {
                **self.as_fields(),
                "selector": (workload.selector or Selector()).as_field(),
                "unhealthyPodEvictionPolicy": EVICTION_POLICY,
            },
        }


def _owner(workload: Workload) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": workload.key.kind, "name": workload.key.name, "uid": workload.uid}
