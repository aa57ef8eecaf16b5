"""Containers say what they need and how much they may take.

## What it expects
Every container and init container has a request for each resource in `requests` (cpu, memory) and a limit for each in
`limits` (memory). A limit implies its request, as it does for the API server, and what the pod as a whole asks for
counts for all its containers. No request exceeds its limit. The pods are at least of the quality of service
`minimumQoS`.

## Why it matters
The scheduler places pods by what they request. A container that requests nothing is put onto a full node, and is the
first to be evicted there. One without a memory limit takes the memory of its neighbours when it leaks.

## Repair and its risk
None. How much a container needs only measurement tells; a guess is either waste, or the end of the process.

## Example
```yaml
resources: {action: Audit, requests: [cpu, memory], limits: [memory], minimumQoS: Burstable}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, field

from productionpolicy.expectations.expectation import Action, Expectation, Finding, RefusableParameters, always
from productionpolicy.kube.pods import Container
from productionpolicy.kube.resources import COUNTED, QualityOfService, quality_of_service
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

ResourceName = Annotated[str, Meta(min_length=1, max_length=253)]

_REMEDIES = {
    QualityOfService.BURSTABLE: "request cpu or memory in a container",
    QualityOfService.GUARANTEED: "give every container limits of cpu and memory, and no request that differs",
}


class ResourcesParameters(RefusableParameters, frozen=True, kw_only=True):
    """Containers say what they need and how much they may take."""

    requests: Annotated[
        tuple[ResourceName, ...],
        Meta(max_length=16, description="Resources that every container has to request; a limit implies its request."),
    ] = ("cpu", "memory")
    limits: Annotated[
        tuple[ResourceName, ...],
        Meta(max_length=16, description="Resources of which every container has to have a limit."),
    ] = ("memory",)
    minimum_qos: Annotated[
        QualityOfService,
        Meta(description="The least quality of service of the pods, as it follows from requests and limits."),
    ] = field(default=QualityOfService.BURSTABLE, name="minimumQoS")


def audit(workload: Workload, parameters: ResourcesParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers that do not say what they need, and pods of too low a quality of service."""
    for container in workload.template.containers:
        if container.resources.legible and workload.template.resources.legible:
            yield from _missing_requests(workload, container, parameters)
            yield from _missing_limits(workload, container, parameters)
            yield from _excessive_requests(container)
    yield from _low_quality(workload, parameters)


def _missing_requests(workload: Workload, container: Container, parameters: ResourcesParameters) -> Iterator[Finding]:
    for name in parameters.requests:
        if _lacks(workload, container, name):
            yield Finding(
                path=f"{container.path}.resources.requests.{name}",
                message=f"container {container.name} requests no {name}, so its pod may be put onto a node that has "
                "none to spare",
                remedy=f"set resources.requests.{name} to what the container needs",
            )


def _lacks(workload: Workload, container: Container, name: str) -> bool:
    return container.resources.request(name) is None and workload.template.resources.request(name) is None


def _missing_limits(workload: Workload, container: Container, parameters: ResourcesParameters) -> Iterator[Finding]:
    whole = workload.template.resources
    for name in parameters.limits:
        if name not in container.resources.limits and name not in whole.limits:
            yield Finding(
                path=f"{container.path}.resources.limits.{name}",
                message=f"container {container.name} has no {name} limit, so it may take what its neighbours need",
                remedy=f"set resources.limits.{name} to the most that the container may take",
            )


def _excessive_requests(container: Container) -> Iterator[Finding]:
    limits = container.resources.limits
    for name, request in container.resources.requests.items():
        if name in limits and request > limits[name]:
            yield Finding(
                path=f"{container.path}.resources.requests.{name}",
                message=f"container {container.name} requests {request} of {name}, more than its limit of "
                f"{limits[name]}, so the API server refuses its pods",
                remedy="raise the limit, or lower the request",
            )


def _low_quality(workload: Workload, parameters: ResourcesParameters) -> Iterator[Finding]:
    template, minimum = workload.template, parameters.minimum_qos
    found = quality_of_service(template.resources, (each.resources for each in template.containers))
    if template.containers and not found.reaches(minimum) and not _told(workload, parameters):
        yield Finding(
            path=f"{template.path}.containers",
            message=f"the pods are of the quality of service {found}, below {minimum}, so they are evicted before "
            "others",
            remedy=_REMEDIES[minimum],
        )


def _told(workload: Workload, parameters: ResourcesParameters) -> bool:
    """Say whether a quality below Burstable comes from requests whose lack is a finding already."""
    asked = [name for name in parameters.requests if name in COUNTED]
    lacking = any(_lacks(workload, each, name) for each in workload.template.containers for name in asked)
    return lacking and parameters.minimum_qos is QualityOfService.BURSTABLE


RESOURCES = Expectation(
    name="resources",
    title="Containers that say what they need",
    parameters=ResourcesParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
)
