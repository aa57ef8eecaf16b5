"""The namespaces whose objects the operator keeps, so that its memory depends on the number of governed objects."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from productionpolicy.controller.records import Records
from productionpolicy.controller.resources import Resource
from productionpolicy.controller.store import Store
from productionpolicy.expectations import OWNED
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import REPAIRS_POLICY
from productionpolicy.kube.neighbours import read_neighbour
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.workloads import REPAIRED, WorkloadKey

FEW = 4
"""Namespaces are listed one by one if the cluster has more than this many times their number."""

_OWNED = frozenset(each.kind for each in OWNED)


class Scope:
    """The namespaces whose objects are in the store.

    A namespace is in scope if it names a policy, or if something in it carries repairs, which may have to be withdrawn.
    Objects of other namespaces are dropped as they come. A namespace that comes into scope is listed, and until that is
    done, nothing in it is evaluated: what surrounds its workloads is not known yet.
    """

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records
        self._held: set[str] = set()
        self._repaired: set[str] = set()
        """Namespaces out of scope in which something was seen that carries repairs."""
        self._unlisted: set[str] = set()

    def lags(self) -> bool:
        """Say whether something carries repairs in a namespace that is not in scope yet."""
        return bool(self._repaired)

    def is_small(self, namespaces: Sized) -> bool:
        """Say whether listing some namespaces one by one costs less than listing the whole cluster."""
        return FEW * len(namespaces) < len(self._store.namespaces)

    def names(self) -> list[str]:
        """Return the namespaces in scope."""
        return sorted(self._held)

    def takes(self, resource: Resource, raw: Mapping[str, Any]) -> bool:
        """Say whether an object belongs into the store; where it only shows that its namespace does, remember that."""
        if not resource.namespaced:
            return True
        namespace = Fields(raw).mapping("metadata").text("namespace") or ""
        if namespace in self._held:
            return True
        if _is_repaired(resource, raw):
            self._repaired.add(namespace)
        return False

    def is_listed(self, namespace: str) -> bool:
        """Say whether everything in a namespace that is in scope is known."""
        return namespace not in self._unlisted

    def widen(self) -> list[str]:
        """Bring the namespaces into scope that now belong there, and return them: they have to be listed."""
        new = (self._named() | self._repaired) - self._held
        self._held |= new
        self._unlisted |= new
        self._repaired.clear()
        return sorted(new)

    def listed(self, namespaces: list[str]) -> None:
        """Take note that everything in some namespaces is known."""
        self._unlisted.difference_update(namespaces)

    def narrow_down(self) -> None:
        """Forget everything in the namespaces that name no policy and hold nothing that carries repairs."""
        for namespace in sorted(self._held - self._named()):
            if not any(map(self._is_bound, self._store.workloads(namespace))):
                self._held.discard(namespace)
                self._unlisted.discard(namespace)
                self._store.forget_namespace(namespace)

    def _named(self) -> set[str]:
        return {each.name for each in self._store.namespaces.values() if each.policy}

    def _is_bound(self, key: WorkloadKey) -> bool:
        """Say whether something is still to be done for a workload, or was until its pods are replaced."""
        return key in self._records or self._store.repaired_by(key) is not None


def _is_repaired(resource: Resource, raw: Mapping[str, Any]) -> bool:
    """Say whether an object carries repairs, or is one."""
    if resource.group_kind in _OWNED:
        thing = read_neighbour(resource.group_kind, raw)
        return isinstance(thing, Ownable) and thing.made_by_operator
    return resource.kind in REPAIRED and REPAIRS_POLICY in Fields(raw).below("metadata", "annotations")
