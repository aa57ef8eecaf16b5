"""What the simulator says of a cluster, in the terms of what can be observed."""

from __future__ import annotations

from collections.abc import Sequence

from drains.comparison import PredictedNode, Prediction
from drains.generator import Flags
from drains.play import Verdict
from owners.manifests import Raw
from productionpolicy.drain import DrainFlags, NodeOutcome, Options, Result, complete_coverage, drain, read


def predicted(items: Sequence[Raw], order: Sequence[str], flags: Flags) -> Prediction:
    """Return what the simulator says of a drain of these nodes, one after the other."""
    cluster = read(items, complete_coverage())
    used = DrainFlags(flags.ignore_daemonsets, flags.delete_emptydir_data, flags.force)
    outcome = drain(cluster, order, Options(used))
    return Prediction(tuple(map(_node, outcome.nodes)), frozenset(str(each.workload) for each in outcome.dark))


def _node(said: NodeOutcome) -> PredictedNode:
    return PredictedNode(
        said.node,
        _verdict(said),
        budgets=frozenset(name for each in said.blockers if len(each.budgets) == 1 for name in each.budgets),
        pending=tuple(sorted(str(each.workload) for each in said.pending)),
        reason="; ".join(sorted({*said.unknown, *(each.reason for each in said.blockers)})),
    )


def _verdict(said: NodeOutcome) -> Verdict | None:
    """An eviction that matches several budgets fails for good; all others wait for a budget."""
    if said.result is Result.UNKNOWN:
        return None
    if said.result in (Result.DRAINS, Result.REFUSED):
        return Verdict(said.result.value)
    return Verdict.FAILED if any(len(each.budgets) > 1 for each in said.blockers) else Verdict.BLOCKED
