"""Every pod has a controller that replaces it.

## What it expects
No pod is without an owner: each belongs to a Deployment, a StatefulSet, a Job or another object. Static pods belong to
their node. Pods that have terminated, and hooks of Helm and Argo CD such as the tests of a chart, do not count.

## Why it matters
A pod without an owner is lost when its node is drained or fails, and nothing replaces it.

## Repair and its risk
None. Only its author knows whether the pod is meant to keep running or to end, and so which kind of owner it needs.

## Example
```yaml
barePods: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
    always,
)
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Kind, Workload


class BarePodsParameters(AuditedParameters, frozen=True, kw_only=True):
    """Pods belong to a controller that replaces them."""


def audit(workload: Workload, _parameters: BarePodsParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find pods that nothing replaces."""
    if not workload.owned and not workload.ended:
        yield Finding(
            path="metadata.ownerReferences",
            message="the pod has no owner, so nothing replaces it when its node is drained or fails",
            remedy="create the pod with a Deployment, or with a Job if it is meant to end",
        )


BARE_PODS = Expectation(
    name="barePods",
    title="Pods with a controller",
    severity=Severity.MEDIUM,
    category=Category.AVAILABILITY,
    parameters=BarePodsParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    kinds=frozenset({Kind.POD}),
    of_containers=False,
)
