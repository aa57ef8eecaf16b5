"""Small clusters for tests of drains, as raw objects."""

from __future__ import annotations

from typing import Any

from productionpolicy.drain import Cluster, complete_coverage, read

Raw = dict[str, Any]


def node(name: str, *, cpu: str = "4", pods: str = "110", zone: str = "", ready: str = "True", **spec: Any) -> Raw:
    """Return a node, which is ready unless the status of its condition says something else."""
    labels = {"kubernetes.io/hostname": name, **({"topology.kubernetes.io/zone": zone} if zone else {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": cpu, "memory": "16Gi", "pods": pods},
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def owner(kind: str, name: str) -> list[Raw]:
    """Return the owner reference of a controller."""
    group = {"ReplicationController": "v1", "Job": "batch/v1"}.get(kind, "apps/v1")
    return [{"apiVersion": group, "kind": kind, "name": name, "uid": f"uid-{kind}-{name}", "controller": True}]


def controller(kind: str, name: str, *, replicas: int, **spec: Any) -> Raw:
    """Return an object that creates pods."""
    number = {"parallelism": replicas} if kind == "Job" else {"replicas": replicas}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]}}
    return {
        "apiVersion": owner(kind, name)[0]["apiVersion"],
        "kind": kind,
        "metadata": {"namespace": "shop", "name": name, "uid": f"uid-{kind}-{name}"},
        "spec": {**number, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


def pod(name: str, on: str = "", *, app: str = "", by: list[Raw] | None = None, **more: Any) -> Raw:
    """Return a pod.

    Args:
        name: its name.
        on: its node; empty if it has none yet.
        app: its label `app`.
        by: its owner references.
        more: `ready` (default true), `phase`, `cpu`, `annotations`, `finalizers`, `deleting`, and `revision`, that of
            its template; all others are fields of its spec.
    """
    ready, phase = more.pop("ready", bool(on)), more.pop("phase", "Running" if on else "Pending")
    requests = {"cpu": more.pop("cpu", "100m")}
    metadata: Raw = {
        "namespace": "shop",
        "name": name,
        "uid": f"uid-{name}",
        "labels": {"app": app or name},
        "ownerReferences": by or [],
        "annotations": more.pop("annotations", {}),
        "finalizers": more.pop("finalizers", []),
    }
    if revision := more.pop("revision", ""):
        metadata["labels"]["controller-revision-hash"] = revision
    if more.pop("deleting", False):
        metadata["deletionTimestamp"] = "2026-11-28T00:00:00Z"
    spec = {"containers": [{"name": "app", "resources": {"requests": requests}}], **more}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, "nodeName": on} if on else spec,
        "status": {"phase": phase, "conditions": conditions},
    }


def deployment(name: str, nodes: list[str], *, replicas: int | None = None, **more: Any) -> list[Raw]:
    """Return a Deployment with one pod on each of the nodes, which may be named several times."""
    number = len(nodes) if replicas is None else replicas
    replica_set = controller("ReplicaSet", f"{name}-1", replicas=number)
    replica_set["metadata"]["ownerReferences"] = owner("Deployment", name)
    pods = [
        pod(f"{name}-1-{index}", on, app=name, by=owner("ReplicaSet", f"{name}-1"), **dict(more))
        for index, on in enumerate(nodes)
    ]
    return [controller("Deployment", name, replicas=number), replica_set, *pods]


def stateful_set(name: str, nodes: list[str], **more: Any) -> list[Raw]:
    """Return a StatefulSet with one pod on each of the nodes; `policy` is its podManagementPolicy."""
    policy = more.pop("policy", "OrderedReady")
    pods = [
        pod(f"{name}-{index}", on, app=name, by=owner("StatefulSet", name), **dict(more))
        for index, on in enumerate(nodes)
    ]
    return [controller("StatefulSet", name, replicas=len(nodes), podManagementPolicy=policy), *pods]


def budget(name: str, *, app: str | None = None, **spec: Any) -> Raw:
    """Return a PodDisruptionBudget for the pods with a label `app`; by default for all pods."""
    selector = {"matchLabels": {"app": app}} if app else {}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}"},
        "spec": {"selector": selector, **spec},
    }


def cluster(*parts: Raw | list[Raw]) -> Cluster:
    """Return the cluster of these objects, of which nothing was left unread."""
    items = [each for part in parts for each in (part if isinstance(part, list) else [part])]
    return read(items, complete_coverage())
