"""Objects as their owners write them: what a workload is made of, what comes beside it, and what governs it."""

from __future__ import annotations

from typing import Any

from productionpolicy.kube.identity import API_VERSION, POLICY_LABEL

Raw = dict[str, Any]

GOVERNED = POLICY_LABEL
"""The label by which a namespace names its policy."""


def container(name: str, *, port: int, **fields: Any) -> Raw:
    """Return a container that serves, and lacks nothing that only its owner can add."""
    return {
        "name": name,
        "image": f"registry.example/{name}:1.2.3",
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": port}},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}},
        "securityContext": {"readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **fields,
    }


def budget(name: str, **labels: str) -> Raw:
    """Return a disruption budget of the pods with these labels."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec}


def autoscaler(target: str, *, least: int, most: int) -> Raw:
    """Return an autoscaler of a Deployment; where nothing can be measured, it leaves the replicas as they are."""
    utilization = {"type": "Utilization", "averageUtilization": 80}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": target},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
        },
    }


def namespace(name: str, *, policy: str | None = None) -> Raw:
    """Return a namespace that names a policy, or none."""
    labels = {GOVERNED: policy} if policy else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def policy(name: str, **spec: Any) -> Raw:
    """Return a policy that is enforced, unless the spec says otherwise."""
    kind = {"apiVersion": API_VERSION, "kind": "ProductionPolicy"}
    return {**kind, "metadata": {"name": name}, "spec": {"mode": "Enforce", **spec}}
