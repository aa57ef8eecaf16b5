"""A container that serves requests waits before it stops.

## What it expects
Every container that serves requests (it has a readiness probe, or a port whose name does not say metrics,
prometheus, debug, health, admin or pprof) has a preStop hook. Any handler counts: what to do there is the owner's
choice.

## Why it matters
A pod that is deleted gets SIGTERM at the same moment as the load balancers learn that it is going. Until they have
all learned it, new requests arrive at a process that is closing. A short sleep before SIGTERM lets them drain away.

## Repair and its risk
A native `sleep` of `sleepSeconds` is added where there is no hook; this replaces the pods once, and makes every
later stop that much longer. With `handler: Exec` the image's own `sleep` is run instead, which an image without one
cannot do. The grace period must be longer than the sleep: where it is not, it is raised in the
same change (see terminationGracePeriod), unless its owner wrote it. A container with a hook of its own is never
touched. How long to sleep depends on what sends requests to the pod: docs/proof.md helps to choose, by measurement.

## Example
```yaml
preStop: {action: Repair, sleepSeconds: 10, containers: Serving}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from productionpolicy.expectations.expectation import Action, Expectation, Finding, Parameters, Refusal, Repair
from productionpolicy.kube.pods import Container
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Workload
from productionpolicy.repairs import Sleep


class Containers(StrEnum):
    """Which containers are meant."""

    SERVING = "Serving"
    ALL = "All"


class SleepHandler(StrEnum):
    """Who sleeps."""

    SLEEP = "Sleep"
    EXEC = "Exec"


class PreStopParameters(Parameters, frozen=True, kw_only=True):
    """Containers that serve requests wait before they stop, so that load balancers can turn away from them first."""

    sleep_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="How long the added preStop hook sleeps, in seconds. Longer than load balancers need to notice "
            "that a pod is going; kube-proxy needs 1 to 2 seconds, cloud load balancers often 10 and more.",
        ),
    ] = 10
    containers: Annotated[
        Containers,
        Meta(
            description="Serving: containers with a readiness probe or a port for requests. All: every container that "
            "runs beside the others, native sidecars among them."
        ),
    ] = Containers.SERVING
    handler: Annotated[
        SleepHandler,
        Meta(
            description="Sleep: the kubelet sleeps, which every image bears. Exec: the image's own sleep command runs; "
            "where nothing repairs at admission, an owner can then simply write another exec hook."
        ),
    ] = SleepHandler.SLEEP


def applies(workload: Workload, parameters: PreStopParameters, _around: Surroundings) -> bool:
    """Judge workloads with a container that is meant."""
    return any(_chosen(workload, parameters))


def audit(workload: Workload, parameters: PreStopParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers without a preStop hook."""
    for container in _unhooked(workload, parameters):
        yield Finding(
            path=f"{container.path}.lifecycle.preStop",
            message=f"container {container.name} has no preStop hook, so requests still arrive while it shuts down",
            remedy=f"add lifecycle.preStop.sleep.seconds: {parameters.sleep_seconds}",
        )


def repair(workload: Workload, parameters: PreStopParameters, _around: Surroundings) -> Repair:
    """Add a sleep to the containers that have no hook."""
    unhooked = tuple(each.name for each in _unhooked(workload, parameters))
    if not unhooked:
        return None
    seconds, grace = parameters.sleep_seconds, workload.template.grace_seconds
    if grace <= seconds and not workload.grace_may_rise:
        return Refusal(f"the owner's grace period of {grace} s is not longer than a sleep of {seconds} s")
    return Sleep(seconds=seconds, containers=unhooked, by_command=parameters.handler is SleepHandler.EXEC)


def _chosen(workload: Workload, parameters: PreStopParameters) -> Iterator[Container]:
    everyone = parameters.containers is Containers.ALL
    return (each for each in workload.template.long_running if everyone or each.serving)


def _unhooked(workload: Workload, parameters: PreStopParameters) -> Iterator[Container]:
    return (each for each in _chosen(workload, parameters) if each.pre_stop is None)


PRE_STOP = Expectation(
    name="preStop",
    title="A wait before stopping",
    parameters=PreStopParameters,
    production=Action.REPAIR,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
    repair=repair,
    amendment=Sleep,
    kinds=LONG_RUNNING,
)
