"""Rollouts that the operator has begun, those that were rolled back, and repairs that others undo."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import Known, Snapshot
from productionpolicy.page import Element, Node, tag
from productionpolicy.page.part import Part, part
from productionpolicy.page.parts import table
from productionpolicy.verdict.journal import read_journal

MOST = 50
"""How many workloads of each kind the first page lists."""


def linked(known: Known, links: Links) -> Element:
    """Return the name of a workload, with a link to the page about it."""
    return tag("a", known.key.title, href=links.workload(known.key))


def shown(snapshot: Snapshot, links: Links) -> Part:
    """Return the rollouts in progress, and those that were rolled back."""
    rolling = [each for each in snapshot.ordered if each.rolling]
    failed = [each for each in snapshot.ordered if each.report.failed_rollout is not None]
    listed = (_rolling(rolling, links), *_failed(failed, links))
    note = f"{len(rolling):,} in progress, {len(failed):,} rolled back"
    return part("rollouts", "Rollouts", *listed, note=note)


def _rolling(known: list[Known], links: Links) -> Node:
    if not known:
        return tag("p", "No rollout by the operator is in progress.")
    columns = {"in progress": "", "brings": "", "since": "", "pods": ""}
    rows = ((linked(each, links), *_about(each)) for each in islice(known, MOST))
    return tag("div", table(columns, rows, name="Rollouts in progress"), _more(len(known)))


def _about(known: Known) -> tuple[str, str, str]:
    started = read_journal(known.workload).started
    brings = ", ".join(started.expectations) if started else "a withdrawal"
    return brings, started.at if started else "", pods(known)


def pods(known: Known) -> str:
    """Say how far the pods of a workload are."""
    workload, progress = known.workload, known.workload.progress
    return f"{progress.updated:,} of {workload.replicas:,} updated, {progress.available:,} available"


def _failed(known: list[Known], links: Links) -> Iterator[Node]:
    if not known:
        return
    columns = {"rolled back": "", "brought": "", "began": "", "what is left to do": ""}
    rows = ((linked(each, links), *failure(each)) for each in islice(known, MOST))
    yield tag("div", table(columns, rows, name="Rollouts that were rolled back"), _more(len(known)))


def failure(known: Known) -> tuple[str, str, str]:
    """Return what a rollout that was rolled back brought, when it began, and what a person has to do."""
    failed = known.report.failed_rollout
    assert failed is not None
    advice = f"delete the pod {failed.pod}" if failed.pod else "find out why its pods did not become available"
    return ", ".join(failed.expectations), failed.at, advice


def contested(snapshot: Snapshot, links: Links) -> Part | None:
    """Return the repairs that are not made again, and why; nothing if there are none."""
    found = [each for each in snapshot.ordered if each.report.contests]
    if not found:
        return None
    columns = {"workload": "", "repair": "", "why it is not made again": ""}
    rows = ((linked(each, links), *pair) for each in islice(found, MOST) for pair in each.report.contests)
    listed = table(columns, rows, name="Why repairs are not made again")
    return part("contested", "Contested repairs", listed, _more(len(found)))


def _more(count: int) -> Node:
    return tag("p", f"{count - MOST:,} more are not listed.", class_="dim") if count > MOST else None
