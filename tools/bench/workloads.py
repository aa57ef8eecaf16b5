"""What the benchmark fills a cluster with: Deployments of which each needs every repair, and their policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Raw = dict[str, Any]

POLICY = "bench"
PER_NAMESPACE = 20


def policy() -> Raw:
    """Return the policy: all repairs, as many rollouts at a time as there are workloads."""
    return {
        "apiVersion": "productionpolicy.dev/v1alpha1",
        "kind": "ProductionPolicy",
        "metadata": {"name": POLICY},
        "spec": {"mode": "Enforce", "rollout": {"maxConcurrent": "100%"}},
    }


def namespaces(scale: int) -> Iterator[Raw]:
    """Yield the namespaces, each with the label that names the policy."""
    for number in range(-(-scale // PER_NAMESPACE)):
        labels = {"productionpolicy.dev/policy": POLICY}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _namespace(number), "labels": labels}}


def deployments(scale: int) -> Iterator[Raw]:
    """Yield the Deployments: nothing wrong but that nothing is prepared for a drain or a rollout."""
    for number in range(scale):
        yield deployment(f"app-{number:05}", namespace=_namespace(number // PER_NAMESPACE))


def _namespace(number: int) -> str:
    return f"team-{number:04}"


def deployment(name: str, *, namespace: str) -> Raw:
    """Return one of them."""
    labels = {"app.kubernetes.io/name": name}
    container = {
        "name": "web",
        "image": f"registry.example.com/{name}:1.4.2",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "PORT", "value": "8080"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }
