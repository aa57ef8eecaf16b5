"""The JSON model of a Grafana dashboard: rows of panels, each with Prometheus queries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

COLUMNS = 24
"""The width of a dashboard."""
SCHEMA = 39
"""The version of the model, which Grafana 10.3 and later import."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and the name of its series in the legend, in which `{{label}}` is replaced by the value of a label."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of the dashboard.

    Attributes:
        title: its title, unique in the dashboard.
        text: its description.
        queries: the queries that it shows.
        kind: timeseries, stat, bargauge or table.
        unit: a unit of Grafana.
        width: in columns.
        stacked: whether to stack the series.
        limit: the threshold, from which values are red.
    """

    title: str
    text: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    stacked: bool = False
    limit: float | None = None

    @property
    def now(self) -> bool:
        """Whether it shows only the latest values."""
        return self.kind != "timeseries"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def dashboard(*, uid: str, title: str, variables: Sequence[Json], rows: Sequence[Row]) -> str:
    """Return a dashboard as the JSON that Grafana imports."""
    whole = {
        "uid": uid,
        "title": title,
        "tags": ["kubernetes", uid],
        "schemaVersion": SCHEMA,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": list(variables)},
        "panels": list(_placed(rows)),
    }
    return json.dumps(whole, indent=1) + "\n"


def source_variable() -> Json:
    """Return the variable that selects the Prometheus data source."""
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def label_variable(name: str, *, text: str, metric: str) -> Json:
    """Return a variable that selects values of a label."""
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "label": text,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "variable"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Return the panels with their positions: those of a row from left to right, in as many lines as needed."""
    number, top = 0, 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": _place(0, top, COLUMNS, 1),
        }
        left, top = 0, top + 1
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top = 0, top + _HEIGHT
            number += 1
            yield {"id": number, **_drawn(panel), "gridPos": _place(left, top, panel.width, _HEIGHT)}
            left += panel.width
        top += _HEIGHT


_HEIGHT = 8


def _place(left: int, top: int, width: int, height: int) -> Json:
    return {"x": left, "y": top, "w": width, "h": height}


def _drawn(panel: Panel) -> Json:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "targets": [_target(query, panel, letter) for query, letter in zip(panel.queries, "ABCDEFGH", strict=False)],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        **({"transformations": _COLUMNS_OF_LABELS} if panel.kind == "table" else {}),
    }


def _target(query: Query, panel: Panel, letter: str) -> Json:
    return {
        "refId": letter,
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "instant": panel.now,
        "range": not panel.now,
        **({"format": "table"} if panel.kind == "table" else {}),
    }


def _field(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    ratio = {"max": 1} if panel.unit == "percentunit" else {}
    style = {
        "drawStyle": "line",
        "fillOpacity": 30 if panel.stacked else 0,
        "stacking": {"mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": "off" if panel.limit is None else "line"},
    }
    return {
        "unit": panel.unit,
        "min": 0,
        **ratio,
        "color": {"mode": "thresholds" if panel.now else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
        **({} if panel.now else {"custom": style}),
    }


_LATEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: Mapping[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": _LATEST, "textMode": "value_and_name", "colorMode": "value", "graphMode": "none"},
    "bargauge": {"reduceOptions": _LATEST, "orientation": "horizontal", "displayMode": "basic"},
    "table": {"showHeader": True},
}
_COLUMNS_OF_LABELS = [{"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}}}]
