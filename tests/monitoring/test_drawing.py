"""The picture of the dashboard: its queries, its units, and what is drawn of the series that Prometheus returns."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from monitoring.dashboard import text
from monitoring.drawing import Times, drawn
from monitoring.queries import Series, UnknownVariable, metrics, named, read, substituted, variables
from monitoring.units import ticks, written

DASHBOARD: dict[str, Any] = json.loads(text())
PANELS = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
TIMES = Times(start=1000.0, end=1120.0, step=2)
SVG = "{http://www.w3.org/2000/svg}"


def rising(name: str, *, times: range = range(1000, 1121, 2)) -> Series:
    return Series(name, {"policy": name}, tuple((float(time), (time - 1000) / 120) for time in times))


def graph(*, stacked: bool = False, limit: float | None = None, **field: Any) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [{"color": "red", "value": limit}] if limit is not None else []
    custom = {
        "stacking": {"mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "off" if limit is None else "line"},
    }
    defaults = {"unit": "short", "min": 0, "thresholds": {"steps": steps}, "custom": custom, **field}
    return panel("timeseries", defaults)


def panel(kind: str, defaults: dict[str, Any], **more: Any) -> dict[str, Any]:
    place = {"x": 0, "y": 0, "w": 8, "h": 8}
    return {"id": 1, "type": kind, "title": "A & B", "gridPos": place, "fieldConfig": {"defaults": defaults}, **more}


def picture(shown: dict[str, Any], *series: Series) -> ElementTree.Element:
    return ElementTree.fromstring(drawn({"title": "one", "panels": [shown]}, {1: series}, TIMES))


def texts(svg: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in svg.iter(f"{SVG}text")]


def paths(svg: ElementTree.Element, kind: str) -> list[str]:
    return [each.attrib["d"] for each in svg.iter(f"{SVG}path") if each.attrib["class"] == kind]


def test_every_query_of_the_dashboard_is_substituted_whole() -> None:
    values = variables(DASHBOARD, step=2, scrape=2)

    asked = [substituted(target["expr"], values) for each in PANELS for target in each["targets"]]
    assert not any("$" in each for each in asked)
    assert any('policy=~".*"' in each for each in asked)
    assert any("[8s]" in each for each in asked)


@pytest.mark.parametrize(("step", "scrape", "interval"), [(2, 2, "8s"), (60, 15, "75s"), (15, 15, "60s")])
def test_the_interval_of_rates_is_the_step_and_a_scrape_but_at_least_four_scrapes(
    step: int, scrape: int, interval: str
) -> None:
    assert variables(DASHBOARD, step=step, scrape=scrape)["__rate_interval"] == interval


def test_a_variable_may_be_in_braces_and_an_unknown_one_is_named() -> None:
    assert substituted('up{a=~"${policy}",b="$policy"}', {"policy": ".*"}) == 'up{a=~".*",b=".*"}'
    with pytest.raises(UnknownVariable, match="the variable cluster in "):
        substituted('up{cluster="$cluster"}', {"policy": ".*"})


def test_every_panel_has_metrics_of_the_operator() -> None:
    assert [each["title"] for each in PANELS if not metrics(each)] == []


def test_the_legend_replaces_labels() -> None:
    assert named({"verb": "GET"}, legend="{{verb}} p99") == "GET p99"
    assert named({"b": "2", "a": "1"}, legend="__auto") == '{a="1", b="2"}'


def test_values_that_are_no_numbers_are_gaps_and_a_series_without_any_is_left_out() -> None:
    some = {"metric": {"a": "1"}, "values": [[1, "NaN"], [2, "0.5"], [3, "+Inf"]]}
    none = {"metric": {"a": "2"}, "value": [1, "NaN"]}

    assert read([some, none], legend="{{a}}") == [Series("1", {"a": "1"}, ((2.0, 0.5),))]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.4545, "percentunit", "45.5%"),
        (1.0, "percentunit", "100%"),
        (0.0, "percentunit", "0%"),
        (0.0, "s", "0"),
        (0.025, "s", "25 ms"),
        (90.0, "s", "1.5 min"),
        (88 * 2.0**20, "bytes", "88 MiB"),
        (1500.0, "short", "1.5K"),
        (2.0, "reqps", "2 req/s"),
        (3.0, "pods", "3 pods"),
    ],
)
def test_values_are_written_in_their_unit(value: float, unit: str, expected: str) -> None:
    assert written(value, unit) == expected


@pytest.mark.parametrize(
    ("most", "unit", "expected"),
    [
        (0.0, "short", [0, 0.5, 1.0]),
        (15.0, "short", [0, 5, 10, 15]),
        (16.0, "short", [0, 5, 10, 15, 20]),
        (88 * 2.0**20, "bytes", [0, 50 * 2.0**20, 100 * 2.0**20]),
    ],
)
def test_ticks_are_round_and_reach_the_highest_value(most: float, unit: str, expected: list[float]) -> None:
    assert ticks(most, unit=unit) == expected


def test_the_dashboard_is_drawn_whole_and_a_panel_without_series_says_so() -> None:
    series = {each["id"]: [rising("default"), rising("other")] for each in PANELS[1:]}
    shown = texts(ElementTree.fromstring(drawn(DASHBOARD, series, TIMES)))

    assert {each["title"] for each in DASHBOARD["panels"]} <= set(shown)
    assert shown.count("No data") == 1


def test_a_graph_has_a_line_for_each_series_with_its_name_and_elapsed_times() -> None:
    svg = picture(graph(unit="percentunit", max=1), rising("default"), rising("other"))

    assert len(paths(svg, "series")) == 2
    assert {"A & B", "default", "other", "0%", "50%", "100%", "0:00", "2:00"} <= set(texts(svg))


def test_a_gap_divides_a_line() -> None:
    before, after = rising("a", times=range(1000, 1021, 2)), rising("a", times=range(1050, 1121, 2))
    svg = picture(graph(), Series("a", {}, before.points + after.points))

    assert len(paths(svg, "series")) == 2


def test_stacked_series_lie_upon_each_other() -> None:
    svg = picture(graph(stacked=True), rising("a"), rising("b"))

    lower, upper = (each.rpartition("L")[2] for each in paths(svg, "series"))
    assert len(paths(svg, "area")) == 2
    assert "2" in texts(svg)
    assert float(upper.split()[1]) < float(lower.split()[1])


@pytest.mark.parametrize(("limit", "count"), [(0.5, 1), (60.0, 0)])
def test_a_limit_is_drawn_where_the_axis_reaches_it(limit: float, count: int) -> None:
    svg = picture(graph(limit=limit), rising("a"))

    assert len([each for each in svg.iter(f"{SVG}line") if each.attrib["class"] == "limit"]) == count


def test_rows_and_names_beyond_the_space_are_counted() -> None:
    field = {"unit": "percentunit", "max": 1, "thresholds": {"steps": [{"color": "green", "value": None}]}}
    many = [rising(f"expectation-number-{number:02}") for number in range(30)]

    for svg in (picture(panel("bargauge", field), *many), picture(graph(), *many)):
        shown = [each for each in texts(svg) if each.startswith("expectation")]
        assert 0 < len(shown) < len(many)
        assert f"and {len(many) - len(shown)} more" in texts(svg)


def test_a_table_shows_the_columns_that_are_not_hidden() -> None:
    hidden = [{"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}}}]
    field = {"unit": "short", "thresholds": {"steps": [{"color": "green", "value": None}]}}

    assert texts(picture(panel("table", field, transformations=hidden), rising("default"))) == [
        "A & B",
        "policy",
        "default",
    ]
    assert "Value" in texts(picture(panel("table", field), rising("default")))
