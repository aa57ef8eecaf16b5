"""Workloads of many shapes: those that need each repair, those that need none, exempt ones, and owners' budgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from owners import manifests
from owners.manifests import Raw, autoscaler, budget
from productionpolicy.kube.identity import EXEMPT

SHOP, VAULT, MIXED = "shop", "vault", "mixed"
NAMESPACES = (SHOP, VAULT, MIXED)
FOREVER = "until=2199-12-31"
"""Beyond any jump of a clock."""

ROOTS = {
    "Deployment": "/apis/apps/v1",
    "StatefulSet": "/apis/apps/v1",
    "DaemonSet": "/apis/apps/v1",
    "ReplicaSet": "/apis/apps/v1",
    "ControllerRevision": "/apis/apps/v1",
    "PodDisruptionBudget": "/apis/policy/v1",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2",
}


@dataclass(frozen=True, slots=True)
class ChaosObject:
    """One object that a run creates."""

    namespace: str
    raw: Raw
    templates: int | None = None
    """How many pod templates a workload has had when all is done; None where it is no matter of ours."""

    @property
    def key(self) -> str:
        """What it is called in a picture."""
        return f"{self.raw['kind']} {self.namespace}/{self.raw['metadata']['name']}"


def all_objects() -> tuple[ChaosObject, ...]:
    """Return all of them."""
    return (*_shop(), *_vault(), *_mixed())


def collection(kind: str, *, namespace: str) -> str:
    """Return the path of all objects of a kind in a namespace."""
    return f"{ROOTS[kind]}/namespaces/{namespace}/{kind.lower()}s"


def deployment(
    name: str, *, replicas: int = 3, annotations: Raw | None = None, strategy: Raw | None = None, **pod: Any
) -> Raw:
    """Return a Deployment that needs every repair, but for what is given."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container("web")], **pod}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {**spec, "strategy": strategy} if strategy else spec,
    }


def container(name: str, **fields: Any) -> Raw:
    """Return a container, at a port of its own."""
    return manifests.container(name, port=8000 + len(name), **fields)


def stateful_set(name: str, *, replicas: int = 2, update: Raw | None = None, **fields: Any) -> Raw:
    """Return a StatefulSet that needs every repair."""
    files = {"name": "files", "nfs": {"server": "files.example", "path": "/"}}
    raw = deployment(name, replicas=replicas, volumes=[files])
    spec = {**raw["spec"], "serviceName": name, **fields}
    return {**raw, "kind": "StatefulSet", "spec": {**spec, "updateStrategy": update} if update else spec}


def _shop() -> Iterator[ChaosObject]:
    for number in range(1, 9):
        yield ChaosObject(SHOP, deployment(f"web-{number}"), templates=2)
    for number in range(1, 4):
        yield ChaosObject(SHOP, deployment(f"wide-{number}", replicas=5), templates=2)
    yield ChaosObject(SHOP, deployment("lone", replicas=1), templates=2)
    yield ChaosObject(SHOP, deployment("asleep", replicas=0), templates=1)
    yield ChaosObject(SHOP, deployment("recreated", strategy={"type": "Recreate"}), templates=2)
    yield ChaosObject(
        SHOP, deployment("many", containers=[container(each) for each in ("web", "side", "linkerd-proxy")]), 2
    )


def _vault() -> Iterator[ChaosObject]:
    for number in range(1, 4):
        yield ChaosObject(VAULT, stateful_set(f"db-{number}"), templates=2)
    yield ChaosObject(VAULT, stateful_set("at-once", podManagementPolicy="Parallel"), templates=2)
    yield ChaosObject(VAULT, stateful_set("by-hand", update={"type": "OnDelete"}), templates=2)
    held = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    yield ChaosObject(VAULT, stateful_set("held", update=held), templates=2)


def _mixed() -> Iterator[ChaosObject]:
    reasons = {f"{EXEMPT}{name}": f"drains by itself, {FOREVER}" for name in ("preStop", "terminationGracePeriod")}
    yield ChaosObject(MIXED, deployment("drained", annotations=reasons), templates=2)
    spared = {f"{EXEMPT}{name}": "its owner says so" for name in ("preStop", "spread", "podDisruptionBudget")}
    yield ChaosObject(MIXED, deployment("spared", annotations=spared), templates=1)
    yield ChaosObject(MIXED, deployment("hooked", containers=[container("web", lifecycle=_hook("exec"))]), templates=2)
    yield ChaosObject(MIXED, deployment("patient", terminationGracePeriodSeconds=90), templates=2)
    yield ChaosObject(MIXED, deployment("apart", affinity=_apart("apart")), templates=2)
    yield ChaosObject(MIXED, deployment("done", affinity=_apart("done"), **_drained()), templates=1)
    yield ChaosObject(MIXED, budget("done", app="done"))
    yield ChaosObject(MIXED, deployment("guarded"), templates=2)
    yield ChaosObject(MIXED, budget("guarded", app="guarded"))
    yield ChaosObject(MIXED, deployment("scaled", replicas=2), templates=2)
    yield ChaosObject(MIXED, autoscaler("scaled", least=2, most=6))
    yield ChaosObject(MIXED, _daemon_set("agent"))


def _hook(kind: str) -> Raw:
    return {"preStop": {kind: {"command": ["/drain"]}}}


def _apart(app: str) -> Raw:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}
    return {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}
    }


def _drained() -> Raw:
    return {"containers": [container("web", lifecycle=_hook("exec"))], "terminationGracePeriodSeconds": 90}


def _daemon_set(name: str) -> Raw:
    raw = deployment(name)
    spec = {each: raw["spec"][each] for each in ("selector", "template")}
    return {**raw, "kind": "DaemonSet", "spec": spec}
