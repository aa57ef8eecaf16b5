"""A workload has enough replicas to lose one.

## What it expects
The least number of pods, `minReplicas` of its HorizontalPodAutoscaler or `spec.replicas`, is at least `minimum`
(2).

## Why it matters
A single pod is gone for as long as it takes to be replaced: at every node drain, every crash and every eviction.

## Repair and its risk
None. How far a workload scales is its owner's decision: it may not be able to run twice, and it costs money.
`Warn` warns of too few replicas that are written into the workload. They cannot be refused: an autoscaler that keeps
more cannot be seen then.

## Example
```yaml
replicas: {action: Audit, minimum: 2}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, always
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import REPLICATED, Workload


class ReplicasParameters(AuditedParameters, frozen=True, kw_only=True):
    """Every workload has enough replicas to lose one."""

    actions: ClassVar[tuple[Action, ...]] = (Action.IGNORE, Action.AUDIT, Action.WARN)
    """The API server sees no autoscaler, which may keep more pods: it can warn of too few, and refuse nothing."""

    minimum: Annotated[
        int, Meta(ge=1, le=1000, description="The least number of replicas, or of an autoscaler's minReplicas.")
    ] = 2


def audit(workload: Workload, parameters: ReplicasParameters, around: Surroundings) -> Iterator[Finding]:
    """Find workloads that are meant to have too few pods."""
    floor = around.floor(workload)
    if floor >= parameters.minimum:
        return
    scaler = around.autoscaler
    source = f"HorizontalPodAutoscaler {scaler.name} has minReplicas {floor}" if scaler else f"replicas is {floor}"
    yield Finding(
        path="spec.replicas",
        message=f"{source}, and at least {parameters.minimum} are expected so that the loss of a pod is no outage",
        remedy=f"set {'minReplicas of the autoscaler' if scaler else 'spec.replicas'} to {parameters.minimum} or more, "
        "or exempt a workload that cannot run twice",
    )


REPLICAS = Expectation(
    name="replicas",
    title="Enough replicas to lose one",
    parameters=ReplicasParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    kinds=REPLICATED,
    of_containers=False,
)
