"""What the documents name is there, and the places that name a version agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from productionpolicy.expectations import EXPECTATIONS
from support.metrics import METRICS, exposed_name

ROOT = Path(__file__).parents[2]
PAGES = [each for folder in ("*", "docs/**/*", "charts/*/*") for each in sorted(ROOT.glob(f"{folder}.md"))]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https:)([^)#]*)(#[^)]*)?\)", page.read_text())

    assert [path for path, _ in links if path and not (page.parent / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_anchor_is_a_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!https:)([^)#]*)#([^)]*)\)", page.read_text())

    assert [
        (path, anchor) for path, anchor in links if anchor not in _anchors(page.parent / path if path else page)
    ] == []


def test_every_page_is_listed_in_the_index_of_its_folder() -> None:
    folders = [ROOT / "docs", ROOT / "docs" / "decisions", ROOT / "docs" / "expectations"]
    missing = [
        page
        for folder in folders
        for page in folder.glob("*.md")
        if page.name != "README.md" and f"]({page.name})" not in (folder / "README.md").read_text()
    ]

    assert missing == []


def test_the_commands_of_make_exist() -> None:
    named = {word for page in PAGES for word in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert named - targets == set()


def test_the_metrics_are_those_that_the_operator_has() -> None:
    told = re.findall(r"^\| `(productionpolicy_\w+)(?:\{([\w,]+)\})?`", OPERATIONS, re.MULTILINE)

    assert dict(told) == {exposed_name(each): ",".join(each._labelnames) for each in METRICS}


def test_the_operator_posts_the_events_that_are_told_of() -> None:
    controller = "".join(path.read_text() for path in (ROOT / "operator").glob("*/controller/*.py"))
    told = re.findall(r"^\| `(\w+)` \| the (?:workload|namespace|policy) \|", OPERATIONS, re.MULTILINE)

    assert len(told) == 11
    assert [reason for reason in told if f'"{reason}"' not in controller] == []


def test_the_changelog_names_every_expectation() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()

    assert [each.name for each in EXPECTATIONS if f"`{each.name}`" not in text] == []


def test_the_image_of_the_manifests_is_that_of_this_version() -> None:
    [image] = yaml.safe_load((ROOT / "manifests" / "kustomization.yaml").read_text())["images"]

    assert image["newTag"] == VERSION
    assert f"productionpolicy:{VERSION} ." in DOCKERFILE
    assert f"ARG VERSION={VERSION}\n" in DOCKERFILE


def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
