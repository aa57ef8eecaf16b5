"""A liveness probe restarts a container that is broken, not one that is merely busy.

## What it expects
If a container has a liveness probe, the probe checks something else than the readiness probe, or has more tolerance:
`failureThreshold` times `periodSeconds` is larger. It is not a tcpSocket if the readiness probe uses HTTP or gRPC, and
a single answer that takes longer than a second does not restart the container. It names no port that its container does
not have. A pipeline in a shell is not judged, because what it checks cannot be determined. A container without a
liveness probe passes, unless `required` is true.

## Why it matters
If a readiness probe fails, the pod receives no more requests; if a liveness probe fails, the container is killed. If
both check the same with the same tolerance, a slow database restarts every pod at once. An open port says little about
a process that hangs.

## Repair and its risk
None. Only the owner knows how to detect that the container will not recover by itself.

## Example
```yaml
livenessProbe: {action: Audit, required: false}
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
    always,
    missing_port,
)
from productionpolicy.kube.pods import Container, HandlerKind, Probe
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Workload

_SPEAKING = {HandlerKind.HTTP_GET: "HTTP", HandlerKind.GRPC: "gRPC"}


class LivenessProbeParameters(AuditedParameters, frozen=True, kw_only=True):
    """Liveness probes do not restart containers that are merely not ready."""

    required: Annotated[
        bool,
        Meta(description="Whether every container must have one. Many need none, because they exit on failure."),
    ] = False


def audit(workload: Workload, parameters: LivenessProbeParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find liveness probes that restart containers that would recover by themselves."""
    for container in workload.template.long_running:
        if container.liveness is None and parameters.required:
            yield _found(container, "has no livenessProbe, so it is not restarted when it hangs", "add a livenessProbe")
        yield from missing_port(container, container.liveness, name="livenessProbe")
        if container.liveness is not None and container.liveness.legible and not container.liveness.pipeline:
            yield from _hasty(container, container.liveness)
            yield from _confused(container, container.liveness)


def _hasty(container: Container, liveness: Probe) -> Iterator[Finding]:
    if liveness.timeout == 1 and liveness.failure_threshold == 1:
        yield _found(
            container,
            "is restarted if a single answer takes longer than a second",
            "raise failureThreshold or timeoutSeconds of the livenessProbe",
        )


def _confused(container: Container, liveness: Probe) -> Iterator[Finding]:
    readiness = container.readiness
    if readiness is None or not readiness.legible:
        return
    if liveness.asks_like(readiness) and liveness.patience <= readiness.patience:
        yield _found(
            container,
            "has a livenessProbe that checks the same as its readinessProbe and fails no later (after "
            f"{liveness.patience} s, readiness after {readiness.patience} s), so it is killed when it is merely not "
            "ready",
            "let the livenessProbe check something else than the readinessProbe, or raise its failureThreshold to "
            f"{readiness.patience // liveness.period + 1} or more",
        )
    if liveness.kind is HandlerKind.TCP_SOCKET and readiness.kind in _SPEAKING:
        spoken = _SPEAKING[readiness.kind]
        yield _found(
            container,
            f"speaks {spoken}, but its livenessProbe only checks whether a port is open, which it also is if the "
            "process hangs",
            f"let the livenessProbe use {spoken}, or remove it",
        )


def _found(container: Container, message: str, remedy: str) -> Finding:
    path = f"{container.path}.livenessProbe"
    return Finding(path=path, message=f"container {container.name} {message}", remedy=remedy)


LIVENESS_PROBE = Expectation(
    name="livenessProbe",
    title="A probe that restarts only broken containers",
    severity=Severity.MEDIUM,
    category=Category.HEALTH,
    parameters=LivenessProbeParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    kinds=LONG_RUNNING,
)
