"""What the operator knows of some workloads, as its pages get it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from productionpolicy.kube.workloads import read_workload
from productionpolicy.overview.cluster import Known, KnownPolicy, Snapshot
from productionpolicy.policy import Policy
from productionpolicy.policy.status import Condition, DayTotals
from productionpolicy.verdict import Inputs, evaluate
from productionpolicy.verdict.totals import Totals
from support.manifests import Raw, deployment
from support.policies import policy

NOW = datetime(2026, 6, 15, 11, tzinfo=UTC)
GOVERNED_BY = policy()


def known(raw: Raw, *, by: Policy = GOVERNED_BY, rolling: bool = False) -> Known:
    """Return a workload as it was evaluated."""
    workload = read_workload(raw)
    report = evaluate(Inputs(workload, policy=by, today=NOW.date(), now=NOW, rolling=rolling)).report
    assert report is not None
    return Known(report, workload, rolling)


def known_policy(by: Policy, workloads: Iterable[Known], *days: DayTotals) -> KnownPolicy:
    """Return a policy with the status that the operator writes for some workloads."""
    totals = Totals()
    for each in workloads:
        totals.put(each.report)
    ready = Condition(type="Ready", status="True", reason="Valid", message="it is valid", last_transition_time=NOW)
    history = (*days, totals.of_day(NOW.date()))
    status = totals.status(by, namespaces=1, conditions=(ready,), history=history)
    return KnownPolicy(by.name, by, msgspec.to_builtins(status, builtin_types=()))


def day(before: int, *, workloads: int, compliant: int, findings: int) -> DayTotals:
    """Return the totals of some days before."""
    then: date = NOW.date() - timedelta(days=before)
    return DayTotals(day=then, workloads=workloads, compliant=compliant, findings=findings)


def snapshot(*workloads: Known, by: Policy = GOVERNED_BY, days: Iterable[DayTotals] = (), **others: Any) -> Snapshot:
    """Return what the operator knows, with one policy."""
    return Snapshot(NOW, (known_policy(by, workloads, *days),), workloads, version="1.0", **others)


def with_drains(of: Snapshot) -> Snapshot:
    """Return the same with what an audit of drains found: a node that cannot be drained, and a workload in one zone."""
    in_shop = {"namespace": "shop", "kind": "Deployment"}
    audit = {
        "lastAuditTime": "2026-06-15T10:00:00Z",
        "nodes": 5,
        "blockedNodes": 1,
        "unknownNodes": 2,
        "darkByZone": 1,
        "blocked": [{**in_shop, "name": "web", "node": "node-1", "reason": "why", "remedy": "do"}],
        "dark": [{**in_shop, "name": "gone", "zone": "zone-a", "untilItIsBack": True}],
    }
    (audited,) = of.policies
    return replace(of, policies=(replace(audited, written={**audited.written, "drainAudit": audit}),))


def many(count: int, *, namespaces: int = 1) -> list[Known]:
    """Return many workloads with the same findings; one report serves for all, because making one takes a while."""
    first = known(deployment("web-0", metadata={"namespace": "ns-0"}))
    return [_named(first, f"ns-{number % namespaces}", f"web-{number}") for number in range(count)]


def _named(first: Known, namespace: str, name: str) -> Known:
    key = replace(first.key, namespace=namespace, name=name)
    return replace(first, report=replace(first.report, key=key), workload=replace(first.workload, key=key))
