"""What the last audits of drains found: nodes that cannot be drained, and workloads that one failure takes down."""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import Snapshot
from productionpolicy.page import Node, tag
from productionpolicy.page.part import Part, counted, part
from productionpolicy.page.parts import table
from productionpolicy.policy.status import BlockedNode, DarkWorkload, DrainAuditStatus

MOST = 100
"""How many nodes and how many workloads the page lists."""


def shown(snapshot: Snapshot, links: Links) -> Part | None:
    """Return the part of the page; nothing if no policy audits drains."""
    audits = {each.name: each.status.drain_audit for each in snapshot.policies}
    made = {name: each for name, each in audits.items() if each is not None}
    if not made:
        return None
    words = (tag("p", _summary(name, each)) for name, each in made.items())
    listed = (*_blocked(made, snapshot, links), *_dark(made, snapshot, links))
    return part("drains", "Drains", *words, *listed, note="as the last audits found")


def _summary(policy: str, audit: DrainAuditStatus) -> str:
    at = f"{audit.last_audit_time:%Y-%m-%d %H:%M} UTC"
    unknown = f", for {audit.unknown_nodes:,} it is not known" if audit.unknown_nodes else ""
    return (
        f"{policy}, {at}: of {counted(audit.nodes, 'node')}, {audit.blocked_nodes:,} cannot be drained{unknown}. "
        f"Without a ready pod if one node fails: {counted(audit.dark_by_node, 'workload')}; if one zone fails: "
        f"{counted(audit.dark_by_zone, 'workload')}."
    )


def _blocked(audits: dict[str, DrainAuditStatus], snapshot: Snapshot, links: Links) -> Iterator[Node]:
    found = [each for audit in audits.values() for each in audit.blocked][:MOST]
    if found:
        columns = {"node that cannot be drained": "", "because of": "", "reason": "", "remedy": ""}
        rows = ((each.node, _workload(each, snapshot, links), each.reason, each.remedy) for each in found)
        yield table(columns, rows, name="Nodes that cannot be drained")


def _dark(audits: dict[str, DrainAuditStatus], snapshot: Snapshot, links: Links) -> Iterator[Node]:
    found = [each for audit in audits.values() for each in audit.dark][:MOST]
    if found:
        columns = {"workload without a ready pod": "", "if this fails": "", "how long": ""}
        rows = ((_workload(each, snapshot, links), _place(each), _duration(each)) for each in found)
        yield table(columns, rows, name="Workloads that one failure takes down")


def _workload(each: BlockedNode | DarkWorkload, snapshot: Snapshot, links: Links) -> Node:
    key = WorkloadKey(each.namespace, each.kind, each.name)
    return tag("a", key.title, href=links.workload(key)) if snapshot.workload(key) else key.title


def _place(dark: DarkWorkload) -> str:
    places = {"node": dark.node, "zone": dark.zone}
    return ", ".join(f"{kind} {name}" for kind, name in places.items() if name)


def _duration(dark: DarkWorkload) -> str:
    return "until it is back" if dark.until_it_is_back else "some minutes"
