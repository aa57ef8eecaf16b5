"""A startup probe, not a delay, waits for a slow start.

## What it expects
A container with a liveness probe whose `initialDelaySeconds` is more than `maxInitialDelaySeconds` (30) has a startup
probe. A startup probe names no port that its container does not have.

## Why it matters
A fixed delay fits only one machine. If a start takes longer, it ends in a restart, and then in the next one. If it is
faster, nothing notices a container that hangs during the rest of the delay. A startup probe holds back the other probes
for exactly as long as the start takes.

## Repair and its risk
None. Only the owner knows how to detect that the container has started, and how long that may take.

## Example
```yaml
startupProbe: {action: Audit, maxInitialDelaySeconds: 30}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
    missing_port,
)
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload


class StartupProbeParameters(AuditedParameters, frozen=True, kw_only=True):
    """A startup probe waits for a slow start."""

    max_initial_delay_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=86400,
            description="The longest initial delay of a livenessProbe without a startupProbe, in seconds.",
        ),
    ] = 30


def applies(workload: Workload, _parameters: StartupProbeParameters, _around: Surroundings) -> bool:
    """Judge workloads with a liveness probe, or a startup probe that always fails."""
    return any(each.liveness or (each.startup and each.startup.missing_port) for each in workload.template.long_running)


def audit(workload: Workload, parameters: StartupProbeParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find liveness probes that wait for the start only by a delay."""
    for container in workload.template.long_running:
        yield from missing_port(container, container.startup, name="startupProbe")
        delay = container.liveness.initial_delay if container.liveness else 0
        if delay > parameters.max_initial_delay_seconds and not container.startup:
            yield Finding(
                path=f"{container.path}.startupProbe",
                message=f"container {container.name} has no startupProbe: its livenessProbe waits {delay} s, too short "
                "for a slower start and too long after a faster one",
                remedy="add a startupProbe, and remove initialDelaySeconds from the livenessProbe",
            )


STARTUP_PROBE = Expectation(
    name="startupProbe",
    title="A probe that waits for the start",
    severity=Severity.LOW,
    category=Category.HEALTH,
    parameters=StartupProbeParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
)
