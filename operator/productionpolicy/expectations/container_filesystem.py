"""Containers cannot write to their own image.

## What it expects
Every container that runs beside the others, native sidecars among them, has `readOnlyRootFilesystem: true`. What has to
be written goes to volumes. Pods for Windows are not judged: the API server refuses the field in them.

## Why it matters
What is written into a container is lost with it, fills the disk of the node, and differs from pod to pod. Whoever
breaks into a container that cannot be written leaves no program behind.

## Repair and its risk
None. Only the owner knows where the process writes; without a volume there it would fail.

## Example
```yaml
containerFilesystem: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload


class ContainerFilesystemParameters(AuditedParameters, frozen=True, kw_only=True):
    """Containers cannot write to their root filesystem."""


def applies(workload: Workload, _parameters: ContainerFilesystemParameters, _around: Surroundings) -> bool:
    """Judge pods in which the field is allowed."""
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
    parameters=ContainerFilesystemParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
)
