"""What the owner keeps in a repository: a Deployment that needs every repair, its Service, and what comes beside."""

from __future__ import annotations

import copy
from typing import Any

Raw = dict[str, Any]
Manifests = tuple[Raw, ...]

NAME = "web"
REPLICAS = 4
"""From here on a rollout setting is repaired, too."""

LABELS = {"app": NAME, "tier": "front"}
_PORTS = {NAME: 8080, "side": 9090, "proxy": 7070}


def container(name: str, **fields: Any) -> Raw:
    """Return a container that serves, and lacks nothing that only its owner can add."""
    port = _PORTS[name]
    return {
        "name": name,
        "image": f"registry.example/{name}:1.2.3",
        "ports": [{"name": f"http-{name}", "containerPort": port, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": port}},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}},
        "securityContext": {"readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **fields,
    }


def base() -> Manifests:
    """Return what the owner begins with."""
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container(NAME), container("side")]}}
    spec = {"replicas": REPLICAS, "selector": {"matchLabels": {"app": NAME}}, "template": template}
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]
    return (
        copy.deepcopy({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"ports": ports, "selector": {"app": NAME}},
        },
    )


def budget(**labels: str) -> Raw:
    """Return a disruption budget of the owner."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "own"}, "spec": spec}


def autoscaler() -> Raw:
    """Return an autoscaler; there is nothing here that it could measure, so it leaves the replicas as they are."""
    utilization = {"type": "Utilization", "averageUtilization": 80}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": NAME},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
            "minReplicas": REPLICAS,
            "maxReplicas": REPLICAS * 2,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
        },
    }


def identity(raw: Raw) -> tuple[str, str]:
    """Return kind and name."""
    return raw["kind"], raw["metadata"]["name"]


def deployment(manifests: Manifests) -> Raw:
    """Return the Deployment among them."""
    return next(each for each in manifests if each["kind"] == "Deployment")
