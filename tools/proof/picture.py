"""The picture: failed requests over time, as written above, repaired below, with what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from proof.outcome import Outcome
from proof.record import Mark, Record

BEFORE, AFTER = "#c8321e", "#1f7a4d"
INK, FAINT = "#24292f", "#8c959f"
LEAST_SECONDS = 1.0
"""Between two events that are both told."""

HEADROOM = 1.8
"""Times the highest bar, so that the events are told above the bars."""

MARK_STYLE: dict[str, Any] = {"ha": "left", "va": "top", "rotation": 90, "fontsize": 7, "color": FAINT}
SUFFIXES = (".svg", ".png")
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "proof",
    "font.family": "sans-serif",
    "font.size": 9,
}
"""Text as text, and the same file for the same figures."""


def draw(outcomes: Sequence[Outcome], *, into: Path) -> list[Path]:
    """Write the picture into a folder, and return its files."""
    with rc_context(SETTINGS):
        figure = _figure(outcomes)
        files = [into / f"proof{suffix}" for suffix in SUFFIXES]
        for file in files:
            metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
            figure.savefig(file, dpi=160, metadata=metadata, facecolor="white")
    return files


def _figure(outcomes: Sequence[Outcome]) -> Figure:
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    widths = [_seconds(each) for each in outcomes]
    panels = figure.subplots(2, len(outcomes), sharex="col", sharey="col", squeeze=False, width_ratios=widths)
    for column, outcome in enumerate(outcomes):
        _column(panels[0][column], panels[1][column], outcome)
    panels[0][0].set_ylabel("as written\nfailed requests a second", color=BEFORE)
    panels[1][0].set_ylabel("repaired\nfailed requests a second", color=AFTER)
    return figure


def _column(above: Axes, below: Axes, outcome: Outcome) -> None:
    _panel(above, outcome.before, BEFORE)
    _panel(below, outcome.after, AFTER)
    highest = max(1, *(max(_by_second(each).values(), default=0) for each in (outcome.before, outcome.after)))
    above.set(xlim=(0, _seconds(outcome)), ylim=(0, HEADROOM * highest))
    above.annotate(outcome.name, (0, 1.2), xycoords="axes fraction", color=INK, fontweight="bold")
    below.set_xlabel("seconds", color=FAINT)


def _panel(axes: Axes, record: Record, colour: str) -> None:
    counts = _by_second(record)
    axes.bar([second + 0.5 for second in counts], list(counts.values()), width=1.0, color=colour)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=FAINT)
    for mark in _apart(record.marks):
        axes.axvline(mark.at, color=FAINT, linewidth=0.8, linestyle=":")
        axes.text(mark.at, 0.97, f" {mark.text}", transform=axes.get_xaxis_transform(), **MARK_STYLE)
    total = f"{len(record.failed):,} of {len(record.requests):,} failed"
    axes.set_title(total, loc="left", fontsize=9, color=colour)


def _by_second(record: Record) -> Counter[int]:
    return Counter(int(each.sent) for each in record.failed)


def _seconds(outcome: Outcome) -> float:
    return max(outcome.before.seconds, outcome.after.seconds)


def _apart(marks: Sequence[Mark]) -> Iterator[Mark]:
    """Yield the marks but for those at which the next thing is done already."""
    for mark, later in pairwise([*marks, None]):
        if mark and (later is None or later.at - mark.at > LEAST_SECONDS):
            yield mark
