"""The pages of the operator in a real browser: they load and run nothing, lead on, and open fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from browser import Page, opened
from productionpolicy.kube.identity import EXEMPT
from productionpolicy.overview.cluster import Known, Snapshot
from productionpolicy.page.markup import ATTRIBUTES, ELEMENTS
from productionpolicy.verdict import State
from support.browsing import DOCUMENT, violations
from support.hostile import TEXTS, hostile
from support.known import day, known, many, snapshot, with_drains
from support.manifests import deployment
from support.served import served

pytestmark = pytest.mark.exhaustive
"""A browser is a download of its own."""

TARGETS = ("", "namespaces", "workloads", "workloads/shop/Deployment/web", "nothing/of/this")
LOOKS: list[dict[str, Any]] = [{}, {"dark": True}, {"width": 320}, {"width": 320, "dark": True}]
FIRST_BYTE_SECONDS = 0.5
LONG = "x" * 3000
"""A target may have 4096 bytes."""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with opened() as each:
        yield each


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(full()) as each:
        yield each


def full() -> Snapshot:
    """Return what fills every part of the pages."""
    ends = {"annotations": {f"{EXEMPT}preStop": "it only reads until=2026-06-20"}}
    contested = known(deployment("cart", metadata={"namespace": "bank"}))
    report = replace(
        contested.report, state=State.CONTESTED, contests=(("preStop", "argocd undid the repair 2 times"),)
    )
    workloads = (
        known(deployment(metadata=ends), rolling=True),
        known(deployment("api", replicas=1)),
        Known(report, contested.workload),
    )
    days = [day(before, workloads=4, compliant=before % 4, findings=9) for before in range(12, 0, -1)]
    return with_drains(snapshot(*workloads, days=days))


@pytest.mark.parametrize("target", TARGETS)
def test_it_writes_no_message_and_loads_nothing(page: Page, origin: str, target: str) -> None:
    for look in LOOKS:
        page.show(f"{origin}{target}", **look)
        # Chromium itself tells of an answer that is not 200.
        assert [each for each in page.messages if "status of 404" not in each] == []
        assert page.requests == [f"{origin}{target}"]


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_accessible_and_fits_a_phone(page: Page, origin: str, target: str) -> None:
    for look in LOOKS:
        page.show(f"{origin}{target}", **look)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
        assert violations(page) == []


def test_a_reader_gets_from_the_first_page_to_a_workload_and_back(page: Page, origin: str) -> None:
    page.show(origin)
    page.follow("#namespaces tbody a")
    assert page.evaluate("document.querySelector('.chosen b').textContent") == "shop"
    page.follow("details a")
    assert page.evaluate("document.querySelector('h1').textContent") == "Deployment shop/web"
    page.follow(".crumbs a")
    assert page.evaluate("location.href") == origin


def test_the_chart_shows_each_day_in_the_colors_of_its_key(page: Page, origin: str) -> None:
    page.show(origin)
    fill = "getComputedStyle(document.querySelector('.chart .{0}')).fill"
    key = "getComputedStyle(document.querySelector('.key .{0}')).backgroundColor"
    for kind in ("good", "bad"):
        assert page.evaluate(fill.format(kind)) == page.evaluate(key.format(kind))
    assert page.evaluate("document.querySelectorAll('.chart rect').length") == 2 * 13
    assert page.evaluate("document.querySelector('.chart').getBoundingClientRect().height") > 50


@pytest.mark.parametrize("text", [*TEXTS.values(), LONG], ids=[*TEXTS, "long"])
def test_hostile_text_stays_text(page: Page, text: str) -> None:
    with served(snapshot(*(known(each) for each in hostile(text)[:3]))) as origin:
        for target in ("", "workloads"):
            page.show(f"{origin}{target}")
            names = page.evaluate("[...document.querySelectorAll('*')].map(each => each.localName)")
            attributes = page.evaluate(
                "[...document.body.querySelectorAll('*')].flatMap(each => each.getAttributeNames())"
            )
            assert set(names) <= ELEMENTS | DOCUMENT
            assert set(attributes) <= ATTRIBUTES
            assert page.messages == []
            assert page.requests == [f"{origin}{target}"]
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
            hrefs = page.evaluate("[...document.links].map(each => each.href)")
            assert [each for each in hrefs if not each.startswith(origin)] == []


def test_the_first_byte_of_five_thousand_workloads_comes_at_once(page: Page) -> None:
    with served(snapshot(*many(5000, namespaces=100))) as origin:
        for target in ("", "namespaces", "workloads", "workloads/ns-0/Deployment/web-0"):
            page.show(f"{origin}{target}")
            first = page.evaluate("performance.getEntriesByType('navigation')[0].responseStart")
            assert first < FIRST_BYTE_SECONDS * 1000
            assert page.evaluate("document.querySelectorAll('main section').length") > 0
