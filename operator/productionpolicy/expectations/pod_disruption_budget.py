"""A workload of several pods has exactly one PodDisruptionBudget, and it lets nodes be drained.

## What it expects
A Deployment or StatefulSet that is meant to have at least two pods is selected by one PodDisruptionBudget which, at
its least number of pods, allows at least one eviction and not all of them. That least number is `minReplicas` of
its HorizontalPodAutoscaler, or `spec.replicas`.

## Why it matters
Without a budget, draining nodes may evict all pods of a workload at once. A budget that allows no eviction blocks
every drain, and with it the upgrade of the cluster. Pods under two budgets cannot be evicted at all: the eviction
API answers with an error. The same holds for a budget that also selects pods of another owner, such as a Job.

## Repair and its risk
A missing budget is created beside the workload, with the workload's own selector and `maxUnavailable` (25% unless
the policy says otherwise) or `minAvailable`. Where these would allow no eviction, it gets `maxUnavailable: 1`.
Unhealthy pods may always be evicted. No pod restarts. It is removed as soon as the owner brings a budget, when the
workload is meant to have one pod, and when it turns out to allow no eviction. Budgets of others are never touched.
Nothing is created where the workload's selector also matches pods of another owner. With `Deny` or `Warn` nothing is
created either; a budget that allows no eviction of however many pods is refused, or warned of, when it is brought in.

## Example
```yaml
podDisruptionBudget: {action: Repair, maxUnavailable: 25%}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    NOT_ALL,
    Action,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    Rule,
    check_some_pods,
    several_labelled_pods,
    some_pods,
)
from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.counts import Count
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import REPLICATED, Workload
from productionpolicy.repairs import BudgetTerms

DEFAULT = Count(25, percent=True)
ONE = Count(1)
_EITHER = "maxUnavailable and minAvailable exclude each other: remove one"


class PodDisruptionBudgetParameters(Parameters, frozen=True, kw_only=True):
    """Every workload of two or more pods has one PodDisruptionBudget that lets nodes be drained."""

    actions: ClassVar[tuple[Action, ...]] = tuple(Action)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(cel="!(has(self.maxUnavailable) && has(self.minAvailable))", message=_EITHER),
        some_pods("maxUnavailable", most=NOT_ALL),
        some_pods("minAvailable", most=NOT_ALL),
    )

    max_unavailable: Annotated[
        int | str | None,
        Meta(
            description="How many pods may be evicted at once, as a number or a percentage (rounded up), not "
            "100%, which would protect nothing. Default: 25%."
        ),
    ] = None
    min_available: Annotated[
        int | str | None,
        Meta(
            description="How many pods must stay, as a number or a percentage (rounded up), instead of maxUnavailable; "
            "not 100%, which would block every drain. Where this would allow no eviction, a budget with "
            "maxUnavailable 1 is made instead."
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what the rules refuse."""
        Parameters.__post_init__(self)
        if self.max_unavailable is not None and self.min_available is not None:
            raise ValueError(_EITHER)
        check_some_pods("maxUnavailable", self.max_unavailable, most=NOT_ALL)
        check_some_pods("minAvailable", self.min_available, most=NOT_ALL)

    @property
    def terms(self) -> BudgetTerms:
        """What a budget of ours allows where nothing speaks against it."""
        if self.min_available is not None:
            return BudgetTerms(min_available=Count.parse(self.min_available))
        return BudgetTerms(
            max_unavailable=DEFAULT if self.max_unavailable is None else Count.parse(self.max_unavailable)
        )


def audit(workload: Workload, _parameters: PodDisruptionBudgetParameters, around: Surroundings) -> Iterator[Finding]:
    """Find a missing budget, one that blocks or allows everything, more than one, and a selector that is too wide."""
    budgets = [each for each in around.budgets if not each.deleting and each.selects(workload.template.labels)]
    floor = around.floor(workload)
    if around.overlaps:
        yield Finding(
            path="spec.selector",
            message=f"the selector also matches the pods of {_several(around.overlaps)}, "
            "so no correct budget is possible",
            remedy="give this workload's pods, and its selector, a label that no other pods have",
        )
    elif not budgets:
        yield Finding(
            path="spec.selector",
            message="no PodDisruptionBudget selects the pods, so a node drain may evict all of them at once",
            remedy="create a PodDisruptionBudget with maxUnavailable: 25% and the selector of the workload",
        )
    if len(budgets) > 1:
        yield Finding(
            path="spec.selector",
            message=f"PodDisruptionBudgets {_several([each.name for each in budgets])} all select the pods, "
            "which therefore cannot be evicted",
            remedy="keep one of them and delete the others",
        )
    for budget in budgets:
        yield from _judged(budget, floor)


def _judged(budget: Budget, floor: int) -> Iterator[Finding]:
    if budget.allowed_disruptions(floor) == 0:
        yield Finding(
            path="spec.replicas",
            message=f"PodDisruptionBudget {budget.name} ({budget.terms}) allows no eviction at {floor} pods, "
            "so node drains never end",
            remedy="use maxUnavailable: 1, or a minAvailable below the number of replicas",
        )
    if budget.protects_nothing:
        yield Finding(
            path="spec.replicas",
            message=f"PodDisruptionBudget {budget.name} ({budget.terms}) protects nothing: "
            "all pods may be evicted at once",
            remedy="use maxUnavailable: 25%, or delete it",
        )


def repair(workload: Workload, parameters: PodDisruptionBudgetParameters, around: Surroundings) -> Repair:
    """Create the missing budget."""
    if around.overlaps:
        return Refusal("the selector also matches pods of another owner")
    if around.budgets:
        return None
    if workload.selector is None:
        return Refusal("the workload has no selector")
    return _least(parameters.terms, floor=around.floor(workload))


def _least(terms: BudgetTerms, *, floor: int) -> BudgetTerms:
    """Return the terms, or the least ones where they would block every eviction."""
    wanted = Budget("", "", None, min_available=terms.min_available, max_unavailable=terms.max_unavailable)
    if wanted.allowed_disruptions(floor) > 0:
        return terms
    return BudgetTerms(max_unavailable=ONE, note=f"{wanted.terms} would allow no eviction at {floor} pods")


def _several(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown  # noqa: PLR2004  # three names are enough


POD_DISRUPTION_BUDGET = Expectation(
    name="podDisruptionBudget",
    title="One disruption budget that lets nodes be drained",
    parameters=PodDisruptionBudgetParameters,
    production=Action.REPAIR,
    development=Action.IGNORE,
    applies=several_labelled_pods,
    audit=audit,
    repair=repair,
    kinds=REPLICATED,
)
