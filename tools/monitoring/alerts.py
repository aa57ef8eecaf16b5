"""The alerts in manifests/monitoring/prometheusrule.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[2] / "manifests" / "monitoring" / "prometheusrule.yaml"


def groups() -> list[dict[str, Any]]:
    """Return the groups of rules, in the format of Prometheus."""
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["spec"]["groups"]
    return found


def alerts() -> list[str]:
    """Return the names of all alerts."""
    return [rule["alert"] for group in groups() for rule in group["rules"]]
