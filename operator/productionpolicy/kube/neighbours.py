"""The objects that affect the evaluation of workloads in their namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from productionpolicy.kube.budgets import BUDGET, Budget, read_budget
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.surroundings import (
    AUTOSCALER,
    SCALED_OBJECT,
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
from productionpolicy.kube.workloads import WORKLOADS

Neighbour = Budget | Autoscaler | Claim | ServiceAccount | LimitRange | Node
"""An object that affects the evaluation of workloads in its namespace."""

_KINDS: Mapping[type[Neighbour], GroupKind] = {
    Budget: BUDGET,
    Claim: GroupKind("", "PersistentVolumeClaim"),
    ServiceAccount: GroupKind("", "ServiceAccount"),
    LimitRange: GroupKind("", "LimitRange"),
    Node: GroupKind("", "Node"),
}
_READERS: Mapping[GroupKind, Callable[[Mapping[str, Any]], Neighbour]] = {
    AUTOSCALER: read_autoscaler,
    SCALED_OBJECT: read_scaled_object,
    _KINDS[Budget]: read_budget,
    _KINDS[Claim]: read_claim,
    _KINDS[ServiceAccount]: read_service_account,
    _KINDS[LimitRange]: read_limit_range,
    _KINDS[Node]: read_node,
}
NEIGHBOURS = frozenset(_READERS)
"""The kinds of neighbors."""

KNOWN = WORKLOADS | NEIGHBOURS
"""The kinds that are read; all others are skipped."""


def known_kind(raw: Mapping[str, Any]) -> GroupKind | None:
    """Return the kind of an object; None if it is not in KNOWN.

    A group with a domain in its name is another API, which may use the same name for its kind. Groups without one have
    changed over time (Deployments were served by `extensions`), and a file may leave the version out.
    """
    said = GroupKind.of(raw)
    if said in KNOWN or "." in said.group:
        return said if said in KNOWN else None
    return next((each for each in sorted(KNOWN) if each.kind == said.kind), None)


def read_neighbour(kind: GroupKind, raw: Mapping[str, Any]) -> Neighbour:
    """Return the neighbor in a raw object of one of the kinds in NEIGHBOURS."""
    return _READERS[kind](raw)


def kind_of(neighbour: Neighbour) -> GroupKind:
    """Return the kind of a neighbor."""
    return neighbour.kind if isinstance(neighbour, Autoscaler) else _KINDS[type(neighbour)]
