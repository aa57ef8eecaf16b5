"""The objects that affect the evaluation of workloads in their namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from productionpolicy.kube.budgets import Budget, read_budget
from productionpolicy.kube.surroundings import (
    Autoscaler,
    Claim,
    LimitRange,
    Node,
    ServiceAccount,
    read_autoscaler,
    read_claim,
    read_limit_range,
    read_node,
    read_scaled_object,
    read_service_account,
)

Neighbour = Budget | Autoscaler | Claim | ServiceAccount | LimitRange | Node
"""An object that affects the evaluation of workloads in its namespace."""

_READERS: Mapping[str, Callable[[Mapping[str, Any]], Neighbour]] = {
    "PodDisruptionBudget": read_budget,
    "HorizontalPodAutoscaler": read_autoscaler,
    "ScaledObject": read_scaled_object,
    "PersistentVolumeClaim": read_claim,
    "ServiceAccount": read_service_account,
    "LimitRange": read_limit_range,
    "Node": read_node,
}
NEIGHBOURS = frozenset(_READERS)
"""The kinds of neighbors."""

_KINDS: Mapping[type[Neighbour], str] = {
    Budget: "PodDisruptionBudget",
    Claim: "PersistentVolumeClaim",
    ServiceAccount: "ServiceAccount",
    LimitRange: "LimitRange",
    Node: "Node",
}


def read_neighbour(kind: str, raw: Mapping[str, Any]) -> Neighbour:
    """Return the neighbor in a raw object of one of the kinds in NEIGHBOURS."""
    return _READERS[kind](raw)


def kind_of(neighbour: Neighbour) -> str:
    """Return the kind of a neighbour."""
    return neighbour.kind if isinstance(neighbour, Autoscaler) else _KINDS[type(neighbour)]
