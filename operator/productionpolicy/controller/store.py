"""What is known of the cluster: policies, namespaces and the inventory, with the versions of all objects in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from productionpolicy.controller.resources import NAMESPACES, NODES, POLICIES, WORKLOADS, Resource
from productionpolicy.expectations.spread import Strength
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import POLICY_LABEL, REPAIRS_POLICY
from productionpolicy.kube.inventory import Inventory
from productionpolicy.kube.neighbours import read_neighbour
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import REPAIRED, Workload, WorkloadKey, read_workload
from productionpolicy.kube.workloads import WORKLOADS as WORKLOAD_KINDS
from productionpolicy.policy import Calendar, InvalidPolicy, Policy, read_policy
from productionpolicy.policy.namespaces import Namespace, read_namespace


class StoredPolicy(Struct, frozen=True):
    """A ProductionPolicy as it is in the cluster."""

    name: str
    uid: str
    resource_version: str
    generation: int
    policy: Policy | None
    """What it says; None where that is not valid."""
    fault: str = ""
    """Why it is not valid."""
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    status: Mapping[str, Any] = {}

    @property
    def left_at_once(self) -> bool:
        """Whether its changes are still to be withdrawn when it is gone: no finalizer has held it until they were."""
        return self.policy is not None and self.policy.writes and self.policy.reverts and not self.deleting


class Store:
    """The trimmed objects of a cluster. Observing one returns the workloads whose judgement may change by it."""

    def __init__(self) -> None:
        self.policies: dict[str, StoredPolicy] = {}
        self.departed: dict[str, Policy] = {}
        """Policies with onRemoval: Revert that were deleted before the finalizer could hold them, by name."""
        self.namespaces: dict[str, Namespace] = {}
        self.inventory = Inventory()
        """The workloads, and what bears on them."""
        self.epoch = 0
        """Counts the changes of policies, namespaces and nodes, on each of which many workloads depend."""
        self._versions: defaultdict[tuple[Resource, str], dict[str, str]] = defaultdict(dict)
        """The version in which each object is known, by kind and namespace, and then by name."""

    def observe(self, resource: Resource, raw: Mapping[str, Any], *, deleted: bool = False) -> list[WorkloadKey]:
        """Take in an object, or its deletion; return the workloads that are concerned, none if it is not news."""
        metadata = Fields(raw).mapping("metadata")
        namespace, name = metadata.text("namespace") or "", metadata.text("name") or ""
        version, known = metadata.text("resourceVersion") or "", self.version(resource, namespace, name)
        if known is not None and _is_old(version, known, deleted=deleted):
            return []
        if deleted and resource is POLICIES and known is not None:
            # What it said last counts: a change and the deletion that follows at once arrive as one.
            self.policies[name] = _read_policy(name, raw)
        if deleted:
            return self.forget(resource, namespace, name)
        self._versions[resource, namespace][name] = version
        return self._concerned(resource, self._take_in(resource, name, raw))

    def forget(self, resource: Resource, namespace: str, name: str) -> list[WorkloadKey]:
        """Drop an object that is gone; return the workloads that are concerned."""
        if self._versions[resource, namespace].pop(name, None) is None:
            return []
        return self._concerned(resource, self._drop(resource, namespace, name))

    def forget_namespace(self, namespace: str) -> None:
        """Drop all objects of a namespace, as if they had never been seen."""
        for resource, _ in [each for each in self._versions if each[1] == namespace]:
            for name in self._versions.pop((resource, namespace)):
                self.inventory.drop(resource.group_kind, namespace, name)

    def former(self, name: str) -> Policy | None:
        """Return a policy that governs no more, or that is gone and whose changes have to be withdrawn."""
        stored = self.policies.get(name)
        return stored.policy if stored else self.departed.get(name)

    def calendar(self, policy: Policy, namespace: Namespace) -> Calendar:
        """Return when the repairs of a policy may restart pods in a namespace."""
        return namespace.calendar(policy)

    def names(self, resource: Resource, namespace: str | None = None) -> set[tuple[str, str]]:
        """Return namespace and name of the objects of a kind, in one namespace or in all."""
        if namespace is not None:
            return {(namespace, name) for name in self._versions.get((resource, namespace), {})}
        known = ((each[1], names) for each, names in self._versions.items() if each[0] == resource)
        return {(where, name) for where, names in known for name in names}

    def version(self, resource: Resource, namespace: str, name: str) -> str | None:
        """Return the version in which an object is known."""
        return self._versions.get((resource, namespace), {}).get(name)

    def workload(self, key: WorkloadKey) -> Workload | None:
        """Return a workload."""
        return self.inventory.workload(key)

    def workloads(self, namespace: str) -> list[WorkloadKey]:
        """Return the workloads of a namespace."""
        return self.inventory.workloads(namespace)

    def all_workloads(self) -> list[WorkloadKey]:
        """Return all workloads."""
        return self.inventory.all_workloads()

    def surroundings(self, workload: Workload) -> Surroundings:
        """Return what surrounds a workload."""
        return self.inventory.surroundings(workload)

    def namespaces_of(self, policy: str) -> list[str]:
        """Return the namespaces that name a policy."""
        return [each.name for each in self.namespaces.values() if each.policy == policy]

    def governed_namespaces(self) -> list[str]:
        """Return the namespaces that name a policy which exists, sorted."""
        found = (each.name for each in self.namespaces.values() if each.policy in self.policies and not each.deleting)
        return sorted(found)

    def update_workload(self, workload: Workload) -> list[WorkloadKey]:
        """Take in a workload as an answer tells of it, unless something newer is known; return who is concerned."""
        versions = self._versions[WORKLOADS[workload.key.kind], workload.key.namespace]
        known = versions.get(workload.key.name)
        if known is not None and is_older(workload.resource_version, known):
            return []
        versions[workload.key.name] = workload.resource_version
        return sorted(self.inventory.put(workload))

    def repaired_by(self, key: WorkloadKey) -> str | None:
        """Return the policy under which a workload carries repairs."""
        workload = self.workload(key)
        return repaired_by(workload, self.inventory.owned(workload)) if workload else None

    def _concerned(self, resource: Resource, keys: Iterable[WorkloadKey]) -> list[WorkloadKey]:
        concerned = sorted(keys)
        if concerned and not resource.namespaced:
            self.epoch += 1
        return concerned

    def _take_in(self, resource: Resource, name: str, raw: Mapping[str, Any]) -> Iterable[WorkloadKey]:
        if resource is POLICIES:
            return self._replace_policy(name, _read_policy(name, raw))
        if resource is NAMESPACES:
            return self._replace_namespace(name, read_namespace(name, raw))
        if resource.group_kind in WORKLOAD_KINDS:
            return self.inventory.put(read_workload({**raw, "kind": resource.kind}))
        return self._in_need(resource, self.inventory.put(read_neighbour(resource.group_kind, raw)))

    def _drop(self, resource: Resource, namespace: str, name: str) -> Iterable[WorkloadKey]:
        if resource is POLICIES:
            return self._replace_policy(name, None)
        if resource is NAMESPACES:
            return self._replace_namespace(name, None)
        return self._in_need(resource, self.inventory.drop(resource.group_kind, namespace, name))

    def _in_need(self, resource: Resource, concerned: set[WorkloadKey]) -> Iterable[WorkloadKey]:
        """Leave out those whose judgement and repair do not depend on the nodes: that is most where a node changes."""
        return filter(self._needs_nodes, concerned) if resource is NODES else concerned

    def _needs_nodes(self, key: WorkloadKey) -> bool:
        """Say whether the judgement or the repair of a workload depends on the nodes: it is spread by force."""
        workload, policy = self.workload(key), self._policy_of(key.namespace)
        if workload is None or policy is None:
            return False
        return policy.spec.expectations.spread.strength is Strength.REQUIRED or workload.template.needs_places

    def _policy_of(self, namespace: str) -> Policy | None:
        """Return the valid policy that a namespace names."""
        known = self.namespaces.get(namespace)
        stored = self.policies.get(known.policy) if known and known.policy else None
        return stored.policy if stored else None

    def _replace_policy(self, name: str, after: StoredPolicy | None) -> Iterable[WorkloadKey]:
        before = self.policies.pop(name, None)
        if after is not None:
            self.policies[name] = after
        self.departed.pop(name, None)
        if after is None and before is not None and before.policy is not None and before.left_at_once:
            self.departed[name] = before.policy
        if before and after and _same_word(before, after):
            return ()
        return self._concerned_by(name)

    def _concerned_by(self, policy: str) -> Iterator[WorkloadKey]:
        """Return the workloads that a policy governs, or that carry repairs of it."""
        for key in self.all_workloads():
            governed = self.namespaces.get(key.namespace, Namespace(key.namespace)).policy == policy
            if governed or self.repaired_by(key) == policy:
                yield key

    def _replace_namespace(self, name: str, after: Namespace | None) -> Iterable[WorkloadKey]:
        before = self.namespaces.pop(name, None)
        if after is not None:
            self.namespaces[name] = after
        return () if before == after else self.workloads(name)


def repaired_by(workload: Workload, owned: Iterable[Ownable]) -> str | None:
    """Return the policy under which a workload carries repairs, by its journal or by the label of an owned object."""
    noted = workload.notes.get(REPAIRS_POLICY) if workload.kind in REPAIRED else None
    if noted:
        return noted
    return next((dict(each.labels).get(POLICY_LABEL) for each in owned), None)


def _read_policy(name: str, raw: Mapping[str, Any]) -> StoredPolicy:
    metadata = Fields(raw).mapping("metadata")
    policy, fault = None, ""
    try:
        policy = read_policy(raw)
    except InvalidPolicy as error:
        fault = str(error)
    status = raw.get("status")
    return StoredPolicy(
        name=name,
        uid=metadata.text("uid") or "",
        resource_version=metadata.text("resourceVersion") or "",
        generation=metadata.integer("generation") or 0,
        policy=policy,
        fault=fault,
        deleting="deletionTimestamp" in metadata,
        finalizers=metadata.texts("finalizers"),
        status=status if isinstance(status, Mapping) else {},
    )


def _same_word(before: StoredPolicy, after: StoredPolicy) -> bool:
    same = (before.uid, before.generation, before.deleting) == (after.uid, after.generation, after.deleting)
    resumed = [each.policy.resumed if each.policy else "" for each in (before, after)]
    return same and before.fault == after.fault and resumed[0] == resumed[1]


def is_older(version: str, known: str) -> bool:
    """Say whether a version is older than another one. Versions of one kind are ordered numbers; others are not."""
    return version.isdecimal() and known.isdecimal() and int(version) < int(known)


def _is_old(version: str, known: str, *, deleted: bool) -> bool:
    """Say whether a version is not news. A deletion may have the version that is known."""
    return is_older(version, known) or (not deleted and version.isdecimal() and version == known)
