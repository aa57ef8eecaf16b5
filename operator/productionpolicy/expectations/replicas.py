"""A workload has enough replicas to lose one.

## What it expects
The minimum number of pods is at least `minimum` (2): `minReplicas` of the HorizontalPodAutoscaler, `minReplicaCount` of
the KEDA ScaledObject, or `spec.replicas`. A workload that is scaled to 0, or whose autoscaler may scale it to 0, is not
judged, because that is a deliberate choice. If there is an autoscaler, the manifest does not set `spec.replicas`. An
autoscaler whose `scaleTargetRef` names another API group than that of the workload does not scale it, and does not
count.

## Why it matters
A single pod is unavailable until it is replaced: at every node drain, every crash and every eviction. If a manifest
sets `spec.replicas`, each apply scales the workload to that number, regardless of what the autoscaler has chosen. What
the autoscaler itself writes there is not a finding.

## Repair and its risk
None. The number of replicas is the owner's decision: the workload may not be able to run twice, and replicas cost
money. `Warn` warns about too few replicas in the workload. The API server cannot refuse them, because an autoscaler
that keeps more is not visible at that moment.

## Example
```yaml
replicas: {action: Audit, minimum: 2}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
)
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import NUMBER_OF_PODS, REPLICATED, Workload


class ReplicasParameters(AuditedParameters, frozen=True, kw_only=True):
    """Every workload has enough replicas to lose one."""

    actions: ClassVar[tuple[Action, ...]] = (Action.IGNORE, Action.AUDIT, Action.WARN)
    """The API server sees no autoscaler, which may keep more pods. So it can only warn about too few."""

    minimum: Annotated[
        int, Meta(ge=1, le=1000, description="The minimum number of replicas, or an autoscaler's minReplicas.")
    ] = 2


def runs_at_all(workload: Workload, _parameters: ReplicasParameters, around: Surroundings) -> bool:
    """Judge workloads that are meant to have a pod at any time."""
    return around.floor(workload) >= 1


def audit(workload: Workload, parameters: ReplicasParameters, around: Surroundings) -> Iterator[Finding]:
    """Find workloads with too few pods, and numbers of pods that two writers set."""
    floor, scaler = around.floor(workload), around.autoscaler
    if floor < parameters.minimum:
        source = f"{scaler.title} has {scaler.minimum_field} {floor}" if scaler else f"replicas is {floor}"
        yield Finding(
            path="spec.replicas",
            message=f"{source}, and at least {parameters.minimum} are expected so that the loss of a pod is not an "
            "outage",
            remedy=f"{_remedy(parameters, around)}, or exempt a workload that cannot run twice",
        )
    if scaler and NUMBER_OF_PODS in workload.written:
        yield Finding(
            path="spec.replicas",
            message=f"the manifest sets spec.replicas in addition to {scaler.title}, so each apply overwrites the "
            "number that the autoscaler has chosen",
            remedy="remove spec.replicas from the manifest; if kubectl apply has set it in a cluster, first remove it "
            "there with kubectl apply edit-last-applied, or its removal scales the workload to 1",
        )


def _remedy(parameters: ReplicasParameters, around: Surroundings) -> str:
    scaler, faulty = around.autoscaler, around.faulty_autoscaler
    if scaler is None and faulty is not None:
        return faulty.correction
    field = f"{scaler.minimum_field} of the autoscaler" if scaler else "spec.replicas"
    return f"set {field} to {parameters.minimum} or more"


REPLICAS = Expectation(
    name="replicas",
    title="Enough replicas to lose one",
    severity=Severity.MEDIUM,
    category=Category.AVAILABILITY,
    parameters=ReplicasParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=runs_at_all,
    audit=audit,
    kinds=REPLICATED,
    of_containers=False,
)
