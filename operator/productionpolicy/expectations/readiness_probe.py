"""A container that serves requests has a probe that shows when it is ready.

## What it expects
Every container with a port for requests has a readiness probe. A port for requests is one whose name contains none of
these words: metrics, prometheus, telemetry, profiling, pprof, debug, jmx, health, probes, live, ready, admin. The probe
checks something: one that runs `true`, or another command that always succeeds, such as `... || true`, fails. So does a
probe that names a port that its container does not have.

With `Warn` and `Deny`, the API server judges a workload when it is written. It reads no scripts: a probe that runs
`true` is refused, one that runs `... || true` is a finding of the operator and of `check`.

## Why it matters
Without a readiness probe, a pod receives requests from the moment when its process starts, and a rollout continues even
if the new version cannot answer.

## Repair and its risk
None. Only the owner knows how to check that the container is ready. A probe that always succeeds would hide this
finding and protect nobody.

## Example
```yaml
readinessProbe: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    RefusableParameters,
    Severity,
    missing_port,
)
from productionpolicy.kube.pods import Container, Probe
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Workload


class ReadinessProbeParameters(RefusableParameters, frozen=True, kw_only=True):
    """Containers that serve requests have a readiness probe."""


def applies(workload: Workload, _parameters: ReadinessProbeParameters, _around: Surroundings) -> bool:
    """Judge workloads with a serving container."""
    return any(each.serving for each in workload.template.long_running)


def audit(workload: Workload, _parameters: ReadinessProbeParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find serving containers without a readiness probe."""
    for container in workload.template.long_running:
        if container.serving and container.readiness is None:
            yield Finding(
                path=f"{container.path}.readinessProbe",
                message=f"container {container.name} has no readinessProbe, so it gets requests before it can answer",
                remedy="add a readinessProbe that checks whether the container can serve",
            )
        elif container.readiness is not None:
            yield from _idle(container, container.readiness)


def _idle(container: Container, readiness: Probe) -> Iterator[Finding]:
    """Find a readiness probe that always has the same result."""
    yield from missing_port(container, readiness, name="readinessProbe")
    if readiness.always_succeeds:
        yield Finding(
            path=f"{container.path}.readinessProbe",
            message=f"container {container.name} has a readinessProbe that always succeeds, so it gets requests before "
            "it can answer",
            remedy="let the readinessProbe check whether the container can serve",
        )


READINESS_PROBE = Expectation(
    name="readinessProbe",
    title="A probe that shows readiness",
    severity=Severity.HIGH,
    category=Category.HEALTH,
    parameters=ReadinessProbeParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
    kinds=LONG_RUNNING,
)
