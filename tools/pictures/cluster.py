"""A small cluster for the picture of drains, as `check --live --save` would write it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from productionpolicy.drain import complete_coverage

Raw = dict[str, Any]
NODES = tuple(f"worker-{number}" for number in range(1, 7))
ZONES = "abc"
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
WORKLOADS = (
    ("Deployment", "shop/web", (1, 2, 3, 4, 5, 6, 1, 2, 3, 4), "500m"),
    ("Deployment", "shop/cart", (1, 1, 1), "500m"),
    ("Deployment", "shop/checkout", (2, 4), "250m"),
    ("Deployment", "shop/search", (3, 3), "3"),
    ("StatefulSet", "shop/orders-db", (2, 3, 6), "1"),
    ("Deployment", "pay/ledger", (4, 4), "500m"),
    ("Deployment", "pay/gateway", (5, 6, 5), "250m"),
    ("Deployment", "pay/license", (4,), "250m"),
    ("Deployment", "pay/reports", (6, 6), "1"),
)
"""The kind, the name, the nodes of the pods by number, and the cpu of each. A single pod is tied to its node."""
BUDGETS = {
    "shop/web": {"maxUnavailable": 2},
    "pay/license": {"minAvailable": 1},
    "pay/gateway": {"maxUnavailable": 1},
}


def snapshot() -> bytes:
    """Return the snapshot."""
    items = [*_nodes(), *(each for workload in WORKLOADS for each in _workload(*workload)), *_budgets()]
    head = {"apiVersion": "productionpolicy.dev/v1", "kind": "ClusterSnapshot", "takenAt": "2026-11-02T09:30:00Z"}
    more = {"context": "prod", "serverVersion": "v1.37.2", "coverage": complete_coverage(), "items": items}
    return json.dumps({**head, **more}).encode()


def _nodes() -> Iterator[Raw]:
    for number, name in enumerate(NODES):
        room = {"cpu": "8", "memory": "16Gi", "pods": "110"}
        labels = {HOSTNAME: name, ZONE: f"zone-{ZONES[number % len(ZONES)]}"}
        status = {"allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]}
        yield {"apiVersion": "v1", "kind": "Node", **_metadata(name, labels=labels), "spec": {}, "status": status}


def _metadata(name: str, *, owner: Raw | None = None, labels: Raw | None = None) -> Raw:
    namespace, _, short = name.rpartition("/")
    found: Raw = {"name": short, "uid": name, "labels": labels or {}}
    found |= {"namespace": namespace} if namespace else {}
    if owner:
        parent = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
        found["ownerReferences"] = [{**parent, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}]
    return {"metadata": found}


def _workload(kind: str, name: str, numbers: tuple[int, ...], cpu: str) -> Iterator[Raw]:
    labels = {"app": name.rpartition("/")[2]}
    container = {"name": "app", "image": "example.com/app:1", "resources": {"requests": {"cpu": cpu}}}
    tied = {"nodeSelector": {HOSTNAME: NODES[numbers[0] - 1]}} if len(numbers) == 1 else {}
    template: Raw = {"metadata": {"labels": labels}, "spec": {"containers": [container], **tied}}
    spec = {"replicas": len(numbers), "selector": {"matchLabels": labels}, "template": template}
    owner: Raw = {"apiVersion": "apps/v1", "kind": kind, **_metadata(name), "spec": spec}
    yield owner
    if kind == "Deployment":
        owner = {**owner, "kind": "ReplicaSet", **_metadata(f"{name}-6d5f9", owner=owner)}
        yield owner
    for ordinal, number in enumerate(numbers):
        pod = _metadata(f"{owner['metadata']['uid']}-{ordinal}", owner=owner, labels=labels)
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        placed = {**template["spec"], "nodeName": NODES[number - 1]}
        yield {"apiVersion": "v1", "kind": "Pod", **pod, "spec": placed, "status": ready}


def _budgets() -> Iterator[Raw]:
    for name, limit in BUDGETS.items():
        selector = {"matchLabels": {"app": name.rpartition("/")[2]}}
        spec = {**limit, "selector": selector}
        yield {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", **_metadata(name), "spec": spec}
