"""Containers cannot write to their own image.

## What it expects
Every long-running container, including native sidecars, has `readOnlyRootFilesystem: true`. Data is written to volumes.
Pods for Windows are not judged, because the API server refuses the field in them.

## Why it matters
Files that a container writes to its root filesystem are lost with the container, fill the disk of the node, and differ
from pod to pod. An attacker cannot install programs in a container with a read-only root filesystem.

## Repair and its risk
None. Only the owner knows where the process writes; without a volume there, it would fail.

## Example
```yaml
containerFilesystem: {action: Audit}
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
)
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload


class ContainerFilesystemParameters(AuditedParameters, frozen=True, kw_only=True):
    """Containers cannot write to their root filesystem."""


def applies(workload: Workload, _parameters: ContainerFilesystemParameters, _around: Surroundings) -> bool:
    """Judge pods in which the API server allows the field."""
    return not workload.template.windows


def audit(workload: Workload, _parameters: ContainerFilesystemParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers that can write to their root filesystem."""
    for container in workload.template.long_running:
        if not container.read_only:
            yield Finding(
                path=f"{container.path}.securityContext.readOnlyRootFilesystem",
                message=f"container {container.name} can write to its root filesystem, and loses what it writes there",
                remedy="set readOnlyRootFilesystem: true, and mount a volume where the container writes",
            )


CONTAINER_FILESYSTEM = Expectation(
    name="containerFilesystem",
    title="Containers that cannot write to their image",
    severity=Severity.LOW,
    category=Category.SECURITY,
    parameters=ContainerFilesystemParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
)
