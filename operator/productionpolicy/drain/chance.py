"""Several plays of the same drain, made into one outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec.structs import replace

from productionpolicy.drain.outcome import Blocker, Dark, NodeOutcome, Outcome, PendingPod, Result

_Doubtful = TypeVar("_Doubtful", bound=Blocker | Dark | PendingPod)

_DRAINS = "drains"
DECIDING = "the choices of the scheduler or the order of the evictions decide"
IN_SOME_PLAYS = f"it drains in {{}} of {{}} plays: {DECIDING}"


class Plays:
    """The outcomes of several plays. What is so in all of them is certain, and what is so in some may happen."""

    def __init__(self, first: Outcome) -> None:
        self._outcomes = [first]
        self._ranges = {fact: (number, number) for fact, number in _facts(first).items()}
        """How often each fact is in a play, at least and at most."""

    def add(self, outcome: Outcome) -> bool:
        """Add one more, and return whether it differs from all before it."""
        self._outcomes.append(outcome)
        found, new = _facts(outcome), False
        for fact in found.keys() | self._ranges.keys():
            least, most = self._ranges.get(fact, (0, 0))
            if not least <= found[fact] <= most:
                new = True
                self._ranges[fact] = min(least, found[fact]), max(most, found[fact])
        return new

    def combined(self) -> Outcome:
        """Return what is so in all plays, and what may be. The steps are those of the first one.

        A node that drains in some plays and not in others is unknown.
        """
        first, *others = self._outcomes
        if not others:
            return first
        return replace(
            first,
            nodes=tuple(_node([each.nodes[index] for each in self._outcomes]) for index in range(len(first.nodes))),
            dark=_merged([each.dark for each in self._outcomes]),
            pending=_merged([each.pending for each in self._outcomes]),
            lost_work=tuple(sorted({key for each in self._outcomes for key in each.lost_work})),
            given_up=tuple(sorted({key for each in self._outcomes for key in each.given_up})),
        )


def _facts(outcome: Outcome) -> Counter[object]:
    """Return what the plays are compared by: results, blockers and pods without a node of each node, and darkness."""
    found: Counter[object] = Counter(each.workload for each in outcome.dark)
    for index, node in enumerate(outcome.nodes):
        found[index, _DRAINS] += node.result is Result.DRAINS
        found.update((index, *_kind(each)) for each in node.blockers)
        found.update((index, *_kind(each)) for each in node.pending)
    return found


def _kind(each: Blocker | Dark | PendingPod) -> tuple[object, ...]:
    """Return what is the same in all plays; the names of pods are not."""
    match each:
        case Blocker():
            return each.workload, each.budgets
        case PendingPod():
            return each.workload, each.before
        case Dark():
            return (each.workload,)


def _node(plays: Sequence[NodeOutcome]) -> NodeOutcome:
    drains = sum(each.result is Result.DRAINS for each in plays)
    certain = plays[0].result is Result.UNKNOWN or drains in {0, len(plays)}
    kept = plays[0] if certain else next(each for each in plays if each.result is not Result.DRAINS)
    found = replace(
        kept,
        blockers=_merged([each.blockers for each in plays]),
        pending=_merged([each.pending for each in plays]),
    )
    if certain:
        return found
    return replace(found, result=Result.UNKNOWN, unknown=(*kept.unknown, IN_SOME_PLAYS.format(drains, len(plays))))


def _merged(plays: Iterable[Iterable[_Doubtful]]) -> tuple[_Doubtful, ...]:
    """Return what is in any play. Of each kind, so many are certain as are in all plays. Those come first."""
    grouped = [_grouped(each) for each in plays]
    kinds = dict.fromkeys(kind for each in grouped for kind in each)
    found = [each for kind in kinds for each in _of_kind([each.get(kind, []) for each in grouped])]
    return tuple(sorted(found, key=lambda each: not each.certain))


def _grouped(these: Iterable[_Doubtful]) -> dict[tuple[object, ...], list[_Doubtful]]:
    found: defaultdict[tuple[object, ...], list[_Doubtful]] = defaultdict(list)
    for each in these:
        found[_kind(each)].append(each)
    return found


def _of_kind(plays: Sequence[list[_Doubtful]]) -> Iterator[_Doubtful]:
    numbers = [len(each) for each in plays]
    certain, most = min(numbers), plays[numbers.index(max(numbers))]
    for number, each in enumerate(most):
        yield each if number < certain else replace(each, certain=False)
