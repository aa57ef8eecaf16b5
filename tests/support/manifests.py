"""Raw objects as their owners write them, each in one line."""

from __future__ import annotations

from typing import Any

Raw = dict[str, Any]

NAMESPACE = "shop"
UID = "11111111-2222-3333-4444-555555555555"


def container(name: str = "web", /, **fields: Any) -> Raw:
    """Return a container that serves requests, flawless but for probe and hook, unless the fields say otherwise."""
    return {
        "name": name,
        "image": "registry.example/web:1.0",
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "128Mi"}},
        "securityContext": {"readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **fields,
    }


def sidecar(name: str = "proxy", /, **fields: Any) -> Raw:
    """Return a native sidecar."""
    return container(name, restartPolicy="Always", **fields)


def deployment(name: str = "web", *, metadata: Raw | None = None, pod: Raw | None = None, **spec: Any) -> Raw:
    """Return a Deployment of four pods with one serving container."""
    return _workload("Deployment", name, metadata=metadata, pod=pod, spec={"replicas": 4, **spec})


def stateful_set(name: str = "web", *, metadata: Raw | None = None, pod: Raw | None = None, **spec: Any) -> Raw:
    """Return a StatefulSet of three pods with one serving container."""
    return _workload("StatefulSet", name, metadata=metadata, pod=pod, spec={"replicas": 3, "serviceName": name, **spec})


def _workload(kind: str, name: str, *, metadata: Raw | None, pod: Raw | None, spec: Raw) -> Raw:
    labels = {"app": name}
    template = {"metadata": {"labels": dict(labels)}, "spec": {"containers": [container()], **(pod or {})}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": UID, "generation": 1, **(metadata or {})},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def job(
    name: str = "job",
    *,
    labels: dict[str, str] | None = None,
    pod: Raw | None = None,
    spec: Raw | None = None,
    **metadata: Any,
) -> Raw:
    """Return a Job whose pods have the labels."""
    template = {"metadata": {"labels": labels or {}}, "spec": {"containers": [container("job")], **(pod or {})}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        "spec": {"template": template, **(spec or {})},
    }


def pod(name: str = "web", **metadata: Any) -> Raw:
    """Return a pod that nothing makes, unless its metadata says otherwise."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        "spec": {"containers": [container()]},
    }


def budget(name: str = "web", *, selector: Raw | None = None, metadata: Raw | None = None, **spec: Any) -> Raw:
    """Return a PodDisruptionBudget for the pods with the label app: web."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": NAMESPACE, **(metadata or {})},
        "spec": {"selector": {"matchLabels": {"app": "web"}} if selector is None else selector, **spec},
    }


def autoscaler(
    minimum: int | None, maximum: int, *, target: str = "web", kind: str = "Deployment", version: str = "apps/v1"
) -> Raw:
    """Return a HorizontalPodAutoscaler of a target with an API version."""
    bounds = {"maxReplicas": maximum} if minimum is None else {"minReplicas": minimum, "maxReplicas": maximum}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": target, "namespace": NAMESPACE},
        "spec": {"scaleTargetRef": {"apiVersion": version, "kind": kind, "name": target}, **bounds},
    }


def scaled_object(name: str = "web", *, target: str = "web", **spec: Any) -> Raw:
    """Return a ScaledObject of KEDA."""
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"scaleTargetRef": {"name": target}, **spec},
    }


def node(name: str, *, zone: str | None = None, **spec: Any) -> Raw:
    """Return a node that takes pods, unless its spec says otherwise."""
    labels = {"kubernetes.io/hostname": name}
    if zone is not None:
        labels["topology.kubernetes.io/zone"] = zone
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec}


def anti_affinity(*, required: bool = False, key: str = "kubernetes.io/hostname", **term: Any) -> Raw:
    """Return an `affinity` that keeps the pods with the label app: web apart."""
    terms: Raw = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": key, **term}
    if required:
        return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [terms]}}
    weighted = {"weight": 100, "podAffinityTerm": terms}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [weighted]}}


def constraint(**fields: Any) -> Raw:
    """Return a hard topologySpreadConstraint on hosts, of the pods with the label app: web."""
    selector = {"matchLabels": {"app": "web"}}
    given = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    return {**given, "labelSelector": selector, **fields}


def on_nodes(*names: str) -> Raw:
    """Return a `nodeAffinity` that allows these nodes alone."""
    chosen = {"key": "kubernetes.io/hostname", "operator": "In", "values": list(names)}
    terms = [{"matchExpressions": [chosen]}]
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
