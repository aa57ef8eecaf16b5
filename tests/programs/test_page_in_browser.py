"""The page in a real browser: it loads nothing, runs nothing, is accessible, and its filters work without a script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import Page, opened
from productionpolicy.page.markup import ATTRIBUTES, ELEMENTS
from support.browsing import DOCUMENT, violations
from support.checking import check, written
from support.hostile import TEXTS, hostile
from support.manifests import deployment

pytestmark = pytest.mark.exhaustive
"""A browser is a download of its own, and opening large pages takes minutes."""

EXAMPLES = Path(__file__).parents[2] / "examples"
MOST_BYTES = 3_000_000
MOST_SECONDS = 2.0
"""Of processor time, so that other tests beside this one do not count."""
LONG = "x" * 5000
MANY = 2000

SHOWN = "[...document.querySelectorAll('{}')].filter(each => each.checkVisibility())"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with opened() as each:
        yield each


def report(folder: Path, *arguments: str | Path, stdin: str | None = None) -> Path:
    file = folder / "report.html"
    file.write_text(check(*arguments, "-o", "html", stdin=stdin).out, encoding="utf-8")
    return file


def two_namespaces() -> str:
    return written(
        deployment(replicas=1), deployment("cart", metadata={"namespace": "bank"}), deployment("api", replicas=1)
    )


def compared(folder: Path) -> Path:
    before = folder / "old.json"
    before.write_text(check("-", "-o", "json", stdin=written(deployment("api"), deployment("gone"))).out)
    return report(folder, "-", "--compare", before, stdin=two_namespaces())


def of_hostile(folder: Path, text: str) -> Path:
    return report(folder, "-", stdin=json.dumps({"kind": "List", "items": hostile(text)}))


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"paper": True}, {"width": 320}], ids=str)
def test_it_writes_no_message_and_loads_nothing(page: Page, tmp_path: Path, look: dict[str, Any]) -> None:
    file = compared(tmp_path)
    page.show(file, **look)
    assert page.messages == []
    assert page.requests == [file.as_uri()]


def test_a_page_that_breaks_its_own_rules_is_noticed(page: Page, tmp_path: Path) -> None:
    file = report(tmp_path, EXAMPLES)
    file.write_text(
        file.read_text().replace("</body>", "<script>alert(1)</script><img src=https://a.example/x.png></body>")
    )
    page.show(file)
    assert any("Content Security Policy" in each for each in page.messages)


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"width": 320}, {"width": 320, "dark": True}], ids=str)
def test_it_is_accessible(page: Page, tmp_path: Path, look: dict[str, Any]) -> None:
    for file in (report(tmp_path, EXAMPLES), compared(tmp_path), of_hostile(tmp_path, TEXTS["markup"])):
        page.show(file, **look)
        assert violations(page) == []


def test_a_page_that_is_not_accessible_is_noticed(page: Page, tmp_path: Path) -> None:
    file = report(tmp_path, EXAMPLES)
    file.write_text(file.read_text().replace("--dim: #57606a", "--dim: #aab").replace(' lang="en"', ""))
    page.show(file)
    assert {each.split(":")[1].strip() for each in violations(page)} >= {"color-contrast", "html-has-lang"}


@pytest.mark.parametrize("text", [*TEXTS.values(), LONG], ids=[*TEXTS, "long"])
def test_hostile_text_stays_text(page: Page, tmp_path: Path, text: str) -> None:
    page.show(of_hostile(tmp_path, text))
    names = page.evaluate("[...document.querySelectorAll('*')].map(each => each.localName)")
    links = page.evaluate("[...document.querySelectorAll('[href]')].map(each => each.getAttribute('href'))")
    attributes = page.evaluate("[...document.body.querySelectorAll('*')].flatMap(each => each.getAttributeNames())")
    assert set(names) <= ELEMENTS | DOCUMENT
    assert [each for each in links if not each.startswith("#")] == []
    assert set(attributes) <= ATTRIBUTES
    assert page.messages == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True


def test_markup_is_shown_as_it_is(page: Page, tmp_path: Path) -> None:
    page.show(of_hostile(tmp_path, TEXTS["markup"]))
    assert TEXTS["markup"] in page.evaluate("document.body.textContent")


def test_nothing_is_wider_than_a_phone(page: Page, tmp_path: Path) -> None:
    page.show(compared(tmp_path), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def chosen(page: Page, control: str, option: str) -> list[str]:
    """Choose an option, and return the workloads that are shown then."""
    page.evaluate(
        f"{{ const list = document.getElementById('{control}');"
        f"list.value = [...list.options].find(each => each.text === '{option}').value }}"
    )
    return list(page.evaluate(f"{SHOWN.format('.w')}.map(each => each.querySelector('strong').textContent)"))


def test_filters_work_although_no_script_may_run(page: Page, tmp_path: Path) -> None:
    page.show(compared(tmp_path))
    everything = ["Deployment shop/api", "Deployment shop/web", "Deployment bank/cart"]
    assert chosen(page, "namespace", "bank") == ["Deployment bank/cart"]
    assert chosen(page, "expectation", "replicas") == []
    assert chosen(page, "namespace", "all") == ["Deployment shop/api", "Deployment shop/web"]
    found = SHOWN.format(".findings > li")
    assert set(page.evaluate(f"{found}.map(each => each.querySelector('b').textContent)")) == {"replicas"}
    assert chosen(page, "expectation", "all") == everything


def test_only_new_findings_can_be_shown(page: Page, tmp_path: Path) -> None:
    page.show(compared(tmp_path))
    page.evaluate("document.getElementById('only-new').checked = true")
    found = SHOWN.format(".findings > li")
    texts = page.evaluate(f"{found}.map(each => each.textContent)")
    assert len(texts) > 0
    assert [each for each in texts if " new" not in each] == []


def test_the_keyboard_reaches_and_opens_a_workload(page: Page, tmp_path: Path) -> None:
    many = written(*(deployment(f"web-{number}") for number in range(20)))
    page.show(report(tmp_path, "-", stdin=many))
    focused = "document.activeElement.closest('.w') !== null && document.activeElement.localName === 'summary'"
    for _ in range(80):
        page.press("Tab")
        if page.evaluate(focused):
            break
    assert page.evaluate("document.activeElement.parentElement.open") is False
    page.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") is True


def test_without_style_everything_is_there_but_the_filters(page: Page, tmp_path: Path) -> None:
    file = report(tmp_path, EXAMPLES)
    head, _, rest = file.read_text().partition("<style>")
    file.write_text(head + rest.partition("</style>")[2])
    page.show(file)
    visible = "[...document.querySelectorAll('{}')].filter(each => each.checkVisibility()).length"
    assert page.evaluate(visible.format(".filters")) == 0
    assert (
        page.evaluate(visible.format(".findings > li")) == check(EXAMPLES, "-o", "json").report["summary"]["findings"]
    )


def test_paper_shows_what_is_folded(page: Page, tmp_path: Path) -> None:
    file = report(tmp_path, "-", stdin=written(*(deployment(f"web-{number}") for number in range(20))))
    folded = f"{SHOWN.format('pre')}.length"
    page.show(file)
    assert page.evaluate(folded) == 0
    page.show(file, paper=True)
    assert page.evaluate("document.querySelector('pre').getBoundingClientRect().height > 50") is True
    assert page.paper().startswith(b"%PDF")


def test_two_thousand_workloads_are_small_and_open_fast(page: Page, tmp_path: Path) -> None:
    file = report(tmp_path, "-", stdin=written(*(deployment(f"web-{number}") for number in range(MANY))))
    assert file.stat().st_size < MOST_BYTES
    before = page.busy
    page.show(file)
    assert len(page.picture()) > 0
    assert page.busy - before < MOST_SECONDS
    assert page.evaluate("document.querySelectorAll('.w').length") == MANY
