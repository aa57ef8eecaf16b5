"""The policies, and what their conditions say, with what is done at admission."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import KnownPolicy, Snapshot
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.part import Part, part
from productionpolicy.page.parts import ASIDE, NUMBER, SHARE, SHORT, number, share, table
from productionpolicy.policy import ALWAYS, Policy

MOST = 50
"""How many policies the first page lists."""


def shown(snapshot: Snapshot, links: Links) -> Part:
    """Return the table of the policies."""
    columns = {
        "policy": "",
        "compliant": SHARE,
        "workloads": NUMBER,
        "changes to come": NUMBER,
        "mode": SHORT,
        "profile": ASIDE,
        "restarts pods": "",
    }
    rows = (_row(each, snapshot, links) for each in snapshot.policies[:MOST])
    listed = table(columns, rows, name="Totals of each policy") if snapshot.policies else _none()
    more = len(snapshot.policies) - MOST
    note = f"{more:,} more are not listed" if more > 0 else ""
    return part("policies", "Policies", listed, note=note)


def _none() -> Element:
    return tag(
        "p",
        "There is no ProductionPolicy. Create one, and label the namespaces that it governs: ",
        tag("code", "kubectl label namespace NAME productionpolicy.dev/policy=POLICY"),
    )


def _row(known: KnownPolicy, snapshot: Snapshot, links: Links) -> tuple[Node, ...]:
    status, policy = known.status, known.policy
    totals = status.workloads
    return (
        tag("a", known.name, href=links.overview(policy=known.name)),
        share(totals.compliant + totals.exempt, totals.total),
        number(totals.total),
        number(status.pending.repairs),
        mode(policy),
        str(policy.spec.profile) if policy else "",
        window(policy, snapshot.now) if policy else "",
    )


def mode(policy: Policy | None) -> str:
    """Return what a policy does, in a word."""
    if policy is None:
        return "not valid"
    return "paused" if policy.spec.paused else str(policy.spec.mode)


def window(policy: Policy, now: datetime) -> str:
    """Say when the repairs of a policy may restart pods."""
    if not policy.writes:
        return "never in this mode"
    if policy.calendar == ALWAYS:
        return "at any time"
    opens_at, freeze = policy.calendar.opens_after(now), policy.calendar.freeze_at(now)
    frozen = f", frozen until {freeze.last.isoformat()}" if freeze else ""
    if opens_at is None:
        return f"in no window within a week{frozen}"
    return "now, a window is open" if policy.calendar.open_at(now) else f"from {opens_at:%Y-%m-%d %H:%M} UTC{frozen}"


def conditions(snapshot: Snapshot) -> Part | None:
    """Return what the conditions of the policies say; nothing before a status is written."""
    rows = list(_conditions(snapshot))
    if not rows:
        return None
    columns = {"policy": "", "condition": "", "status": SHORT, "reason": "", "message": ""}
    return part(
        "conditions",
        "Conditions",
        table(columns, rows, name="Conditions of each policy"),
        note="with what admission does",
    )


def _conditions(snapshot: Snapshot) -> Iterator[tuple[Node, ...]]:
    for policy in snapshot.policies[:MOST]:
        for each in policy.status.conditions:
            yield policy.name, each.type, each.status, each.reason, each.message
