"""What a drain depends on, reduced from the objects of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.pods import ZONE, AffinityTerm
from productionpolicy.kube.selectors import Labels, Selector

Amounts = tuple[tuple[str, int], ...]
"""Resources by name, sorted: cpu in millicores, all others in their base unit, both rounded up."""


REGION = "topology.kubernetes.io/region"
ZONES = {
    ZONE: ZONE,
    REGION: REGION,
    "failure-domain.beta.kubernetes.io/zone": ZONE,
    "failure-domain.beta.kubernetes.io/region": REGION,
}
"""The labels of volumes and nodes for zones and regions, with those that took their place."""

COPIED_FROM_THE_NODE = frozenset({ZONE, REGION})
"""The labels that the API server copies from a node to the pods that are bound to it (PodTopologyLabels)."""

REVISION = "controller-revision-hash"
"""The label with the revision of the template that a StatefulSet or DaemonSet created a pod from."""

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
"""The taint with which somebody says that a node is off, so that podgc deletes by force what is terminating on it."""

_OF_A_STATE = frozenset(
    {
        OUT_OF_SERVICE,
        "node.cloudprovider.kubernetes.io/shutdown",
        *(
            f"node.kubernetes.io/{state}"
            for state in (
                "disk-pressure",
                "memory-pressure",
                "network-unavailable",
                "not-ready",
                "pid-pressure",
                "unreachable",
            )
        ),
    }
)
"""The taints that tell what state a node is in (node lifecycle controllers); a new node has none of them."""


class Key(Struct, frozen=True, order=True):
    """The identity of an object with a namespace."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Owner(Struct, frozen=True):
    """The controller of an object: the owner reference with `controller: true`."""

    group: str
    kind: str
    name: str
    uid: str


class Taint(Struct, frozen=True):
    """A taint of a node."""

    key: str
    value: str
    effect: str


class Toleration(Struct, frozen=True):
    """A toleration of a pod."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    seconds: int | None = None
    """How long a pod stays on a node with a NoExecute taint; None without end."""

    def tolerates(self, taint: Taint) -> bool:
        """Return whether it tolerates a taint (core/v1 Toleration); an empty key tolerates all keys."""
        if self.effect not in {"", taint.effect} or self.key not in {"", taint.key}:
            return False
        if self.operator == "Exists":
            return True
        if self.operator in {"Lt", "Gt"}:
            return _compares(taint.value, self.operator, self.value)
        return self.value == taint.value


class NodeRequirement(Struct, frozen=True):
    """A requirement of node affinity, on a label or on `metadata.name`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Return whether the labels of a node meet it."""
        found = labels.get(self.key)
        match self.operator:
            case "In":
                return found in self.values
            case "NotIn":
                return found not in self.values
            case "Exists":
                return found is not None
            case "DoesNotExist":
                return found is None
            case _:
                return found is not None and len(self.values) == 1 and _compares(found, self.operator, self.values[0])


class NodeTerm(Struct, frozen=True):
    """A term of node affinity; a term without requirements matches no node."""

    labels: tuple[NodeRequirement, ...] = ()
    names: tuple[NodeRequirement, ...] = ()

    def matches(self, node: Node) -> bool:
        """Return whether a node meets all requirements."""
        if not self.labels and not self.names:
            return False
        named = {"metadata.name": node.name}
        return all(each.matches(node.labels) for each in self.labels) and all(
            each.matches(named) for each in self.names
        )


class Spread(Struct, frozen=True):
    """A topologySpreadConstraint of a pod."""

    key: str
    selector: Selector
    max_skew: int
    min_domains: int
    honors_affinity: bool
    """Whether nodes that the pod's selector and affinity rule out are not counted; the default."""
    honors_taints: bool
    """Whether nodes with untolerated taints are not counted; by default they are."""


class HostPort(Struct, frozen=True):
    """A port of the node that a pod uses."""

    protocol: str
    address: str
    port: int

    def conflicts(self, other: HostPort) -> bool:
        """Return whether both cannot be used on one node; 0.0.0.0 is all addresses."""
        same = (self.protocol, self.port) == (other.protocol, other.port)
        return same and (self.address == other.address or "0.0.0.0" in {self.address, other.address})


class Shape(Struct, frozen=True):
    """What the scheduler must know of a pod. The pods of one template share it."""

    requests: Amounts = ()
    scored: tuple[int, int] = (0, 0)
    """The millicores and bytes that count for the order of the nodes: 100m and 200 MB for a container without them."""
    size: int = 0
    """A number that shapes with the same requests share, and no others."""
    node_selector: tuple[tuple[str, str], ...] = ()
    node_terms: tuple[NodeTerm, ...] | None = None
    """Required node affinity: one of the terms must match; None if there is none."""
    preferred_nodes: tuple[tuple[int, NodeTerm], ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    affinity: tuple[AffinityTerm, ...] = ()
    anti_affinity: tuple[AffinityTerm, ...] = ()
    preferred_affinity: tuple[AffinityTerm, ...] = ()
    preferred_anti_affinity: tuple[AffinityTerm, ...] = ()
    spread: tuple[Spread, ...] = ()
    preferred_spread: tuple[Spread, ...] = ()
    ports: tuple[HostPort, ...] = ()
    priority: int = 0
    preempts: bool = True
    unknown: tuple[str, ...] = ()
    """What decides its place and cannot be computed, as sentences."""

    @property
    def attractions(self) -> Iterator[tuple[AffinityTerm, int]]:
        """The terms by which pods of this shape attract other pods, or repel them if the weight is negative.

        kube-scheduler counts a required term of affinity with the weight 1 (hardPodAffinityWeight).
        """
        yield from ((each, 1) for each in self.affinity)
        yield from ((each, each.weight) for each in self.preferred_affinity)
        yield from ((each, -each.weight) for each in self.preferred_anti_affinity)

    def outlasts(self, taint: Taint) -> bool:
        """Return whether its pods stay on their node with a NoExecute taint without end.

        Of the tolerations that match, the first one counts (GetMatchingTolerations).
        """
        first = next((each for each in self.tolerations if each.tolerates(taint)), None)
        return first is not None and first.seconds is None


LATEST = "~"
"""Is after every time that the API writes."""


class Pod(Struct, frozen=True):
    """A pod of the cluster."""

    namespace: str
    name: str
    uid: str
    labels: tuple[tuple[str, str], ...]
    shape: Shape
    owner: Owner | None = None
    node: str = ""
    phase: str = "Running"
    ready: bool = False
    deleting: bool = False
    finalizer: str = ""
    """What keeps it after its end; empty if only controllers of Kubernetes do."""
    mirror: bool = False
    local_data: bool = False
    """Whether it has an emptyDir volume."""
    claims: tuple[str, ...] = ()
    """The persistent volume claims that it mounts."""
    new_claims: tuple[tuple[str, str], ...] = ()
    """The volumes whose claims are created with the pod (ephemeral volumes), with their storage classes."""
    gated: bool = False
    """Whether it has scheduling gates."""
    started: str = LATEST
    """When it started, as the API writes times; a pod without a start counts as the latest."""
    sound: bool = True
    """Whether it becomes ready once it runs: it is ready, or another pod of its owner is, or none has run yet."""

    @property
    def title(self) -> str:
        """The name for people, such as `shop/web-1`."""
        return f"{self.namespace}/{self.name}"

    @property
    def finished(self) -> bool:
        """Whether it has ended, so that it uses nothing and protects nothing."""
        return self.phase in {"Succeeded", "Failed"}

    @property
    def revision(self) -> str:
        """The revision of the template of which it was created; empty if its owner keeps no revisions."""
        return next((value for name, value in self.labels if name == REVISION), "")


class Node(Struct, frozen=True):
    """A node of the cluster."""

    name: str
    labels: Mapping[str, str]
    allocatable: Mapping[str, int]
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    ready: bool = True
    silent: bool = False
    """Whether a pod that is deleted on it does not end: its kubelet does not answer, and nobody says that it is off."""
    attach_limits: Mapping[str, int] = {}
    """How many volumes of each CSI driver it can attach."""

    @property
    def zone(self) -> str:
        """The zone of the node; empty if it has none."""
        return self.labels.get(ZONE, "")

    @property
    def replacement(self) -> Node:
        """A new node like it."""
        taints = tuple(each for each in self.taints if each.key not in _OF_A_STATE)
        return replace(self, taints=taints, unschedulable=False, ready=True, silent=False)


class Controller(Struct, frozen=True):
    """An object that creates pods."""

    key: Key
    uid: str
    replicas: int = 1
    owner: Owner | None = None
    ordered: bool = False
    """Whether a StatefulSet creates its pods one after the other."""
    first_ordinal: int = 0
    retries: int = 0
    """How many pods of a Job may still fail."""
    claim_templates: tuple[str, ...] = ()
    """The names of the claims that a StatefulSet creates with each pod if they are not there."""
    waits: bool = False
    """Whether a Job replaces a pod only once that has ended, instead of as soon as it is deleted."""
    current_revision: str = ""
    update_revision: str = ""
    """The revision of the template; empty if it is the current one, so that all pods are of it."""
    partition: int = 0
    """How many pods of a StatefulSet keep to the current revision."""
    template: Shape | None = None
    """The shape of new pods before admission; only known where the revisions differ."""

    def revision(self, ordinal: int) -> str:
        """Return the revision of which a StatefulSet creates a pod; empty if all are the same.

        Pods below the partition are of the current one, all others of the updated one, also with `OnDelete`
        (newVersionedStatefulSetPod).
        """
        held = self.update_revision and ordinal < self.first_ordinal + self.partition
        return self.current_revision if held else self.update_revision


class Volume(Struct, frozen=True):
    """A persistent volume."""

    name: str
    driver: str = ""
    """The CSI driver that attaches it."""
    node_terms: tuple[NodeTerm, ...] | None = None
    zones: tuple[tuple[str, frozenset[str]], ...] = ()
    """The zones and regions in its labels."""


class Claim(Struct, frozen=True):
    """A persistent volume claim."""

    namespace: str
    name: str
    volume: str = ""
    storage_class: str | None = None
    one_pod: bool = False
    """Whether only one pod may mount it (ReadWriteOncePod)."""
    one_node: bool = False
    """Whether only one node may mount it at a time."""
    lost: bool = False
    """Whether its volume is gone."""
    deleting: bool = False
    """Whether it is deleted as soon as no pod uses it."""


class StorageClass(Struct, frozen=True):
    """A storage class."""

    name: str
    provisioner: str = ""
    waits: bool = False
    """Whether volumes are bound when a pod is scheduled (WaitForFirstConsumer)."""
    topologies: tuple[NodeTerm, ...] | None = None


class KnownBudget(Struct, frozen=True):
    """A disruption budget, and what its status says."""

    budget: Budget
    expected: int | None = None
    """`status.expectedPods`, if the status is up to date."""
    met: bool = False
    """Whether the status has at least the desired number of healthy pods, which is not 0."""


class Cluster(Struct, frozen=True):
    """Everything that a drain depends on, as far as it was read."""

    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    budgets: tuple[KnownBudget, ...] = ()
    controllers: Mapping[str, Controller] = {}
    """By UID."""
    volumes: Mapping[str, Volume] = {}
    claims: Mapping[tuple[str, str], Claim] = {}
    classes: Mapping[str, StorageClass] = {}
    namespaces: Mapping[str, Labels] = {}
    unread: Mapping[str, str] = {}
    """The kinds that could not be read completely, with the reason, by `resource.group`."""

    def node(self, name: str) -> Node | None:
        """Return the node with a name."""
        return next((each for each in self.nodes if each.name == name), None)


def _compares(found: str, operator: str, limit: str) -> bool:
    try:
        left, right = int(found), int(limit)
    except ValueError:
        return False
    return left > right if operator == "Gt" else left < right if operator == "Lt" else False
