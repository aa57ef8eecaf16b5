"""Which pod runs on which node, kept up to date while pods come and go, and where the scheduler would put one more.

The sums and counts that the rules of the scheduler need are changed with each pod, never computed again.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random

from msgspec import Struct

from productionpolicy.drain.cluster import (
    COPIED_FROM_THE_NODE,
    REVISION,
    ZONES,
    Amounts,
    Claim,
    Cluster,
    HostPort,
    Node,
    NodeTerm,
    Pod,
    Shape,
    Spread,
    Taint,
)
from productionpolicy.drain.requests import CPU, MEMORY, PODS
from productionpolicy.kube.pods import HOSTNAME, NAMESPACE_NAME, ZONE, AffinityTerm
from productionpolicy.kube.selectors import Labels, Selector

_LEAST_COMPARED, _LEAST_SHARE = 100, 5
"""kube-scheduler compares at least so many nodes, and at least so many percent of all."""

Pairs = tuple[tuple[str, str], ...]

_UNSCHEDULABLE = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")
_NO_PROVISIONER = "kubernetes.io/no-provisioner"

_SPREAD_BY_DEFAULT = frozenset({"ReplicaSet", "ReplicationController", "StatefulSet"})
"""The owners whose selector kube-scheduler knows (helper.DefaultSelector)."""

_OF_ONE_POD = frozenset({"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"})
"""The labels that distinguish the pods of a StatefulSet."""

_NOT_SELECTED = _OF_ONE_POD | COPIED_FROM_THE_NODE | {REVISION}
"""The labels that a controller adds to its pods and does not select them by."""

_CLOSE = (10.0, 10.0, 30.0)
"""How much lower the score of a node may be that the dice still take, in one play or another; the best has several
hundred."""

SELECTOR = "node(s) didn't match Pod's node affinity/selector"
TAINT = "node(s) had untolerated taint(s)"
CORDONED = "node(s) were unschedulable"
PORTS = "node(s) didn't have free ports for the requested pod ports"
TOO_MANY_PODS = "Too many pods"
VOLUME_NODE = "node(s) didn't match PersistentVolume's node affinity"
VOLUME_ZONE = "node(s) had no available volume zone"
VOLUME_COUNT = "node(s) exceed max volume count"
VOLUME_IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)
VOLUME_MISSING = "node(s) didn't find available persistent volumes to bind"
THEIR_ANTI_AFFINITY = "node(s) didn't satisfy existing pods anti-affinity rules"
AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
SPREAD = "node(s) didn't match pod topology spread constraints"
SPREAD_LABEL = "node(s) didn't match pod topology spread constraints (missing required label)"


class Place:
    """A node, and what runs on it."""

    __slots__ = (
        "attached",
        "cordoned",
        "failed",
        "known_lacking",
        "known_scores",
        "labels",
        "node",
        "pods",
        "ports",
        "scored",
        "used",
    )

    def __init__(self, node: Node) -> None:
        self.node = node
        self.labels = node.labels
        self.cordoned = node.unschedulable
        self.failed = False
        """Whether it stopped; the control plane then taints it."""
        self.pods: dict[str, Pod] = {}
        self.used: Counter[str] = Counter()
        self.scored = [0, 0]
        self.ports: list[HostPort] = []
        self.attached: dict[str, Counter[str]] = {}
        self.known_lacking: dict[int, str] = {}
        """What is lacking for pods of a size; known until a pod comes or goes."""
        self.known_scores: dict[int, float] = {}
        """The scores for pods of a size; known until a pod comes or goes."""

    def add(self, pod: Pod, volumes: Iterable[tuple[str, str]]) -> None:
        """Let a pod run here."""
        self.pods[pod.uid] = pod
        self._count(pod, 1)
        self.ports.extend(pod.shape.ports)
        for driver, name in volumes:
            self.attached.setdefault(driver, Counter())[name] += 1

    def remove(self, pod: Pod, volumes: Iterable[tuple[str, str]]) -> None:
        """Let a pod end."""
        del self.pods[pod.uid]
        self._count(pod, -1)
        for port in pod.shape.ports:
            self.ports.remove(port)
        for driver, name in volumes:
            self.attached[driver][name] -= 1

    def _count(self, pod: Pod, sign: int) -> None:
        self.used[PODS] += sign
        for name, amount in pod.shape.requests:
            self.used[name] += sign * amount
        self.scored[0] += sign * pod.shape.scored[0]
        self.scored[1] += sign * pod.shape.scored[1]
        self.known_lacking.clear()
        self.known_scores.clear()

    def lacking(self, shape: Shape) -> str:
        """Return the first resource of which too little is left, in the wording of the scheduler; empty if none is."""
        found = self.known_lacking.get(shape.size)
        if found is None:
            found = self.known_lacking[shape.size] = self._first_lacking(shape.requests)
        return found

    def _first_lacking(self, requests: Amounts) -> str:
        offered, used = self.node.allocatable, self.used
        if used[PODS] + 1 > offered.get(PODS, 0):
            return TOO_MANY_PODS
        short = (name for name, amount in requests if amount and used[name] + amount > offered.get(name, 0))
        return next((f"Insufficient {name}" for name in short), "")

    def takes_instead_of_others(self, shape: Shape) -> bool:
        """Return whether it has the resources for a pod once pods with a lower priority have gone, if there are any."""
        lower = [each.shape for each in self.pods.values() if each.shape.priority < shape.priority]
        freed: Counter[str] = Counter({PODS: len(lower)})
        for each in lower:
            freed.update(dict(each.requests))
        wanted = ((PODS, 1), *shape.requests)
        offered = self.node.allocatable
        return bool(lower) and all(
            self.used[name] - freed[name] + amount <= offered.get(name, 0) for name, amount in wanted if amount
        )

    def score(self, shape: Shape) -> float:
        """Return the scores for the least allocated resources and for their balance, each with weight 1."""
        found = self.known_scores.get(shape.size)
        if found is None:
            found = self.known_scores[shape.size] = self._score(shape)
        return found

    def _score(self, shape: Shape) -> float:
        offered, used = self.node.allocatable, self.used
        cpus, memory = offered.get(CPU, 0) or 1, offered.get(MEMORY, 0) or 1
        free = (
            100 * max(0, cpus - self.scored[0] - shape.scored[0]) // cpus
            + 100 * max(0, memory - self.scored[1] - shape.scored[1]) // memory
        ) // 2
        asked = dict(shape.requests)
        before = abs(used[CPU] / cpus - used[MEMORY] / memory) / 2
        after = abs((used[CPU] + asked.get(CPU, 0)) / cpus - (used[MEMORY] + asked.get(MEMORY, 0)) / memory) / 2
        return free + 50 + (50 + int(100 * (1 - after)) - int(100 * (1 - before))) // 2

    def added(self, volumes: Iterable[tuple[str, str]]) -> Counter[str]:
        """Return how many of these volumes are not attached yet, by driver."""
        return Counter(driver for driver, name in set(volumes) if not self.attached.get(driver, Counter())[name])

    def attachable(self, volumes: Iterable[tuple[str, str]]) -> bool:
        """Return whether the limits of its drivers allow these volumes, too."""
        added, limits = self.added(volumes), self.node.attach_limits
        return all(
            sum(count > 0 for count in self.attached.get(driver, Counter()).values()) + number <= limits[driver]
            for driver, number in added.items()
            if driver in limits
        )


class Tally:
    """How many pods that a predicate matches run on each node, and in each domain."""

    __slots__ = ("by_domain", "by_node", "ending", "matches", "total")

    def __init__(self, matches: Callable[[str, Labels], bool], *, ending: bool) -> None:
        self.matches = matches
        """Whether it counts pods in a namespace with some labels."""
        self.ending = ending
        """Whether it counts terminating pods, too."""
        self.by_node: Counter[str] = Counter()
        self.by_domain: dict[str, Counter[str]] = {}
        self.total = 0

    def counts(self, alike: _Alike) -> bool:
        """Return whether it counts these pods."""
        return (self.ending or not alike.ending) and self.matches(alike.namespace, alike.labels)

    def count(self, place: Place, number: int) -> None:
        """Add a number of matching pods on a node."""
        self.total += number
        _add(self.by_node, place.node.name, number)
        for key, domains in self.by_domain.items():
            value = place.labels.get(key)
            if value is not None:
                domains[value] += number


class _Alike:
    """The pods of a namespace with the same labels, terminating or not: what counts one of them counts all."""

    __slots__ = ("by_node", "ending", "labels", "namespace", "tallies")

    def __init__(self, namespace: str, labels: Labels, *, ending: bool) -> None:
        self.namespace, self.labels, self.ending = namespace, labels, ending
        self.by_node: Counter[str] = Counter()
        self.tallies: list[Tally] = []

    def count(self, place: Place, number: int) -> None:
        """Add a number of these pods on a node."""
        _add(self.by_node, place.node.name, number)
        for tally in self.tallies:
            tally.count(place, number)


class _Terms:
    """The affinity terms of the pods that run, and how many pods with each term are in each domain."""

    __slots__ = ("_by_namespace", "_found", "_matches")

    def __init__(self, matches: Callable[[AffinityTerm, str, str, Labels], bool]) -> None:
        self._matches = matches
        """Whether a term of a pod in the first namespace counts pods in the second one with these labels."""
        self._by_namespace: defaultdict[str, dict[tuple[AffinityTerm, int], Counter[str]]] = defaultdict(dict)
        self._found: dict[tuple[object, ...], list[tuple[int, str, Counter[str]]]] = {}

    def count(self, namespace: str, term: AffinityTerm, weight: int, place: Place, number: int) -> None:
        """Add a number of pods with a term on a node."""
        value = place.labels.get(term.topology_key)
        if value is None:
            return
        terms = self._by_namespace[namespace]
        domains = terms.get((term, weight))
        if domains is None:
            domains = terms[term, weight] = Counter()
            self._found.clear()
        domains[value] += number

    def matching(self, pod: Pod) -> list[tuple[int, str, Counter[str]]]:
        """Return the weights, topology keys and domains of the terms that match a pod."""
        key = (pod.namespace, pod.labels)
        found = self._found.get(key)
        if found is None:
            labels = dict(pod.labels)
            found = self._found[key] = [
                (weight, term.topology_key, domains)
                for namespace, terms in self._by_namespace.items()
                for (term, weight), domains in terms.items()
                if (namespace == pod.namespace or not _is_local(term))
                and self._matches(term, namespace, pod.namespace, labels)
            ]
        return found


class _Candidates(Struct):
    """The nodes whose labels, taints and volumes a pod can have, and why the others are out of the question."""

    places: list[Place]
    reasons: dict[str, str]
    """The reasons of the others, by the name of the node."""


class Fit(Struct, frozen=True):
    """Where a pod can go."""

    node: str | None
    reasons: tuple[tuple[str, int], ...] = ()
    """Why the other nodes do not take it, with the number of nodes; the most frequent reason first."""
    unknown: tuple[str, ...] = ()
    """What decides its place and is not known."""
    total: int = 0

    @property
    def sentence(self) -> str:
        """The reasons in the wording of the scheduler."""
        listed = ", ".join(f"{number} {reason}" for reason, number in self.reasons)
        return f"0/{self.total} nodes are available: {listed}" if listed else f"0/{self.total} nodes are available"


class _NodeRule(Struct, frozen=True):
    """Which nodes can use a volume."""

    reason: str
    terms: tuple[NodeTerm, ...] | None = None
    zone: str = ""
    values: frozenset[str] = frozenset()

    def allows(self, node: Node) -> bool:
        """Return whether a node can use it. A node without any label of a zone or region can (volume_zone.go)."""
        if not self.zone:
            return _any_matches(self.terms, node)
        found = node.labels.get(self.zone, node.labels.get(ZONES[self.zone]))
        return found in self.values or not any(each in node.labels for each in ZONES)


class Board:
    """The nodes of a cluster with their pods."""

    def __init__(self, cluster: Cluster, dice: Random | None = None) -> None:
        self.cluster, self._dice = cluster, dice
        self._close = dice.choice(_CLOSE) if dice else 0.0
        self.places = {each.name: Place(each) for each in cluster.nodes}
        self._tallies: dict[object, Tally] = {}
        self._alike: defaultdict[str, dict[tuple[Pairs, bool], _Alike]] = defaultdict(dict)
        self._by_namespace: defaultdict[str, list[Tally]] = defaultdict(list)
        self._widely: list[Tally] = []
        self._repelling, self._attracting = _Terms(self._matches), _Terms(self._matches)
        self._perhaps_repelling = _Terms(self._may_match) if "namespaces" in cluster.unread else None
        self._candidates: dict[tuple[object, ...], _Candidates] = {}
        self._counted: dict[tuple[object, ...], dict[str, str]] = {}
        self._priorities: Counter[int] = Counter()
        self._next = 0
        """Where the scheduler begins to look for the next pod."""
        self._users: Counter[tuple[str, str]] = Counter()
        for pod in cluster.pods:
            if pod.node in self.places and not pod.finished:
                self.put(pod, pod.node)

    def put(self, pod: Pod, node: str) -> None:
        """Let a pod run on a node."""
        place = self.places[node]
        place.add(pod, self._attachments(pod))
        self._note(pod, place, 1)

    def take(self, pod: Pod, node: str) -> None:
        """Let a pod end."""
        place = self.places[node]
        place.remove(pod, self._attachments(pod))
        self._note(pod, place, -1)

    def add_node(self, node: Node) -> None:
        """Add an empty node."""
        self.places[node.name] = Place(node)
        self._candidates.clear()
        self._counted.clear()

    def renew(self, name: str) -> None:
        """Let a new node that is like an old one take its place."""
        place = self.places[name]
        place.cordoned = False
        node = place.node.replacement
        if node != place.node:
            place.node = node
            self._candidates.clear()

    def _note(self, pod: Pod, place: Place, number: int) -> None:
        self._alike_to(pod).count(place, number)
        self._priorities[pod.shape.priority] += number
        for claim in pod.claims:
            self._users[pod.namespace, claim] += number
        for term in pod.shape.anti_affinity:
            self._repelling.count(pod.namespace, term, term.weight, place, number)
            if self._perhaps_repelling:
                self._perhaps_repelling.count(pod.namespace, term, term.weight, place, number)
        for term, weight in pod.shape.attractions:
            self._attracting.count(pod.namespace, term, weight, place, number)

    def _alike_to(self, pod: Pod) -> _Alike:
        key = pod.labels, pod.deleting
        found = self._alike[pod.namespace].get(key)
        if found is None:
            found = self._alike[pod.namespace][key] = _Alike(pod.namespace, dict(pod.labels), ending=pod.deleting)
            tallies = (*self._by_namespace[pod.namespace], *self._widely)
            found.tallies.extend(each for each in tallies if each.counts(found))
        return found

    def fit(self, pod: Pod) -> Fit:
        """Return the node that the scheduler would choose for a pod, or why none is possible."""
        missing = self._missing_claim(pod)
        if missing:
            return Fit(None, ((missing, len(self.places)),), pod.shape.unknown, len(self.places))
        candidates = self._candidates_for(pod)
        fitting = self._fitting(pod, candidates.places)
        node = self._chosen(pod, fitting) if fitting else None
        unknown = (*pod.shape.unknown, *self._unknown_of_volumes(pod), *self._unread_about(pod, node))
        if node:
            return Fit(node, unknown=unknown)
        nodes = len(candidates.places) + len(candidates.reasons)
        return Fit(None, self._reasons(pod, candidates), unknown, nodes)

    def preemptible(self, pod: Pod) -> Iterator[Place]:
        """Yield the nodes that would have the resources for a pod if those with a lower priority were not there."""
        if not self._may_preempt(pod) or self._missing_claim(pod):
            return
        cordoned = _tolerated(_UNSCHEDULABLE, pod.shape)
        for place in self._candidates_for(pod).places:
            if not place.failed and (cordoned or not place.cordoned) and place.takes_instead_of_others(pod.shape):
                yield place

    def _may_preempt(self, pod: Pod) -> bool:
        return pod.shape.preempts and min(self._priorities, default=0) < pod.shape.priority

    def takes(self, pod: Pod, place: Place) -> bool:
        """Return whether one of the nodes that a pod can have takes it beside the pods that it has now."""
        return not place.lacking(pod.shape) and all(rule(place) is None for rule in self._rules(pod))

    def _fitting(self, pod: Pod, places: list[Place]) -> list[Place]:
        """Return nodes that take a pod. Of many nodes, the scheduler looks at some only, from where it last stopped."""
        shape, size, rules = pod.shape, pod.shape.size, self._rules(pod)
        cordoned, enough = _tolerated(_UNSCHEDULABLE, shape), _enough(len(self.places))
        fitting: list[Place] = []
        start = self._next % len(places) if places else 0
        for place in (*places[start:], *places[:start]):
            self._next += 1
            if place.failed or (place.cordoned and not cordoned):
                continue
            lacking = place.known_lacking.get(size)
            if place.lacking(shape) if lacking is None else lacking:
                continue
            for rule in rules:
                if rule(place) is not None:
                    break
            else:
                fitting.append(place)
                if len(fitting) == enough:
                    break
        return fitting

    def _reasons(self, pod: Pod, candidates: _Candidates) -> tuple[tuple[str, int], ...]:
        """Return why the nodes do not take a pod: of each the first filter that fails, as the scheduler says it."""
        reasons = Counter(candidates.reasons.values())
        further, cordoned = self._rules(pod), _tolerated(_UNSCHEDULABLE, pod.shape)
        for place in candidates.places:
            barred = CORDONED if place.cordoned and not cordoned else TAINT if place.failed else ""
            lacking = barred or place.lacking(pod.shape)
            reasons[lacking or next((found for rule in further if (found := rule(place))), "")] += 1
        return tuple(sorted(reasons.items(), key=lambda each: (-each[1], each[0])))

    def _rules(self, pod: Pod) -> list[Callable[[Place], str | None]]:
        """Return the filters of the scheduler that depend on other pods, except for resources, in their order.

        That order is: ports, attach limits, spread constraints, pod affinity.
        """
        ports, attachments = pod.shape.ports, tuple(self._attachments(pod))
        rules: list[Callable[[Place], str | None]] = []
        if ports:
            rules.append(lambda place: PORTS if _conflicting(ports, place.ports) else None)
        if attachments:
            rules.append(lambda place: None if place.attachable(attachments) else VOLUME_COUNT)
        return [*rules, *self._spread_rules(pod), *self._affinity_rules(pod)]

    def _candidates_for(self, pod: Pod) -> _Candidates:
        """Return the nodes that a pod can have by what does not change: labels, taints and volumes."""
        shape = pod.shape
        storage = (pod.namespace, pod.claims, pod.new_claims) if pod.claims or pod.new_claims else ()
        key = (shape.tolerations, shape.node_selector, shape.node_terms, storage)
        found = self._candidates.get(key)
        if found is None:
            rules, there = tuple(self._volume_rules(pod)), tuple(self.places.values())
            reasons = {each.node.name: _static_reason(each.node, pod.shape, rules) for each in there}
            found = self._candidates[key] = _Candidates(
                [each for each in there if reasons[each.node.name] is None],
                {name: reason for name, reason in reasons.items() if reason is not None},
            )
        return found

    def _volume_rules(self, pod: Pod) -> Iterator[_NodeRule]:
        cluster = self.cluster
        for claim in filter(None, (cluster.claims.get((pod.namespace, name)) for name in pod.claims)):
            volume = cluster.volumes.get(claim.volume)
            if claim.deleting or not claim.volume:
                yield from self._class_rules(claim.storage_class or "")
            elif volume is not None:
                yield _NodeRule(VOLUME_NODE, terms=volume.node_terms)
                yield from (_NodeRule(VOLUME_ZONE, zone=key, values=values) for key, values in volume.zones)
        for _, storage_class in pod.new_claims:
            yield from self._class_rules(storage_class)

    def _class_rules(self, name: str) -> Iterator[_NodeRule]:
        storage_class = self.cluster.classes.get(name)
        if storage_class is not None:
            nowhere = storage_class.provisioner == _NO_PROVISIONER
            yield _NodeRule(VOLUME_MISSING, terms=() if nowhere else storage_class.topologies)

    def _missing_claim(self, pod: Pod) -> str | None:
        """Return why no node takes a pod because of a claim, in the wording of the scheduler (volume_binding.go)."""
        return next((why for name in pod.claims if (why := self._why_unusable(pod, name))), None)

    def _why_unusable(self, pod: Pod, name: str) -> str | None:
        claim, unread = self.cluster.claims.get((pod.namespace, name)), self.cluster.unread
        if claim is None or claim.deleting:
            if (claim is None and "persistentvolumeclaims" in unread) or self._is_created_again(pod, name):
                return None
            return f'persistentvolumeclaim "{name}" {"is being deleted" if claim else "not found"}'
        gone = claim.volume and claim.volume not in self.cluster.volumes and "persistentvolumes" not in unread
        if claim.lost or gone:
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim.volume}"'
        return VOLUME_IN_USE if claim.one_pod and self._users[pod.namespace, name] else None

    def _is_created_again(self, pod: Pod, name: str) -> bool:
        """Return whether the StatefulSet of a pod creates a claim that is not there, or is not there any more."""
        controller = self.cluster.controllers.get(pod.owner.uid) if pod.owner else None
        return controller is not None and any(f"{each}-{pod.name}" == name for each in controller.claim_templates)

    def _unknown_of_volumes(self, pod: Pod) -> Iterator[str]:
        for name in pod.claims:
            claim = self.cluster.claims.get((pod.namespace, name))
            if claim is None and "persistentvolumeclaims" in self.cluster.unread:
                yield f"its claim {name} could not be read"
            elif claim is None or claim.deleting:
                yield f"its claim {name} is created again with an empty volume, for which the nodes are not known"
            elif claim.volume and claim.volume not in self.cluster.volumes:
                yield f"the volume {claim.volume} of its claim {name} could not be read"
            elif self._attached_elsewhere(pod, claim):
                yield f"another pod uses its claim {name}, which only one node can mount"
            elif not claim.volume:
                yield f"its claim {name} has no volume yet, and where one can be made is not known"
        for _, name in pod.new_claims:
            yield f"it gets a new volume of storage class {name or '(default)'}, and where one can be made is not known"

    def _unread_about(self, pod: Pod, node: str | None) -> Iterator[str]:
        """Yield what was not read and may change where a pod goes.

        Attach limits and anti-affinity only exclude nodes, so they change nothing for a pod that fits nowhere anyway.

        Args:
            pod: the pod.
            node: where it goes as far as is known; None if it fits nowhere.
        """
        excludable = node is not None or self._may_preempt(pod)
        if excludable and "csinodes.storage.k8s.io" in self.cluster.unread:
            volumes = tuple(self._attachments(pod))
            for driver in sorted(self.places[node].added(volumes) if node else {driver for driver, _ in volumes}):
                yield f"how many volumes of {driver} a node can attach could not be read"
        if self._perhaps_repelling:
            labels, own = dict(pod.labels), pod.namespace
            terms = (*pod.shape.affinity, *(pod.shape.anti_affinity if excludable else ()))
            itself = any(self._may_match(each, own, own, labels) for each in pod.shape.affinity)
            if itself or any(self._perhaps_matching(pod, each).total for each in terms):
                yield "the labels of namespaces, by which its affinity selects, could not be read"
            if excludable and any(+domains for _, _, domains in self._perhaps_repelling.matching(pod)):
                yield "the labels of its namespace, by which the anti-affinity of other pods selects, could not be read"

    def _attached_elsewhere(self, pod: Pod, claim: Claim) -> bool:
        volume = self.cluster.volumes.get(claim.volume)
        return (
            claim.one_node and volume is not None and bool(volume.driver) and self._users[pod.namespace, claim.name] > 0
        )

    def _attachments(self, pod: Pod) -> Iterator[tuple[str, str]]:
        """Yield the drivers and names of the volumes that attach limits count (nodevolumelimits, csi.go)."""
        for name in pod.claims:
            claim = self.cluster.claims.get((pod.namespace, name))
            if claim is not None:
                yield from self._attached_as(claim)
        for volume, storage_class in pod.new_claims:
            name = f"{pod.name}-{volume}"
            found = self.cluster.claims.get((pod.namespace, name))
            yield from self._attached_as(found or Claim(pod.namespace, name, storage_class=storage_class))

    def _attached_as(self, claim: Claim) -> Iterator[tuple[str, str]]:
        """Yield the driver and the name of the volume of a claim; without a volume, it counts by its storage class."""
        volume = self.cluster.volumes.get(claim.volume)
        storage_class = self.cluster.classes.get(claim.storage_class or "")
        if volume is not None and volume.driver:
            yield volume.driver, volume.name
        elif volume is None and storage_class is not None:
            yield storage_class.provisioner, f"{claim.namespace}/{claim.name}"

    def _spread_rules(self, pod: Pod) -> Iterator[Callable[[Place], str | None]]:
        keys = tuple(each.key for each in pod.shape.spread)
        for constraint in pod.shape.spread:
            yield self._spread_rule(pod, constraint, keys)

    def _spread_rule(self, pod: Pod, constraint: Spread, keys: tuple[str, ...]) -> Callable[[Place], str | None]:
        """Return the filter of a DoNotSchedule constraint.

        Only nodes with the keys of all constraints count, and only those that the node policies include.
        """
        tally = self._same_namespace(pod.namespace, constraint.selector)
        domains = self._counted_nodes(pod, constraint, keys)
        counts = Counter(dict.fromkeys(domains.values(), 0))
        for name, number in tally.by_node.items():
            if name in domains:
                counts[domains[name]] += number
        least = min(counts.values(), default=0) if len(counts) >= constraint.min_domains else 0
        own = int(constraint.selector.matches(dict(pod.labels)))
        most = constraint.max_skew + least - own

        def refuses(place: Place) -> str | None:
            value = place.labels.get(constraint.key)
            if value is None:
                return SPREAD_LABEL
            return SPREAD if counts[value] > most else None

        return refuses

    def _counted_nodes(self, pod: Pod, constraint: Spread, keys: tuple[str, ...]) -> dict[str, str]:
        """Return the domains of the nodes that a constraint counts, by node."""
        chosen = (pod.shape.node_selector, pod.shape.node_terms) if constraint.honors_affinity else ()
        key = (constraint.key, keys, chosen)
        found = None if constraint.honors_taints else self._counted.get(key)
        if found is not None:
            return found
        counted = {
            name: place.labels[constraint.key]
            for name, place in self.places.items()
            if all(each in place.labels for each in keys) and _counts(constraint, place, pod)
        }
        if not constraint.honors_taints:  # with them, it changes as nodes are cordoned
            self._counted[key] = counted
        return counted

    def _affinity_rules(self, pod: Pod) -> Iterator[Callable[[Place], str | None]]:
        repelled = [(key, domains) for _, key, domains in self._repelling.matching(pod) if +domains]
        if repelled:
            yield lambda place: THEIR_ANTI_AFFINITY if _any_in(repelled, place) else None
        apart = [(each.topology_key, self._domains(pod, each)) for each in pod.shape.anti_affinity]
        if apart:
            yield lambda place: ANTI_AFFINITY if _any_in(apart, place) else None
        if pod.shape.affinity:
            yield self._required_affinity(pod)

    def _required_affinity(self, pod: Pod) -> Callable[[Place], str | None]:
        """Return the filter of required pod affinity. It counts the pods that match all terms.

        If no pod matches on a node with one of the labels, a pod that matches its own terms may start the group, on a
        node with all of them.
        """
        terms, labels = pod.shape.affinity, dict(pod.labels)
        tally = self._tally(
            (pod.namespace, terms),
            lambda namespace, of: all(self._matches(each, pod.namespace, namespace, of) for each in terms),
            only=pod.namespace if any(map(_is_local, terms)) else None,
        )
        wanted = [(each.topology_key, self._by_key(tally, each.topology_key)) for each in terms]
        counted = any(number > 0 for _, counts in wanted for number in counts.values())
        first = not counted and all(self._matches(each, pod.namespace, pod.namespace, labels) for each in terms)

        def refuses(place: Place) -> str | None:
            if any(key not in place.labels for key, _ in wanted):
                return AFFINITY
            return None if first or all(counts[place.labels[key]] > 0 for key, counts in wanted) else AFFINITY

        return refuses

    def _domains(self, pod: Pod, term: AffinityTerm) -> Counter[str]:
        tally = self._tally(
            (pod.namespace, term),
            lambda namespace, labels: self._matches(term, pod.namespace, namespace, labels),
            only=pod.namespace if _is_local(term) else None,
        )
        return self._by_key(tally, term.topology_key)

    def _matches(self, term: AffinityTerm, own: str, namespace: str, labels: Labels) -> bool:
        """Return whether a term of a pod in the namespace `own` counts a pod in `namespace` with these labels."""
        there = bool(self._covers(term, own, namespace))
        return there and term.selector is not None and term.selector.matches(labels)

    def _may_match(self, term: AffinityTerm, own: str, namespace: str, labels: Labels) -> bool:
        """Return whether it depends on labels of a namespace that could not be read whether a term counts such pods."""
        unknown = self._covers(term, own, namespace) is None
        return unknown and term.selector is not None and term.selector.matches(labels)

    def _covers(self, term: AffinityTerm, own: str, namespace: str) -> bool | None:
        """Return whether a term concerns pods in a namespace; None if that depends on labels that could not be read."""
        selector = term.namespace_selector
        if selector is None or namespace in term.namespaces:
            return namespace in (term.namespaces or (own,))
        labels, certain = self.cluster.namespaces.get(namespace), {NAMESPACE_NAME: namespace}
        by_name = selector.limited_to(NAMESPACE_NAME)
        if labels is None and "namespaces" in self.cluster.unread and by_name != selector and by_name.matches(certain):
            return None
        return selector.matches(certain if labels is None else labels)

    def _perhaps_matching(self, pod: Pod, term: AffinityTerm) -> Tally:
        """Return the pods that a term of a pod may count, which depends on labels that could not be read."""
        return self._tally(
            ("perhaps", pod.namespace, term),
            lambda namespace, labels: self._may_match(term, pod.namespace, namespace, labels),
        )

    def _same_namespace(self, namespace: str, selector: Selector) -> Tally:
        """Return the pods that a spread constraint counts (countPodsMatchSelector in podtopologyspread).

        It counts no terminating pods, and none at all if its selector is empty.
        """
        return self._tally(
            (namespace, selector),
            lambda _, labels: selector != Selector() and selector.matches(labels),
            only=namespace,
            ending=False,
        )

    def _tally(
        self, key: object, matches: Callable[[str, Labels], bool], *, only: str | None = None, ending: bool = True
    ) -> Tally:
        found = self._tallies.get(key)
        if found is None:
            found = self._tallies[key] = Tally(matches, ending=ending)
            (self._widely if only is None else self._by_namespace[only]).append(found)
            near = self._alike.values() if only is None else (self._alike[only],)
            for alike in (each for those in near for each in those.values()):
                if found.counts(alike):
                    self._begin(found, alike)
        return found

    def _begin(self, tally: Tally, alike: _Alike) -> None:
        alike.tallies.append(tally)
        for name, number in alike.by_node.items():
            tally.count(self.places[name], number)

    def _by_key(self, tally: Tally, key: str) -> Counter[str]:
        found = tally.by_domain.get(key)
        if found is None:
            found = tally.by_domain[key] = Counter()
            for name, number in tally.by_node.items():
                if key in self.places[name].labels:
                    found[self.places[name].labels[key]] += number
        return found

    def _chosen(self, pod: Pod, places: list[Place]) -> str:
        """Return the node with the best score; of equal ones the first by name, where the scheduler draws lots.

        The dice take any node whose score is close to the best, because the scores are not exactly those of the
        scheduler.
        """
        if len(places) == 1:
            return places[0].node.name
        shape, size = pod.shape, pod.shape.size
        scores = [place.score(shape) if (known := place.known_scores.get(size)) is None else known for place in places]
        self._add_preferences(pod, places, scores)
        best = max(scores)
        if self._dice is not None:
            near = [place.node.name for place, score in zip(places, scores, strict=True) if score >= best - self._close]
            return self._dice.choice(near)
        return min(place.node.name for place, score in zip(places, scores, strict=True) if score == best)

    def _add_preferences(self, pod: Pod, places: list[Place], scores: list[float]) -> None:
        shape = pod.shape
        for raw, weight in self._preferences(pod, places):
            for index, value in enumerate(raw):
                scores[index] += weight * value
        if shape.preferred_nodes:
            found = [sum(w for w, term in shape.preferred_nodes if term.matches(each.node)) for each in places]
            for index, value in enumerate(_scaled(found)):
                scores[index] += 2 * value

    def _preferences(self, pod: Pod, places: list[Place]) -> Iterator[tuple[list[float], int]]:
        """Return the normalized scores of the preferred rules, with their weights in the default profile."""
        soft = [
            sum(_avoids(taint, pod.shape) for taint in each.node.taints) if each.node.taints else 0 for each in places
        ]
        if any(soft):
            yield [100 - each for each in _scaled(soft)], 3
        terms = [
            (sign * each.weight, each.topology_key, dict(self._domains(pod, each)))
            for sign, those in ((1, pod.shape.preferred_affinity), (-1, pod.shape.preferred_anti_affinity))
            for each in those
        ]
        terms += [(weight, key, dict(counts)) for weight, key, counts in self._attracting.matching(pod)]
        if terms:
            totals = [
                sum(weight * counts.get(each.labels.get(key, ""), 0) for weight, key, counts in terms)
                for each in places
            ]
            lowest, highest = min(totals), max(totals)
            if highest > lowest:
                yield [100 * (each - lowest) / (highest - lowest) for each in totals], 2
        yield self._spread_scores(pod, places), 2

    def _spread_scores(self, pod: Pod, places: list[Place]) -> list[float]:
        """Return the score of ScheduleAnyway constraints; without any, the pods of one owner spread by default.

        A constraint counts the more, the more domains there are. Nodes without a key of a pod's own constraints come
        last (kube-scheduler, podtopologyspread).
        """
        own = pod.shape.preferred_spread
        constraints = own or (() if pod.shape.spread else self._default_spread(pod))
        tallies = [
            (each, +self._by_key(self._same_namespace(pod.namespace, each.selector), each.key)) for each in constraints
        ]
        seen = [place for place in places if all(each.key in place.labels for each in own)] if own else places
        crowded = _crowded(seen, tallies) if any(counts for _, counts in tallies) else [0] * len(seen)
        lowest, highest = min(crowded, default=0), max(crowded, default=0)
        scores = [100.0 * (highest + lowest - each) // highest if highest else 100.0 for each in crowded]
        if len(seen) == len(places):
            return scores
        by_node = {place.node.name: score for place, score in zip(seen, scores, strict=True)}
        return [by_node.get(place.node.name, 0.0) for place in places]

    def _default_spread(self, pod: Pod) -> tuple[Spread, ...]:
        if pod.owner is None or pod.owner.kind not in _SPREAD_BY_DEFAULT:
            return ()
        selector = Selector.of_labels({name: value for name, value in pod.labels if name not in _NOT_SELECTED})
        return tuple(
            Spread(key, selector, skew, 1, honors_affinity=True, honors_taints=False)
            for key, skew in ((HOSTNAME, 3), (ZONE, 5))
        )


def _is_local(term: AffinityTerm) -> bool:
    """Return whether a term counts only pods in the namespace of its own pod."""
    return not term.namespaces and term.namespace_selector is None


def _static_reason(node: Node, shape: Shape, volumes: Iterable[_NodeRule]) -> str | None:
    if any(_keeps_out(taint) and not _tolerated(taint, shape) for taint in node.taints):
        return TAINT
    if not matches_node(shape, node):
        return SELECTOR
    return next((each.reason for each in volumes if not each.allows(node)), None)


def matches_node(shape: Shape, node: Node) -> bool:
    """Return whether the nodeSelector and the required node affinity of a pod allow a node."""
    if any(node.labels.get(key) != value for key, value in shape.node_selector):
        return False
    return _any_matches(shape.node_terms, node)


def _any_matches(terms: tuple[NodeTerm, ...] | None, node: Node) -> bool:
    return terms is None or any(each.matches(node) for each in terms)


def _keeps_out(taint: Taint) -> bool:
    return taint.effect in {"NoSchedule", "NoExecute"}


def _tolerated(taint: Taint, shape: Shape) -> bool:
    return any(each.tolerates(taint) for each in shape.tolerations)


def _avoids(taint: Taint, shape: Shape) -> bool:
    return taint.effect == "PreferNoSchedule" and not _tolerated(taint, shape)


def _conflicting(ports: Iterable[HostPort], taken: Iterable[HostPort]) -> bool:
    return any(each.conflicts(other) for other in taken for each in ports)


def _counts(constraint: Spread, place: Place, pod: Pod) -> bool:
    """Return whether the node inclusion policies of a constraint count a node."""
    if constraint.honors_affinity and not matches_node(pod.shape, place.node):
        return False
    if not constraint.honors_taints:
        return True
    taints = (*place.node.taints, *((_UNSCHEDULABLE,) if place.cordoned else ()))
    return not any(_keeps_out(each) and not _tolerated(each, pod.shape) for each in taints)


def _any_in(domains: Iterable[tuple[str, Mapping[str, int]]], place: Place) -> bool:
    labels = place.labels
    return any(key in labels and counts.get(labels[key], 0) > 0 for key, counts in domains)


def _crowded(places: list[Place], tallies: Iterable[tuple[Spread, Counter[str]]]) -> list[int]:
    """Return how many pods are near each node, weighed by the number of domains."""
    found = [0.0] * len(places)
    for constraint, counts in tallies:
        domains = [place.labels.get(constraint.key) for place in places]
        weight, more = math.log(len({*domains} - {None}) + 2), constraint.max_skew - 1
        # A Counter looks up what it lacks many times slower than a dict does.
        near = {domain: number * weight + more for domain, number in counts.items()}
        found = [
            before if domain is None else before + near.get(domain, more)
            for before, domain in zip(found, domains, strict=True)
        ]
    return [round(each) for each in found]


def _enough(nodes: int) -> int:
    """Return how many nodes that take a pod the scheduler compares (kube-scheduler, percentageOfNodesToScore)."""
    share = max(_LEAST_SHARE, 50 - nodes // 125)
    return max(_LEAST_COMPARED, nodes * share // 100)


def _scaled(values: list[int]) -> list[float]:
    highest = max(values)
    return [100 * each / highest for each in values] if highest else [0.0] * len(values)


def _add(counts: Counter[str], name: str, number: int) -> None:
    counts[name] += number
    if not counts[name]:
        del counts[name]
