"""All objects that affect evaluations: the surroundings of each workload, and the workloads that a change affects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Protocol, TypeVar

from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.coverage import Coverages, unread_in
from productionpolicy.kube.indexes import Indexes, Name
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.neighbours import Neighbour, kind_of
from productionpolicy.kube.owned import Ownable, is_made_for, owned_name
from productionpolicy.kube.pods import PodTemplate
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.surroundings import (
    UNKNOWN_SERVER,
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
from productionpolicy.kube.unjudged import UnjudgedPods
from productionpolicy.kube.workloads import WORKLOADS, Controller, Kind, Workload, WorkloadKey

_COMPLETE: Coverages = {}
_NOTHING = Indexes()
"""The indexes of an empty namespace."""


class Inventory:
    """Workloads and their neighbors in indexes: the cost of a change is proportional to the objects that it affects.

    This class defines all rules for the surroundings of a workload. A workload sees the objects of its own namespace,
    and all nodes.

    Args:
        server: the features that the API server honors.
        any_namespace: whether an object without a namespace may be in any namespace, because files may leave it open.
            Such a workload sees all objects, and all workloads see such an object. Two objects that a workload sees
            belong together only if they may be in one namespace.
        coverages: how much of each kind is known.
    """

    def __init__(
        self,
        *,
        server: ServerFeatures = UNKNOWN_SERVER,
        any_namespace: bool = False,
        coverages: Coverages = _COMPLETE,
    ) -> None:
        self.server = server
        self._coverages = coverages
        self._unread: dict[str, Mapping[GroupKind, str]] = {}
        """The unread kinds by namespace, once they are needed."""
        self._by_namespace: defaultdict[str, Indexes] = defaultdict(Indexes)
        self._all = Indexes() if any_namespace else None
        """The objects of all namespaces; used only with `any_namespace`."""
        self._neighbours: dict[Name, Neighbour] = {}
        self._by_uid: defaultdict[str, set[WorkloadKey]] = defaultdict(set)
        self._reaches: defaultdict[Name, dict[str, Reach]] = defaultdict(dict)
        """The reach of each budget, by the namespace of the workloads that see it; computed on demand."""
        self._nodes: dict[Name, Node] = {}
        self._topologies: dict[tuple[Selector, ...] | None, Topology] = {}
        """The topology of the nodes that a pod template allows; computed on demand."""
        self._unnamed = count(1)

    def workload(self, key: WorkloadKey) -> Workload | None:
        """Return a workload, or None."""
        return self._in(key.namespace).workloads.get(key)

    def workloads(self, namespace: str) -> list[WorkloadKey]:
        """Return the workloads of a namespace."""
        return list(self._in(namespace).workloads)

    def all_workloads(self) -> list[WorkloadKey]:
        """Return all workloads."""
        return [key for indexes in self._by_namespace.values() for key in indexes.workloads]

    def put(self, thing: Workload | Neighbour) -> set[WorkloadKey]:
        """Add or replace an object; return the workloads whose evaluation may change.

        A workload that another object creates is not judged itself, and counts as missing.
        """
        if not isinstance(thing, Workload):
            return self._replace_neighbour(self._name(thing), thing)
        return self._drop_workload(thing.key) if thing.derived else self._put_workload(thing)

    def put_unjudged(self, pods: UnjudgedPods) -> None:
        """Add pods that budgets and selectors may match, although they are not judged.

        Only files have them, so they all come before the first question about surroundings, and stay.
        """
        for indexes in self._holding(pods.namespace):
            indexes.unjudged.put(pods, pods.labels)

    def drop(self, kind: GroupKind, namespace: str, name: str) -> set[WorkloadKey]:
        """Remove an object; return the workloads whose evaluation may change."""
        if kind in WORKLOADS:
            return self._drop_workload(WorkloadKey(namespace, kind.kind, name))
        return self._replace_neighbour((kind, namespace, name, 0), None)

    def surroundings(self, workload: Workload) -> Surroundings:
        """Return the surroundings of a workload."""
        namespace, near = workload.key.namespace, self._near(workload.key.namespace)
        overlaps, scalers = self._overlaps(workload), self._autoscalers(workload.key, seen_from=namespace)
        unjudged = self._unjudged(workload.selector, namespace=namespace)
        selecting = {} if workload.kind is Kind.POD else self._selecting(workload, seen_from=namespace)
        owned = self._owned(workload)
        budgets = {name: each for name, each in owned.items() if isinstance(each, Budget)}
        claims = (each for found in near for name in {*workload.template.claims} for each in found.claims.get(name))
        accounts = (each for found in near for each in found.accounts.get(workload.template.service_account))
        return Surroundings(
            budgets=_ordered({**selecting, **budgets}.values()),
            owned={name[0]: each for name, each in sorted(owned.items(), reverse=True)},
            reaches={each: self._reach(name, each, seen_from=namespace) for name, each in sorted(selecting.items())},
            overlaps=_titles((each for each in overlaps if not each.passing), (each.controller for each in unjudged)),
            passing=_titles(each for each in overlaps if each.passing),
            rivals=tuple(sorted({name for each in overlaps for name in self._rivals(each, seen_from=namespace)})),
            autoscaler=next((each for each in scalers if each.effective), None),
            faulty_autoscaler=next((each for each in scalers if not each.effective), None),
            claims=_ordered(claims),
            account=next(iter(_ordered(accounts)), None),
            default_resources=default_resources(each for found in near for each in found.limit_ranges.values()),
            topology=self._topology(workload.template),
            server=self.server,
            unread=self._unread_in(namespace),
        )

    def _unread_in(self, namespace: str) -> Mapping[GroupKind, str]:
        if namespace not in self._unread:
            self._unread[namespace] = unread_in(namespace, self._coverages)
        return self._unread[namespace]

    def owned(self, workload: Workload) -> list[Ownable]:
        """Return the objects that the operator created for a workload, even if they select other pods."""
        return list(self._owned(workload).values())

    def holds(self, kind: GroupKind, name: str, *, namespace: str) -> bool:
        """Return whether there is a neighbor with this kind and name in a namespace, or in one that may be the same."""
        return any((kind, each, name, 0) in self._neighbours for each in self._namespaces_near(namespace))

    def selected_by(self, budget: Budget) -> set[WorkloadKey]:
        """Return the workloads whose pods a budget selects, without bare pods, which it does not count."""
        selector = budget.selector
        if selector is None:
            return set()
        return {key for indexes in self._near(budget.namespace) for key in indexes.labels.selected_by(selector)}

    def targets_of(self, autoscaler: Autoscaler) -> set[WorkloadKey]:
        """Return the workloads that have the kind and name of an autoscaler's target, regardless of its group."""
        namespaces = self._namespaces_near(autoscaler.namespace)
        keys = (WorkloadKey(each, autoscaler.target.kind, autoscaler.target_name) for each in namespaces)
        return {key for key in keys if self.workload(key)}

    def _put_workload(self, workload: Workload) -> set[WorkloadKey]:
        key, before = workload.key, self.workload(workload.key)
        for indexes in self._holding(key.namespace):
            indexes.put_workload(workload)
        if before is not None and before.like(workload):
            return set()
        self._forget_uid(before)
        self._by_uid[workload.uid].add(key)
        if before is None:
            return {key} | self._invalidate_around(workload)
        if _counts_as(before) == _counts_as(workload):
            return {key}
        return {key} | self._invalidate_around(before) | self._invalidate_around(workload)

    def _drop_workload(self, key: WorkloadKey) -> set[WorkloadKey]:
        before = self.workload(key)
        if before is None:
            return set()
        for indexes in self._holding(key.namespace):
            indexes.drop_workload(key)
        self._prune(key.namespace)
        self._forget_uid(before)
        return {key} | self._invalidate_around(before)

    def _forget_uid(self, workload: Workload | None) -> None:
        if workload is None:
            return
        self._by_uid[workload.uid].discard(workload.key)
        if not self._by_uid[workload.uid]:
            del self._by_uid[workload.uid]

    def _invalidate_around(self, workload: Workload) -> set[WorkloadKey]:
        """Invalidate what depends on the pods of a workload; return the other workloads that this affects.

        These are the workloads whose selector matches its pods, and those that share a budget with it.
        """
        if workload.kind is Kind.POD:
            return set()
        return self._matching(workload) | self._invalidate_reaches(workload)

    def _matching(self, workload: Workload) -> set[WorkloadKey]:
        """Return the workloads whose selector matches the pods of a workload."""
        near, labels = self._near(workload.key.namespace), workload.pod_labels
        return {key for indexes in near for key in indexes.selectors.selecting(labels)}

    def _invalidate_reaches(self, workload: Workload) -> set[WorkloadKey]:
        """Invalidate the reach of the budgets over the pods of a workload; return the workloads that were judged by it.

        If none was judged since the last invalidation, all of them are still to be evaluated.
        """
        budgets = self._selecting(workload, seen_from=workload.key.namespace)
        stale = [budget for name, budget in budgets.items() if self._reaches.pop(name, None) is not None]
        return {key for budget in stale for key in self.selected_by(budget)}

    def _replace_neighbour(self, name: Name, after: Neighbour | None) -> set[WorkloadKey]:
        before = self._neighbours.get(name)
        if before == after:
            return set()
        if before is not None:
            self._remove(name, before)
        if after is not None:
            self._enter(name, after)
        if isinstance(before, Budget) and isinstance(after, Budget) and before.like(after):
            return set()
        self._reaches.pop(name, None)
        return {key for each in (before, after) if each is not None for key in self._invalidate_beside(each)}

    def _enter(self, name: Name, thing: Neighbour) -> None:
        self._neighbours[name] = thing
        if isinstance(thing, Node):
            self._nodes[name] = thing
            self._topologies.clear()
            return
        for indexes in self._holding(thing.namespace):
            indexes.put(name, thing)

    def _remove(self, name: Name, thing: Neighbour) -> None:
        del self._neighbours[name]
        if isinstance(thing, Node):
            del self._nodes[name]
            self._topologies.clear()
            return
        for indexes in self._holding(thing.namespace):
            indexes.drop(name, thing)
        self._prune(thing.namespace)

    def _prune(self, namespace: str) -> None:
        """Remove the indexes of a namespace that has become empty: some clusters create namespaces all the time."""
        if self._in(namespace).empty:
            self._by_namespace.pop(namespace, None)

    def _invalidate_beside(self, thing: Neighbour) -> Iterable[WorkloadKey]:
        """Invalidate what depends on a neighbor; return the workloads that this affects."""
        match thing:
            case Budget():
                return self._judged_by(thing)
            case Autoscaler():
                targets = self.targets_of(thing)
                known = (self.workload(key) for key in targets)
                return targets.union(*(self._invalidate_reaches(each) for each in known if each))
            case Claim():
                return self._with_pods(thing.namespace, lambda pod: thing.name in pod.claims)
            case ServiceAccount():
                return self._with_pods(thing.namespace, lambda pod: pod.service_account == thing.name)
            case LimitRange():
                return self._with_pods(thing.namespace, lambda _: True)
            case Node():
                return self.all_workloads()

    def _judged_by(self, budget: Budget) -> set[WorkloadKey]:
        """Return the workloads that a budget affects.

        It selects their pods, or their selector matches pods that it selects, or the operator created it for them.
        """
        selected = self.selected_by(budget)
        owners = {key for uid in budget.owner_uids for key in self._by_uid.get(uid, ()) if budget.made_by_operator}
        known = (self._in(key.namespace).workloads[key] for key in selected)
        return selected.union(owners, *map(self._matching, known))

    def _with_pods(self, namespace: str, meant: Callable[[PodTemplate], bool]) -> Iterator[WorkloadKey]:
        known = (pair for indexes in self._near(namespace) for pair in indexes.workloads.items())
        return (key for key, each in known if meant(each.template))

    def _owned(self, workload: Workload) -> dict[Name, Ownable]:
        own = owned_name(workload)
        found = (pair for indexes in self._near(workload.key.namespace) for pair in indexes.owned.items(own))
        return {name: each for name, each in found if is_made_for(workload, each)}

    def _selecting(self, workload: Workload, *, seen_from: str) -> dict[Name, Budget]:
        """Return the budgets that select the pods of a workload, as seen from a namespace."""
        namespace, labels = workload.key.namespace, workload.pod_labels
        found = (
            (indexes, name) for indexes in self._near(namespace) for name in indexes.budget_selectors.selecting(labels)
        )
        budgets = ((name, indexes.budgets[name]) for indexes, name in found)
        return {name: each for name, each in budgets if self._together(each.namespace, namespace, seen_from)}

    def _rivals(self, overlap: Workload, *, seen_from: str) -> Iterator[str]:
        """Return the budgets of others that select pods that the selector of a workload also matches."""
        found = self._selecting(overlap, seen_from=seen_from).values()
        return (each.name for each in found if not each.made_by_operator and not each.unreadable)

    def _overlaps(self, workload: Workload) -> list[Workload]:
        """Return the other workloads whose pods the selector of a workload also matches.

        A workload with the same kind and name counts as the workload itself, because a file may contain it twice.
        """
        if workload.selector is None:
            return []
        near = self._near(workload.key.namespace)
        found = ((indexes, key) for indexes in near for key in indexes.labels.selected_by(workload.selector))
        own = (workload.key.kind, workload.key.name)
        return [indexes.workloads[key] for indexes, key in found if (key.kind, key.name) != own]

    def _autoscalers(self, key: WorkloadKey, *, seen_from: str) -> list[Autoscaler]:
        """Return the autoscalers that are meant for a workload, as seen from a namespace, sorted by name."""
        found = (
            each for indexes in self._near(key.namespace) for each in indexes.autoscalers.get((key.kind, key.name))
        )
        together = (each for each in found if self._together(each.namespace, key.namespace, seen_from))
        return sorted(together, key=lambda each: (each.name, each.kind, each.namespace))

    def _reach(self, name: Name, budget: Budget, *, seen_from: str) -> Reach:
        """Return the reach of a budget across all workloads, as seen from a namespace."""
        reaches = self._reaches[name]
        if seen_from not in reaches:
            near = (
                key for key in self.selected_by(budget) if self._together(key.namespace, budget.namespace, seen_from)
            )
            unjudged = self._unjudged(budget.selector, namespace=budget.namespace)
            reaches[seen_from] = Reach.over(
                (self._with_autoscaler(key, seen_from=seen_from) for key in near),
                (each for each in unjudged if self._together(each.namespace, budget.namespace, seen_from)),
            )
        return reaches[seen_from]

    def _unjudged(self, selector: Selector | None, *, namespace: str) -> set[UnjudgedPods]:
        """Return the pods that are not judged and that a selector in a namespace matches."""
        if selector is None:
            return set()
        return {each for indexes in self._near(namespace) for each in indexes.unjudged.selected_by(selector)}

    def _with_autoscaler(self, key: WorkloadKey, *, seen_from: str) -> tuple[Workload, Autoscaler | None]:
        scalers = self._autoscalers(key, seen_from=seen_from)
        return self._in(key.namespace).workloads[key], next((each for each in scalers if each.effective), None)

    def _topology(self, template: PodTemplate) -> Topology:
        """Return the topology of the nodes that a pod template allows."""
        if template.nodes not in self._topologies:
            chosen = (each for each in self._nodes.values() if each.is_chosen(template))
            self._topologies[template.nodes] = Topology.of(chosen)
        return self._topologies[template.nodes]

    def _name(self, thing: Neighbour) -> Name:
        """Return the identity of an object. An object without a name, possible only in a file, is unique."""
        namespace = "" if isinstance(thing, Node) else thing.namespace
        return kind_of(thing), namespace, thing.name, 0 if thing.name else next(self._unnamed)

    def _in(self, namespace: str) -> Indexes:
        """Return the indexes of a namespace for reading."""
        return self._by_namespace.get(namespace, _NOTHING)

    def _holding(self, namespace: str) -> tuple[Indexes, ...]:
        """Return the indexes to which the objects of a namespace are added."""
        own = self._by_namespace[namespace]
        return (own,) if self._all is None else (own, self._all)

    def _near(self, namespace: str) -> tuple[Indexes, ...]:
        """Return the indexes of objects that may be in the same namespace."""
        if self._all is None:
            return (self._in(namespace),)
        return (self._in(namespace), self._in("")) if namespace else (self._all,)

    def _namespaces_near(self, namespace: str) -> Iterable[str]:
        if self._all is None:
            return (namespace,)
        return (namespace, "") if namespace else tuple(self._by_namespace)

    def _together(self, *namespaces: str) -> bool:
        """Return whether objects from the same indexes may be in one namespace.

        The indexes for an object without a namespace contain those of all namespaces.
        """
        return self._all is None or len({*namespaces} - {""}) <= 1


class _Placed(Protocol):
    """An object with a namespace and a name."""

    @property
    def name(self) -> str: ...

    @property
    def namespace(self) -> str: ...


Placed = TypeVar("Placed", bound=_Placed)


def _ordered(found: Iterable[Placed]) -> tuple[Placed, ...]:
    return tuple(sorted(found, key=lambda each: (each.name, each.namespace)))


def _titles(workloads: Iterable[Workload], controllers: Iterable[Controller] = ()) -> tuple[str, ...]:
    return tuple(sorted({f"{each.kind} {each.key.name}" for each in workloads} | {str(each) for each in controllers}))


def _counts_as(workload: Workload) -> tuple[object, ...]:
    """Return the attributes of a workload on which the evaluation of other workloads depends."""
    return workload.template.labels, workload.replicas, workload.passing
