"""Workloads of many shapes: those that need each repair, those that need none, exempt ones, and owners' budgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from owners.manifests import Raw, autoscaler, budget, container, daemon_set, deployment, stateful_set
from productionpolicy.kube.identity import EXEMPT

SHOP, VAULT, MIXED = "shop", "vault", "mixed"
NAMESPACES = (SHOP, VAULT, MIXED)
FOREVER = "until=2199-12-31"
"""Beyond any jump of a clock."""


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


def _shop() -> Iterator[ChaosObject]:
    for number in range(1, 9):
        yield ChaosObject(SHOP, deployment(f"web-{number}"), templates=2)
    for number in range(1, 4):
        yield ChaosObject(SHOP, deployment(f"wide-{number}", replicas=5), templates=2)
    yield ChaosObject(SHOP, deployment("lone", replicas=1), templates=2)
    yield ChaosObject(SHOP, deployment("asleep", replicas=0), templates=1)
    yield ChaosObject(SHOP, deployment("recreated", spec={"strategy": {"type": "Recreate"}}), templates=2)
    several = [container(each, port=8080 + at) for at, each in enumerate(("web", "side", "linkerd-proxy"))]
    yield ChaosObject(SHOP, deployment("many", containers=several), templates=2)


def _vault() -> Iterator[ChaosObject]:
    for number in range(1, 4):
        yield ChaosObject(VAULT, stateful_set(f"db-{number}"), templates=2)
    yield ChaosObject(VAULT, stateful_set("at-once", spec={"podManagementPolicy": "Parallel"}), templates=2)
    yield ChaosObject(VAULT, stateful_set("by-hand", spec={"updateStrategy": {"type": "OnDelete"}}), templates=2)
    held = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    yield ChaosObject(VAULT, stateful_set("held", spec={"updateStrategy": held}), templates=2)


def _mixed() -> Iterator[ChaosObject]:
    reasons = {f"{EXEMPT}{name}": f"drains by itself, {FOREVER}" for name in ("preStop", "terminationGracePeriod")}
    yield ChaosObject(MIXED, deployment("drained", metadata={"annotations": reasons}), templates=2)
    spared = {f"{EXEMPT}{name}": "its owner says so" for name in ("preStop", "spread", "podDisruptionBudget")}
    yield ChaosObject(MIXED, deployment("spared", metadata={"annotations": spared}), templates=1)
    yield ChaosObject(MIXED, deployment("hooked", containers=[container("web", lifecycle=_hook("exec"))]), templates=2)
    yield ChaosObject(MIXED, deployment("patient", terminationGracePeriodSeconds=90), templates=2)
    yield ChaosObject(MIXED, deployment("apart", affinity=_apart("apart")), templates=2)
    yield ChaosObject(MIXED, deployment("done", affinity=_apart("done"), **_drained()), templates=1)
    yield ChaosObject(MIXED, budget("done"))
    yield ChaosObject(MIXED, deployment("guarded"), templates=2)
    yield ChaosObject(MIXED, budget("guarded"))
    yield ChaosObject(MIXED, deployment("scaled", replicas=2), templates=2)
    yield ChaosObject(MIXED, autoscaler("scaled", least=2, most=6))
    yield ChaosObject(MIXED, daemon_set("agent"))


def _hook(kind: str) -> Raw:
    return {"preStop": {kind: {"command": ["/drain"]}}}


def _apart(app: str) -> Raw:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}
    return {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}
    }


def _drained() -> Raw:
    return {"containers": [container("web", lifecycle=_hook("exec"))], "terminationGracePeriodSeconds": 90}
