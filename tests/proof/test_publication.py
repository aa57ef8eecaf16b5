"""What the README and the documentation claim is what the last run of `make proof` measured."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from proof.outcome import Figures, Outcome, Prediction, markdown, predictions_markdown, sentence
from proof.picture import draw
from proof.publication import DOCUMENTATION, PAGE, README, RESULT
from proof.record import Manner, Mark, Record, Request
from proof.scenarios import SCENARIOS

LEAST_REQUESTS = 20_000
PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def result() -> dict[str, object]:
    """The result of the last run."""
    read: dict[str, object] = json.loads((DOCUMENTATION / RESULT).read_text())
    return read


@pytest.fixture(scope="module")
def scenarios(result: dict[str, object]) -> list[Figures]:
    """Its figures."""
    found = result["scenarios"]
    assert isinstance(found, list)
    return found


@pytest.fixture(scope="module")
def predictions(result: dict[str, object]) -> list[Prediction]:
    """What it predicted."""
    found = result["predictions"]
    assert isinstance(found, list)
    return found


def test_it_was_measured_on_real_nodes(result: dict[str, object]) -> None:
    assert str(result["nodes"]).startswith("real nodes")


def test_every_scenario_was_run(scenarios: list[Figures]) -> None:
    assert [each["name"] for each in scenarios] == [each.name for each in SCENARIOS]


def test_before_the_repair_requests_failed_and_after_it_none(scenarios: list[Figures]) -> None:
    assert [each["name"] for each in scenarios if each["failedAfter"]] == []
    assert sum(int(each["failedBefore"]) for each in scenarios) > 0
    assert sum(int(each["requests"]) for each in scenarios) >= LEAST_REQUESTS


def test_the_readme_claims_what_was_measured(scenarios: list[Figures]) -> None:
    assert " ".join(README.lines) == sentence(scenarios)


def test_the_last_drain_went_as_predicted(predictions: list[Prediction]) -> None:
    assert [each["state"] for each in predictions] == ["as written", "repaired"]
    assert [each for each in predictions if each["predicted"] != each["happened"]] == []


def test_the_page_shows_what_was_measured(scenarios: list[Figures], predictions: list[Prediction]) -> None:
    assert PAGE.lines == [*markdown(scenarios), "", *predictions_markdown(predictions)]


def test_the_picture_tells_scenario_events_and_counts(tmp_path: Path) -> None:
    failed = Request("web", Manner.NEW, sent=2.5, ended=2.6, failure="refused")
    answered = Request("web", Manner.NEW, sent=1.0, ended=1.1)
    before = Record((answered, failed), marks=(Mark(2.0, "drain node-1"),), seconds=5.0)
    svg, png = draw([Outcome("node drain", before, Record((answered,), marks=(), seconds=6.0))], into=tmp_path)
    told = "".join(ElementTree.parse(svg).getroot().itertext())
    assert [each for each in ("node drain", "drain node-1", "1 of 2 failed", "0 of 1 failed") if each not in told] == []
    assert png.read_bytes().startswith(PNG)


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    record = Record((Request("web", Manner.NEW, sent=1.0, ended=1.1),), marks=(), seconds=5.0)
    drawn = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        drawn.append(
            [each.read_bytes() for each in draw([Outcome("scale-down", record, record)], into=tmp_path / name)]
        )
    assert drawn[0] == drawn[1]
