"""The page about one workload."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from productionpolicy.overview import exemptions, reasons, workloads
from productionpolicy.overview.cluster.bounds import cut
from productionpolicy.overview.cluster.entries import STATES, entry
from productionpolicy.overview.cluster.frame import frame
from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.rollouts import failure, pods
from productionpolicy.overview.cluster.snapshot import Filter, Known, Snapshot
from productionpolicy.overview.form import FULL
from productionpolicy.page import Node, tag
from productionpolicy.page.part import Part, counted, part
from productionpolicy.page.parts import SHORT, facts, table
from productionpolicy.verdict import Outcome
from productionpolicy.verdict.journal import read_journal

_OUTCOMES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.EXEMPT: "exempt",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.UNKNOWN: "not known",
}


def one(snapshot: Snapshot, links: Links, known: Known) -> str:
    """Return the page."""
    parts = (each for each in _parts(known, links) if each is not None)
    return frame(snapshot, links, known.key.title, *parts, head=_head(known, links))


def _head(known: Known, links: Links) -> Iterator[Node]:
    report = known.report
    yield tag("p", tag("strong", str(report.state)), f": {STATES[report.state]}.", class_="lead")
    yield facts(_facts(known, links))
    address = links.workloads(Filter(namespace=known.key.namespace))
    yield tag("p", tag("a", f"All workloads of {known.key.namespace}", href=address))
    yield tag("p", tag("a", "The same as JSON", href=links.json_of(known.key)))


def _facts(known: Known, links: Links) -> Iterator[tuple[str, str]]:
    yield "Policy", known.report.policy
    yield "Expectations", entry(known, links).met
    yield "Pods", pods(known)


def _parts(known: Known, links: Links) -> Iterator[Part | None]:
    yield _findings(known, links)
    yield _rollout(known)
    yield _repairs(known)
    yield _contests(known)
    yield exemptions.shown((known.key, each) for each in entry(known, links).exemptions)
    yield _outcomes(known)


def _findings(known: Known, links: Links) -> Part | None:
    shown = replace(entry(known, links), link="")
    if not shown.findings and not shown.changes:
        return None
    content = workloads.details(shown, reasons.collected([shown]), FULL)
    return part("findings", "Findings", *content, note=counted(shown.number, "finding"))


def _rollout(known: Known) -> Part | None:
    started = read_journal(known.workload).started
    if known.rolling:
        brings = f"It brings {', '.join(started.expectations)}, and began at {started.at}. " if started else ""
        return part("rollout", "Rollout in progress", tag("p", f"{brings}Pods: {pods(known)}."))
    if known.report.failed_rollout is not None:
        brought, at, advice = failure(known)
        text = f"A rollout of {at} was rolled back; it brought {brought}. What is left to do: {advice}."
        return part("rollout", "Rollout that was rolled back", tag("p", text))
    return None


def repairs(known: Known) -> dict[str, str]:
    """Return the repairs that are in place, by expectation; those of other objects say which object it is."""
    journal = read_journal(known.workload)
    notes = {name: cut(each.note()) for name, each in journal.repairs.items()}
    return {name: notes.get(name, "an object that the operator has created") for name in sorted(known.report.repaired)}


def _repairs(known: Known) -> Part | None:
    made = repairs(known)
    if not made:
        return None
    return part("repairs", "Repairs in place", table({"expectation": "", "repair": ""}, made.items(), name="Repairs"))


def _contests(known: Known) -> Part | None:
    if not known.report.contests:
        return None
    columns = {"repair": "", "why it is not made again": ""}
    return part(
        "contested", "Contested repairs", table(columns, known.report.contests, name="Why repairs are not made again")
    )


def _outcomes(known: Known) -> Part:
    columns = {"expectation": "", "what it requires": "", "outcome": SHORT}
    rows = ((name, reasons.title_of(name), _OUTCOMES[outcome]) for name, outcome in known.report.outcomes)
    return part("expectations", "Expectations", table(columns, rows, name="Outcome of each expectation"))
