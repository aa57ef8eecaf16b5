"""promtool accepts the alerts and the queries of the dashboard, and both give the expected results."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring import dashboard
from monitoring.alerts import alerts, groups
from prometheus.programs import PROMTOOL

RULE_TESTS = Path(__file__).with_name("alerts.test.yaml")
PANELS = [each for each in json.loads(dashboard.text())["panels"] if each["type"] != "row"]


class Found(Exception):
    """promtool reports an error; the message is its output."""


@pytest.fixture(scope="session")
def promtool() -> Path:
    return PROMTOOL.ensure()


def run(promtool: Path, *arguments: str | Path, folder: Path) -> str:
    done = subprocess.run([promtool, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Found(done.stdout + done.stderr)
    return done.stdout


def as_prometheus_has_it(expression: str) -> str:
    """Return a query of the dashboard with values in place of the variables of Grafana."""
    return expression.replace("$policy", ".*").replace("$__rate_interval", "5m")


def evaluated(
    promtool: Path, folder: Path, expression: str, *, series: dict[str, str], expected: dict[str, float]
) -> None:
    """Check the result of a query after ten minutes with promtool."""
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": as_prometheus_has_it(expression),
                "eval_time": "10m",
                "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
            }
        ],
    }
    (folder / "queries.yaml").write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))
    run(promtool, "test", "rules", "queries.yaml", folder=folder)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a rule file for Prometheus."""
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": groups()}))
    return file


def test_the_alerts_are_rules_of_prometheus(promtool: Path, rules: Path) -> None:
    told = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", rules, folder=rules.parent)

    assert f"SUCCESS: {len(alerts())} rules found" in told


def test_each_alert_fires_and_resolves(promtool: Path, rules: Path) -> None:
    (rules.parent / RULE_TESTS.name).write_text(RULE_TESTS.read_text())

    assert "SUCCESS" in run(promtool, "test", "rules", RULE_TESTS.name, folder=rules.parent)


def test_every_alert_has_a_test_in_which_it_fires() -> None:
    tests = yaml.safe_load(RULE_TESTS.read_text())["tests"]
    fired = {
        re.findall(r'alertname="(\w+)"', sample["labels"])[0]
        for each in tests
        for asked in each.get("promql_expr_test", ())
        for sample in asked["exp_samples"]
        if 'alertstate="firing"' in sample["labels"]
    }
    fired |= {
        asked["alertname"] for each in tests for asked in each.get("alert_rule_test", ()) if asked.get("exp_alerts")
    }

    assert fired == set(alerts())


def test_an_alert_that_fires_too_late_is_found(promtool: Path, rules: Path) -> None:
    late = [{**group, "rules": [{**rule, "for": "30m"} for rule in group["rules"]]} for group in groups()]
    rules.write_text(yaml.safe_dump({"groups": late}))
    (rules.parent / RULE_TESTS.name).write_text(RULE_TESTS.read_text())

    with pytest.raises(Found, match="ProductionPolicyOperatorAbsent"):
        run(promtool, "test", "rules", RULE_TESTS.name, folder=rules.parent)


def test_the_queries_of_the_dashboard_are_promql(promtool: Path, tmp_path: Path) -> None:
    queries = [as_prometheus_has_it(target["expr"]) for panel in PANELS for target in panel["targets"]]
    recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))

    assert not [each for each in queries if "$" in each]
    assert f"SUCCESS: {len(queries)} rules found" in run(promtool, "check", "rules", "rules.yaml", folder=tmp_path)


def panel(title: str) -> str:
    [found] = [each["targets"][0]["expr"] for each in PANELS if each["title"] == title]
    return str(found)


def of_two_replicas(series: Sequence[tuple[str, Any]]) -> dict[str, str]:
    """Return series that two replicas report."""
    return {
        f'{name.removesuffix("}")},instance="{instance}"}}': f"{value}x10"
        for name, value in series
        for instance in ("one", "two")
    }


def test_compliance_counts_what_is_exempt_and_every_workload_once(promtool: Path, tmp_path: Path) -> None:
    counts = {"compliant": 5, "exempt": 1, "violating": 1, "failed": 1}
    series = [(f'productionpolicy_workloads{{policy="default",state="{state}"}}', n) for state, n in counts.items()]
    empty = [(f'productionpolicy_workloads{{policy="empty",state="{state}"}}', 0) for state in counts]

    evaluated(
        promtool,
        tmp_path,
        panel("Compliance"),
        series=of_two_replicas([*series, *empty]),
        expected={'{policy="default"}': 0.75},
    )


def test_compliance_by_expectation_includes_what_never_passed(promtool: Path, tmp_path: Path) -> None:
    counts = [("preStop", "passed", 3), ("preStop", "failed", 1), ("spread", "failed", 2), ("logging", "exempt", 4)]
    series = [
        (f'productionpolicy_expectation_workloads{{policy="default",expectation="{name}",outcome="{outcome}"}}', count)
        for name, outcome, count in counts
    ]

    evaluated(
        promtool,
        tmp_path,
        panel("Compliance by expectation"),
        series=of_two_replicas(series),
        expected={'{expectation="spread"}': 0, '{expectation="preStop"}': 0.75},
    )


def test_compliance_by_namespace_is_the_share_without_findings(promtool: Path, tmp_path: Path) -> None:
    series = [
        (f'productionpolicy_namespace_{metric}{{policy="default",workload_namespace="{namespace}"}}', count)
        for metric, namespace, count in (
            ("workloads", "shop", 4),
            ("violating_workloads", "shop", 1),
            ("workloads", "bank", 2),
            ("violating_workloads", "bank", 0),
        )
    ]

    evaluated(
        promtool,
        tmp_path,
        panel("Compliance by namespace"),
        series=of_two_replicas(series),
        expected={'{workload_namespace="shop"}': 0.75, '{workload_namespace="bank"}': 1},
    )
