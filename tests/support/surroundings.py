"""The surroundings of a workload, found the slow and obvious way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from productionpolicy.kube.budgets import Budget, is_ours_beside, read_budget
from productionpolicy.kube.surroundings import (
    Autoscaler,
    Reach,
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
from productionpolicy.kube.workloads import Workload, WorkloadKey, read_workload
from support.manifests import Raw

NEWEST = Server()
"""What the newest server honours."""

_MAKERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob")


def surroundings_of(raw: Raw, others: Sequence[Raw], *, server: Server = NEWEST) -> Surroundings:
    """Return what stands around a workload among other objects."""
    workload = read_workload(raw)
    budgets = tuple(sorted(_budgets(workload, others), key=lambda each: each.name))
    overlaps = list(_overlaps(workload, others))
    return Surroundings(
        budgets=budgets,
        reaches=dict(_reaches(raw, others, budgets)),
        overlaps=tuple(sorted(f"{each.key.kind} {each.key.name}" for each in overlaps)),
        passing=tuple(sorted(f"Job {each.key.name}" for each in _overlaps(workload, others, passing=True))),
        rivals=tuple(sorted({name for each in overlaps for name in _budgets_of_owners(each, others)})),
        autoscaler=_autoscaler(workload, others),
        unreadable_autoscaler=next((each for each in _autoscalers(workload, others) if each.unreadable), None),
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


def _reaches(raw: Raw, others: Sequence[Raw], budgets: Sequence[Budget]) -> Iterator[tuple[str, Reach]]:
    workload = read_workload(raw)
    makers = [workload, *_makers_beside(workload, others)]
    for budget in budgets:
        selected = [each for each in makers if budget.selects(each.template.labels)]
        if workload in selected:
            yield budget.name, Reach.over((each, _autoscaler(each, others)) for each in selected)


def _overlaps(workload: Workload, others: Sequence[Raw], *, passing: bool = False) -> Iterator[Workload]:
    for other in _makers_beside(workload, others, passing=passing):
        if workload.selector is not None and workload.selector.matches(other.template.labels):
            yield other


def _makers_beside(workload: Workload, others: Sequence[Raw], *, passing: bool = False) -> Iterator[Workload]:
    """Return what makes pods that a budget counts, or the Jobs among it that are there for a short time only."""
    found = (read_workload(each) for kind in _MAKERS for each in _beside(workload, others, kind))
    return (each for each in found if _deleted_on_success(each.key, others) is passing)


def _deleted_on_success(key: WorkloadKey, others: Sequence[Raw]) -> bool:
    given = (each for each in others if (each["kind"], each["metadata"].get("name", "")) == (key.kind, key.name))
    annotations: Mapping[str, str] = next(given)["metadata"].get("annotations", {})
    helm, argo = (annotations.get(f"{each}/hook-delete-policy", "") for each in ("helm.sh", "argocd.argoproj.io"))
    return "hook-succeeded" in helm or "HookSucceeded" in argo


def _budgets_of_owners(workload: Workload, others: Sequence[Raw]) -> Iterator[str]:
    return (each.name for each in _budgets(workload, others) if not each.ours and not each.unreadable)


def _autoscaler(workload: Workload, others: Sequence[Raw]) -> Autoscaler | None:
    return next((each for each in _autoscalers(workload, others) if not each.unreadable), None)


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
