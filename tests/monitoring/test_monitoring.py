"""The dashboard and the alerts use metrics that the operator exports, and runbook links lead to existing headings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from monitoring.alerts import groups
from monitoring.dashboard import text
from productionpolicy.controller import metrics
from productionpolicy.controller.admission import NOT_EFFECTIVE
from productionpolicy.controller.drain_audits import CONDITION
from productionpolicy.controller.operator import LONGEST_SILENCE_SECONDS
from productionpolicy.controller.watches import SILENT_SECONDS
from productionpolicy.verdict import State
from productionpolicy.verdict.audit import Outcome
from support.metrics import METRICS, series_of

ROOT = Path(__file__).parents[2]
ALERTS_PAGE = (ROOT / "docs" / "alerts.md").read_text()
DASHBOARD: dict[str, Any] = json.loads(text())
PANELS = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
RULES = [rule for group in groups() for rule in group["rules"]]
EXPRESSIONS = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(rule["expr"] for rule in RULES),
]
LABELS = {name: {*each._labelnames, "le"} for each in METRICS for name in series_of(each)}
OF_THE_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
OF_TARGETS = {"instance", "job"}
WORDS = {"by", "on", "or", "group_left"}


def names(expression: str) -> set[str]:
    """Return the names of metrics in an expression: words that are no function, keyword, label or duration."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(?:by|on|group_left)\s*\([^)]*\)", " ", expression)
    return set(re.findall(r"\b[a-z_]\w*\b(?!\s*\()", bare)) - WORDS


def selectors(expression: str) -> Iterator[tuple[str, str, str]]:
    """Yield metric, label and value of each label matcher."""
    for metric, selected in re.findall(r"(\w+)\{([^}]*)\}", expression):
        for label, value in re.findall(r"(\w+)=~?\"([^\"]*)\"", selected):
            yield metric, label, value


def grouped(expression: str) -> set[str]:
    """Return the labels that an expression groups by."""
    return {each.strip() for found in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression) for each in found.split(",")}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_uses_existing_metrics_and_labels(expression: str) -> None:
    asked = names(expression)
    labels = {label for name in asked for label in LABELS.get(name, ())}

    assert asked
    assert asked <= LABELS.keys() | OF_THE_PROCESS
    assert grouped(expression) <= labels | OF_TARGETS
    for metric, label, _ in selectors(expression):
        assert label in LABELS[metric]


def test_label_matchers_use_existing_values() -> None:
    asked: dict[str, set[str]] = {}
    for _, label, value in (each for expression in EXPRESSIONS for each in selectors(expression)):
        asked.setdefault(label, set()).update(value.split("|"))

    assert asked.pop("state") - {".+"} <= set(map(str, State))
    assert asked.pop("outcome") <= set(map(str, Outcome))
    assert asked == {
        "policy": {"$policy"},
        "reason": {"TooManyFailedRollouts", NOT_EFFECTIVE},
        "type": {"Ready", CONDITION},
        "status": {"False", "Unknown"},
    }


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name for panel in PANELS for target in panel["targets"] for name in names(target["expr"])}

    assert [each for each in METRICS if not series_of(each) & shown] == []


def test_panels_have_unique_titles_a_description_and_do_not_overlap() -> None:
    assert len({each["title"] for each in PANELS}) == len(PANELS)
    assert all(each["description"].endswith(".") for each in PANELS)
    for one, other in combinations((each["gridPos"] for each in DASHBOARD["panels"]), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(each["gridPos"]["x"] + each["gridPos"]["w"] <= 24 for each in DASHBOARD["panels"])


def test_the_variable_uses_an_existing_metric() -> None:
    [asked] = [each["definition"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]

    found = re.fullmatch(r"label_values\((\w+), (\w+)\)", asked)
    assert found is not None
    assert found[2] in LABELS[found[1]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_annotations_and_a_section_in_the_runbook(rule: dict[str, Any]) -> None:
    told = rule["annotations"]
    page, anchor = told["runbook_url"].split("#")
    [section] = re.findall(rf"^## {rule['alert']}\n(.*?)(?=^## |\Z)", ALERTS_PAGE, re.MULTILINE | re.DOTALL)

    assert page.endswith("/docs/alerts.md")
    assert anchor == rule["alert"].lower()
    assert "**What it means.**" in section
    assert re.search(r"\*\*How to look(\.\*\*.*\*\*W|, and w)hat to do\.\*\*", section, re.DOTALL)
    assert told["summary"].endswith(".")
    assert told["description"].endswith(".")
    assert rule["labels"] == {"severity": "warning"}


def test_every_section_belongs_to_an_alert() -> None:
    assert re.findall(r"^## (.*)$", ALERTS_PAGE, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_a_stale_watch_is_one_that_makes_the_operator_not_ready() -> None:
    [expression] = [rule["expr"] for rule in RULES if rule["alert"] == "ProductionPolicyWatchStale"]

    assert expression.endswith(f" > {SILENT_SECONDS:.0f}")
    # Else the operator would restart before the alert fires.
    assert SILENT_SECONDS + 5 * 60 < LONGEST_SILENCE_SECONDS


def test_the_metrics_of_a_policy_are_those_with_its_label() -> None:
    assert set(metrics.OF_A_POLICY) == {each for each in METRICS if "policy" in each._labelnames}
