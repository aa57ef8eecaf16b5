"""Drawings of a drain: a row of evictions for each node, and when a workload has no ready pod."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby

from productionpolicy.drain import Dark, NodeOutcome, Step
from productionpolicy.page.markup import Element, tag
from productionpolicy.page.part import counted

MOST_CELLS = 40
"""A row has at most so many cells; with more evictions, a cell is the worst of several."""

RULES = """\
.strip { display: flex; align-items: flex-end; height: 1rem; gap: 1px; min-width: 2px; }
.strip i { flex: 1 1 0; min-width: 1px; height: 100%; border-radius: 1px; }
.strip i.a { margin-left: 4px; }
.strip .ready { background: var(--good); }
.strip .starts { border: 2px solid var(--good); }
.strip .nowhere { border: 2px solid var(--bad); background: repeating-linear-gradient(135deg, var(--bad) 0 2px,
  transparent 2px 5px); }
.strip .gone { height: 30%; background: var(--dim); }
.row { display: flex; align-items: center; gap: .6rem; width: 16rem; height: 1.25rem; }
.row .box { flex: 1 1 auto; }
.stay { color: var(--bad); font-weight: 600; white-space: nowrap; }
.lane { display: block; height: .8rem; width: 14rem; margin-top: .25rem; background: var(--soft);
  border: 1px solid var(--line); border-radius: 2px; overflow: hidden; }
.lane i { display: block; height: 100%; min-width: 3px; background: var(--bad); }
.lane .perhaps { background: repeating-linear-gradient(135deg, var(--bad) 0 2px, transparent 2px 5px); }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: .5rem 0; }
.legend li { display: inline-flex; gap: .5em; align-items: center; }
.legend .strip { width: 1.1rem; }
.legend .lane { width: 1.6rem; margin: 0; }
@media print { .strip i, .lane i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .row { width: 11rem; } .lane { width: 9rem; } }
"""


class Fate(StrEnum):
    """What becomes of an evicted pod, from the best to the worst; the values are classes of the style."""

    READY = "ready"
    GONE = "gone"
    STARTS = "starts"
    NOWHERE = "nowhere"

    @property
    def words(self) -> str:
        """What it means."""
        return _WORDS[self]


_WORDS = {
    Fate.READY: "the successor becomes ready on another node",
    Fate.GONE: "no successor comes",
    Fate.STARTS: "the successor has a node and does not become ready",
    Fate.NOWHERE: "the successor waits for a node",
}
_SHORT = {
    Fate.READY: "ready elsewhere",
    Fate.GONE: "without successor",
    Fate.STARTS: "not ready",
    Fate.NOWHERE: "without a node",
}


def fate_of(step: Step) -> Fate:
    """Return what becomes of the pod that a step evicts."""
    if not step.successor:
        return Fate.GONE
    if not step.to:
        return Fate.NOWHERE
    return Fate.READY if step.ready else Fate.STARTS


def row_of(node: NodeOutcome, *, longest: int) -> Element:
    """Return the evictions of a node in their order. A gap is a pause until successors are ready.

    Args:
        node: what becomes of the node.
        longest: the number of steps of the longest row, which takes the whole width.
    """
    width = f"width:{max(2, 100 * len(node.steps) // max(1, longest))}%"
    strip = tag("span", *_cells(node.steps), class_="strip", style=width) if node.steps else None
    stay = tag("span", f"\N{MULTIPLICATION SIGN} {len(node.blockers):,}", class_="stay") if node.blockers else None
    return tag("div", tag("span", strip, class_="box"), stay, class_="row", role="img", aria_label=_told(node))


def _cells(steps: Sequence[Step]) -> Iterator[Element]:
    size = -(-len(steps) // MOST_CELLS)
    before = steps[0].round
    for first in range(0, len(steps), size):
        these = steps[first : first + size]
        worst = max(map(fate_of, these), key=list(Fate).index)
        yield tag("i", class_=f"{worst} a" if these[0].round != before else worst)
        before = these[-1].round


def _told(node: NodeOutcome) -> str:
    fates = [fate_of(each) for each in node.steps]
    counts = (f"{fates.count(each):,} {_SHORT[each]}" for each in Fate if each in fates)
    rounds = counted(len(list(groupby(each.round for each in node.steps))), "round")
    evictions = f"{counted(len(fates), 'eviction')} in {rounds}: {', '.join(counts)}" if fates else "no evictions"
    return f"{evictions}; {counted(len(node.blockers), 'pod')} would stay" if node.blockers else evictions


def lane_of(dark: Dark, *, steps: int) -> Element:
    """Return when a workload has no ready pod, on an axis of all steps of the run."""
    last = min(steps, dark.first + dark.steps - 1)
    left, width = 100 * (dark.first - 1) / max(1, steps), 100 * (last - dark.first + 1) / max(1, steps)
    bar = tag("i", class_=None if dark.certain else "perhaps", style=f"margin-left:{left:.3g}%;width:{width:.3g}%")
    return tag("span", bar, class_="lane", aria_hidden="true")


def legend() -> Element:
    """Return what the cells mean."""
    cells = (
        tag("li", tag("span", tag("i", class_=each), class_="strip", aria_hidden="true"), each.words) for each in Fate
    )
    stay = tag(
        "li", tag("span", "\N{MULTIPLICATION SIGN} 2", class_="stay", aria_hidden="true"), "pods that would stay"
    )
    return tag("ul", *cells, stay, class_="legend")
