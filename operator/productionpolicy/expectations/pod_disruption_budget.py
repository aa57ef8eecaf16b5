"""A workload of several pods has exactly one PodDisruptionBudget, and it allows nodes to be drained.

## What it expects
Exactly one PodDisruptionBudget selects a Deployment or StatefulSet that is meant to have at least two pods. Every
budget that selects its pods, even a single pod, allows at least one eviction. With two or more pods, it does not allow
the eviction of all of them. A budget is judged across all workloads that it selects, at the sum of their minimum
numbers of pods. That minimum is `minReplicas` of the HorizontalPodAutoscaler, or `spec.replicas`. With
`unhealthyPods: AlwaysAllow`, budgets must allow the eviction of unhealthy pods at any time.

A budget that the API server rejects counts as missing: one with an API version that is no longer served, with both
`minAvailable` and `maxUnavailable`, with a number in quotes or with a fraction, without a name, or with a selector that
is not a label selector. An autoscaler whose `scaleTargetRef` names another API group than that of the workload does not
scale it, so it does not count either.

## Why it matters
Without a budget, a node drain may evict all pods of a workload at once. A budget that allows no eviction blocks every
drain, and with it the upgrade of the cluster. Pods that two budgets select cannot be evicted at all: the eviction API
returns an error. A percentage or `maxUnavailable` cannot be computed if the budget also selects pods of a Job, CronJob
or DaemonSet, even completed ones, because these have no scale; such a budget allows no eviction either. A
`minAvailable` that is a whole number can be computed. Pods without a controller do not count.

A budget may also select pods whose number is not known: those of a DaemonSet, and in files those of a controller of
another API, such as an Argo Rollout, or of one outside the input. Then only what holds for every number of pods is a
finding, such as `maxUnavailable: 0`.

## Repair and its risk
The operator creates a missing budget next to the workload, with the workload's own selector and `maxUnavailable` (25%
by default) or `minAvailable`. A StatefulSet gets `maxUnavailable: 1`, or `statefulSetMaxUnavailable`, because a data
store may lose its quorum with a quarter of its pods. If these terms would allow no eviction, or the eviction of all
pods, the budget gets `maxUnavailable: 1`. Unhealthy pods may always be evicted. No pod restarts.

The operator removes its budget as soon as the owner creates one, when the workload is meant to have one pod, and when
the budget turns out to allow no eviction. It creates the budget again when the pods that were the reason are gone. It
never changes budgets of others. It creates nothing if the workload's selector also matches pods of another Deployment
or StatefulSet, or of a Job, CronJob or DaemonSet (in files, of any other controller), or if a budget or an autoscaler
of the workload must be corrected first. If such a reason occurs later, an existing budget stays. With `Deny` or `Warn`,
the operator creates nothing; the API server refuses, or warns about, a budget that never allows an eviction, regardless
of the number of pods.

## Example
```yaml
podDisruptionBudget: {action: Repair, maxUnavailable: 25%}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    NOT_ALL,
    Action,
    Category,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    Rule,
    Severity,
    check_some_pods,
    several_pods,
    some_pods,
)
from productionpolicy.kube.budgets import BUDGET, EVICTION_POLICY, Budget
from productionpolicy.kube.counts import Count
from productionpolicy.kube.surroundings import Reach, Surroundings
from productionpolicy.kube.workloads import REPLICATED, Kind, Workload
from productionpolicy.repairs import BudgetTerms

DEFAULT = Count(25, percent=True)
ONE = Count(1)
SEVERAL = 2
"""A budget protects something from this number of pods."""
_VERY_MANY = 10**9

_EITHER = "maxUnavailable and minAvailable are mutually exclusive: remove one"


class UnhealthyPods(StrEnum):
    """Which `unhealthyPodEvictionPolicy` a budget must have."""

    ANY = "Any"
    ALWAYS_ALLOW = "AlwaysAllow"


class PodDisruptionBudgetParameters(Parameters, frozen=True, kw_only=True):
    """Every workload of two or more pods has one PodDisruptionBudget that allows nodes to be drained."""

    actions: ClassVar[tuple[Action, ...]] = tuple(Action)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(cel="!(has(self.maxUnavailable) && has(self.minAvailable))", message=_EITHER),
        some_pods("maxUnavailable", most=NOT_ALL),
        some_pods("statefulSetMaxUnavailable", most=NOT_ALL),
        some_pods("minAvailable", most=NOT_ALL),
    )

    max_unavailable: Annotated[
        int | str | None,
        Meta(
            description="How many pods may be evicted at once. A percentage is rounded up; 100% is not allowed, "
            "because it would protect nothing. Default: 25%. For StatefulSets, see statefulSetMaxUnavailable."
        ),
    ] = None
    stateful_set_max_unavailable: Annotated[
        int | str | None,
        Meta(
            description="The same for StatefulSets, which may lose data or their quorum with too many pods. Default: "
            "1, unless minAvailable is set."
        ),
    ] = None
    min_available: Annotated[
        int | str | None,
        Meta(
            description="How many pods must stay, instead of maxUnavailable. A percentage is rounded up; 100% is not "
            "allowed, because it would block every drain. If this allows no eviction, the budget gets maxUnavailable 1 "
            "instead."
        ),
    ] = None
    unhealthy_pods: Annotated[
        UnhealthyPods,
        Meta(
            description="Which unhealthyPodEvictionPolicy the owners' budgets must have. AlwaysAllow: only that one, "
            "because otherwise crashing pods may block node drains. Any: the owner decides."
        ),
    ] = UnhealthyPods.ANY

    def __post_init__(self) -> None:
        """Refuse what the rules refuse."""
        Parameters.__post_init__(self)
        if self.max_unavailable is not None and self.min_available is not None:
            raise ValueError(_EITHER)
        check_some_pods("maxUnavailable", self.max_unavailable, most=NOT_ALL)
        check_some_pods("statefulSetMaxUnavailable", self.stateful_set_max_unavailable, most=NOT_ALL)
        check_some_pods("minAvailable", self.min_available, most=NOT_ALL)

    def terms(self, kind: Kind) -> BudgetTerms:
        """Return what the budget of a workload of this kind allows, unless the number of pods rules that out."""
        own = self.stateful_set_max_unavailable if kind is Kind.STATEFUL_SET else self.max_unavailable
        if own is None and self.min_available is not None:
            return BudgetTerms(min_available=Count.parse(self.min_available))
        default = ONE if kind is Kind.STATEFUL_SET else DEFAULT
        return BudgetTerms(max_unavailable=default if own is None else Count.parse(own))


def applies(workload: Workload, parameters: PodDisruptionBudgetParameters, around: Surroundings) -> bool:
    """Judge workloads with several pods that have labels, and all workloads that a budget selects.

    In a file, a tool may add the labels later. A workload that is scaled to zero has no pods.
    """
    if not workload.template.labels:
        return False
    selected = any(counts(each, workload) for each in around.budgets)
    return several_pods(workload, parameters, around) or (selected and not around.switched_off(workload))


def counts(budget: Budget, workload: Workload) -> bool:
    """Return whether a budget applies to the pods of the workload."""
    return not budget.deleting and not budget.unreadable and budget.selects(workload.pod_labels)


def audit(workload: Workload, parameters: PodDisruptionBudgetParameters, around: Surroundings) -> Iterator[Finding]:
    """Find a missing budget, one that blocks or allows everything, more than one, and a selector that is too wide."""
    budgets = [each for each in around.budgets if counts(each, workload)]
    if not budgets:
        yield _missing(around, advised=_least(parameters.terms(workload.kind), floor=around.floor(workload)))
    joined = [each for each in budgets if any(each.may_join(other) for other in budgets if other is not each)]
    if joined:
        names = [each.name or "(no name)" for each in joined]
        yield Finding(
            path="spec.selector",
            message=f"PodDisruptionBudgets {_several(names)} all select the pods, so the pods cannot be evicted",
            remedy="keep one of them and delete the others",
        )
    for budget in budgets:
        yield from _judged(budget, around.reach(budget, workload), parameters)


def _missing(around: Surroundings, *, advised: BudgetTerms) -> Finding:
    unreadable = next((each for each in around.budgets if each.unreadable), None)
    if unreadable is not None:
        fault = unreadable.unreadable[0]
        return Finding(
            path="spec.selector",
            message=f"{unreadable.title} counts as missing, because the API server rejects "
            f"it: its {fault.path} {fault.message}",
            remedy=f"correct {unreadable.title}",
        )
    if around.overlaps:
        return Finding(
            path="spec.selector",
            message=f"the selector also matches the pods of {_several(around.overlaps)}, "
            "so no correct budget is possible",
            remedy="give this workload's pods, and its selector, a label that no other pods have",
        )
    return Finding(
        path="spec.selector",
        message="no PodDisruptionBudget selects the pods, so a node drain may evict all of them at once",
        remedy=f"create a PodDisruptionBudget with {advised} and the selector of the workload",
    )


def _judged(budget: Budget, reach: Reach, parameters: PodDisruptionBudgetParameters) -> Iterator[Finding]:
    fault = _blocked(budget, reach) or _useless(budget, reach)
    if fault is not None:
        yield fault
    if keeps_unhealthy_pods(budget, parameters):
        yield Finding(
            path="spec.selector",
            message=f"{budget.title} does not allow the eviction of unhealthy pods at any time, "
            "so crashing pods may block node drains",
            remedy=f"set unhealthyPodEvictionPolicy: {EVICTION_POLICY} in the budget",
        )


def keeps_unhealthy_pods(budget: Budget, parameters: PodDisruptionBudgetParameters) -> bool:
    """Return whether a budget does not allow the eviction of unhealthy pods at any time, although it must."""
    return parameters.unhealthy_pods is UnhealthyPods.ALWAYS_ALLOW and budget.eviction_policy != EVICTION_POLICY


def _blocked(budget: Budget, reach: Reach) -> Finding | None:
    """Return the finding that a budget allows no eviction; None if it allows one."""
    if reach.unscaled and budget.needs_scale:
        others = _several(reach.unscaled)
        return _blocking(
            budget,
            why=f": it also selects the pods of {others}, which have no scale, so it cannot be computed",
            remedy="let its selector match only other pods, or give it a minAvailable that is a whole number",
        )
    if budget.sync_failed:
        return _blocking(
            budget,
            why=": its status says SyncFailed, so it cannot be computed",
            remedy="see its condition DisruptionAllowed: it may select only pods of kinds with a scale",
        )
    if budget.allowed_disruptions(_number(reach)) > 0:
        return None
    fewer = "a minAvailable below the number of replicas" if _number(reach) >= SEVERAL else "run at least two pods"
    return _blocking(budget, at=_at(reach), remedy=f"use maxUnavailable: 1, or {fewer}")


def _blocking(budget: Budget, *, at: str = "", why: str = "", remedy: str) -> Finding:
    problem, effect = f"{_named(budget)} allows no eviction", f", so node drains never end{why}"
    return Finding(path="spec.replicas", message=f"{problem}{at}{effect}", remedy=remedy).lasting_as(
        f"{problem}{effect}"
    )


def _useless(budget: Budget, reach: Reach) -> Finding | None:
    """Return the finding that a budget allows the eviction of all pods; None if it keeps one, or if there is only one.

    Without it, workloads of several pods would lack a budget.
    """
    number = _number(reach)
    if reach.pods < SEVERAL or budget.allowed_disruptions(number) < number:
        return None
    problem, effect = f"{_named(budget)} protects nothing", ": all pods may be evicted at once"
    needless = reach.most < SEVERAL and reach.complete
    return Finding(
        path="spec.replicas",
        message=f"{problem}{_at(reach)}{effect}",
        remedy="use maxUnavailable: 1, or delete the budget" if needless else "use maxUnavailable: 1",
    ).lasting_as(f"{problem}{effect}")


def _number(reach: Reach) -> int:
    """Return the number of pods at which a budget is judged.

    If it is not known, only what holds for every number counts: what a budget allows of very many pods.
    """
    return reach.pods if reach.complete else _VERY_MANY


def _named(budget: Budget) -> str:
    return f"{budget.title} ({budget.terms})"


def _at(reach: Reach) -> str:
    if not reach.complete:
        return " at any number of pods"
    pods = f"{reach.pods} pod{'' if reach.pods == 1 else 's'}"
    return f" at {pods}" if reach.workloads == 1 else f" at {pods} of {reach.workloads} workloads"


def repair(workload: Workload, parameters: PodDisruptionBudgetParameters, around: Surroundings) -> Repair:
    """Create the missing budget. A reason not to create a budget is not a reason to remove an existing one."""
    if any(not each.unreadable for each in around.budgets):
        return None
    if not workload.selects_its_pods:
        return Refusal("the workload has no selector that matches its pods")
    if around.rivals:
        return Refusal(f"it would also select pods that {_several(around.rivals)} selects")
    reason = _obstacle(around)
    if reason is not None and not around.holds_owned(BUDGET):
        return Refusal(reason)
    return _least(parameters.terms(workload.kind), floor=around.floor(workload))


def _obstacle(around: Surroundings) -> str | None:
    """Return why no budget can be created."""
    unreadable = next((each for each in around.budgets if each.unreadable), None)
    if unreadable is not None:
        return f"{unreadable.title} must be corrected first"
    if around.faulty_autoscaler is not None:
        return f"{around.faulty_autoscaler.title} must be corrected first"
    return "the selector also matches pods of another owner" if around.overlaps else None


def _least(terms: BudgetTerms, *, floor: int) -> BudgetTerms:
    """Return the terms, or maxUnavailable 1 if they would block every eviction, or allow that of all pods."""
    wanted = Budget("", "", None, min_available=terms.min_available, max_unavailable=terms.max_unavailable)
    allowed = wanted.allowed_disruptions(floor)
    if 0 < allowed < floor:
        return terms
    effect = "protect nothing" if allowed else "allow no eviction"
    return BudgetTerms(max_unavailable=ONE, note=f"{wanted.terms} would {effect} at {floor} pods")


def _several(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown  # noqa: PLR2004  # three names are enough


POD_DISRUPTION_BUDGET = Expectation(
    name="podDisruptionBudget",
    title="One disruption budget that allows nodes to be drained",
    severity=Severity.HIGH,
    category=Category.AVAILABILITY,
    parameters=PodDisruptionBudgetParameters,
    production=Action.REPAIR,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
    repair=repair,
    owned=BudgetTerms,
    kinds=REPLICATED,
    of_containers=False,
)
