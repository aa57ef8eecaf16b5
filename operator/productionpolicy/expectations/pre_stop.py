"""The containers of a pod that serves requests wait before they stop.

## What it expects
A pod serves if one of its containers has a readiness probe, or a port whose name contains none of these words: metrics,
prometheus, telemetry, profiling, pprof, debug, jmx, health, probes, live, ready, admin. For a controller whose replicas
elect a leader, the readiness probe does not count if all ports have such names. In a pod that serves, every ordinary
container has a preStop hook: all of them get SIGTERM at the same moment, and the serving container may need the others
until its last request. Native sidecars need no hook, because they end after the ordinary containers.

Any hook that does something passes, because the owner decides what to do there. A sleep of 0 seconds, a `tcpSocket` and
an empty hook do nothing and fail. So does a shell or a sleep command in an image that is known to have neither
(distroless, Chainguard, scratch). A StatefulSet of one pod and a Deployment of one pod with the strategy Recreate are
not judged: no other pod takes over, so a delay only prolongs the outage. With several replicas, both are judged: a pod
that is evicted or scaled down leaves others that take over, although strategy Recreate stops all pods for a rollout.

## Why it matters
When a pod is deleted, it gets SIGTERM at the same moment as load balancers are notified. Until all of them have
updated, new requests reach a process that is shutting down. A short sleep before SIGTERM drains these requests.

## Repair and its risk
The operator adds a native `sleep` of `sleepSeconds` to every ordinary container without a hook. This replaces the pods
once, and makes every later stop that much longer. With `handler: Exec` it runs the image's own `sleep` instead, so it
does not repair a pod with an image that has none. The grace period must be longer than the sleep: otherwise the
operator raises it in the same change (see terminationGracePeriod), unless its owner declared it. The operator never
changes a container with its own hook. If that hook does nothing or fails, it leaves the whole pod to the owner. The
right duration depends on what sends requests to the pod: docs/proof.md helps to choose it, by measurement.

A mesh that injects its proxy as an ordinary container does so after the repair, so the operator gives the proxy no
sleep. The proxy must outlive the sleep of the application by a few seconds. Configure this in the annotations of the
pods. For Istio, use `proxy.istio.io/config` with `terminationDrainDuration: 15s`, or with
`EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"` under `proxyMetadata`; for Linkerd,
`config.alpha.linkerd.io/proxy-wait-before-exit-seconds: "15"`. A proxy that the mesh injects as a native sidecar needs
no configuration.

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

from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    Severity,
)
from productionpolicy.kube.pods import Container
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Kind, Workload
from productionpolicy.repairs import Sleep


class Containers(StrEnum):
    """Which containers need a hook."""

    SERVING = "Serving"
    ALL = "All"


class SleepHandler(StrEnum):
    """How the added hook sleeps."""

    SLEEP = "Sleep"
    EXEC = "Exec"


class PreStopParameters(Parameters, frozen=True, kw_only=True):
    """Pods that serve requests wait before they stop, so that load balancers can stop sending requests first."""

    sleep_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="How long the added preStop hook sleeps, in seconds. Choose more than load balancers need to "
            "notice that a pod terminates; kube-proxy needs 1 to 2 seconds, cloud load balancers often 10 or more.",
        ),
    ] = 10
    containers: Annotated[
        Containers,
        Meta(
            description="Serving: the ordinary containers of pods in which a container has a readiness probe or a port "
            "for requests. All: the ordinary containers of every pod. Native sidecars need no hook: they end last."
        ),
    ] = Containers.SERVING
    handler: Annotated[
        SleepHandler,
        Meta(
            description="Sleep: the kubelet sleeps; works with every image. Exec: the image's own sleep command runs; "
            "without repairs at admission, an owner can then set another exec hook directly."
        ),
    ] = SleepHandler.SLEEP


def applies(workload: Workload, parameters: PreStopParameters, around: Surroundings) -> bool:
    """Judge pods with a chosen container, if another pod can take over."""
    return _relieved(workload, around) and bool(_chosen(workload, parameters))


def audit(workload: Workload, parameters: PreStopParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers without a preStop hook, or with one that does not wait."""
    sleep = f"lifecycle.preStop.sleep.seconds: {parameters.sleep_seconds}"
    if workload.template.grace_seconds <= parameters.sleep_seconds:
        sleep += "; terminationGracePeriodSeconds must be longer, so raise it as well"
    for container in _chosen(workload, parameters):
        fault = _fault(container)
        if fault is not None:
            yield Finding(
                path=f"{container.path}.lifecycle.preStop",
                message=f"{fault}, so {_consequence(workload, container)}",
                remedy=f"replace it with {sleep}" if container.pre_stop else f"add {sleep}",
            )


def repair(workload: Workload, parameters: PreStopParameters, _around: Surroundings) -> Repair:
    """Add a sleep to all containers without a hook; adding it to only some of them would be worse than none."""
    faulty = [each for each in _chosen(workload, parameters) if _fault(each) is not None]
    if not faulty:
        return None
    seconds, grace = parameters.sleep_seconds, workload.template.grace_seconds
    by_command = parameters.handler is SleepHandler.EXEC
    if any(each.pre_stop for each in faulty):
        return Refusal("the owner has declared a preStop hook that does not wait")
    if by_command and any(each.lacks_shell for each in faulty):
        return Refusal("an image has no sleep command for handler Exec to run")
    if grace <= seconds and not workload.grace_may_rise:
        return Refusal(f"the owner's grace period of {grace} s is not longer than a sleep of {seconds} s")
    return Sleep(seconds=seconds, containers=tuple(each.name for each in faulty), by_command=by_command)


def _relieved(workload: Workload, around: Surroundings) -> bool:
    """Return whether another pod can take over from one that ends."""
    if workload.kind is Kind.DAEMON_SET:
        return True
    if workload.replicas == 0 and around.autoscaler is None:
        return False
    ends_first = workload.kind is Kind.STATEFUL_SET or workload.strategy.type == "Recreate"
    return not ends_first or around.floor(workload) > 1


def _chosen(workload: Workload, parameters: PreStopParameters) -> tuple[Container, ...]:
    meant = parameters.containers is Containers.ALL or workload.template.serving
    return tuple(each for each in workload.template.containers if meant and not each.init)


def _fault(container: Container) -> str | None:
    """Return what is wrong with the hook of a container, or None."""
    if container.pre_stop is None:
        return f"container {container.name} has no preStop hook"
    if not container.pre_stop.acts:
        return f"the preStop hook of container {container.name} does nothing"
    if container.pre_stop_fails:
        return f"the image of container {container.name} does not contain the program that its preStop hook runs"
    return None


def _consequence(workload: Workload, container: Container) -> str:
    if container.serving:
        return "requests still arrive while it shuts down"
    return "it stops at once, while its pod still gets requests" if workload.template.serving else "it stops at once"


PRE_STOP = Expectation(
    name="preStop",
    title="A delay before stopping",
    severity=Severity.MEDIUM,
    category=Category.SHUTDOWN,
    parameters=PreStopParameters,
    production=Action.REPAIR,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
    repair=repair,
    amendment=Sleep,
    kinds=LONG_RUNNING,
)
