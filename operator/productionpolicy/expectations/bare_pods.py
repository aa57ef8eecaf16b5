"""Every pod has somebody who makes it anew.

## What it expects
No pod stands alone: each belongs to a Deployment, a StatefulSet, a Job or another object, which is its owner. Static
pods belong to their node. Pods that have ended, and hooks of Helm and Argo CD such as the tests of a chart, are not
meant.

## Why it matters
A pod that nothing owns is gone when its node is drained or fails, and nobody makes it anew.

## Repair and its risk
None. Whether the pod is meant to run on or to end, and so which kind of owner it needs, only its author knows.

## Example
```yaml
barePods: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, always
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Kind, Workload


class BarePodsParameters(AuditedParameters, frozen=True, kw_only=True):
    """Pods belong to an object that makes them anew."""


def audit(workload: Workload, _parameters: BarePodsParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find pods that nothing makes anew."""
    if not workload.owned and not workload.ended:
        yield Finding(
            path="metadata.ownerReferences",
            message="nothing owns the pod, so nothing makes it anew when its node is drained or fails",
            remedy="let a Deployment make the pod, or a Job if it is meant to end",
        )


BARE_PODS = Expectation(
    name="barePods",
    title="Pods that are made anew",
    parameters=BarePodsParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    kinds=frozenset({Kind.POD}),
)
