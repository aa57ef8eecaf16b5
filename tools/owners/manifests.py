"""Objects as their owners write them: workloads, what comes beside them, and what governs them."""

from __future__ import annotations

from typing import Any

from productionpolicy.kube.identity import API_VERSION, POLICY_LABEL

Raw = dict[str, Any]

GOVERNED = POLICY_LABEL
"""The label by which a namespace names its policy."""


def container(name: str = "web", *, port: int = 8080, **fields: Any) -> Raw:
    """Return a container that serves, and lacks nothing that only its owner can add."""
    return {
        "name": name,
        "image": f"example/{name}:1.2.3",
        "ports": [{"containerPort": port, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": port}},
        "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "16Mi"}},
        "securityContext": {"readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **fields,
    }


def deployment(
    name: str = "web",
    *,
    replicas: int = 3,
    containers: list[Raw] | None = None,
    metadata: Raw | None = None,
    spec: Raw | None = None,
    **pod: Any,
) -> Raw:
    """Return a Deployment that needs every repair, but for what is given.

    Args:
        name: also the value of the label `app` of its pods, by which it selects them.
        replicas: how many pods it has.
        containers: instead of one that serves.
        metadata: further metadata.
        spec: further fields of its spec.
        pod: further fields of the spec of its pods.
    """
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers or [container()], **pod}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **(metadata or {})},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **(spec or {})},
    }


def stateful_set(name: str = "db", *, replicas: int = 2, spec: Raw | None = None, **more: Any) -> Raw:
    """Return a StatefulSet like that, with a volume that outlives its pods and needs nobody to provision it."""
    files = {"name": "files", "nfs": {"server": "files.example", "path": "/"}}
    spec = {"serviceName": name, **(spec or {})}
    return {**deployment(name, replicas=replicas, spec=spec, **{"volumes": [files], **more}), "kind": "StatefulSet"}


def daemon_set(name: str = "agent", **more: Any) -> Raw:
    """Return a DaemonSet like that."""
    raw = deployment(name, **more)
    del raw["spec"]["replicas"]
    return {**raw, "kind": "DaemonSet"}


def replica_set(name: str = "old", **more: Any) -> Raw:
    """Return a ReplicaSet like that, which no Deployment makes."""
    return {**deployment(name, replicas=2, **more), "kind": "ReplicaSet"}


def replication_controller(name: str = "older", **more: Any) -> Raw:
    """Return a ReplicationController like that."""
    raw = deployment(name, replicas=2, spec={"selector": {"app": name}}, **more)
    return {**raw, "apiVersion": "v1", "kind": "ReplicationController"}


def job(name: str = "migrate", *containers: Raw, labels: Raw | None = None) -> Raw:
    """Return a Job of one pod."""
    pod = {"restartPolicy": "Never", "containers": list(containers or (container(name),))}
    template = {"metadata": {"labels": labels or {"app": name}}, "spec": pod}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}}


def cron_job(name: str = "report", *containers: Raw) -> Raw:
    """Return a CronJob that runs such a Job each minute."""
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": job(name, *containers)["spec"]}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}


def pod(name: str = "shell", *containers: Raw, **metadata: Any) -> Raw:
    """Return a pod that nothing makes, unless its metadata say otherwise."""
    spec = {"containers": list(containers or (container(name),))}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


def budget(name: str, *, selector: Raw | None = None, **terms: Any) -> Raw:
    """Return a disruption budget of the pods with the labels `selector`; by default those of the workload `name`."""
    spec = {"selector": {"matchLabels": selector or {"app": name}}, **(terms or {"maxUnavailable": 1})}
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


def namespace(name: str, *, policy: str | None = None, **labels: str) -> Raw:
    """Return a namespace that names a policy, or none."""
    governed = {GOVERNED: policy} if policy else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**governed, **labels}}}


def policy(name: str, **spec: Any) -> Raw:
    """Return a policy that is enforced, unless the spec says otherwise."""
    kind = {"apiVersion": API_VERSION, "kind": "ProductionPolicy"}
    return {**kind, "metadata": {"name": name}, "spec": {"mode": "Enforce", **spec}}


def listed(*objects: Raw) -> Raw:
    """Return a List of objects, as kubectl takes them all at once."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
