"""A slow start is waited for by a startup probe, not by a delay.

## What it expects
A container with a liveness probe whose `initialDelaySeconds` are more than `maxInitialDelaySeconds` (30) has a startup
probe. A startup probe names no port that its container does not have.

## Why it matters
A fixed delay is wrong on every machine but one: a start that takes longer ends in a restart, and then in the next one;
after a shorter one nobody notices for the rest of the delay that the container hangs. A startup probe holds the others
back for just as long as the start takes.

## Repair and its risk
None. Only the owner knows what tells that the container has started, and how long that may take.

## Example
```yaml
startupProbe: {action: Audit, maxInitialDelaySeconds: 30}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, missing_port
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload


class StartupProbeParameters(AuditedParameters, frozen=True, kw_only=True):
    """A slow start is waited for by a startup probe."""

    max_initial_delay_seconds: Annotated[
        int,
        Meta(ge=0, le=86400, description="The longest initial delay of a livenessProbe without a startupProbe."),
    ] = 30


def applies(workload: Workload, _parameters: StartupProbeParameters, _around: Surroundings) -> bool:
    """Judge workloads with a liveness probe, or a startup probe that always fails."""
    return any(each.liveness or (each.startup and each.startup.missing_port) for each in workload.template.long_running)


def audit(workload: Workload, parameters: StartupProbeParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find liveness probes that wait for the start by a delay only."""
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
    parameters=StartupProbeParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
)
