"""The page of drain in a real browser: it loads nothing, runs nothing, is accessible, and fits narrow screens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import Page, opened
from productionpolicy.cli.drains.html import page as page_of
from productionpolicy.cli.drains.told import Part, Told
from productionpolicy.cli.formats.origin import Origin
from productionpolicy.drain import Blocker, Dark, Key, NodeOutcome, Outcome, PendingPod, Result, Step
from support.browsing import violations
from support.hostile import TEXTS

pytestmark = pytest.mark.exhaustive
"""A browser is a download of its own."""

LOOKS: list[dict[str, Any]] = [{}, {"dark": True}, {"paper": True}, {"width": 320}]
MOST_SECONDS = 2.0


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with opened() as each:
        yield each


def written(folder: Path, *, name: str = "web", nodes: int = 4, title: str = "") -> Path:
    """Write a page with everything in it."""
    key = Key("shop", "Deployment", name)
    fates = (("shop/x", "b", True), ("shop/x", "b", False), ("shop/x", "", False), ("", "", False))
    steps = tuple(Step(number, f"shop/{name}", key, number // 2, *fates[number % 4]) for number in range(1, 9))
    blockers = (Blocker(f"shop/{name}", key, f"why {name}", "do this", ("shop/web",), certain=False),)
    pending = (PendingPod(f"shop/{name}", key, "full"),)
    results = (Result.DRAINS, Result.BLOCKED, Result.UNKNOWN, Result.STUCK)
    outcomes = [
        NodeOutcome(f"{name}-{each}", results[each % 4], steps, blockers if each % 2 else (), pending, ("not known",))
        for each in range(nodes)
    ]
    dark = (Dark(key, 3, 2), Dark(Key("shop", "StatefulSet", name), 2, 5, lasts=True, certain=False))
    run = Part(title, Outcome(tuple(outcomes), dark, pending, (Key("shop", "Job", name),)))
    file = folder / "drain.html"
    file.write_text(page_of(Told(Origin("prod", (("Version", "1"),)), (run,), (run,), 3)), encoding="utf-8")
    return file


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_it_writes_no_message_and_loads_nothing(page: Page, tmp_path: Path, look: dict[str, Any]) -> None:
    file = written(tmp_path)
    page.show(file, **look)
    assert page.messages == []
    assert page.requests == [file.as_uri()]


@pytest.mark.parametrize("title", ["", "zone east"])
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_it_is_accessible(page: Page, tmp_path: Path, look: dict[str, Any], title: str) -> None:
    page.show(written(tmp_path, title=title), **look)
    assert violations(page) == []


@pytest.mark.parametrize("text", [*TEXTS.values(), "x" * 5000], ids=[*TEXTS, "long"])
def test_nothing_is_wider_than_a_phone(page: Page, tmp_path: Path, text: str) -> None:
    page.show(written(tmp_path, name=text), width=320)
    assert page.messages == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_drawings_have_the_place_that_their_steps_take(page: Page, tmp_path: Path) -> None:
    page.show(written(tmp_path))
    cells = (
        "[...document.querySelector('#nodes tbody .strip').children].map(each => each.getBoundingClientRect().width)"
    )
    widths = page.evaluate(cells)
    assert len(widths) == 8
    assert min(widths) > 5


def test_a_page_of_five_hundred_nodes_opens_fast(page: Page, tmp_path: Path) -> None:
    file = written(tmp_path, nodes=500)
    before = page.busy
    page.show(file)
    assert page.busy - before < MOST_SECONDS
