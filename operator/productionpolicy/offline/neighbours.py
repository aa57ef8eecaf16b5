"""What stands around each workload among all given objects. An absent namespace matches any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from productionpolicy.kube.budgets import Budget, read_budget
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.selectors import LabelIndex, SelectorIndex
from productionpolicy.kube.siblings import SIBLINGS, pod_labels
from productionpolicy.kube.surroundings import Autoscaler, Surroundings, Topology, read_autoscaler, read_node
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.repairs.budget import budget_name, is_ours_beside

BUDGET, AUTOSCALER, NODE = "PodDisruptionBudget", "HorizontalPodAutoscaler", "Node"
NEIGHBOURS = SIBLINGS | {BUDGET, AUTOSCALER, NODE}
"""The kinds that bear on the judgement of a workload beside them."""

Place = tuple[str, str]
"""Namespace and name."""


class Neighbours:
    """All given objects, in indexes that find those around a workload."""

    def __init__(self, objects: Iterable[Mapping[str, Any]]) -> None:
        self._labels: LabelIndex[WorkloadKey] = LabelIndex()
        self._budgets: dict[Place, Budget] = {}
        self._selectors: SelectorIndex[Place] = SelectorIndex()
        self._named: defaultdict[str, list[Budget]] = defaultdict(list)
        self._scaled: defaultdict[tuple[str, str], list[Autoscaler]] = defaultdict(list)
        nodes = []
        for raw in objects:
            self._enter(raw)
            if raw.get("kind") == NODE:
                nodes.append(read_node(raw))
        self._topology = Topology.of(nodes)

    def around(self, workload: Workload) -> Surroundings:
        """Return what stands around a workload."""
        return Surroundings(
            budgets=tuple(sorted(self._budgets_of(workload), key=lambda each: (each.name, each.namespace))),
            overlaps=self._overlaps(workload),
            autoscaler=self._autoscaler(workload),
            topology=self._topology,
            matches_label_keys=True,
        )

    def _enter(self, raw: Mapping[str, Any]) -> None:
        kind = raw.get("kind")
        if kind == BUDGET:
            self._enter_budget(read_budget(raw))
        elif kind == AUTOSCALER:
            scaler = read_autoscaler(raw)
            self._scaled[scaler.target_kind, scaler.target_name].append(scaler)
        elif kind in SIBLINGS and (labels := pod_labels(raw)) is not None:
            self._labels.put(_key(raw), labels)

    def _enter_budget(self, budget: Budget) -> None:
        place = (budget.namespace, budget.name)
        self._budgets[place] = budget
        self._named[budget.name].append(budget)
        if budget.selector is not None:
            self._selectors.put(place, budget.selector)

    def _budgets_of(self, workload: Workload) -> set[Budget]:
        selecting = {self._budgets[place] for place in self._selectors.selecting(workload.template.labels)}
        ours = {each for each in self._named[budget_name(workload)] if is_ours_beside(workload, each)}
        return {each for each in selecting | ours if _near(each.namespace, workload.key.namespace)}

    def _overlaps(self, workload: Workload) -> tuple[str, ...]:
        if workload.selector is None:
            return ()
        selected = self._labels.selected_by(workload.selector)
        others = (each for each in selected if _beside(each, workload.key))
        return tuple(sorted({f"{each.kind} {each.name}" for each in others}))

    def _autoscaler(self, workload: Workload) -> Autoscaler | None:
        scalers = self._scaled.get((workload.key.kind, workload.key.name), ())
        near = [each for each in scalers if _near(each.namespace, workload.key.namespace)]
        return min(near, key=lambda each: each.name, default=None)


def _near(namespace: str, other: str) -> bool:
    return namespace == other or not namespace or not other


def _beside(other: WorkloadKey, key: WorkloadKey) -> bool:
    """Say whether another owner of pods lives with a workload; one of its kind and name is taken for itself."""
    return (other.kind, other.name) != (key.kind, key.name) and _near(other.namespace, key.namespace)


def _key(raw: Mapping[str, Any]) -> WorkloadKey:
    metadata = Fields(raw).mapping("metadata")
    return WorkloadKey(metadata.text("namespace") or "", str(raw["kind"]), metadata.text("name") or "")
