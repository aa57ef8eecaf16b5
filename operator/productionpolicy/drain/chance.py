"""Several plays of the same drain, made into one outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from productionpolicy.drain.outcome import NodeOutcome, Outcome, Result

_CERTAIN = frozenset({Result.REFUSED, Result.UNKNOWN})


def combined(first: Outcome, others: Sequence[Outcome]) -> Outcome:
    """Return what is so in all plays. What is in no doubt is that of the first one.

    A node that drains in some plays and not in others is unknown. So is all that comes after it. A workload goes dark
    if it does so in one of them.
    """
    if not others:
        return first
    dark = {each.workload: each for play in (*reversed(others), first) for each in play.dark}
    return replace(
        first,
        nodes=tuple(_nodes(first, others)),
        dark=tuple(dark[key] for key in sorted(dark)),
        lost_work=tuple(sorted({key for play in (first, *others) for key in play.lost_work})),
    )


def _nodes(first: Outcome, others: Sequence[Outcome]) -> Iterator[NodeOutcome]:
    for index, node in enumerate(first.nodes):
        plays = [node, *(each.nodes[index] for each in others)]
        drains = sum(each.result is Result.DRAINS for each in plays)
        if node.result in _CERTAIN or drains in {0, len(plays)}:
            yield node
        else:
            kept = next(each for each in plays if each.result is not Result.DRAINS)
            doubt = f"it drains in {drains} of {len(plays)} plays: which nodes the scheduler chooses decides"
            yield replace(kept, result=Result.UNKNOWN, unknown=(*kept.unknown, doubt))
