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
    widths = [max(each.before.seconds, each.after.seconds) for each in outcomes]
    panels = figure.subplots(2, len(outcomes), sharex="col", sharey=True, squeeze=False, width_ratios=widths)
    for column, (outcome, seconds) in enumerate(zip(outcomes, widths, strict=True)):
        _panel(panels[0][column], outcome.before, BEFORE, seconds=seconds)
        _panel(panels[1][column], outcome.after, AFTER, seconds=seconds)
        panels[0][column].annotate(outcome.name, (0, 1.2), xycoords="axes fraction", color=INK, fontweight="bold")
        panels[1][column].set_xlabel("seconds", color=FAINT)
    panels[0][0].set_ylabel("as written\nfailed requests a second", color=BEFORE)
    panels[1][0].set_ylabel("repaired\nfailed requests a second", color=AFTER)
    return figure


def _panel(axes: Axes, record: Record, colour: str, *, seconds: float) -> None:
    counts = Counter(int(each.sent) for each in record.failed)
    axes.bar([second + 0.5 for second in counts], list(counts.values()), width=1.0, color=colour)
    axes.set_xlim(0, seconds)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=FAINT)
    for mark in _apart(record.marks):
        axes.axvline(mark.at, color=FAINT, linewidth=0.8, linestyle=":")
        axes.text(mark.at, 0.97, f" {mark.text}", transform=axes.get_xaxis_transform(), **MARK_STYLE)
    total = f"{len(record.failed):,} of {len(record.requests):,} failed"
    axes.set_title(total, loc="left", fontsize=9, color=colour)


def _apart(marks: Sequence[Mark]) -> Iterator[Mark]:
    """Yield the marks but for those at which the next thing is done already."""
    for mark, later in pairwise([*marks, None]):
        if mark and (later is None or later.at - mark.at > LEAST_SECONDS):
            yield mark


LEAST_SECONDS = 1.0
MARK_STYLE: dict[str, Any] = {"ha": "left", "va": "top", "rotation": 90, "fontsize": 7, "color": FAINT}
