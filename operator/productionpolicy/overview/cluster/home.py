"""The first page: what all workloads come to, or those of one policy. Its size does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.overview import exemptions, totals
from productionpolicy.overview.cluster import drains, history, policies, rollouts
from productionpolicy.overview.cluster.frame import frame
from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import Filter, Snapshot
from productionpolicy.page import Node, tag
from productionpolicy.page.part import Part, counted
from productionpolicy.page.parts import figures, percent
from productionpolicy.verdict import Exempted, State

MOST_NAMESPACES = 50
MOST_EXEMPTIONS = 50
SOON_DAYS = 30
"""An exemption ends soon if it does within so many days."""


def home(snapshot: Snapshot, links: Links, *, policy: str = "") -> str:
    """Return the page.

    Args:
        snapshot: what the operator knows.
        links: the addresses of the other pages.
        policy: the policy to show; empty for all.
    """
    of = snapshot.of_policy(policy) if policy else snapshot
    title = f"Production readiness by policy {policy}" if policy else "Production readiness"
    parts = (each for each in _parts(of, links, policy) if each is not None)
    return frame(snapshot, links, title, *parts, head=_head(of, links, policy), here="Overview", listed=True)


def _head(of: Snapshot, links: Links, policy: str) -> Iterator[Node]:
    met, whole = of.met, len(of.workloads)
    none = f"{met:,} of {counted(whole, 'workload')} {'has' if met == 1 else 'have'} no findings."
    yield tag("p", tag("strong", none), _to_come(of), class_="lead")
    if policy:
        yield tag("p", tag("a", "Show all policies", href=links.overview()))
    yield figures(_figures(of))


def _to_come(of: Snapshot) -> str:
    changed = [each.report for each in of.workloads if each.report.changes]
    if not changed:
        return " No change is to come."
    restarts = sum(each.restarts for each in changed)
    return f" Changes to come: {counted(len(changed), 'workload')}, of which {restarts:,} restart their pods."


def _figures(of: Snapshot) -> Iterator[tuple[str, str, str]]:
    met, whole = of.met, len(of.workloads)
    yield "compliance", percent(of.compliant, whole), ""
    yield "workloads", f"{whole:,}", ""
    yield "with findings", f"{whole - met:,}", "bad" if whole > met else ""
    yield "findings", f"{of.findings:,}", "bad" if of.findings else ""
    yield "repaired", f"{of.count(lambda each: each.report.in_effect):,}", ""
    yield "rollouts in progress", f"{of.count(lambda each: each.rolling):,}", ""
    for state in (State.CONTESTED, State.FAILED):
        yield str(state), f"{of.states[state]:,}", "bad" if of.states[state] else ""


def _parts(of: Snapshot, links: Links, policy: str) -> Iterator[Part | None]:
    today = of.now.date()
    yield history.shown(history.combined(of.policies, today=today), today=today)
    yield policies.shown(of, links)
    yield _namespaces(of, links, policy)
    yield rollouts.shown(of, links)
    yield rollouts.contested(of, links)
    yield drains.shown(of, links)
    yield _exemptions(of)
    yield _expectations(of, links, policy)
    yield policies.conditions(of)


def _namespaces(of: Snapshot, links: Links, policy: str) -> Part | None:
    listed, left = of.namespaces[:MOST_NAMESPACES], len(of.namespaces) - MOST_NAMESPACES
    every = tag("a", f"all {len(of.namespaces):,} namespaces", href=links.namespaces())
    more = [tag("p", every, class_="more")] if left > 0 and not policy else []
    note = f"the {MOST_NAMESPACES} with the most workloads with findings" if left > 0 else ""
    linked = ((each, links.workloads(Filter(policy=policy, namespace=each.name))) for each in listed)
    return totals.by_namespace(linked, *more, note=note)


def _expectations(of: Snapshot, links: Links, policy: str) -> Part | None:
    addresses = {name: links.workloads(Filter(policy=policy, expectation=name)) for name in of.failing}
    return totals.by_expectation(of.outcomes, addresses)


def _exemptions(of: Snapshot) -> Part | None:
    """Return the exemptions that end soon, and how many others there are."""
    last = (of.now.date() + timedelta(days=SOON_DAYS)).isoformat()
    every = list(of.exemptions())
    soon = [each for each in exemptions.in_order(every) if _ends_by(last, each)]
    others = f"{counted(len(every), 'exemption')} in effect, ending within {SOON_DAYS} days: {len(soon):,}."
    return exemptions.shown(soon[:MOST_EXEMPTIONS], tag("p", others, class_="dim"), title="Exemptions that end soon")


def _ends_by(day: str, listed: tuple[WorkloadKey, Exempted]) -> bool:
    return bool(listed[1].until) and listed[1].until <= day
