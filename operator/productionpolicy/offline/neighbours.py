"""What stands around each workload among all given objects. An absent namespace matches any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from productionpolicy.kube.budgets import Budget, read_budget
from productionpolicy.kube.selectors import LabelIndex, SelectorIndex
from productionpolicy.kube.surroundings import (
    Autoscaler,
    Claim,
    LimitRange,
    Node,
    Server,
    ServiceAccount,
    Surroundings,
    Topology,
    default_resources,
    read_autoscaler,
    read_claim,
    read_limit_range,
    read_node,
    read_scaled_object,
    read_service_account,
)
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.repairs.budget import budget_name, is_ours_beside

BUDGET, AUTOSCALER, NODE = "PodDisruptionBudget", "HorizontalPodAutoscaler", "Node"
CLAIM, SERVICE_ACCOUNT, LIMIT_RANGE = "PersistentVolumeClaim", "ServiceAccount", "LimitRange"
SCALED_OBJECT = "ScaledObject"
NEIGHBOURS = frozenset({BUDGET, AUTOSCALER, SCALED_OBJECT, NODE, CLAIM, SERVICE_ACCOUNT, LIMIT_RANGE})
"""The kinds that bear on the judgement of a workload beside them."""

_READ_AUTOSCALER = {AUTOSCALER: read_autoscaler, SCALED_OBJECT: read_scaled_object}

Place = tuple[str, str]
"""Namespace and name."""


class Neighbours:
    """All given objects, in indexes that find those around a workload.

    Args:
        workloads: whatever makes pods.
        others: the objects of the other kinds that matter.
    """

    def __init__(self, workloads: Iterable[Workload], others: Iterable[Mapping[str, Any]]) -> None:
        self._judged: defaultdict[tuple[str, str], list[WorkloadKey]] = defaultdict(list)
        self._labels: LabelIndex[WorkloadKey] = LabelIndex()
        self._budgets: dict[Place, Budget] = {}
        self._selectors: SelectorIndex[Place] = SelectorIndex()
        self._named: defaultdict[str, list[Budget]] = defaultdict(list)
        self._scaled: defaultdict[tuple[str, str], list[Autoscaler]] = defaultdict(list)
        self._claims: defaultdict[str, list[Claim]] = defaultdict(list)
        self._accounts: defaultdict[str, list[ServiceAccount]] = defaultdict(list)
        self._limit_ranges: list[LimitRange] = []
        self._nodes: list[Node] = []
        for each in workloads:
            self._judged[each.key.kind, each.key.name].append(each.key)
            if each.overlaps:
                self._labels.put(each.key, each.template.labels)
        for raw in others:
            self._enter(raw)
        self._topology = Topology.of(self._nodes)

    def around(self, workload: Workload) -> Surroundings:
        """Return what stands around a workload."""
        return Surroundings(
            budgets=tuple(sorted(self._budgets_of(workload), key=lambda each: (each.name, each.namespace))),
            overlaps=self._overlaps(workload),
            autoscaler=self._autoscaler(workload),
            claims=tuple(self._claims_of(workload)),
            account=next(_near_to(workload, self._accounts.get(workload.template.service_account, ())), None),
            default_resources=default_resources(_near_to(workload, self._limit_ranges)),
            topology=self._topology,
            server=Server(),
        )

    def without_use(self, raw: Mapping[str, Any]) -> str | None:
        """Say why a budget or an autoscaler bears on no workload among the given objects; None where it does."""
        if raw.get("kind") == BUDGET:
            return self._selects_nothing(read_budget(raw))
        return self._scales_nothing(read_autoscaler(raw)) if raw.get("kind") == AUTOSCALER else None

    def _selects_nothing(self, budget: Budget) -> str | None:
        selected = self._labels.selected_by(budget.selector) if budget.selector else set()
        if any(_near(each.namespace, budget.namespace) for each in selected):
            return None
        return "it selects no pods of the workloads that were given, so nothing tells whether it is right"

    def _scales_nothing(self, scaler: Autoscaler) -> str | None:
        targets = self._judged.get((scaler.target_kind, scaler.target_name), ())
        if any(_near(each.namespace, scaler.namespace) for each in targets):
            return None
        target = f"{scaler.target_kind} {scaler.target_name}".strip() or "nothing"
        return f"its target is {target}, which is not among the workloads that were given"

    def _enter(self, raw: Mapping[str, Any]) -> None:
        kind = raw.get("kind")
        if kind == BUDGET:
            self._enter_budget(read_budget(raw))
        elif kind in _READ_AUTOSCALER:
            scaler = _READ_AUTOSCALER[kind](raw)
            self._scaled[scaler.target_kind, scaler.target_name].append(scaler)
        elif kind == CLAIM:
            claim = read_claim(raw)
            self._claims[claim.name].append(claim)
        elif kind == SERVICE_ACCOUNT:
            account = read_service_account(raw)
            self._accounts[account.name].append(account)
        elif kind == LIMIT_RANGE:
            self._limit_ranges.append(read_limit_range(raw))
        elif kind == NODE:
            self._nodes.append(read_node(raw))

    def _enter_budget(self, budget: Budget) -> None:
        place = (budget.namespace, budget.name)
        self._budgets[place] = budget
        self._named[budget.name].append(budget)
        if budget.selector is not None:
            self._selectors.put(place, budget.selector)

    def _budgets_of(self, workload: Workload) -> set[Budget]:
        selecting = {self._budgets[place] for place in self._selectors.selecting(workload.template.labels)}
        ours = {each for each in self._named[budget_name(workload)] if is_ours_beside(workload, each)}
        return set(_near_to(workload, selecting | ours))

    def _overlaps(self, workload: Workload) -> tuple[str, ...]:
        if workload.selector is None:
            return ()
        selected = self._labels.selected_by(workload.selector)
        others = (each for each in selected if _beside(each, workload.key))
        return tuple(sorted({f"{each.kind} {each.name}" for each in others}))

    def _autoscaler(self, workload: Workload) -> Autoscaler | None:
        scalers = self._scaled.get((workload.key.kind, workload.key.name), ())
        return min(_near_to(workload, scalers), key=lambda each: each.name, default=None)

    def _claims_of(self, workload: Workload) -> Iterator[Claim]:
        for name in sorted(workload.template.claims):
            yield from _near_to(workload, self._claims.get(name, ()))


class _Placed(Protocol):
    """Whatever has a namespace."""

    @property
    def namespace(self) -> str: ...


T = TypeVar("T", bound=_Placed)


def _near_to(workload: Workload, others: Iterable[T]) -> Iterator[T]:
    return (each for each in others if _near(each.namespace, workload.key.namespace))


def _near(namespace: str, other: str) -> bool:
    return namespace == other or not namespace or not other


def _beside(other: WorkloadKey, key: WorkloadKey) -> bool:
    """Say whether another owner of pods lives with a workload; one of its kind and name is taken for itself."""
    return (other.kind, other.name) != (key.kind, key.name) and _near(other.namespace, key.namespace)
