"""A liveness probe restarts what is broken, and not what is merely busy.

## What it expects
Where a container has a liveness probe, it asks something else than the readiness probe, or has more patience:
`failureThreshold` times `periodSeconds` is larger. It is no tcpSocket where readiness speaks HTTP or gRPC, and one
answer that takes longer than a second is not the end of the container. It names no port that its container does not
have. A pipeline in a shell is not judged: nobody can tell what it asks. A container without a liveness probe passes,
unless `required` is true.

## Why it matters
A readiness probe that fails takes a pod out of the load; a liveness probe that fails kills it. If both ask the same
with the same patience, a slow database restarts every pod at once. An open port says little of a process that hangs.

## Repair and its risk
None. Only the owner knows what tells that the container will not recover by itself.

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
    Expectation,
    Finding,
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
        Meta(description="Whether every container has to have one. Many are better off without: they exit on failure."),
    ] = False


def audit(workload: Workload, parameters: LivenessProbeParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find liveness probes that restart what would recover by itself."""
    for container in workload.template.long_running:
        if container.liveness is None and parameters.required:
            yield _found(container, "has no livenessProbe, so it stays as it is when it hangs", "add a livenessProbe")
        yield from missing_port(container, container.liveness, name="livenessProbe")
        if container.liveness is not None and container.liveness.legible and not container.liveness.pipeline:
            yield from _hasty(container, container.liveness)
            yield from _confused(container, container.liveness)


def _hasty(container: Container, liveness: Probe) -> Iterator[Finding]:
    if liveness.timeout == 1 and liveness.failure_threshold == 1:
        yield _found(
            container,
            "is restarted when a single answer takes longer than a second",
            "raise failureThreshold or timeoutSeconds of the livenessProbe",
        )


def _confused(container: Container, liveness: Probe) -> Iterator[Finding]:
    readiness = container.readiness
    if readiness is None or not readiness.legible:
        return
    if liveness.asks_like(readiness) and liveness.patience <= readiness.patience:
        yield _found(
            container,
            "has a livenessProbe that asks the same as its readinessProbe and fails no later (after "
            f"{liveness.patience} s, readiness after {readiness.patience} s), so it is killed when it is merely not "
            "ready",
            "let the livenessProbe ask something else than the readinessProbe, or raise its failureThreshold to "
            f"{readiness.patience // liveness.period + 1} or more",
        )
    if liveness.kind is HandlerKind.TCP_SOCKET and readiness.kind in _SPEAKING:
        spoken = _SPEAKING[readiness.kind]
        yield _found(
            container,
            f"speaks {spoken}, but its livenessProbe asks only whether a port is open, as it is in a process that "
            "hangs",
            f"let the livenessProbe ask by {spoken}, or remove it",
        )


def _found(container: Container, message: str, remedy: str) -> Finding:
    path = f"{container.path}.livenessProbe"
    return Finding(path=path, message=f"container {container.name} {message}", remedy=remedy)


LIVENESS_PROBE = Expectation(
    name="livenessProbe",
    title="A probe that tells what is beyond recovery",
    parameters=LivenessProbeParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    kinds=LONG_RUNNING,
)
