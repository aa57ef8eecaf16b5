"""Resources of containers and pods, and the quality of service."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.quantity import Quantity
from productionpolicy.kube.resources import (
    NO_RESOURCES,
    QualityOfService,
    Resources,
    quality_of_service,
    read_default_resources,
    read_resources,
)
from support.manifests import Raw

FULL: Raw = {"limits": {"cpu": 1, "memory": "1Gi"}}
SOME: Raw = {"requests": {"cpu": "100m"}}
NONE: Raw = {}


def read(given: Any) -> Resources:
    return read_resources(Fields({"resources": given}))


def test_a_missing_request_is_the_limit() -> None:
    resources = read({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}})
    told = [resources.request(name) for name in ("cpu", "memory", "ephemeral-storage")]
    assert told == [Quantity.parse("1"), Quantity.parse("1Gi"), None]


@pytest.mark.parametrize("given", [None, {}, {"requests": {}}, {"limits": None}])
def test_nothing_is_nothing(given: Any) -> None:
    assert read(given) is NO_RESOURCES


@pytest.mark.parametrize("given", ["much", {"requests": []}, {"limits": {"cpu": "lots"}}, {"limits": {"cpu": True}}])
def test_what_cannot_be_read_is_noted(given: Any) -> None:
    fields = Fields({"resources": given})
    assert (read_resources(fields).legible, len(fields.problems)) == (False, 1)


@pytest.mark.parametrize(
    ("pod", "containers", "expected"),
    [
        (NONE, [], QualityOfService.BEST_EFFORT),
        (NONE, [NONE, NONE], QualityOfService.BEST_EFFORT),
        (NONE, [{"requests": {"cpu": 0}, "limits": {"memory": "0"}}], QualityOfService.BEST_EFFORT),
        (NONE, [{"requests": {"ephemeral-storage": "1Gi"}}], QualityOfService.BEST_EFFORT),
        (NONE, [SOME], QualityOfService.BURSTABLE),
        (NONE, [FULL, NONE], QualityOfService.BURSTABLE),
        (NONE, [FULL, {**FULL, "requests": {"cpu": "999m"}}], QualityOfService.BURSTABLE),
        (NONE, [FULL, {**FULL, "requests": {"cpu": "1000m"}}], QualityOfService.GUARANTEED),
        (SOME, [FULL], QualityOfService.BURSTABLE),
        (FULL, [NONE], QualityOfService.GUARANTEED),
    ],
)
def test_the_quality_of_service_follows(pod: Raw, containers: list[Raw], expected: QualityOfService) -> None:
    assert quality_of_service(read(pod), map(read, containers)) is expected


def test_the_qualities_have_an_order() -> None:
    reached = [[each.reaches(minimum) for minimum in QualityOfService] for each in QualityOfService]
    assert reached == [[True, False, False], [True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("item", "requests", "limits"),
    [
        ({"default": {"cpu": "1"}}, {"cpu": "1"}, {"cpu": "1"}),
        ({"default": {"cpu": "1"}, "defaultRequest": {"cpu": "1m"}}, {"cpu": "1m"}, {"cpu": "1"}),
        ({"max": {"cpu": "2"}}, {"cpu": "2"}, {"cpu": "2"}),
        ({"max": {"cpu": "2"}, "default": {"cpu": "1"}}, {"cpu": "1"}, {"cpu": "1"}),
        ({"min": {"cpu": "1m"}}, {"cpu": "1m"}, {}),
        ({"min": {"cpu": "1m"}, "max": {"cpu": "2"}}, {"cpu": "2"}, {"cpu": "2"}),
        ({"type": "Pod", "max": {"cpu": "2"}}, {}, {}),
    ],
)
def test_a_limit_range_gives_what_the_api_server_fills_in(item: Raw, requests: Raw, limits: Raw) -> None:
    read = read_default_resources(Fields({"limits": [{"type": "Container", **item}]}))
    found = [{name: str(each) for name, each in group.items()} for group in (read.requests, read.limits)]
    assert found == [requests, limits]


def test_a_container_gets_a_default_only_for_what_it_does_not_say() -> None:
    defaults = read({"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1", "memory": "2Mi"}})
    resources = read({"requests": {"cpu": "5m"}, "limits": {"memory": "3Mi"}}).defaulted(defaults)
    assert {name: str(each) for name, each in resources.requests.items()} == {"cpu": "5m", "memory": "3Mi"}
    assert {name: str(each) for name, each in resources.limits.items()} == {"cpu": "1", "memory": "3Mi"}


def test_nothing_requested_under_a_limit_is_burstable() -> None:
    given = read({"requests": {"cpu": 0, "memory": 0}, "limits": {"memory": "1Gi"}})
    assert quality_of_service(NO_RESOURCES, [given]) is QualityOfService.BURSTABLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1GB", "a quantity (1G or 1Gi)"),
        ("128Mb", "a quantity (128M or 128Mi)"),
        ("1 Gi", "a quantity (1G or 1Gi)"),
        ("64 kib", "a quantity (64k or 64Ki)"),
        ("much", "a quantity such as 500m or 1.5Gi"),
    ],
)
def test_an_amount_with_another_unit_is_no_quantity(text: str, expected: str) -> None:
    fields = Fields({"resources": {"limits": {"memory": text}}})
    assert not read_resources(fields).legible
    assert [expected in each.message for each in fields.problems] == [True]
