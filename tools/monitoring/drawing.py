"""A dashboard as one SVG, in light and dark: drawn from its JSON and from the series of its panels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, TypeVar

from monitoring.grafana import COLUMNS, Json
from monitoring.queries import Series
from monitoring.units import ticks, written

Row = TypeVar("Row")

COLUMN, LINE, GAP = 50, 30, 8
"""The size of a cell of the grid, and the space between panels, in pixels."""

HEAD, PADDING, AXIS, ROW = 34, 14, 60, 18
"""The height of a title, the space at the border of a panel, the width of an axis, and the height of a line of text."""

LETTER = 6.2
"""The average width of a letter of 11 pixels."""

MOST_LEGEND_LINES = 3
_INTERVALS, _MOST_TIMES = (15, 30, 60, 120, 300, 600, 1800, 3600), 8
"""Seconds between two times on an axis, and how many there may be."""

PALETTE = ("#3b82d6", "#e07b1f", "#2f9e63", "#d24b8f", "#8a63d2", "#b8960c", "#1ba3b0", "#d1495b", "#7d8c2f", "#8d6e63")
_COLORS = {"green": "#2f9e63", "yellow": "#b8960c", "orange": "#e07b1f", "red": "#d1495b", "blue": "#3b82d6"}
STYLE = """
svg { --page: #f4f5f7; --panel: #fff; --line: #dcdfe4; --text: #1f2430; --dim: #626b7a;
      font: 11px system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
@media (prefers-color-scheme: dark) {
  svg { --page: #101217; --panel: #191c23; --line: #333945; --text: #dfe3ea; --dim: #9aa3b2 }
}
.page { fill: var(--page) } .panel { fill: var(--panel); stroke: var(--line) } .grid { stroke: var(--line) }
text { fill: var(--text) } .dim { fill: var(--dim) } .title { font-size: 13px; font-weight: 600 }
.row { font-size: 16px; font-weight: 600 } .series { fill: none; stroke-width: 1.6; stroke-linejoin: round }
.area { fill-opacity: .3 } .limit { stroke-width: 1.2; stroke-dasharray: 6 4 } .track { fill: var(--line); opacity: .5 }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Times:
    """The times that a graph shows, in seconds; values more than `step` apart are not connected."""

    start: float
    end: float
    step: float


def drawn(dashboard: Json, series: Mapping[int, Sequence[Series]], times: Times) -> str:
    """Return a dashboard as SVG.

    Args:
        dashboard: its model.
        series: the series of each panel, by its id.
        times: the times that graphs show.
    """
    bottom = max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in dashboard["panels"])
    width, height = COLUMNS * COLUMN + GAP, bottom * LINE + GAP
    parts = [part for each in dashboard["panels"] for part in _panel(each, series.get(each["id"], ()), times)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    page = f'<style>{STYLE}</style>\n<rect class="page" width="100%" height="100%"/>'
    title = f"<title>{escape(dashboard['title'])}</title>"
    return "\n".join([head, title, page, *parts, "</svg>", ""])


def _panel(panel: Json, series: Sequence[Series], times: Times) -> Iterator[str]:
    place = panel["gridPos"]
    left, top = place["x"] * COLUMN + GAP, place["y"] * LINE + GAP
    box = Box(left, top, place["w"] * COLUMN - GAP, place["h"] * LINE - GAP)
    if panel["type"] == "row":
        yield _text(left + 2, top + 17, panel["title"], kind="row")
        return
    yield f'<rect class="panel" x="{left}" y="{top}" width="{box.width}" height="{box.height}" rx="4"/>'
    yield _text(left + PADDING, top + 22, panel["title"], kind="title")
    inner = Box(left + PADDING, top + HEAD, box.width - 2 * PADDING, box.height - HEAD - 8)
    if not series:
        yield _text(inner.left + inner.width / 2, inner.top + inner.height / 2, "No data", kind="dim", anchor="middle")
    elif panel["type"] == "timeseries":
        yield from _graph(panel, series, inner, times)
    else:
        yield from _LATEST[panel["type"]](panel, series, inner)


def _graph(panel: Json, series: Sequence[Series], inner: Box, times: Times) -> Iterator[str]:
    field = panel["fieldConfig"]["defaults"]
    stacked = field["custom"]["stacking"]["mode"] == "normal"
    lines = _stacked(series) if stacked else [(each, {}) for each in series]
    most = max(value for each, _ in lines for _, value in each.points)
    marks = ticks(max(field.get("max", 0), most), unit=field["unit"])
    legend = _legend([each.name for each in series], inner)
    room = ROW * (2 + max(line for *_, line in legend)) + 4
    plot = Box(inner.left + AXIS - PADDING, inner.top + 4, inner.width - AXIS + PADDING, inner.height - 4 - room)

    def at(time: float, value: float) -> tuple[float, float]:
        share = (time - times.start) / (times.end - times.start)
        return plot.left + plot.width * share, plot.bottom - plot.height * value / marks[-1]

    yield from _axes(marks, field["unit"], plot, times)
    for number, (each, floor) in enumerate(lines):
        yield from _line(each, floor, _color(number), at=at, step=times.step, filled=stacked)
    if field["custom"]["thresholdsStyle"]["mode"] == "line":
        for step in field["thresholds"]["steps"]:
            if step["value"] is not None and step["value"] <= marks[-1]:
                level = at(times.start, step["value"])[1]
                yield _rule(plot.left, level, plot.right, level, kind="limit", stroke=_COLORS[step["color"]])
    for number, (name, left, line) in enumerate(legend):
        base = plot.bottom + ROW * (line + 2) + 2
        if number < len(series) and name == series[number].name:
            yield f'<rect x="{left:.0f}" y="{base - 6:.0f}" width="10" height="4" fill="{_color(number)}"/>'
        yield _text(left + 15, base, name)


def _stacked(series: Sequence[Series]) -> list[tuple[Series, Mapping[float, float]]]:
    """Return the series, each on top of those before, with the values below it by time."""
    below: dict[float, float] = {}
    stack: list[tuple[Series, Mapping[float, float]]] = []
    for each in series:
        points = tuple((time, value + below.get(time, 0)) for time, value in each.points)
        stack.append((Series(each.name, each.labels, points), dict(below)))
        below.update(points)
    return stack


def _axes(marks: Sequence[float], unit: str, plot: Box, times: Times) -> Iterator[str]:
    for mark in marks:
        level = plot.bottom - plot.height * mark / marks[-1]
        yield _rule(plot.left, level, plot.right, level, kind="grid")
        yield _text(plot.left - 6, level + 4, written(mark, unit), kind="dim", anchor="end")
    span = times.end - times.start
    every = next((each for each in _INTERVALS if span / each <= _MOST_TIMES), _INTERVALS[-1])
    for elapsed in range(0, int(span) + 1, every):
        left = plot.left + plot.width * elapsed / span
        anchor = "end" if left > plot.right - 10 else "middle"
        yield _text(left, plot.bottom + 14, f"{elapsed // 60}:{elapsed % 60:02}", kind="dim", anchor=anchor)


def _line(
    series: Series,
    floor: Mapping[float, float],
    color: str,
    *,
    at: Callable[[float, float], tuple[float, float]],
    step: float,
    filled: bool,
) -> Iterator[str]:
    """Draw a series: a part without gaps after the other."""
    for part in _parts(series.points, step):
        path = _path([at(*point) for point in part])
        if filled:
            below = _path([at(time, floor.get(time, 0)) for time, _ in reversed(part)])
            yield f'<path class="area" fill="{color}" d="M{path}L{below}Z"/>'
        if len(part) == 1:
            left, level = at(*part[0])
            yield f'<circle cx="{left:.1f}" cy="{level:.1f}" r="1.6" fill="{color}"/>'
        else:
            yield f'<path class="series" stroke="{color}" d="M{path}"/>'


def _parts(points: Sequence[tuple[float, float]], step: float) -> Iterator[list[tuple[float, float]]]:
    part = [points[0]]
    for before, point in pairwise(points):
        if point[0] - before[0] > 1.5 * step:
            yield part
            part = []
        part.append(point)
    yield part


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return points of a path, without those in the midst of a horizontal line."""
    kept = [
        point
        for number, point in enumerate(points)
        if not 0 < number < len(points) - 1 or not points[number - 1][1] == point[1] == points[number + 1][1]
    ]
    return "L".join(f"{left:.1f} {level:.1f}" for left, level in kept)


def _legend(names: Sequence[str], inner: Box) -> list[tuple[str, float, int]]:
    """Return each name with its left edge and its line, or how many there are beyond the last line."""
    left, line, placed = inner.left, 0, list[tuple[str, float, int]]()
    for number, name in enumerate(names):
        width = 15 + LETTER * len(name) + 14
        if left + width > inner.right and left > inner.left:
            left, line = inner.left, line + 1
        if line == MOST_LEGEND_LINES:
            # The last name gives way, for there may be no space behind it.
            return [*placed[:-1], (f"and {len(names) - number + 1} more", placed[-1][1], line - 1)]
        placed.append((name, left, line))
        left += width
    return placed


def _stat(panel: Json, series: Sequence[Series], inner: Box) -> Iterator[str]:
    """Draw the latest values beside each other."""
    field = panel["fieldConfig"]["defaults"]
    width = inner.width / len(series)
    for number, each in enumerate(series):
        middle, level = inner.left + width * (number + 0.5), inner.top + inner.height / 2
        value = written(each.last, field["unit"])
        yield _text(middle, level - 20, each.name, anchor="middle")
        size = min(40.0, width / max(4, len(value)) * 1.4)
        style = f'style="font-size:{size:.0f}px;font-weight:600;fill:{_threshold(field, each.last)}"'
        yield _text(middle, level + 22, value, anchor="middle", more=style)


def _bars(panel: Json, series: Sequence[Series], inner: Box) -> Iterator[str]:
    """Draw the latest values below each other, as many as there is space for."""
    field = panel["fieldConfig"]["defaults"]
    most = field.get("max") or max(each.last for each in series) or 1.0
    names = LETTER * max(len(each.name) for each in series) + 10
    track = inner.width - names - 50
    for each, base in _rows(series, inner):
        yield _text(inner.left + names - 10, base, each.name, anchor="end")
        level, length = base - 9, track * min(1, max(0, each.last / most))
        yield f'<rect class="track" x="{inner.left + names:.0f}" y="{level:.0f}" width="{track:.0f}" height="10"/>'
        color = _threshold(field, each.last)
        yield f'<rect x="{inner.left + names:.0f}" y="{level:.0f}" width="{length:.0f}" height="10" fill="{color}"/>'
        yield _text(inner.right, base, written(each.last, field["unit"]), anchor="end")
    yield from _rest(series, inner)


def _table(panel: Json, series: Sequence[Series], inner: Box) -> Iterator[str]:
    """Draw the labels as a table. Columns that the dashboard hides are left out, and the time is not drawn."""
    hidden = {
        name
        for each in panel.get("transformations", ())
        for name, excluded in each["options"].get("excludeByName", {}).items()
        if excluded
    }
    unit = panel["fieldConfig"]["defaults"]["unit"]
    rows = [{**each.labels, "Value": written(each.last, unit)} for each in series]
    columns = [each for each in dict.fromkeys(name for row in rows for name in row) if each not in hidden]
    widths = [max(len(column), *(len(row.get(column, "")) for row in rows)) + 3 for column in columns]
    lefts = [inner.left + inner.width * sum(widths[:number]) / sum(widths) for number in range(len(columns))]
    for column, left in zip(columns, lefts, strict=True):
        yield _text(left, inner.top + 14, column, kind="dim")
    body = Box(inner.left, inner.top + ROW, inner.width, inner.height - ROW)
    for row, base in _rows(rows, body):
        yield _rule(inner.left, base - 13, inner.right, base - 13, kind="grid")
        for column, left in zip(columns, lefts, strict=True):
            yield _text(left, base, row.get(column, ""))
    yield from _rest(rows, body)


_LATEST: Mapping[str, Callable[[Json, Sequence[Series], Box], Iterator[str]]] = {
    "stat": _stat,
    "bargauge": _bars,
    "table": _table,
}


def _fitting(rows: Sequence[Any], inner: Box) -> int:
    """Return how many rows there is space for, beside a line that counts the others."""
    space = int(inner.height // ROW)
    return len(rows) if len(rows) <= space else space - 1


def _rows(rows: Sequence[Row], inner: Box) -> Iterator[tuple[Row, float]]:
    """Yield the rows that fit, with their base lines."""
    for number, each in enumerate(rows[: _fitting(rows, inner)]):
        yield each, inner.top + ROW * number + 14


def _rest(rows: Sequence[Any], inner: Box) -> Iterator[str]:
    """Tell of the rows that do not fit, to which one scrolls in Grafana."""
    fitting = _fitting(rows, inner)
    if fitting < len(rows):
        yield _text(inner.left, inner.top + ROW * fitting + 14, f"and {len(rows) - fitting} more", kind="dim")


def _threshold(field: Json, value: float) -> str:
    """Return the color of a value: that of the highest threshold that it reaches."""
    reached = [step for step in field["thresholds"]["steps"] if step["value"] is None or value >= step["value"]]
    return _COLORS[reached[-1]["color"]]


def _color(number: int) -> str:
    return PALETTE[number % len(PALETTE)]


def _rule(left: float, top: float, right: float, bottom: float, *, kind: str, stroke: str = "") -> str:
    color = f' stroke="{stroke}"' if stroke else ""
    return f'<line class="{kind}" x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}"{color}/>'


def _text(left: float, base: float, text: str, *, kind: str = "", anchor: str = "", more: str = "") -> str:
    given = {"class": kind, "text-anchor": anchor}
    attributes = "".join(f' {name}="{value}"' for name, value in given.items() if value)
    return f'<text x="{left:.1f}" y="{base:.1f}"{attributes}{" " if more else ""}{more}>{escape(text)}</text>'
