"""Requests and limits of containers and pods, and the quality of service that follows from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.quantity import Quantity

COUNTED = ("cpu", "memory")
"""The resources that determine the quality of service."""

_ELASTIC = frozenset({*COUNTED, "ephemeral-storage"})
"""The resources that pods share on a node in small amounts."""


_WITH_OTHER_UNIT = re.compile(
    r"\s*(?P<number>\d{1,15}(?:\.\d{1,9})?)\s*(?P<power>[kmgtpe])(?:i?b?|i?bytes?)\s*", re.IGNORECASE
)
"""Matches amounts of bytes that people write, but the API refuses: `1GB`, `128Mb`, `1 Gi`, `512mi`."""


class QualityOfService(StrEnum):
    """The classes in the order of eviction from a node that runs out of memory."""

    BEST_EFFORT = "BestEffort"
    BURSTABLE = "Burstable"
    GUARANTEED = "Guaranteed"

    def reaches(self, minimum: QualityOfService) -> bool:
        """Return whether this class is at least as good as another one."""
        order = list(QualityOfService)
        return order.index(self) >= order.index(minimum)


class Resources(Struct, frozen=True):
    """Requests and limits by resource."""

    requests: Mapping[str, Quantity] = {}
    limits: Mapping[str, Quantity] = {}
    legible: bool = True
    """Whether all quantities could be read."""

    def request(self, name: str) -> Quantity | None:
        """Return the request for a resource; the API server uses the limit for a missing request."""
        return self.requests.get(name, self.limits.get(name))

    @property
    def scarce(self) -> tuple[str, ...]:
        """The names of requested resources of which a node has only a few units: extended resources, huge pages."""
        names = sorted((self.requests.keys() | self.limits.keys()) - _ELASTIC)
        return tuple(each for each in names if self.requests.get(each) or self.limits.get(each))

    @property
    def given(self) -> bool:
        """Whether it requests or limits cpu or memory; 0 counts as not set."""
        return any(self.request(name) or self.limits.get(name) for name in COUNTED)

    @property
    def guaranteed(self) -> bool:
        """Whether cpu and memory have limits, and requests that equal them."""
        return all(self.limits.get(name) and self.request(name) == self.limits[name] for name in COUNTED)

    def defaulted(self, defaults: Resources) -> Resources:
        """Return the resources of a container in a namespace whose LimitRange has these defaults.

        For a missing request, the API server uses the container's own limit before a default.
        """
        if not (defaults.requests or defaults.limits):
            return self
        requests = {**defaults.requests, **self.limits, **self.requests}
        return Resources(requests, {**defaults.limits, **self.limits}, self.legible)


NO_RESOURCES = Resources()


def read_resources(owner: Fields) -> Resources:
    """Return the `resources` (ResourceRequirements) of a container or a pod."""
    noted = len(owner.problems)
    fields = owner.mapping("resources")
    requests, limits = _read_quantities(fields.mapping("requests")), _read_quantities(fields.mapping("limits"))
    if len(owner.problems) > noted:
        return Resources(requests, limits, legible=False)
    return Resources(requests, limits) if requests or limits else NO_RESOURCES


def read_default_resources(limit_range: Fields) -> Resources:
    """Return the defaults for containers in the spec of a LimitRange, with the defaults of the API (core/v1).

    A missing default limit is the maximum. A missing default request is the default limit, or else the minimum.
    """
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    for item in limit_range.items("limits"):
        if item.text("type") == "Container":
            most = {**_read_quantities(item.mapping("max")), **_read_quantities(item.mapping("default"))}
            least = _read_quantities(item.mapping("min"))
            asked = {**least, **most, **_read_quantities(item.mapping("defaultRequest"))}
            limits, requests = {**most, **limits}, {**asked, **requests}
    return Resources(requests, limits) if requests or limits else NO_RESOURCES


def quality_of_service(pod: Resources, containers: Iterable[Resources]) -> QualityOfService:
    """Return the quality of service of a pod, by its own resources if it has any, or else those of its containers."""
    counted = [pod] if pod.given else list(containers)
    if not any(each.given for each in counted):
        return QualityOfService.BEST_EFFORT
    guaranteed = all(each.guaranteed for each in counted)
    return QualityOfService.GUARANTEED if guaranteed else QualityOfService.BURSTABLE


def _read_quantities(fields: Fields) -> Mapping[str, Quantity]:
    found = {name: _read_quantity(fields, name) for name in sorted(fields.names())}
    return {name: quantity for name, quantity in found.items() if quantity is not None}


def _read_quantity(fields: Fields, name: str) -> Quantity | None:
    try:
        return Quantity.parse(fields.raw(name))
    except ValueError:
        fields.reject(name, expected=_expected(name, fields.raw(name)))
        return None


def _expected(name: str, given: Any) -> str:
    """Return what the quantity of a resource should be; for `1GB` of memory, it is 1G or 1Gi."""
    found = _WITH_OTHER_UNIT.fullmatch(given) if isinstance(given, str) and name != "cpu" else None
    if found is None:
        return "a quantity such as 500m or 1.5Gi"
    number, power = found["number"], found["power"].upper()
    return f"a quantity ({number}{power.replace('K', 'k')} or {number}{power}i)"
