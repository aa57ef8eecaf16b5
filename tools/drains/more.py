"""What some of the random clusters have besides: priorities, static pods, attach limits, late-bound volumes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from owners.manifests import Raw

SHARE = 0.2
"""How many clusters have each of this."""
OF_SETS, OF_WORKLOADS = 0.5, 0.3
"""How many StatefulSets get volumes, and how many workloads a priority."""

DRIVER = "csi.example.com"
LATE = "late"
"""The storage class whose volumes are bound when a pod gets a node."""

PRIORITIES = {"low": (-10, "PreemptLowerPriority"), "high": (1000, "PreemptLowerPriority"), "patient": (1000, "Never")}
"""The priority classes: their value, and whether their pods preempt others."""
_MIRROR = "kubernetes.io/config.mirror"
_WITH_TEMPLATE = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")


def enriched(dice: random.Random, objects: Sequence[Raw]) -> tuple[Raw, ...]:
    """Return the objects of a cluster, with some of this. The objects are changed."""
    ways = (_static_pods, _attach_limits, _late_volumes, _priorities)
    chosen = [each for each in ways if dice.random() < SHARE]
    return (*objects, *(made for each in chosen for made in each(dice, objects)))


def priority_classes() -> Iterator[Raw]:
    """Return the priority classes, which all clusters share."""
    for name, (value, policy) in PRIORITIES.items():
        head = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
        yield {**head, "value": value, "preemptionPolicy": policy}


def late_class() -> Raw:
    """Return the storage class of volumes that are bound late, which all clusters share."""
    head = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": LATE}}
    return {**head, "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}


def _nodes(objects: Sequence[Raw]) -> list[Raw]:
    return [each for each in objects if each["kind"] == "Node"]


def _static_pods(dice: random.Random, objects: Sequence[Raw]) -> Iterator[Raw]:
    """Yield pods that a kubelet runs by itself."""
    for node in dice.sample(_nodes(objects), k=1 + dice.randrange(2)):
        name = node["metadata"]["name"]
        head = {"name": f"static-{name}", "namespace": "blue", "annotations": {_MIRROR: "x"}}
        head["labels"] = {"app": "static", "family": dice.choice(("web", "db"))}
        container = {"name": "app", "image": "registry.example/app:1", "resources": {"requests": {"cpu": "100m"}}}
        spec = {"nodeName": name, "containers": [container], "tolerations": [{"operator": "Exists"}]}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": head, "spec": spec}


def _attach_limits(dice: random.Random, objects: Sequence[Raw]) -> Iterator[Raw]:
    """Yield how many volumes each node can attach, and give zonal volumes of a driver to some StatefulSets."""
    for node in _nodes(objects):
        name = node["metadata"]["name"]
        driver = {"name": DRIVER, "nodeID": name, "allocatable": {"count": dice.choice((1, 2, 3))}}
        head = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name}}
        yield {**head, "spec": {"drivers": [driver]}}
    for owner in _claimless(objects):
        if dice.random() < OF_SETS:
            name, namespace = _template_claims(owner, storage_class="")
            for ordinal in range(owner["spec"]["replicas"]):
                claim = f"more-{name}-{ordinal}"
                handle = {"driver": DRIVER, "volumeHandle": f"volume-{namespace}-{claim}"}
                yield from bound_claim(claim, namespace, {"csi": handle}, {})


def _late_volumes(dice: random.Random, objects: Sequence[Raw]) -> Iterator[Raw]:
    """Give StatefulSets volumes that are bound once their pods have nodes; some have too few of them."""
    names = [each["metadata"]["name"] for each in _nodes(objects)]
    for owner in _claimless(objects):
        if dice.random() < OF_SETS:
            name, _ = _template_claims(owner, storage_class=LATE)
            for number in range(dice.randint(1, owner["spec"]["replicas"] + 2)):
                place = only_on("kubernetes.io/hostname", dice.choice(names))
                yield _volume(f"late-{name}-{number}", LATE, {"local": {"path": "/data"}, **place})


def _claimless(objects: Sequence[Raw]) -> list[Raw]:
    sets = (each for each in objects if each["kind"] == "StatefulSet")
    return [each for each in sets if "volumeClaimTemplates" not in each["spec"]]


def _template_claims(owner: Raw, *, storage_class: str) -> tuple[str, str]:
    """Give a StatefulSet a claim for each pod; return its name and namespace."""
    owner["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "more"}, "spec": claim_spec(storage_class)}]
    return owner["metadata"]["name"], owner["metadata"]["namespace"]


def claim_spec(storage_class: str) -> Raw:
    """Return the spec of a claim."""
    return {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": "1Gi"}},
    }


def only_on(key: str, value: str) -> Raw:
    """Return the part of the spec of a volume that ties it to the nodes with a label."""
    terms = [{"key": key, "operator": "In", "values": [value]}]
    return {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": terms}]}}}


def bound_claim(name: str, namespace: str, source: Raw, place: Raw) -> Iterator[Raw]:
    """Yield a volume and the claim that is bound to it; `source` and `place` are parts of the spec of the volume."""
    head = {"namespace": namespace, "name": name}
    volume = f"volume-{namespace}-{name}"
    yield _volume(volume, "", {**source, **place, "claimRef": head})
    spec = {**claim_spec(""), "volumeName": volume}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": head, "spec": spec}


def _volume(name: str, storage_class: str, fields: Raw) -> Raw:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Retain",
        **fields,
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def _priorities(dice: random.Random, objects: Sequence[Raw]) -> Iterator[Raw]:
    """Give some workloads a priority."""
    for each in objects:
        if each["kind"] in _WITH_TEMPLATE and dice.random() < OF_WORKLOADS:
            each["spec"]["template"]["spec"]["priorityClassName"] = dice.choice(list(PRIORITIES))
    yield from ()
