"""What we know of the cluster: trimmed objects, and indexes that tell whom a change concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from productionpolicy.controller.resources import (
    AUTOSCALERS,
    BUDGETS,
    CLAIMS,
    LIMIT_RANGES,
    NAMESPACES,
    NODES,
    POLICIES,
    SERVICE_ACCOUNTS,
    WORKLOADS,
    Resource,
)
from productionpolicy.expectations.spread import Strength
from productionpolicy.kube.budgets import Budget, read_budget
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.pods import PodTemplate
from productionpolicy.kube.selectors import LabelIndex, SelectorIndex
from productionpolicy.kube.surroundings import (
    UNKNOWN_SERVER,
    Autoscaler,
    Claim,
    LimitRange,
    Node,
    Reach,
    ServiceAccount,
    Surroundings,
    Topology,
    default_resources,
    read_autoscaler,
    read_claim,
    read_limit_range,
    read_node,
    read_service_account,
)
from productionpolicy.kube.workloads import ANNOTATION_DOMAIN, REPAIRED, Kind, Workload, WorkloadKey, read_workload
from productionpolicy.policy import InvalidPolicy, Policy, read_policy
from productionpolicy.repairs.budget import POLICY_LABEL
from productionpolicy.verdict.journal import POLICY as POLICY_NOTE

NAMESPACE_POLICY = f"{ANNOTATION_DOMAIN}/policy"
NAMESPACE_MODE = f"{ANNOTATION_DOMAIN}/mode"
AUDIT = "Audit"
OFF = "Off"


class Namespace(Struct, frozen=True):
    """A namespace, as far as it says who governs it."""

    name: str
    policy: str | None = None
    mode: str | None = None
    """What its mode label says: AUDIT, OFF, or something else, which counts as AUDIT; None where it has none."""
    deleting: bool = False

    @property
    def read_only(self) -> bool:
        """Whether nothing is written there."""
        return self.mode is not None

    @property
    def off(self) -> bool:
        """Whether nothing is judged there either."""
        return self.mode == OFF


class StoredPolicy(Struct, frozen=True):
    """A ProductionPolicy as it stands in the cluster."""

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


@dataclass(slots=True)
class _Neighbourhood:
    """What stands in one namespace."""

    workloads: dict[WorkloadKey, Workload] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    autoscalers: dict[str, Autoscaler] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    accounts: dict[str, ServiceAccount] = field(default_factory=dict)
    limit_ranges: dict[str, LimitRange] = field(default_factory=dict)
    labels: LabelIndex[WorkloadKey] = field(default_factory=LabelIndex)
    """The labels of all pod templates; bare pods are left out, for no budget counts them."""
    selectors: SelectorIndex[WorkloadKey] = field(default_factory=SelectorIndex)
    """The selectors of the workloads that have one."""
    budget_selectors: SelectorIndex[str] = field(default_factory=SelectorIndex)
    reaches: dict[str, Reach] = field(default_factory=dict)
    """What each budget selects, by its name, as far as a workload was judged by it since something changed there."""
    scaled: defaultdict[WorkloadKey, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The autoscalers of each target."""
    uids: dict[str, WorkloadKey] = field(default_factory=dict)
    owned: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The budgets that name each owner, by its uid."""


class Store:
    """The trimmed objects of a cluster. Observing one returns the workloads whose judgement may change by it."""

    def __init__(self) -> None:
        self.policies: dict[str, StoredPolicy] = {}
        self.departed: dict[str, Policy] = {}
        """Policies with onRemoval: Revert that were deleted before our finalizer could hold them, by name."""
        self.namespaces: dict[str, Namespace] = {}
        self.server = UNKNOWN_SERVER
        """What the API server honours."""
        self.epoch = 0
        """Counts the changes of policies, namespaces and nodes, on each of which many workloads depend."""
        self._neighbourhoods: defaultdict[str, _Neighbourhood] = defaultdict(_Neighbourhood)
        self._nodes: dict[str, Node] = {}
        self._topology: Topology | None = None
        """What the nodes offer; None where it has to be counted again."""
        self._versions: dict[Resource, dict[tuple[str, str], str]] = defaultdict(dict)
        self._observers: dict[Resource, Callable[[str, str, Mapping[str, Any] | None], Iterable[WorkloadKey]]] = {
            POLICIES: self._observe_policy,
            NAMESPACES: self._observe_namespace,
            NODES: self._observe_node,
            AUTOSCALERS: self._observe_autoscaler,
            BUDGETS: self._observe_budget,
            CLAIMS: self._observe_claim,
            SERVICE_ACCOUNTS: self._observe_account,
            LIMIT_RANGES: self._observe_limit_range,
            **{each: self._observer_of_workload(each) for each in WORKLOADS.values()},
        }

    def observe(self, resource: Resource, raw: Mapping[str, Any], *, deleted: bool = False) -> list[WorkloadKey]:
        """Take in an object, or its deletion; return the workloads that are concerned, none if it is not news."""
        metadata = Fields(raw).mapping("metadata")
        namespace, name = metadata.text("namespace") or "", metadata.text("name") or ""
        version, known = metadata.text("resourceVersion") or "", self._versions[resource].get((namespace, name))
        if known is not None and _is_older(version, known, deleted=deleted):
            return []
        if deleted and resource is POLICIES and known is not None:
            # What it said last counts: a change and the deletion that follows at once arrive as one.
            self.policies[name] = _read_policy(name, raw)
        if deleted:
            return self.forget(resource, namespace, name)
        self._versions[resource][namespace, name] = version
        return self._concerned(resource, namespace, name, raw)

    def forget(self, resource: Resource, namespace: str, name: str) -> list[WorkloadKey]:
        """Drop an object that is gone; return the workloads that are concerned."""
        if self._versions[resource].pop((namespace, name), None) is None:
            return []
        return self._concerned(resource, namespace, name, None)

    def _concerned(
        self, resource: Resource, namespace: str, name: str, raw: Mapping[str, Any] | None
    ) -> list[WorkloadKey]:
        concerned = _distinct(self._observers[resource](namespace, name, raw))
        if concerned and not resource.namespaced:
            self.epoch += 1
        return concerned

    def former(self, name: str) -> Policy | None:
        """Return a policy that governs no more, or that is gone and whose changes are to be withdrawn."""
        stored = self.policies.get(name)
        return stored.policy if stored else self.departed.get(name)

    def names(self, resource: Resource) -> set[tuple[str, str]]:
        """Return namespace and name of all objects of a kind."""
        return set(self._versions[resource])

    def version(self, resource: Resource, namespace: str, name: str) -> str | None:
        """Return the version in which an object is known."""
        return self._versions[resource].get((namespace, name))

    def workload(self, key: WorkloadKey) -> Workload | None:
        """Return a workload."""
        return self._neighbourhoods[key.namespace].workloads.get(key) if key.namespace in self._neighbourhoods else None

    def workloads(self, namespace: str) -> Iterator[WorkloadKey]:
        """Return the workloads of a namespace."""
        return iter(tuple(self._neighbourhoods[namespace].workloads) if namespace in self._neighbourhoods else ())

    def all_workloads(self) -> Iterator[WorkloadKey]:
        """Return all workloads."""
        return (key for namespace in tuple(self._neighbourhoods) for key in self.workloads(namespace))

    def namespaces_of(self, policy: str) -> list[str]:
        """Return the namespaces that name a policy."""
        return [each.name for each in self.namespaces.values() if each.policy == policy]

    def governed_namespaces(self) -> list[str]:
        """Return the namespaces that name a policy which exists, sorted."""
        found = (each.name for each in self.namespaces.values() if each.policy in self.policies and not each.deleting)
        return sorted(found)

    def update_workload(self, workload: Workload) -> list[WorkloadKey]:
        """Take in a workload as an answer tells of it, unless something newer is known; return who is concerned."""
        versions = self._versions[WORKLOADS[workload.key.kind]]
        known = versions.get((workload.key.namespace, workload.key.name))
        if known is not None and _is_older(workload.resource_version, known, deleted=True):
            return []
        versions[workload.key.namespace, workload.key.name] = workload.resource_version
        return _distinct(self._put_workload(workload))

    def surroundings(self, workload: Workload) -> Surroundings:
        """Return what stands around a workload."""
        around = self._neighbourhoods[workload.key.namespace]
        selecting = around.budget_selectors.selecting(workload.template.labels)
        overlaps = _overlaps(around, workload)
        return Surroundings(
            budgets=tuple(around.budgets[name] for name in sorted(selecting | around.owned.get(workload.uid, set()))),
            reaches={name: _reach(around, name) for name in selecting},
            overlaps=_titles(key for key in overlaps if not around.workloads[key].passing),
            passing=_titles(key for key in overlaps if around.workloads[key].passing),
            rivals=_rivals(around, overlaps),
            autoscaler=_autoscaler(around, workload.key),
            claims=tuple(around.claims[name] for name in sorted(workload.template.claims) if name in around.claims),
            account=around.accounts.get(workload.template.service_account),
            default_resources=default_resources(around.limit_ranges.values()),
            topology=self._topology_now(),
            server=self.server,
        )

    def repaired_by(self, key: WorkloadKey) -> str | None:
        """Return the policy under which a workload carries repairs."""
        workload = self.workload(key)
        return repaired_by(workload, self.budgets_of(workload)) if workload else None

    def budgets_of(self, workload: Workload) -> Iterator[Budget]:
        """Return the budgets of ours beside a workload, by owner reference."""
        around = self._neighbourhoods[workload.key.namespace]
        named = (around.budgets[name] for name in sorted(around.owned.get(workload.uid, ())))
        return (each for each in named if each.ours)

    def _observe_policy(self, _namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        before = self.policies.pop(name, None)
        if raw is not None:
            self.policies[name] = _read_policy(name, raw)
        after = self.policies.get(name)
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

    def _observe_namespace(self, _namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        before = self.namespaces.pop(name, None)
        if raw is not None:
            self.namespaces[name] = _read_namespace(name, raw)
        return () if before == self.namespaces.get(name) else self.workloads(name)

    def _observe_node(self, _namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        before = self._nodes.pop(name, None)
        if raw is not None:
            self._nodes[name] = read_node(raw)
        if before == self._nodes.get(name):
            return ()
        self._topology = None
        return self._wanting_nodes()

    def _topology_now(self) -> Topology:
        if self._topology is None:
            self._topology = Topology.of(self._nodes.values())
        return self._topology

    def _wanting_nodes(self) -> Iterator[WorkloadKey]:
        """Return the workloads whose judgement or repair depends on the nodes: those that are spread by force."""
        for stored in self.policies.values():
            policy = stored.policy
            if policy is None:
                continue
            by_policy = policy.spec.expectations.spread.strength is Strength.REQUIRED
            for namespace in self.namespaces_of(stored.name):
                workloads = tuple(self._neighbourhoods[namespace].workloads.items())
                yield from (key for key, each in workloads if by_policy or each.template.needs_places)

    def _observe_autoscaler(self, namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        around = self._neighbourhoods[namespace]
        before = around.autoscalers.pop(name, None)
        if before is not None:
            around.scaled[_target(before)].discard(name)
        after = read_autoscaler(raw) if raw is not None else None
        if after is not None:
            around.autoscalers[name] = after
            around.scaled[_target(after)].add(name)
        if before == after:
            return ()
        targets = [_target(each) for each in (before, after) if each]
        known = (around.labels.labels_of(each) for each in targets)
        return [*targets, *_sharing_a_budget(around, *(each for each in known if each is not None))]

    def _observe_claim(self, namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        around = self._neighbourhoods[namespace]
        before, after = around.claims.pop(name, None), read_claim(raw) if raw is not None else None
        if after is not None:
            around.claims[name] = after
        return () if before == after else _having(around, lambda pod: name in pod.claims)

    def _observe_account(self, namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        around = self._neighbourhoods[namespace]
        before, after = around.accounts.pop(name, None), read_service_account(raw) if raw is not None else None
        if after is not None:
            around.accounts[name] = after
        return () if before == after else _having(around, lambda pod: pod.service_account == name)

    def _observe_limit_range(self, namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        around = self._neighbourhoods[namespace]
        before, after = around.limit_ranges.pop(name, None), read_limit_range(raw) if raw is not None else None
        if after is not None:
            around.limit_ranges[name] = after
        return () if before == after else tuple(around.workloads)

    def _observe_budget(self, namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
        around = self._neighbourhoods[namespace]
        before = around.budgets.pop(name, None)
        around.budget_selectors.drop(name)
        around.reaches.pop(name, None)
        for uid in before.owner_uids if before else ():
            around.owned[uid].discard(name)
        after = read_budget(raw) if raw is not None else None
        if after is not None:
            _enter_budget(around, after)
        return () if _same_budget(before, after) else self._selected(around, (before, after))

    def _selected(self, around: _Neighbourhood, budgets: Iterable[Budget | None]) -> Iterator[WorkloadKey]:
        for budget in budgets:
            if budget is not None:
                selected = around.labels.selected_by(budget.selector) if budget.selector else set()
                yield from selected
                for each in selected:
                    yield from around.selectors.selecting(around.labels.labels_of(each) or {})
                yield from (around.uids[uid] for uid in budget.owner_uids if uid in around.uids)

    def _relabel(self, owner: WorkloadKey, labels: Mapping[str, str] | None) -> Iterable[WorkloadKey]:
        """Enter the labels of a pod template, or drop them.

        Return the workloads whose selector matches them, before or after, and those that share a budget with it.
        """
        around = self._neighbourhoods[owner.namespace]
        before = around.labels.labels_of(owner)
        if labels is None:
            around.labels.drop(owner)
        else:
            around.labels.put(owner, labels)
        known = [each for each in (before, labels) if each is not None]
        concerned = _sharing_a_budget(around, *known)
        return concerned.union(*map(around.selectors.selecting, known))

    def _observer_of_workload(
        self, resource: Resource
    ) -> Callable[[str, str, Mapping[str, Any] | None], Iterable[WorkloadKey]]:
        def observe(namespace: str, name: str, raw: Mapping[str, Any] | None) -> Iterable[WorkloadKey]:
            workload = read_workload({**raw, "kind": resource.kind}) if raw is not None else None
            if workload is None or workload.derived:
                return self._drop_workload(WorkloadKey(namespace, resource.kind, name))
            return self._put_workload(workload)

        return observe

    def _put_workload(self, workload: Workload) -> Iterable[WorkloadKey]:
        around, key = self._neighbourhoods[workload.key.namespace], workload.key
        before, around.workloads[key] = around.workloads.get(key), workload
        if before is not None and before.like(workload):
            return ()
        around.uids[workload.uid] = key
        if workload.selector is not None:
            around.selectors.put(key, workload.selector)
        if workload.kind is Kind.POD or (before is not None and _counts_as(before) == _counts_as(workload)):
            return {key}
        return {key, *self._relabel(key, workload.template.labels)}

    def _drop_workload(self, key: WorkloadKey) -> Iterable[WorkloadKey]:
        around = self._neighbourhoods[key.namespace]
        workload = around.workloads.pop(key, None)
        if workload is None:
            return ()
        around.uids.pop(workload.uid, None)
        around.selectors.drop(key)
        return {key, *self._relabel(key, None)}


def repaired_by(workload: Workload, budgets: Iterable[Budget]) -> str | None:
    """Return the policy under which a workload carries repairs, by its journal or by the label of our budget."""
    noted = workload.notes.get(POLICY_NOTE) if workload.kind in REPAIRED else None
    if noted:
        return noted
    return next((dict(each.labels).get(POLICY_LABEL) for each in budgets), None)


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


def _enter_budget(around: _Neighbourhood, budget: Budget) -> None:
    around.budgets[budget.name] = budget
    for uid in budget.owner_uids:
        around.owned[uid].add(budget.name)
    if budget.selector is not None:
        around.budget_selectors.put(budget.name, budget.selector)


def _overlaps(around: _Neighbourhood, workload: Workload) -> set[WorkloadKey]:
    """Return the others whose pods the selector of a workload matches, too."""
    selected = around.labels.selected_by(workload.selector) if workload.selector is not None else set()
    return selected - {workload.key}


def _rivals(around: _Neighbourhood, overlaps: Iterable[WorkloadKey]) -> tuple[str, ...]:
    """Return the budgets that we did not make and that select pods of these."""
    found = (around.budget_selectors.selecting(around.labels.labels_of(each) or {}) for each in overlaps)
    return tuple(sorted({name for names in found for name in names if not around.budgets[name].ours}))


def _autoscaler(around: _Neighbourhood, key: WorkloadKey) -> Autoscaler | None:
    names = sorted(around.scaled.get(key, ()))
    return around.autoscalers[names[0]] if names else None


def _titles(keys: Iterable[WorkloadKey]) -> tuple[str, ...]:
    return tuple(sorted(f"{each.kind} {each.name}" for each in keys))


def _counts_as(workload: Workload) -> tuple[object, ...]:
    """Return all that the disruption budgets around a workload depend on."""
    return workload.template.labels, workload.replicas, workload.passing


def _reach(around: _Neighbourhood, budget: str) -> Reach:
    """Return what a budget selects, all workloads together."""
    if budget not in around.reaches:
        selector = around.budgets[budget].selector
        selected = around.labels.selected_by(selector) if selector is not None else set()
        around.reaches[budget] = Reach.over((around.workloads[key], _autoscaler(around, key)) for key in selected)
    return around.reaches[budget]


def _sharing_a_budget(around: _Neighbourhood, *labels: Mapping[str, str]) -> set[WorkloadKey]:
    """Forget what the budgets over pods with these labels select; return the workloads that were judged by it.

    If none was judged since it was forgotten last, all of them have yet to be.
    """
    names = {name for each in labels for name in around.budget_selectors.selecting(each)}
    stale = [around.budgets[name].selector for name in names if around.reaches.pop(name, None) is not None]
    return {key for selector in stale if selector is not None for key in around.labels.selected_by(selector)}


def _read_namespace(name: str, raw: Mapping[str, Any]) -> Namespace:
    metadata = Fields(raw).mapping("metadata")
    labels = metadata.text_map("labels")
    return Namespace(
        name=name,
        policy=labels.get(NAMESPACE_POLICY) or None,
        mode=labels.get(NAMESPACE_MODE),
        deleting="deletionTimestamp" in metadata,
    )


def _same_budget(before: Budget | None, after: Budget | None) -> bool:
    """Say whether two states of a budget differ in nothing but their resource version."""
    if before is None or after is None:
        return before is after
    return before.like(after)


def _having(around: _Neighbourhood, meant: Callable[[PodTemplate], bool]) -> list[WorkloadKey]:
    return [key for key, each in around.workloads.items() if meant(each.template)]


def _target(autoscaler: Autoscaler) -> WorkloadKey:
    return WorkloadKey(autoscaler.namespace, autoscaler.target_kind, autoscaler.target_name)


def _is_older(version: str, known: str, *, deleted: bool) -> bool:
    """Say whether a version is not news. Versions of one kind are ordered numbers; others are taken as news."""
    if not (version.isdecimal() and known.isdecimal()):
        return False
    return int(version) < int(known) if deleted else int(version) <= int(known)


def _distinct(keys: Iterable[WorkloadKey]) -> list[WorkloadKey]:
    return list(dict.fromkeys(keys))
