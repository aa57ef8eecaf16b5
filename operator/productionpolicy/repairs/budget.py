"""The PodDisruptionBudget that the operator puts beside a workload which has none."""

from __future__ import annotations

from typing import Any, ClassVar

from productionpolicy.kube.budgets import BUDGET, EVICTION_POLICY, Budget
from productionpolicy.kube.counts import Count
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.harm import Harm
from productionpolicy.repairs.owned import OwnedObject

NO_EVICTION = Harm(
    "it allowed no eviction", "the PodDisruptionBudget of the operator allowed no eviction and was withdrawn"
)


class BudgetTerms(OwnedObject, frozen=True):
    """What a budget allows: one of the two."""

    kind: ClassVar[GroupKind] = BUDGET
    called: ClassVar[str] = "budgets"
    harm: ClassVar[Harm | None] = NO_EVICTION

    max_unavailable: Count | None = None
    min_available: Count | None = None

    def as_fields(self) -> dict[str, int | str]:
        """Return the terms as the API writes them."""
        given = {"maxUnavailable": self.max_unavailable, "minAvailable": self.min_available}
        return {name: count.as_field() for name, count in given.items() if count is not None}

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.as_fields().items())

    def words(self) -> str:
        """Return `maxUnavailable 25%`."""
        return " ".join(f"{name} {value}" for name, value in self.as_fields().items())

    def spec(self, workload: Workload) -> dict[str, Any]:
        """Return the terms, for the pods of the workload."""
        selector = (workload.selector or Selector()).as_field()
        return {**self.as_fields(), "selector": selector, "unhealthyPodEvictionPolicy": EVICTION_POLICY}

    def met_by(self, live: Ownable, workload: Workload) -> bool:
        """Say whether a live budget has these terms and selects the pods of the workload."""
        if not isinstance(live, Budget) or live.deleting:
            return False
        terms = (live.max_unavailable, live.min_available) == (self.max_unavailable, self.min_available)
        selector = live.selector == (workload.selector or Selector())
        return terms and selector and live.eviction_policy == EVICTION_POLICY

    def is_harmful(self, live: Ownable) -> bool:
        """Say whether a live budget allows no eviction, or cannot be computed."""
        return isinstance(live, Budget) and live.deadlocked
