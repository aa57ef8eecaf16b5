"""Neighbors of workloads in files: with versions that are no longer served, or of workloads outside the input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from productionpolicy.kube.budgets import BUDGET, Budget
from productionpolicy.kube.fields import Unreadable
from productionpolicy.kube.inventory import Inventory
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.neighbours import Neighbour, read_neighbour
from productionpolicy.kube.surroundings import AUTOSCALER, Autoscaler
from productionpolicy.offline.versions import findings_of_version
from productionpolicy.verdict.notices import API_VERSION


def neighbour_in(kind: GroupKind, raw: Mapping[str, Any]) -> Neighbour:
    """Return the content of a document of one of the kinds in NEIGHBOURS.

    A budget or a HorizontalPodAutoscaler with a version that is no longer served is unreadable.
    """
    read = read_neighbour(kind, raw)
    if kind in {BUDGET, AUTOSCALER} and isinstance(read, Budget | Autoscaler):
        return replace(read, unreadable=(*_version_not_served(raw), *read.unreadable))
    return read


def unreadable_in(neighbour: Neighbour) -> tuple[Unreadable, ...]:
    """Return why every API server rejects a budget or an autoscaler, so that it counts as missing."""
    return neighbour.unreadable if isinstance(neighbour, Budget | Autoscaler) else ()


def without_use(neighbour: Neighbour, inventory: Inventory) -> str | None:
    """Return why a budget or an autoscaler affects no workload of the input; None if it affects one.

    What the API server rejects is reported as unreadable.
    """
    if unreadable_in(neighbour):
        return None
    if isinstance(neighbour, Budget) and neighbour.selector is None:
        return "it has no spec.selector, so it selects no pods"
    if isinstance(neighbour, Budget) and not inventory.selected_by(neighbour):
        return "it selects no pods of the workloads in the input, so it cannot be judged"
    return _without_target(neighbour, inventory) if isinstance(neighbour, Autoscaler) else None


def _without_target(autoscaler: Autoscaler, inventory: Inventory) -> str | None:
    target = f"{autoscaler.target.kind} {autoscaler.target_name}".strip() or "nothing"
    if inventory.targets_of(autoscaler):
        group = f"the API group {autoscaler.target.group}" if autoscaler.target.group else "no API group"
        problem = f"it has no effect, because its scaleTargetRef names {group}, not that of {target}"
        return f"{problem}: {autoscaler.correction}" if autoscaler.misdirected else None
    # A ScaledObject may scale any object with a scale.
    if autoscaler.kind != AUTOSCALER:
        return None
    return f"its target is {target}, which is not among the workloads in the input"


def _version_not_served(raw: Mapping[str, Any]) -> Iterator[Unreadable]:
    for each in findings_of_version(raw):
        yield Unreadable(path=API_VERSION, message=f"cannot be used: {each.message}; {each.remedy}")
