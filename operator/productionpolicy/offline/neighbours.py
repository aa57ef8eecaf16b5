"""Neighbours of workloads as files hold them: of versions that are gone, and of workloads that were not given."""

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
from productionpolicy.offline.versions import API_VERSION, findings_of_version


def neighbour_in(kind: GroupKind, raw: Mapping[str, Any]) -> Neighbour:
    """Return what a document of one of the kinds in NEIGHBOURS holds.

    A budget or a HorizontalPodAutoscaler of a version that is not served is unreadable.
    """
    read = read_neighbour(kind, raw)
    if kind in {BUDGET, AUTOSCALER} and isinstance(read, Budget | Autoscaler):
        return replace(read, unreadable=(*_version_not_served(raw), *read.unreadable))
    return read


def unreadable_in(neighbour: Neighbour) -> tuple[Unreadable, ...]:
    """Return why no API server takes a budget or an autoscaler, so that it is as good as missing."""
    return neighbour.unreadable if isinstance(neighbour, Budget | Autoscaler) else ()


def without_use(neighbour: Neighbour, inventory: Inventory) -> str | None:
    """Say why a budget or a HorizontalPodAutoscaler bears on no given workload; None where it bears on one."""
    if isinstance(neighbour, Budget) and not inventory.selected_by(neighbour):
        return "it selects no pods of the workloads that were given, so nothing tells whether it is right"
    if not isinstance(neighbour, Autoscaler) or neighbour.kind != AUTOSCALER or inventory.targets_of(neighbour):
        return None
    target = f"{neighbour.target_kind} {neighbour.target_name}".strip() or "nothing"
    return f"its target is {target}, which is not among the workloads that were given"


def _version_not_served(raw: Mapping[str, Any]) -> Iterator[Unreadable]:
    for each in findings_of_version(raw):
        yield Unreadable(path=API_VERSION, message=f"cannot be used: {each.message}; {each.remedy}")
