"""What the simulator says of a cluster, in the terms of what can be observed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import and_

from drains.comparison import PredictedNode, Prediction
from drains.generator import Flags
from drains.play import Verdict
from owners.manifests import Raw
from productionpolicy.drain import DrainFlags, NodeOutcome, Options, Result, complete_coverage, drain, read
from productionpolicy.drain.chance import IN_SOME_PLAYS

_CHANCE = re.compile(re.escape(IN_SOME_PLAYS).replace(r"\{\}", "[0-9]+"))


def predicted(items: Sequence[Raw], order: Sequence[str], flags: Flags) -> Prediction:
    """Return what the simulator says of a drain of these nodes, one after the other."""
    cluster = read(items, complete_coverage())
    used = DrainFlags(flags.ignore_daemonsets, flags.delete_emptydir_data, flags.force)
    outcome = drain(cluster, order, Options(used))
    dark = _split((str(each.workload), each.certain) for each in outcome.dark)
    known = list(accumulate((not any(each.unknown for each in node.pending) for node in outcome.nodes), and_))
    nodes = (_node(each, pending_known=known[index]) for index, each in enumerate(outcome.nodes))
    return Prediction(tuple(nodes), *map(frozenset, dark))


def _node(said: NodeOutcome, *, pending_known: bool) -> PredictedNode:
    by_one = ((each.budgets[0], each.certain) for each in said.blockers if len(each.budgets) == 1)
    budgets, perhaps_budgets = map(frozenset, _split(by_one))
    pending, perhaps_pending = _split((str(each.workload), each.certain) for each in said.pending)
    verdict, or_else = _verdicts(said)
    return PredictedNode(
        said.node,
        verdict,
        budgets=budgets,
        pending=tuple(sorted(pending)),
        reason="; ".join(sorted({*said.unknown, *(each.reason for each in said.blockers)})),
        or_else=or_else,
        perhaps_budgets=perhaps_budgets,
        perhaps_pending=tuple(sorted(perhaps_pending)),
        pending_known=pending_known,
        by_chance=bool(said.unknown) and all(_CHANCE.match(each) for each in said.unknown),
    )


def _split(these: Iterable[tuple[str, bool]]) -> tuple[list[str], list[str]]:
    """Return what is certain, and what is not."""
    found = list(these)
    return [name for name, certain in found if certain], [name for name, certain in found if not certain]


def _verdicts(said: NodeOutcome) -> tuple[Verdict | None, Verdict | None]:
    """Return the verdict, and what chance may make of it instead.

    An eviction that matches several budgets fails for good; all others wait for a budget.
    """
    if said.result is Result.UNKNOWN:
        return None, None
    if said.result in (Result.DRAINS, Result.REFUSED):
        return Verdict(said.result.value), None
    failing = [each.certain for each in said.blockers if len(each.budgets) > 1]
    if any(failing):
        return Verdict.FAILED, None
    return Verdict.BLOCKED, Verdict.FAILED if failing else None
