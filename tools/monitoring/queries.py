"""The queries of a dashboard as Prometheus takes them, and the series that it returns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitoring.grafana import Json

_REFERENCE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_METRIC = re.compile(r"\b(?:productionpolicy|process|python)_\w+")


class UnknownVariable(Exception):
    """A query refers to a variable that the dashboard does not define."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a panel.

    Attributes:
        name: its name in the legend.
        labels: its labels.
        points: times in seconds with the values; a time without a value is missing.
    """

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The latest value."""
        return self.points[-1][1]


def variables(dashboard: Json, *, step: int, scrape: int) -> dict[str, str]:
    """Return the values of the variables if All is selected, and of the interval of rates, as Grafana computes it.

    Args:
        dashboard: the model of the dashboard.
        step: seconds between two points of a graph.
        scrape: seconds between two scrapes.
    """
    selected = {each["name"]: each["allValue"] for each in dashboard["templating"]["list"] if "allValue" in each}
    return {**selected, "__interval": f"{step}s", "__rate_interval": f"{max(step + scrape, 4 * scrape)}s"}


def substituted(expression: str, values: Mapping[str, str]) -> str:
    """Return an expression with the values of its variables.

    Raises:
        UnknownVariable: a variable has no value.
    """

    def value(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name not in values:
            raise UnknownVariable(f"the variable {name} in {expression} is not defined")
        return values[name]

    return _REFERENCE.sub(value, expression)


def metrics(panel: Json) -> set[str]:
    """Return the names of the metrics that a panel shows."""
    return {name for target in panel["targets"] for name in _METRIC.findall(target["expr"])}


def read(result: Iterable[Json], *, legend: str) -> list[Series]:
    """Return the series in a result of Prometheus; those without any number are left out."""
    found = (Series(named(each["metric"], legend=legend), each["metric"], _points(each)) for each in result)
    return [each for each in found if each.points]


def named(labels: Mapping[str, str], *, legend: str) -> str:
    """Return the name of a series: the legend, in which `{{label}}` is replaced, or all its labels."""
    if legend == "__auto":
        return "{" + ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)


def _points(found: Json) -> tuple[tuple[float, float], ...]:
    values: list[tuple[float, str]] = found.get("values") or [found["value"]]
    return tuple((float(time), float(value)) for time, value in values if math.isfinite(float(value)))
