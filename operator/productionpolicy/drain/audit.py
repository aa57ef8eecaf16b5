"""The audit of a cluster: the drain of every node, the failure of every node and zone, and what concerns a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from productionpolicy.drain.cluster import Cluster, Key
from productionpolicy.drain.kubectl import DrainFlags
from productionpolicy.drain.outcome import Blocker, NodeOutcome, Outcome, Result
from productionpolicy.drain.play import Options, drain, lose_each
from productionpolicy.drain.reading import NEEDED
from productionpolicy.kube.text import printable
from productionpolicy.policy.status import (
    LONGEST_MESSAGE,
    MOST_BLOCKED_NODES,
    MOST_DARK_WORKLOADS,
    BlockedNode,
    DarkWorkload,
    DrainAuditStatus,
)

AS_IN_AN_UPGRADE = Options(flags=DrainFlags(ignore_daemonsets=True, delete_emptydir_data=True, force=True), plays=8)
"""How nodes are drained: what `kubectl drain` only asks about is no obstacle, because upgrades of nodes go on.

It is played few times, because it uses the processors of the cluster; `productionpolicy drain` plays it more often.
"""

FEWEST_ZONES = 2
"""If the nodes have less zones than this, the failure of a zone is that of the whole cluster, or is not known."""

NOT_ALL_READ = "NotAllRead"
"""The reason of a condition that is unknown because something could not be read."""

_NAMED = 3
"""So many nodes are named in a message."""

Governs = Callable[[str], bool]


class Verdict(Struct, frozen=True):
    """What a condition says."""

    status: str
    reason: str
    message: str


class Loss(Struct, frozen=True):
    """A workload without a ready pod because one node or zone failed."""

    workload: Key
    place: str
    lasts: bool


class Played(Struct, frozen=True):
    """What happened in a play."""

    pods: int
    drained: Outcome
    by_node: tuple[Loss, ...] = ()
    by_zone: tuple[Loss, ...] = ()
    zones: int = 0
    unread: str = ""
    """Which kinds could not be read, and why; empty if all were read."""


class Findings(Struct, frozen=True):
    """What an audit means for one policy."""

    verdict: Verdict
    status: DrainAuditStatus


def play(cluster: Cluster) -> Played:
    """Play the drain of every node in the order of their names, and the failure of each node and of each zone."""
    names = [each.name for each in cluster.nodes]
    zones = _zones(cluster)
    return Played(
        pods=len(cluster.pods),
        drained=drain(cluster, names, AS_IN_AN_UPGRADE),
        by_node=tuple(_losses(cluster, names, [[each] for each in names])),
        by_zone=tuple(_losses(cluster, list(zones), list(zones.values()))),
        zones=len(zones),
        unread=_unread(cluster),
    )


def _zones(cluster: Cluster) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in cluster.nodes:
        if each.zone:
            found.setdefault(each.zone, []).append(each.name)
    return dict(sorted(found.items())) if len(found) >= FEWEST_ZONES else {}


def _losses(cluster: Cluster, places: Sequence[str], groups: Sequence[Sequence[str]]) -> Iterator[Loss]:
    for place, outcome in zip(places, lose_each(cluster, groups, AS_IN_AN_UPGRADE), strict=True):
        yield from (Loss(each.workload, place, each.lasts) for each in outcome.dark)


def findings(played: Played, governs: Governs, *, at: datetime, request: str = "") -> Findings:
    """Return what an audit means for a policy.

    Args:
        played: what happened.
        governs: whether the policy governs a namespace.
        at: when the cluster was read.
        request: the request for the audit that it fulfills.
    """
    nodes = [_concerning(each, governs) for each in played.drained.nodes]
    blocked = [each for each in nodes if each.result is not Result.UNKNOWN and each.blockers]
    unknown = [each for each in nodes if each.result is Result.UNKNOWN]
    by_node = [each for each in played.by_node if governs(each.workload.namespace)]
    by_zone = [each for each in played.by_zone if governs(each.workload.namespace)]
    status = DrainAuditStatus(
        last_audit_time=at,
        handled_request=request,
        nodes=len(nodes),
        zones=played.zones,
        pods=played.pods,
        blocked_nodes=len(blocked),
        unknown_nodes=len(unknown),
        blocked=tuple(map(_blocked, blocked[:MOST_BLOCKED_NODES])),
        dark_by_node=len({each.workload for each in by_node}),
        dark_by_zone=len({each.workload for each in by_zone}),
        dark=tuple(_dark(by_node, by_zone)),
    )
    return Findings(_verdict(status, unknown, played.unread), status)


def not_played(reason: str, message: str, *, at: datetime, request: str = "") -> Findings:
    """Return what is told if nothing could be played.

    Args:
        reason: of the condition.
        message: why, and the remedy.
        at: when it was tried.
        request: the request for the audit that it answers.
    """
    status = DrainAuditStatus(last_audit_time=at, handled_request=request)
    return Findings(Verdict("Unknown", reason, message), status)


def _unread(cluster: Cluster) -> str:
    if not cluster.unread:
        return ""
    kinds = ", ".join(NEEDED[each] for each in cluster.unread)
    return f"not everything could be read ({kinds}): {next(iter(cluster.unread.values()))}"


def _concerning(node: NodeOutcome, governs: Governs) -> NodeOutcome:
    """Return what of an outcome concerns the governed workloads. What blocks only in some plays may not be so."""
    governed = tuple(each for each in node.blockers if governs(each.workload.namespace))
    certain = tuple(each for each in governed if each.certain)
    result = node.result
    if governed and not certain:
        result = Result.UNKNOWN
    elif not governed and not any(governs(each.workload.namespace) for each in node.steps):
        result = Result.DRAINS
    return NodeOutcome(node.node, result, node.steps, certain or governed, unknown=node.unknown)


def _blocked(node: NodeOutcome) -> BlockedNode:
    first = min(node.blockers, key=_order)
    return BlockedNode(
        node=node.node,
        namespace=first.workload.namespace,
        kind=first.workload.kind,
        name=first.workload.name,
        budgets=first.budgets,
        reason=printable(first.reason, longest=LONGEST_MESSAGE),
        remedy=printable(first.remedy, longest=LONGEST_MESSAGE),
        workloads=len({each.workload for each in node.blockers}),
    )


def _order(blocker: Blocker) -> tuple[Key, str]:
    return blocker.workload, blocker.pod


def _dark(by_node: Iterable[Loss], by_zone: Iterable[Loss]) -> list[DarkWorkload]:
    nodes, zones = ({each.workload: each for each in those} for those in (by_node, by_zone))
    keys = sorted(nodes.keys() | zones.keys(), key=lambda key: (key not in nodes, key))
    return [
        DarkWorkload(
            namespace=key.namespace,
            kind=key.kind,
            name=key.name,
            node=nodes[key].place if key in nodes else "",
            zone=zones[key].place if key in zones else "",
            until_it_is_back=any(each[key].lasts for each in (nodes, zones) if key in each),
        )
        for key in keys[:MOST_DARK_WORKLOADS]
    ]


def _verdict(status: DrainAuditStatus, unknown: Sequence[NodeOutcome], unread: str) -> Verdict:
    losses = _loss_sentence(status)
    if status.blocked_nodes:
        named = ", ".join(f"{each.node} ({each.kind} {each.namespace}/{each.name})" for each in status.blocked[:_NAMED])
        more = f" and {status.blocked_nodes - _NAMED} more" if status.blocked_nodes > _NAMED else ""
        message = f"{status.blocked_nodes} of {status.nodes} nodes could not be drained: {named}{more}"
        return Verdict("False", "NodesBlocked", f"{message}; status.drainAudit.blocked names reason and remedy{losses}")
    if unread:
        return Verdict("Unknown", NOT_ALL_READ, f"{unread}{losses}")
    if unknown:
        first = (*unknown[0].unknown, *(each.reason for each in unknown[0].blockers), "")[0]
        message = f"for {len(unknown)} of {status.nodes} nodes it is not known whether they drain, such as"
        return Verdict("Unknown", "NotKnown", f"{message} {unknown[0].node}: {first}{losses}")
    if not status.nodes:
        return Verdict("Unknown", "NoNodes", "the cluster has no nodes")
    return Verdict(
        "True", "AllNodesDrain", f"no governed workload keeps one of {status.nodes} nodes from being drained{losses}"
    )


def _loss_sentence(status: DrainAuditStatus) -> str:
    zones = f"if one zone fails: {status.dark_by_zone}" if status.zones else "zones: not played, there are less than 2"
    return f"; workloads without a ready pod if one node fails: {status.dark_by_node}; {zones}"
