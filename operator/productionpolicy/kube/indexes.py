"""Indexes of workloads and their neighbors, which find related objects without a full scan."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.neighbours import Neighbour
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.selectors import LabelIndex, SelectorIndex
from productionpolicy.kube.surroundings import Autoscaler, Claim, LimitRange, ServiceAccount
from productionpolicy.kube.unjudged import UnjudgedPods
from productionpolicy.kube.workloads import Kind, Workload, WorkloadKey

Name = tuple[GroupKind, str, str, int]
"""Kind, namespace and name, and a number that is 0 unless the object has no name."""

Thing = TypeVar("Thing")
_NOTHING: Mapping[Name, Any] = {}


class _Lookup(Generic[Thing]):
    """Objects, indexed by the attribute with which workloads refer to them."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[Hashable, dict[Name, Thing]] = {}

    def put(self, asked: Hashable, name: Name, thing: Thing) -> None:
        self._found.setdefault(asked, {})[name] = thing

    def drop(self, asked: Hashable, name: Name) -> None:
        found = self._found[asked]
        del found[name]
        if not found:
            del self._found[asked]

    def __len__(self) -> int:
        return len(self._found)

    def items(self, asked: Hashable) -> Iterable[tuple[Name, Thing]]:
        return self._found.get(asked, _NOTHING).items()

    def get(self, asked: Hashable) -> Iterable[Thing]:
        return self._found.get(asked, _NOTHING).values()


@dataclass(slots=True)
class Indexes:
    """The indexes of one namespace, or of all namespaces."""

    workloads: dict[WorkloadKey, Workload] = field(default_factory=dict)
    labels: LabelIndex[WorkloadKey] = field(default_factory=LabelIndex)
    """The labels of the pods of all workloads; without bare pods, which no budget counts."""
    unjudged: LabelIndex[UnjudgedPods] = field(default_factory=LabelIndex)
    """The labels of all pods that are not judged."""
    selectors: SelectorIndex[WorkloadKey] = field(default_factory=SelectorIndex)
    """The selectors of workloads that have one."""
    budgets: dict[Name, Budget] = field(default_factory=dict)
    budget_selectors: SelectorIndex[Name] = field(default_factory=SelectorIndex)
    owned: _Lookup[Ownable] = field(default_factory=_Lookup)
    """The objects that the operator created, by name."""
    autoscalers: _Lookup[Autoscaler] = field(default_factory=_Lookup)
    """The autoscalers, by kind and name of the target, regardless of its group."""
    claims: _Lookup[Claim] = field(default_factory=_Lookup)
    accounts: _Lookup[ServiceAccount] = field(default_factory=_Lookup)
    limit_ranges: dict[Name, LimitRange] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether the indexes contain no object."""
        found = len(self.autoscalers) or len(self.claims) or len(self.accounts)
        return not (self.workloads or self.budgets or self.limit_ranges or found)

    def put_workload(self, workload: Workload) -> None:
        """Add or replace a workload."""
        key = workload.key
        self.workloads[key] = workload
        if workload.selector is None:
            self.selectors.drop(key)
        else:
            self.selectors.put(key, workload.selector)
        if workload.kind is not Kind.POD:
            self.labels.put(key, workload.pod_labels)

    def drop_workload(self, key: WorkloadKey) -> None:
        """Remove a workload."""
        del self.workloads[key]
        self.selectors.drop(key)
        self.labels.drop(key)

    def put(self, name: Name, thing: Neighbour) -> None:
        """Add a neighbor that is not in the indexes."""
        if isinstance(thing, Ownable) and thing.made_by_operator:
            self.owned.put(thing.name, name, thing)
        match thing:
            case Budget():
                self.budgets[name] = thing
                if thing.selector is not None:
                    self.budget_selectors.put(name, thing.selector)
            case Autoscaler():
                self.autoscalers.put((thing.target.kind, thing.target_name), name, thing)
            case Claim():
                self.claims.put(thing.name, name, thing)
            case ServiceAccount():
                self.accounts.put(thing.name, name, thing)
            case LimitRange():
                self.limit_ranges[name] = thing

    def drop(self, name: Name, thing: Neighbour) -> None:
        """Remove a neighbor in the form in which it was added."""
        if isinstance(thing, Ownable) and thing.made_by_operator:
            self.owned.drop(thing.name, name)
        match thing:
            case Budget():
                del self.budgets[name]
                self.budget_selectors.drop(name)
            case Autoscaler():
                self.autoscalers.drop((thing.target.kind, thing.target_name), name)
            case Claim():
                self.claims.drop(thing.name, name)
            case ServiceAccount():
                self.accounts.drop(thing.name, name)
            case LimitRange():
                del self.limit_ranges[name]
