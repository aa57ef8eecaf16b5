"""The surroundings of a workload, found the slow and obvious way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from productionpolicy.kube.budgets import Budget, read_budget
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.surroundings import (
    Autoscaler,
    Server,
    Surroundings,
    Topology,
    default_resources,
    read_autoscaler,
    read_claim,
    read_limit_range,
    read_node,
    read_scaled_object,
    read_service_account,
)
from productionpolicy.kube.workloads import Workload, read_workload
from productionpolicy.repairs.budget import is_ours_beside
from support.manifests import Raw

NEWEST = Server()
"""What the newest server honours."""

_POD_OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job")


def surroundings_of(raw: Raw, others: Sequence[Raw], *, server: Server = NEWEST) -> Surroundings:
    """Return what stands around a workload among other objects."""
    workload = read_workload(raw)
    return Surroundings(
        budgets=tuple(sorted(_budgets(workload, others), key=lambda each: each.name)),
        overlaps=tuple(sorted(_overlaps(workload, others))),
        autoscaler=next(_autoscalers(workload, others), None),
        claims=tuple(
            read_claim(each)
            for each in _beside(workload, others, "PersistentVolumeClaim")
            if each["metadata"]["name"] in workload.template.claims
        ),
        account=next(
            (
                read_service_account(each)
                for each in _beside(workload, others, "ServiceAccount")
                if each["metadata"]["name"] == workload.template.service_account
            ),
            None,
        ),
        default_resources=default_resources(read_limit_range(each) for each in _beside(workload, others, "LimitRange")),
        topology=Topology.of(read_node(each) for each in others if each["kind"] == "Node"),
        server=server,
    )


def _budgets(workload: Workload, others: Sequence[Raw]) -> Iterator[Budget]:
    for budget in (read_budget(each) for each in _beside(workload, others, "PodDisruptionBudget")):
        selects = budget.selector is not None and budget.selector.matches(workload.template.labels)
        if selects or is_ours_beside(workload, budget):
            yield budget


def _overlaps(workload: Workload, others: Sequence[Raw]) -> Iterator[str]:
    for kind, labels_at in _PLACES.items():
        for other in _beside(workload, others, kind):
            selected = workload.selector is not None and workload.selector.matches(_labels(other, labels_at))
            if selected and read_workload(other).overlaps:
                yield f"{kind} {other['metadata']['name']}"


def _autoscalers(workload: Workload, others: Sequence[Raw]) -> Iterator[Autoscaler]:
    scalers = (read_autoscaler(each) for each in _beside(workload, others, "HorizontalPodAutoscaler"))
    by_keda = (read_scaled_object(each) for each in _beside(workload, others, "ScaledObject"))
    for scaler in (*scalers, *by_keda):
        if (scaler.target_kind, scaler.target_name) == (workload.key.kind, workload.key.name):
            yield scaler


def _beside(workload: Workload, others: Sequence[Raw], kind: str) -> Iterator[Raw]:
    return (
        each for each in others if each["kind"] == kind and each["metadata"].get("namespace") == workload.key.namespace
    )


_PLACES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_POD_OWNERS, ("spec", "template")),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}


def _labels(other: Raw, place: tuple[str, ...]) -> dict[str, str]:
    below: Any = Fields(other)
    for name in place:
        below = below.mapping(name)
    labels: dict[str, str] = below.mapping("metadata").text_map("labels")
    return labels
