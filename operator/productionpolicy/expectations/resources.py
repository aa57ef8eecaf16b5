"""Containers declare how much they need and how much they may use.

## What it expects
Every container and init container has a request for each resource in `requests` (cpu, memory) and a limit for each in
`limits` (memory). A limit implies its request, as it does for the API server. Requests and limits of the pod as a whole
count for all its containers, and so do the defaults of the LimitRanges of the namespace. No container requests more
than its limit, or more than the pod as a whole may use. No quantity is negative. Memory is a whole number of bytes and
at least 1Mi, and cpu is less than 256 cores: any other value has a wrong unit. The pods have at least the quality of
service `minimumQoS`; for this, a request of 0 counts as none.

With `Warn` and `Deny`, the API server judges a workload when it is written. LimitRanges are not visible at that moment,
so if a namespace has one, use `Audit`.

## Why it matters
The scheduler places pods by their requests. A container that requests nothing is scheduled onto a full node, and is the
first to be evicted there. A container without a memory limit takes the memory of its neighbors when it leaks.

## Repair and its risk
None. Only measurements show how much a container needs; a guess either wastes resources or kills the process.

## Example
```yaml
resources: {action: Audit, requests: [cpu, memory], limits: [memory], minimumQoS: Burstable}
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from msgspec import Meta, field
from msgspec.structs import replace

from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    RefusableParameters,
    Severity,
    always,
)
from productionpolicy.kube.pods import Container, PodTemplate
from productionpolicy.kube.quantity import Quantity
from productionpolicy.kube.resources import COUNTED, QualityOfService, Resources, quality_of_service
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

ResourceName = Annotated[str, Meta(min_length=1, max_length=253)]

_REMEDIES = {
    QualityOfService.BURSTABLE: "request cpu or memory in a container",
    QualityOfService.GUARANTEED: "give every container limits of cpu and memory, and no request that differs",
}


_LEAST_MEMORY = 2**20
_MOST_CORES = 256

_FAULTS: Mapping[str, Callable[[Quantity], str]] = {
    "memory": lambda given: (
        _negative(given) or ("less than 1Mi" if 0 < given.amount < _LEAST_MEMORY else _no_bytes(given))
    ),
    "cpu": lambda given: _negative(given) or ("256 cores or more" if given.amount >= _MOST_CORES else ""),
}
_UNITS = {
    "memory": "give memory with a unit such as Mi or Gi; m means thousandths of a byte",
    "cpu": "give cpu in cores, or in thousandths of a core such as 500m",
}


class ResourcesParameters(RefusableParameters, frozen=True, kw_only=True):
    """Containers declare how much they need and how much they may use."""

    requests: Annotated[
        tuple[ResourceName, ...],
        Meta(max_length=16, description="Resources that every container must request; a limit implies its request."),
    ] = ("cpu", "memory")
    limits: Annotated[
        tuple[ResourceName, ...],
        Meta(max_length=16, description="Resources for which every container must have a limit."),
    ] = ("memory",)
    minimum_qos: Annotated[
        QualityOfService,
        Meta(description="The minimum quality of service of the pods, which requests and limits determine."),
    ] = field(default=QualityOfService.BURSTABLE, name="minimumQoS")


def audit(workload: Workload, parameters: ResourcesParameters, around: Surroundings) -> Iterator[Finding]:
    """Find containers that do not declare what they need, and pods with too low a quality of service."""
    template = _with_defaults(workload.template, around)
    legible = [each for each in template.containers if each.resources.legible and template.resources.legible]
    for container in legible:
        yield from _missing_requests(template, container, parameters)
        yield from _missing_limits(template, container, parameters)
    own = {each.path: each.resources.limits for each in workload.template.containers}
    for container in legible:
        yield from _excessive_requests(
            container.path, f"container {container.name}", container.resources, own=own[container.path]
        )
    yield from _excessive_requests(
        template.path, "the pod as a whole", template.resources, own=template.resources.limits
    )
    for container in legible:
        yield from _more_than_the_pod(template.resources, container)
    yield from _sum_of_requests(template)
    yield from _implausible(workload.template)
    yield from _low_quality(template, parameters)


def _with_defaults(template: PodTemplate, around: Surroundings) -> PodTemplate:
    """Return the template with the defaults of the namespace in each container, as its pods are admitted."""
    given = (
        replace(each, resources=each.resources.defaulted(around.default_resources)) for each in template.containers
    )
    return replace(template, containers=tuple(given))


def _missing_requests(
    template: PodTemplate, container: Container, parameters: ResourcesParameters
) -> Iterator[Finding]:
    for name in parameters.requests:
        if _lacks(template, container, name):
            yield Finding(
                path=f"{container.path}.resources.requests.{name}",
                message=f"container {container.name} requests no {name}, so its pod may be scheduled onto a node "
                "without enough of it",
                remedy=f"set resources.requests.{name} to what the container needs",
            )


def _lacks(template: PodTemplate, container: Container, name: str) -> bool:
    return container.resources.request(name) is None and template.resources.request(name) is None


def _missing_limits(template: PodTemplate, container: Container, parameters: ResourcesParameters) -> Iterator[Finding]:
    whole = template.resources
    for name in parameters.limits:
        if name not in container.resources.limits and name not in whole.limits:
            yield Finding(
                path=f"{container.path}.resources.limits.{name}",
                message=f"container {container.name} has no {name} limit, so it may use what its neighbors need",
                remedy=f"set resources.limits.{name} to the maximum that the container may use",
            )


def _excessive_requests(
    path: str, owner: str, resources: Resources, *, own: Mapping[str, Quantity]
) -> Iterator[Finding]:
    """Find requests above a limit, which may be a default of the namespace if it is not among its own."""
    limits = resources.limits
    for name, request in resources.requests.items():
        if name in limits and request > limits[name]:
            limit = (
                f"its limit of {limits[name]}"
                if name in own
                else f"the {limits[name]} that the LimitRange gives as limit"
            )
            yield Finding(
                path=f"{path}.resources.requests.{name}",
                message=f"{owner} requests {request} of {name}, more than {limit}, so the API server refuses its pods",
                remedy="raise the limit, or lower the request"
                if name in own
                else f"set resources.limits.{name} to at least the request, or lower the request",
            )


def _more_than_the_pod(whole: Resources, container: Container) -> Iterator[Finding]:
    for name, request in container.resources.requests.items():
        most = whole.request(name)
        if most is not None and request > most:
            yield Finding(
                path=f"{container.path}.resources.requests.{name}",
                message=f"container {container.name} requests {request} of {name}, and its pod as a whole {most}, so "
                "the API server refuses its pods",
                remedy="raise the request of the pod as a whole, or lower that of the container",
            )
    for name, limit in container.resources.limits.items():
        if name in whole.limits and limit > whole.limits[name]:
            yield Finding(
                path=f"{container.path}.resources.limits.{name}",
                message=f"container {container.name} has a {name} limit of {limit}, and its pod as a whole one of "
                f"{whole.limits[name]}, so the API server refuses its pods",
                remedy="raise the limit of the pod, or lower that of the container",
            )


def _sum_of_requests(template: PodTemplate) -> Iterator[Finding]:
    """Find containers that together request more than the pod, although none does so alone."""
    running = [each.resources for each in template.long_running]
    for name, most in template.resources.requests.items():
        asked = [each.requests[name] for each in running if each.legible and name in each.requests]
        if all(each <= most for each in asked) and sum(each.amount for each in asked) > most.amount:
            yield Finding(
                path=f"{template.path}.resources.requests.{name}",
                message=f"the containers together request more {name} than the {most} of their pod as a whole, so the "
                "API server refuses its pods",
                remedy="raise the request of the pod as a whole, or lower the requests of its containers",
            )


def _implausible(template: PodTemplate) -> Iterator[Finding]:
    """Find quantities whose unit is probably a mistake."""
    places = [(each.path, f"container {each.name}", each.resources) for each in template.containers]
    for path, owner, resources in [*places, (template.path, "the pod as a whole", template.resources)]:
        for group, quantities in (("requests", resources.requests), ("limits", resources.limits)):
            for name in COUNTED:
                fault = name in quantities and _FAULTS[name](quantities[name])
                if fault:
                    yield Finding(
                        path=f"{path}.resources.{group}.{name}",
                        message=f"{owner} has {quantities[name]} of {name} in its {group}, which is {fault}",
                        remedy=_UNITS[name],
                    )


def _low_quality(template: PodTemplate, parameters: ResourcesParameters) -> Iterator[Finding]:
    minimum = parameters.minimum_qos
    found = quality_of_service(template.resources, (each.resources for each in template.containers))
    if template.containers and not found.reaches(minimum) and not _told(template, parameters):
        yield Finding(
            path=f"{template.path}.containers",
            message=f"the pods have quality of service {found}, below {minimum}, so they are evicted before others",
            remedy=_REMEDIES[minimum],
        )


def _told(template: PodTemplate, parameters: ResourcesParameters) -> bool:
    """Return whether a quality below Burstable follows from missing requests that are already findings."""
    asked = [name for name in parameters.requests if name in COUNTED]
    lacking = any(_lacks(template, each, name) for each in template.containers for name in asked)
    return lacking and parameters.minimum_qos is QualityOfService.BURSTABLE


def _negative(given: Quantity) -> str:
    return "negative" if given.amount < 0 else ""


def _no_bytes(given: Quantity) -> str:
    return "not a whole number of bytes" if given.amount != given.amount.to_integral_value() else ""


RESOURCES = Expectation(
    name="resources",
    title="Resource requests and limits",
    severity=Severity.MEDIUM,
    category=Category.RESOURCES,
    parameters=ResourcesParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
)
