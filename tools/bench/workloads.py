"""What the benchmark fills a cluster with: workloads of which each needs every repair, and their policy."""

from __future__ import annotations

from collections.abc import Iterator

from owners import manifests
from owners.manifests import Raw
from productionpolicy.kube.identity import EXEMPT

POLICY = "bench"
PER_NAMESPACE = 20
DEPLOYMENTS_PER_STATEFUL_SET = 5
SERVICES_PER_DEPLOYMENT = 2
LATE = "late"
"""The namespace of Deployments that change while all others converge."""

CHANGED = {"expectations": {"preStop": {"sleepSeconds": 15}}}
"""The change to the policy's spec once every workload is repaired; it makes each one need another repair."""

_REPAIRS = ("podDisruptionBudget", "preStop", "spread", "terminationGracePeriod")


def stateful_sets_at(scale: int) -> int:
    """Return how many StatefulSets there are beside so many Deployments."""
    return scale // DEPLOYMENTS_PER_STATEFUL_SET


def policy() -> Raw:
    """Return the policy: all repairs, as many rollouts at a time as there are workloads."""
    return manifests.policy(POLICY, rollout={"maxConcurrent": "100%"})


def namespaces(scale: int, *, governed: int) -> Iterator[Raw]:
    """Yield the namespaces; those of the first Deployments, so many, have the label that names the policy."""
    yield manifests.namespace(LATE, policy=POLICY)
    for number in range(-(-scale // PER_NAMESPACE)):
        yield manifests.namespace(_namespace(number), policy=POLICY if number * PER_NAMESPACE < governed else None)


def seeds(scale: int) -> Iterator[Raw]:
    """Yield all workloads: nothing wrong but that nothing is prepared for a drain or a rollout."""
    for number in range(scale):
        yield deployment(f"app-{number:05}", namespace=_namespace(number // PER_NAMESPACE))
    for number in range(stateful_sets_at(scale)):
        namespace = _namespace(number * DEPLOYMENTS_PER_STATEFUL_SET // PER_NAMESPACE)
        yield stateful_set(f"store-{number:05}", namespace=namespace)


def services(scale: int) -> Iterator[Raw]:
    """Yield Services, which the operator has no use for."""
    for number in range(scale * SERVICES_PER_DEPLOYMENT):
        metadata = {
            "name": f"service-{number:05}",
            "namespace": _namespace(number // SERVICES_PER_DEPLOYMENT // PER_NAMESPACE),
        }
        selector = {"app": f"app-{number // SERVICES_PER_DEPLOYMENT:05}"}
        spec = {"clusterIP": "None", "selector": selector, "ports": [{"port": 80}]}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def late(name: str) -> Raw:
    """Return a Deployment that is exempt from every repair, until its annotations are taken away."""
    raw = deployment(name, namespace=LATE)
    reasons = {f"{EXEMPT}{each}": "its turn comes later" for each in _REPAIRS}
    raw["metadata"]["annotations"] = reasons
    return raw


def _namespace(number: int) -> str:
    return f"team-{number:04}"


def stateful_set(name: str, *, namespace: str) -> Raw:
    """Return one of the StatefulSets."""
    return manifests.stateful_set(name, containers=[_web()], metadata=_metadata(name, namespace), volumes=[])


def deployment(name: str, *, namespace: str) -> Raw:
    """Return one of the Deployments."""
    return manifests.deployment(name, replicas=2, containers=[_web()], metadata=_metadata(name, namespace))


def _web() -> Raw:
    return {
        "name": "web",
        "image": "registry.example.com/web:1.4.2",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "PORT", "value": "8080"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
    }


def _metadata(name: str, namespace: str) -> Raw:
    return {"namespace": namespace, "labels": {"app": name}}
