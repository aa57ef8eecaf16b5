"""Raw objects, reduced to what a drain depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from productionpolicy.drain.cluster import (
    LATEST,
    OUT_OF_SERVICE,
    ZONES,
    Claim,
    Cluster,
    Controller,
    HostPort,
    Key,
    KnownBudget,
    Node,
    NodeRequirement,
    NodeTerm,
    Owner,
    Pod,
    Shape,
    Spread,
    StorageClass,
    Taint,
    Toleration,
    Volume,
)
from productionpolicy.drain.requests import allocatable, requests_of, scored_requests
from productionpolicy.kube.budgets import BUDGET, read_budget
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.pods import AffinityTerm, read_term
from productionpolicy.kube.repairable import PREFERRED_TERMS, REQUIRED_TERMS
from productionpolicy.kube.selectors import Operator, Requirement, Selector

DEFAULT_SCHEDULER = "default-scheduler"
_MIRROR = "kubernetes.io/config.mirror"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_MIGRATED = {
    "awsElasticBlockStore": "ebs.csi.aws.com",
    "azureDisk": "disk.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
    "gcePersistentDisk": "pd.csi.storage.gke.io",
    "portworxVolume": "pxd.portworx.com",
}
"""The CSI drivers that attach volumes of other kinds, by the field (nodevolumelimits, isCSIMigrationOn)."""

_DEFAULT_BACKOFF_LIMIT = 6
"""The default of the API for backoffLimit (batch/v1)."""

_ENDLESS = 2**31

_NOT_READY, _UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"

_KNOWN_FINALIZERS = frozenset({"batch.kubernetes.io/job-tracking"})
"""The finalizers that controllers of Kubernetes remove once a pod has ended."""

NEEDED = {
    "pods": "pods",
    "nodes": "nodes",
    "poddisruptionbudgets.policy": "budgets",
    "replicasets.apps": "ReplicaSets",
    "deployments.apps": "Deployments",
    "statefulsets.apps": "StatefulSets",
    "daemonsets.apps": "DaemonSets",
    "jobs.batch": "Jobs",
    "replicationcontrollers": "ReplicationControllers",
    "persistentvolumes": "persistent volumes",
    "persistentvolumeclaims": "persistent volume claims",
    "storageclasses.storage.k8s.io": "storage classes",
    "csinodes.storage.k8s.io": "attach limits of nodes",
    "namespaces": "namespaces",
}
"""The kinds that a drain depends on, with their names for people."""

READ_ALL = "All"
NODE = GroupKind("", "Node")


def read(items: Iterable[Mapping[str, Any]], coverage: Mapping[str, Mapping[str, Any]]) -> Cluster:
    """Return the cluster in raw objects.

    Args:
        items: objects with apiVersion and kind; other kinds than the needed ones are skipped.
        coverage: how much of each kind was read, by `resource.group`: `{"read": "All" | "Namespaces" | "None",
            "reason": ...}`. A kind that it does not mention was not read.
    """
    shapes = Shapes()
    reduced: Mapping[GroupKind, Callable[[Mapping[str, Any]], Any]] = {**_REDUCED, GroupKind("", "Pod"): shapes.pod}
    found: defaultdict[GroupKind, list[Any]] = defaultdict(list)
    for item in items:  # at once, so that the raw objects need not be kept
        kind = GroupKind.of(item)
        if kind in reduced:
            found[kind].append(reduced[kind](item))
    limits = dict(found[GroupKind("storage.k8s.io", "CSINode")])
    nodes = (msgspec.structs.replace(each, attach_limits=limits.get(each.name, {})) for each in found[NODE])
    classes = (pair for each in found[GroupKind("storage.k8s.io", "StorageClass")] for pair in _named_classes(*each))
    return Cluster(
        nodes=tuple(sorted(nodes, key=_name)),
        pods=tuple(sorted(_with_soundness(found[GroupKind("", "Pod")]), key=_title)),
        budgets=tuple(sorted(found[BUDGET], key=lambda each: each.budget.name)),
        controllers={each.uid: each for kind in _CONTROLLERS for each in found[kind]},
        volumes={each.name: each for each in found[GroupKind("", "PersistentVolume")]},
        claims={(each.namespace, each.name): each for each in found[GroupKind("", "PersistentVolumeClaim")]},
        classes=dict(classes),
        namespaces=dict(found[GroupKind("", "Namespace")]),
        unread={kind: _reason(coverage.get(kind)) for kind in NEEDED if not _complete(coverage.get(kind))},
    )


def complete_coverage() -> dict[str, dict[str, Any]]:
    """Return the coverage of objects that are known to be all there are."""
    return {kind: {"read": READ_ALL} for kind in NEEDED}


def _complete(covered: Mapping[str, Any] | None) -> bool:
    return covered is not None and covered.get("read") == READ_ALL


def _reason(covered: Mapping[str, Any] | None) -> str:
    return str((covered or {}).get("reason") or "not read")


def _name(node: Node) -> str:
    return node.name


def _title(pod: Pod) -> tuple[str, str]:
    return pod.namespace, pod.name


def _with_soundness(pods: Sequence[Pod]) -> Iterator[Pod]:
    """Return the pods, each with whether it becomes ready: the pods of one owner and revision are taken to be alike."""
    sound: dict[tuple[str, str], bool] = {}
    for pod in pods:
        if pod.ready or pod.phase == "Running" or pod.node:
            sound[_origin(pod)] = sound.get(_origin(pod), False) or pod.ready
    for pod in pods:
        yield pod if sound.get(_origin(pod), True) else msgspec.structs.replace(pod, sound=False)


def _origin(pod: Pod) -> tuple[str, str]:
    return (pod.owner.uid, pod.revision) if pod.owner else (pod.uid, "")


_CONTROLLERS = tuple(
    GroupKind(group, kind)
    for group, kind in (
        ("apps", "ReplicaSet"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "Job"),
        ("", "ReplicationController"),
    )
)


def _controller(raw: Mapping[str, Any]) -> Controller:
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    kind, replicas = str(raw.get("kind")), spec.integer("replicas")
    key = Key(metadata.text("namespace") or "", kind, metadata.text("name") or "")
    return Controller(
        key=key,
        uid=metadata.text("uid") or str(key),
        replicas=_job_pods(fields) if kind == "Job" else 1 if replicas is None else replicas,
        owner=_owner(metadata, key.namespace),
        ordered=kind == "StatefulSet" and spec.text("podManagementPolicy") != "Parallel",
        first_ordinal=spec.mapping("ordinals").integer("start") or 0,
        retries=_retries(fields) if kind == "Job" else 0,
        claim_templates=tuple(
            each.mapping("metadata").text("name") or "" for each in spec.items("volumeClaimTemplates")
        ),
        waits=kind == "Job" and _replaces_only_ended(spec),
        **(_revisions(fields) if kind == "StatefulSet" else {}),
    )


def _replaces_only_ended(spec: Fields) -> bool:
    """Return whether a Job waits until a pod has ended; with a podFailurePolicy, it does by default (batch/v1)."""
    return spec.text("podReplacementPolicy") == "Failed" or (
        spec.text("podReplacementPolicy") is None and bool(spec.mapping("podFailurePolicy").names())
    )


def _revisions(fields: Fields) -> dict[str, Any]:
    """Return what decides of which template a StatefulSet creates a pod; nothing if all pods are of the same one."""
    spec, status = fields.mapping("spec"), fields.mapping("status")
    current, update = status.text("currentRevision"), status.text("updateRevision")
    if not current or not update or current == update:
        return {}
    template = spec.mapping("template")
    return {
        "current_revision": current,
        "update_revision": update,
        "partition": spec.below("updateStrategy", "rollingUpdate").integer("partition") or 0,
        "template": read_shape(template.mapping("spec"), template.mapping("metadata").text_map("labels")),
    }


def _job_pods(fields: Fields) -> int:
    """Return how many pods of a Job run at once (batch/v1): parallelism, but no more than completions are left."""
    spec, status = fields.mapping("spec"), fields.mapping("status")
    parallelism, completions = spec.integer("parallelism"), spec.integer("completions")
    parallelism = 1 if parallelism is None else parallelism
    if spec.boolean("suspend"):
        return 0
    return parallelism if completions is None else min(parallelism, completions - (status.integer("succeeded") or 0))


def _retries(fields: Fields) -> int:
    """Return how many pods may still fail; evictions do not count if the podFailurePolicy ignores disruptions."""
    rules = fields.below("spec", "podFailurePolicy").items("rules")
    if any(each.text("action") == "Ignore" and any(each.items("onPodConditions")) for each in rules):
        return _ENDLESS
    limit = fields.mapping("spec").integer("backoffLimit")
    return (_DEFAULT_BACKOFF_LIMIT if limit is None else limit) - (fields.mapping("status").integer("failed") or 0)


def _owner(metadata: Fields, namespace: str) -> Owner | None:
    for each in metadata.items("ownerReferences"):
        if each.boolean("controller"):
            group, slash, _ = (each.text("apiVersion") or "").partition("/")
            kind, name = each.text("kind") or "", each.text("name") or ""
            return Owner(group if slash else "", kind, name, each.text("uid") or str(Key(namespace, kind, name)))
    return None


def _budget(raw: Mapping[str, Any]) -> KnownBudget:
    metadata, status = Fields(raw).mapping("metadata"), Fields(raw).mapping("status")
    current = (status.integer("observedGeneration") or 0) >= (metadata.integer("generation") or 0) > 0
    healthy, desired = status.integer("currentHealthy") or 0, status.integer("desiredHealthy") or 0
    return KnownBudget(
        read_budget(raw),
        expected=(status.integer("expectedPods") or 0) if current else None,
        met=healthy >= desired > 0,
    )


def _node(raw: Mapping[str, Any]) -> Node:
    fields = Fields(raw)
    metadata, spec, status = fields.mapping("metadata"), fields.mapping("spec"), fields.mapping("status")
    said = next((each.text("status") for each in status.items("conditions") if each.text("type") == "Ready"), "")
    taints = tuple(
        Taint(each.text("key") or "", each.text("value") or "", each.text("effect") or "")
        for each in spec.items("taints")
        if each.text("key") != "node.kubernetes.io/unschedulable"  # follows spec.unschedulable
    )
    keys = {each.key for each in taints}
    if said not in {"", "True"} and not keys & {_NOT_READY, _UNREACHABLE}:  # the node lifecycle controller soon adds it
        taints = (*taints, Taint(_UNREACHABLE if said == "Unknown" else _NOT_READY, "", "NoSchedule"))
    return Node(
        name=metadata.text("name") or "",
        labels=metadata.text_map("labels"),
        allocatable=allocatable(status),
        taints=taints,
        unschedulable=spec.boolean("unschedulable"),
        ready=said in {"", "True"},
        silent=(said == "Unknown" or (not said and _UNREACHABLE in keys)) and OUT_OF_SERVICE not in keys,
    )


def _attach_limits(raw: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    """Return the limits of a node, with its name."""
    fields = Fields(raw)
    drivers = fields.mapping("spec").items("drivers")
    counts = ((each.text("name") or "", each.mapping("allocatable").integer("count")) for each in drivers)
    limits = {name: count for name, count in counts if count is not None}
    return fields.mapping("metadata").text("name") or "", limits


def _namespace(raw: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the labels of a namespace, with its name."""
    metadata = Fields(raw).mapping("metadata")
    return metadata.text("name") or "", metadata.text_map("labels")


def _volume(raw: Mapping[str, Any]) -> Volume:
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    required = spec.mapping("nodeAffinity").mapping("required")
    labels = metadata.text_map("labels")
    return Volume(
        name=metadata.text("name") or "",
        driver=spec.mapping("csi").text("driver") or next((_MIGRATED[each] for each in _MIGRATED if each in spec), ""),
        node_terms=_node_terms(required) if required.names() else None,
        zones=tuple((key, frozenset(labels[key].split("__"))) for key in ZONES if key in labels),
    )


def _claim(raw: Mapping[str, Any]) -> Claim:
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    return Claim(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        volume=spec.text("volumeName") or "",
        storage_class=spec.text("storageClassName"),
        one_pod="ReadWriteOncePod" in spec.texts("accessModes"),
        one_node=not {"ReadWriteMany", "ReadOnlyMany"}.intersection(spec.texts("accessModes")),
        lost=fields.mapping("status").text("phase") == "Lost",
        deleting="deletionTimestamp" in metadata,
    )


def _class(raw: Mapping[str, Any]) -> tuple[StorageClass, bool]:
    """Return a storage class, and whether it is the default one."""
    fields = Fields(raw)
    metadata = fields.mapping("metadata")
    allowed = [
        NodeTerm(
            tuple(
                NodeRequirement(each.text("key") or "", "In", each.texts("values"))
                for each in term.items("matchLabelExpressions")
            )
        )
        for term in fields.items("allowedTopologies")
    ]
    storage_class = StorageClass(
        name=metadata.text("name") or "",
        provisioner=fields.text("provisioner") or "",
        waits=fields.text("volumeBindingMode") == "WaitForFirstConsumer",
        topologies=tuple(allowed) or None,
    )
    return storage_class, metadata.text_map("annotations").get(_DEFAULT_CLASS) == "true"


def _named_classes(storage_class: StorageClass, default: bool) -> Iterator[tuple[str, StorageClass]]:  # noqa: FBT001
    """Yield a storage class under its name, the default one also under the empty name."""
    yield storage_class.name, storage_class
    if default:
        yield "", storage_class


_REDUCED: Mapping[GroupKind, Callable[[Mapping[str, Any]], Any]] = {
    **dict.fromkeys(_CONTROLLERS, _controller),
    BUDGET: _budget,
    NODE: _node,
    GroupKind("", "Namespace"): _namespace,
    GroupKind("", "PersistentVolume"): _volume,
    GroupKind("", "PersistentVolumeClaim"): _claim,
    GroupKind("storage.k8s.io", "StorageClass"): _class,
    GroupKind("storage.k8s.io", "CSINode"): _attach_limits,
}
"""What of each kind is kept; for pods see `Shapes`."""


class Shapes:
    """Pods with shared shapes: thousands of pods have the same few."""

    def __init__(self) -> None:
        self._known: dict[bytes, Shape] = {}
        self._sizes: dict[object, int] = {}

    def pod(self, raw: Mapping[str, Any]) -> Pod:
        """Return the pod in a raw object."""
        fields = Fields(raw)
        metadata, spec, status = fields.mapping("metadata"), fields.mapping("spec"), fields.mapping("status")
        namespace, name = metadata.text("namespace") or "", metadata.text("name") or ""
        labels = metadata.text_map("labels")
        volumes = tuple(spec.items("volumes"))
        return Pod(
            namespace=namespace,
            name=name,
            uid=metadata.text("uid") or f"{namespace}/{name}",
            labels=tuple(labels.items()),
            shape=self._shape(raw, spec, labels),
            owner=_owner(metadata, namespace),
            node=spec.text("nodeName") or "",
            phase=status.text("phase") or "Pending",
            ready=any(_is_true(each, "Ready") for each in status.items("conditions")),
            deleting="deletionTimestamp" in metadata,
            finalizer=next((each for each in metadata.texts("finalizers") if each not in _KNOWN_FINALIZERS), ""),
            mirror=_MIRROR in metadata.mapping("annotations"),
            local_data=any("emptyDir" in each for each in volumes),
            claims=tuple(
                each.mapping("persistentVolumeClaim").text("claimName") or ""
                for each in volumes
                if "persistentVolumeClaim" in each
            ),
            new_claims=tuple(
                (
                    each.text("name") or "",
                    each.below("ephemeral", "volumeClaimTemplate", "spec").text("storageClassName") or "",
                )
                for each in volumes
                if "ephemeral" in each
            ),
            gated=any(spec.items("schedulingGates")),
            started=status.text("startTime") or LATEST,
        )

    def _shape(self, raw: Mapping[str, Any], spec: Fields, labels: Mapping[str, str]) -> Shape:
        given = raw.get("spec")
        deciding = (
            {name: value for name, value in given.items() if name in _DECIDING} if isinstance(given, dict) else {}
        )
        keys = _label_keys(spec)
        key = msgspec.json.encode(
            [deciding, {name: labels.get(name) for name in keys}], enc_hook=str, order="deterministic"
        )
        shape = self._known.get(key)
        if shape is None:
            shape = read_shape(spec, labels)
            size = self._sizes.setdefault((shape.requests, shape.scored), len(self._sizes))
            shape = self._known[key] = msgspec.structs.replace(shape, size=size)
        return shape


_DECIDING = frozenset(
    {
        "containers",
        "initContainers",
        "overhead",
        "resources",
        "nodeSelector",
        "affinity",
        "tolerations",
        "topologySpreadConstraints",
        "hostNetwork",
        "priority",
        "preemptionPolicy",
        "schedulerName",
        "resourceClaims",
    }
)
"""The fields of a pod that decide where it may run."""


def read_shape(spec: Fields, labels: Mapping[str, str]) -> Shape:
    """Return what the scheduler must know of a pod with these labels."""
    affinity = spec.mapping("affinity")
    of_nodes, of_pods, apart = (affinity.mapping(f"{each}Affinity") for each in ("node", "pod", "podAnti"))
    required = of_nodes.mapping(REQUIRED_TERMS)
    constraints = list(spec.items("topologySpreadConstraints"))
    return Shape(
        requests=requests_of(spec),
        scored=scored_requests(spec),
        node_selector=tuple(spec.text_map("nodeSelector").items()),
        node_terms=_node_terms(required) if REQUIRED_TERMS in of_nodes else None,
        preferred_nodes=tuple(
            (each.integer("weight") or 0, _node_term(each.mapping("preference")))
            for each in of_nodes.items(PREFERRED_TERMS)
        ),
        tolerations=tuple(map(_toleration, spec.items("tolerations"))),
        affinity=_terms(of_pods, labels),
        anti_affinity=_terms(apart, labels),
        preferred_affinity=_preferred_terms(of_pods, labels),
        preferred_anti_affinity=_preferred_terms(apart, labels),
        spread=tuple(_spread(each, labels) for each in constraints if _must(each)),
        preferred_spread=tuple(_spread(each, labels) for each in constraints if not _must(each)),
        ports=tuple(_ports(spec)),
        priority=spec.integer("priority") or 0,
        preempts=spec.text("preemptionPolicy") != "Never",
        unknown=tuple(_unknown(spec)),
    )


def _must(constraint: Fields) -> bool:
    return constraint.text("whenUnsatisfiable") != "ScheduleAnyway"


def _unknown(spec: Fields) -> Iterator[str]:
    scheduler = spec.text("schedulerName") or DEFAULT_SCHEDULER
    if scheduler != DEFAULT_SCHEDULER:
        yield f"the scheduler {scheduler} places it, by rules that are not known"
    if any(spec.items("resourceClaims")):
        yield "it claims devices (resource.k8s.io), and which nodes have them is not known"


def _toleration(fields: Fields) -> Toleration:
    return Toleration(
        key=fields.text("key") or "",
        operator=fields.text("operator") or "Equal",
        value=fields.text("value") or "",
        effect=fields.text("effect") or "",
        seconds=fields.integer("tolerationSeconds"),
    )


def _node_terms(fields: Fields) -> tuple[NodeTerm, ...]:
    return tuple(map(_node_term, fields.items("nodeSelectorTerms")))


def _node_term(fields: Fields) -> NodeTerm:
    return NodeTerm(
        tuple(map(_node_requirement, fields.items("matchExpressions"))),
        tuple(map(_node_requirement, fields.items("matchFields"))),
    )


def _node_requirement(fields: Fields) -> NodeRequirement:
    return NodeRequirement(fields.text("key") or "", fields.text("operator") or "", fields.texts("values"))


def _terms(fields: Fields, labels: Mapping[str, str]) -> tuple[AffinityTerm, ...]:
    return tuple(
        _with_labels(read_term(each, required=True, weight=0), labels) for each in fields.items(REQUIRED_TERMS)
    )


def _preferred_terms(fields: Fields, labels: Mapping[str, str]) -> tuple[AffinityTerm, ...]:
    return tuple(
        _with_labels(
            read_term(each.mapping("podAffinityTerm"), required=False, weight=each.integer("weight") or 0), labels
        )
        for each in fields.items(PREFERRED_TERMS)
    )


def _with_labels(term: AffinityTerm, labels: Mapping[str, str]) -> AffinityTerm:
    """Return the term with the values of the pod's own labels, as the API server adds them to a created pod."""
    if term.selector is None:
        return term
    selector = _narrowed(term.selector, term.match_label_keys, labels, Operator.IN)
    return msgspec.structs.replace(
        term,
        selector=_narrowed(selector, term.mismatch_label_keys, labels, Operator.NOT_IN),
        match_label_keys=(),
        mismatch_label_keys=(),
    )


def _narrowed(selector: Selector, keys: Iterable[str], labels: Mapping[str, str], operator: Operator) -> Selector:
    added = tuple(Requirement(key, operator, (labels[key],)) for key in keys if key in labels)
    return Selector(selector.match_labels, (*selector.match_expressions, *added)) if added else selector


def _spread(fields: Fields, labels: Mapping[str, str]) -> Spread:
    """Return a constraint, with the defaults of the API (core/v1). An absent selector counts no pods."""
    selector = Selector.read(fields, "labelSelector")
    keys = fields.texts("matchLabelKeys")
    nothing = Selector(match_expressions=(Requirement("", Operator.IN),))
    return Spread(
        key=fields.text("topologyKey") or "",
        selector=nothing if selector is None else _narrowed(selector, keys, labels, Operator.IN),
        max_skew=fields.integer("maxSkew") or 1,
        min_domains=fields.integer("minDomains") or 1,
        honors_affinity=fields.text("nodeAffinityPolicy") != "Ignore",
        honors_taints=fields.text("nodeTaintsPolicy") == "Honor",
    )


def _label_keys(spec: Fields) -> tuple[str, ...]:
    """Return the labels of the pod whose values its rules use."""
    affinity = spec.mapping("affinity")
    terms = [
        term
        for kind in ("podAffinity", "podAntiAffinity")
        for term in (
            *affinity.mapping(kind).items(REQUIRED_TERMS),
            *(each.mapping("podAffinityTerm") for each in affinity.mapping(kind).items(PREFERRED_TERMS)),
        )
    ]
    found = {key for each in terms for name in ("matchLabelKeys", "mismatchLabelKeys") for key in each.texts(name)}
    constraints = spec.items("topologySpreadConstraints")
    return tuple(sorted(found.union(*(each.texts("matchLabelKeys") for each in constraints))))


def _ports(spec: Fields) -> Iterator[HostPort]:
    """Return the ports of the node that a pod uses while it runs; with hostNetwork, all container ports."""
    sidecars = (each for each in spec.items("initContainers") if each.text("restartPolicy") == "Always")
    on_host = spec.boolean("hostNetwork")
    for port in (port for each in (*spec.items("containers"), *sidecars) for port in each.items("ports")):
        number = port.integer("hostPort") or (port.integer("containerPort") if on_host else 0)
        if number:
            yield HostPort(port.text("protocol") or "TCP", port.text("hostIP") or "0.0.0.0", number)


def _is_true(condition: Fields, kind: str) -> bool:
    return condition.text("type") == kind and condition.text("status") == "True"
