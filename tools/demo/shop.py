"""The shop at one moment: its workloads, which pods run, and its disruption budgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from demo.excerpt import notes
from owners.manifests import Raw
from productionpolicy.kube.identity import FIELD_MANAGER, MANAGED_BY

WORKLOADS = ("Deployment", "StatefulSet")
KINDS = (*WORKLOADS, "ReplicaSet", "PodDisruptionBudget", "HorizontalPodAutoscaler")
"""The kinds of objects that make a shop."""
_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Shop:
    """What `kubectl get` told. Workloads are named `Deployment storefront`."""

    workloads: dict[str, Raw] = field(default_factory=dict)
    running: dict[str, str] = field(default_factory=dict)
    """The hash of the pod template of which the pods are, by workload; empty in the midst of a rollout."""
    budgets: dict[str, Raw] = field(default_factory=dict)
    scaled: tuple[Raw, ...] = ()
    """What autoscalers scale, as their scaleTargetRef."""

    @property
    def generations(self) -> dict[str, int]:
        """How often each workload's spec was written."""
        return {name: int(each["metadata"]["generation"]) for name, each in self.workloads.items()}

    @property
    def written_more_than_once(self) -> list[str]:
        """Those that were changed more than once since they were made; the autoscaler's changes do not count."""
        made = 1
        scaled = {f"{each['kind']} {each['name']}" for each in self.scaled}
        return [name for name, times in self.generations.items() if times > made + 1 and name not in scaled]

    @property
    def replicas(self) -> dict[str, int]:
        """How many pods each workload is to have; an autoscaler may change it at any moment."""
        return {name: int(each["spec"]["replicas"]) for name, each in self.workloads.items()}

    @property
    def asked(self) -> dict[str, Any]:
        """What the specs ask for, the number of pods aside, with the annotations of our domain."""
        return {name: (_without_replicas(each["spec"]), notes(each)) for name, each in self.workloads.items()}

    @property
    def our_budgets(self) -> list[str]:
        """The budgets that the operator made."""
        return [name for name, each in self.budgets.items() if _is_ours(each)]


def read_shop(items: list[Raw]) -> Shop:
    """Return the shop that these objects of one namespace make."""
    kinds = {kind: [each for each in items if each["kind"] == kind] for kind in KINDS}
    workloads = {f"{kind} {each['metadata']['name']}": each for kind in WORKLOADS for each in kinds[kind]}
    return Shop(
        workloads=workloads,
        running={name: _running(each, kinds["ReplicaSet"]) for name, each in workloads.items()},
        budgets={each["metadata"]["name"]: each for each in kinds["PodDisruptionBudget"]},
        scaled=tuple(each["spec"]["scaleTargetRef"] for each in kinds["HorizontalPodAutoscaler"]),
    )


def _running(workload: Raw, replica_sets: list[Raw]) -> str:
    """Return the hash by which all pods of a workload go; empty if there are several, or not all are available."""
    status, wanted = workload["status"], workload["spec"]["replicas"]
    if status.get("availableReplicas") != wanted or status.get("replicas") != wanted:
        return ""
    if workload["kind"] == "StatefulSet":
        return _hash(status["updateRevision"]) if status["updateRevision"] == status["currentRevision"] else ""
    owned = [each for each in replica_sets if _owner(each) == workload["metadata"]["uid"] and each["spec"]["replicas"]]
    return _hash(owned[0]["metadata"]["name"]) if len(owned) == 1 else ""


def _hash(name: str) -> str:
    return name.rpartition("-")[2]


def _owner(replica_set: Raw) -> str:
    return str(replica_set["metadata"]["ownerReferences"][0]["uid"])


def _is_ours(budget: Raw) -> bool:
    return bool(budget["metadata"].get("labels", {}).get(MANAGED_BY) == FIELD_MANAGER)


def _without_replicas(spec: Raw) -> Raw:
    return {name: value for name, value in spec.items() if name != "replicas"}
