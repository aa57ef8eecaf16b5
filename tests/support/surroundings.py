"""The surroundings of a workload, found the slow and obvious way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from productionpolicy.kube.budgets import BUDGET, Budget
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.neighbours import NEIGHBOURS, Neighbour, kind_of, known_kind, read_neighbour
from productionpolicy.kube.owned import is_made_for
from productionpolicy.kube.surroundings import (
    Autoscaler,
    Claim,
    LimitRange,
    Node,
    Reach,
    ServerFeatures,
    ServiceAccount,
    Surroundings,
    Topology,
    default_resources,
)
from productionpolicy.kube.workloads import Kind, Workload, read_workload
from support.manifests import Raw

NEWEST = ServerFeatures()
"""What the newest server honours."""

T = TypeVar("T", bound=Neighbour)


def surroundings_of(
    raw: Raw, others: Sequence[Raw], *, server: ServerFeatures = NEWEST, any_namespace: bool = False
) -> Surroundings:
    """Return what surrounds a workload among other objects.

    Args:
        raw: the workload.
        others: all other objects; the workload itself may be among them.
        server: what the API server honours.
        any_namespace: whether an object without a namespace may be in any.
    """
    return _Sight(read_workload(raw), others, any_namespace=any_namespace).surroundings(server)


@dataclass
class _Sight:
    """What a workload sees."""

    workload: Workload
    others: Sequence[Raw]
    any_namespace: bool

    def __post_init__(self) -> None:
        seen = [each for each in self.others if each["kind"] == "Node" or self.together(_namespace(each), self.own)]
        found = (read_workload(each) for each in seen if each["kind"] in set(Kind))
        workloads = {each.key: each for each in (*found, self.workload)}
        self.makers = [each for each in workloads.values() if each.kind is not Kind.POD and not each.derived]
        kinds = ((known_kind(each), each) for each in seen)
        self.neighbours = [read_neighbour(kind, each) for kind, each in kinds if kind in NEIGHBOURS]

    @property
    def own(self) -> str:
        return self.workload.key.namespace

    def together(self, one: str, other: str) -> bool:
        return one == other or (self.any_namespace and "" in {one, other})

    def of(self, kind: type[T]) -> list[T]:
        return sorted(
            (each for each in self.neighbours if isinstance(each, kind)),
            key=lambda each: (each.name, kind_of(each), getattr(each, "namespace", "")),
        )

    def surroundings(self, server: ServerFeatures) -> Surroundings:
        template, selecting, scalers = (
            self.workload.template,
            self.selecting(self.workload),
            self.scaling(self.workload),
        )
        if self.workload.kind is Kind.POD:
            selecting = []
        made = [each for each in self.of(Budget) if is_made_for(self.workload, each)]
        overlaps = list(self.overlaps())
        rivals = chain.from_iterable(map(self.selecting, overlaps))
        return Surroundings(
            budgets=tuple(each for each in self.of(Budget) if each in selecting or each in made),
            owned={BUDGET: made[0]} if made else {},
            reaches={each: self.reach(each) for each in selecting},
            overlaps=tuple(sorted({f"{each.kind} {each.key.name}" for each in overlaps if not each.passing})),
            passing=tuple(sorted({f"{each.kind} {each.key.name}" for each in overlaps if each.passing})),
            rivals=tuple(sorted({each.name for each in rivals if not each.made_by_operator and not each.unreadable})),
            autoscaler=next((each for each in scalers if _scales(each, self.workload)), None),
            faulty_autoscaler=next((each for each in scalers if not _scales(each, self.workload)), None),
            claims=tuple(each for each in self.of(Claim) if each.name in template.claims),
            account=next((each for each in self.of(ServiceAccount) if each.name == template.service_account), None),
            default_resources=default_resources(self.of(LimitRange)),
            topology=Topology.of(each for each in self.of(Node) if each.is_chosen(template)),
            server=server,
        )

    def selecting(self, workload: Workload) -> list[Budget]:
        """Return the budgets that select the pods of a workload."""
        found = (each for each in self.of(Budget) if each.selects(workload.pod_labels))
        return [each for each in found if self.together(each.namespace, workload.key.namespace)]

    def reach(self, budget: Budget) -> Reach:
        selected = [each for each in self.makers if budget in self.selecting(each)]
        scalers = ([scaler for scaler in self.scaling(each) if _scales(scaler, each)] for each in selected)
        return Reach.over(zip(selected, (each[0] if each else None for each in scalers), strict=True))

    def overlaps(self) -> Iterator[Workload]:
        """Return the others whose pods the selector matches; a second form of the workload is no other."""
        for each in self.makers:
            other = (each.kind, each.key.name) != (self.workload.kind, self.workload.key.name)
            if other and self.workload.selector and self.workload.selector.matches(each.pod_labels):
                yield each

    def scaling(self, workload: Workload) -> list[Autoscaler]:
        target, namespace = (workload.key.kind, workload.key.name), workload.key.namespace
        found = (each for each in self.of(Autoscaler) if (each.target.kind, each.target_name) == target)
        return [each for each in found if self.together(each.namespace, namespace)]


def _scales(autoscaler: Autoscaler, workload: Workload) -> bool:
    """Say whether an autoscaler that names a workload scales it, too."""
    return not autoscaler.unreadable and autoscaler.target == GroupKind.served_as(
        workload.key.api_version, workload.kind
    )


def _namespace(raw: Raw) -> str:
    return raw["metadata"].get("namespace") or ""
