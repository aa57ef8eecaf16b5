"""The page as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from msgspec import Struct

from productionpolicy.cli.formats.html import outside
from productionpolicy.cli.formats.html.entries import entries
from productionpolicy.cli.formats.origin import Origin
from productionpolicy.offline import Comparison, Judgement, Proposal
from productionpolicy.overview import exemptions, reasons, totals, workloads
from productionpolicy.overview.entries import Group, grouped
from productionpolicy.overview.form import Form, fits, fitting
from productionpolicy.overview.totals import NamespaceTotals
from productionpolicy.page import document, tag
from productionpolicy.page.markup import Element
from productionpolicy.page.part import Part, counted
from productionpolicy.page.parts import contents, facts, figures, percent


class PageReport(Struct, frozen=True):
    """The content of a page."""

    origin: Origin
    judgement: Judgement
    proposal: Proposal
    """The repairs for the same workloads, in the same order."""
    comparison: Comparison | None = None


def write(
    judgement: Judgement, out: TextIO, *, origin: Origin, proposal: Proposal, comparison: Comparison | None = None
) -> None:
    """Write the page."""
    out.write(page(PageReport(origin, judgement, proposal, comparison)))


def page(report: PageReport) -> str:
    """Return the page, in the fullest form that keeps it small."""
    listed = entries(report.judgement, report.proposal, report.comparison)
    groups, explained = grouped(listed), reasons.collected(listed)
    text = ""
    for form in fitting(listed):
        text = _page(report, groups, explained, form)
        if fits(text):
            break
    return text


def _page(report: PageReport, groups: list[Group], explained: reasons.Reasons, form: Form) -> str:
    parts = list(_parts(report, groups, explained, form))
    head = tag("header", *_head(report), contents({each.name: each.title for each in parts}))
    foot = tag(
        "footer",
        "The operator judges the workloads of a cluster in the same way. ",
        tag("code", "productionpolicy explain NAME"),
        " shows all about an expectation.",
    )
    main = tag("main", *(each.element for each in parts))
    compliance = percent(_met(report.judgement), len(report.judgement.workloads))
    title = f"{compliance} compliant: production readiness of {report.origin.name}"
    return document(title, head, main, foot, rules=workloads.rules(groups, explained))


def _head(report: PageReport) -> Iterator[Element]:
    judgement = report.judgement
    met, whole = _met(judgement), len(judgement.workloads)
    yield tag("h1", f"Production readiness of {report.origin.name}")
    none = f"{met:,} of {whole:,} workloads {'has' if met == 1 else 'have'} no findings."
    yield tag("p", tag("strong", none), *_repairs(report.proposal), *_news(report), class_="lead")
    yield facts(report.origin.facts)
    yield figures(_figures(report))


def _repairs(proposal: Proposal) -> Iterator[str]:
    changed = proposal.changed
    if changed:
        restarts = sum(each.restarts for each in changed)
        yield f" The operator would change {counted(len(changed), 'workload')} and restart the pods of {restarts:,}."


def _news(report: PageReport) -> Iterator[str]:
    compared = report.comparison
    if compared:
        yield f" Since {compared.name}, {compared.added:,} findings are new and {len(compared.gone):,} are gone."


def _figures(report: PageReport) -> Iterator[tuple[str, str, str]]:
    judgement, compared = report.judgement, report.comparison
    yield "compliance", percent(_met(judgement), len(judgement.workloads)), ""
    yield "workloads", f"{len(judgement.workloads):,}", ""
    yield "with findings", f"{judgement.failed:,}", "bad" if judgement.failed else ""
    yield "findings", f"{judgement.findings:,}", "bad" if judgement.findings else ""
    if compared:
        yield "new findings", f"{compared.added:,}", "new" if compared.added else ""
        yield "findings gone", f"{len(compared.gone):,}", "good" if compared.gone else ""
    yield "exemptions", f"{sum(len(each.exemptions) for each in judgement.workloads):,}", ""
    yield "not judged", f"{outside.number(judgement, report.origin.gaps):,}", ""


def _met(judgement: Judgement) -> int:
    return len(judgement.workloads) - judgement.failed


def _parts(report: PageReport, groups: list[Group], explained: reasons.Reasons, form: Form) -> Iterator[Part]:
    judgement, compared = report.judgement, report.comparison
    links = {name: f"#e{reasons.ORDER[name]}" for name in explained.expectations}
    made = (
        totals.by_namespace(map(_totals, groups)),
        totals.by_expectation(judgement.outcomes, links),
        outside.gone(compared) if compared else None,
        reasons.shown(explained),
        workloads.shown(groups, explained, form, compared=compared is not None),
        exemptions.shown((workload.key, each) for workload in judgement.workloads for each in workload.exemptions),
        outside.not_judged(judgement, report.origin.gaps),
    )
    return (each for each in made if each is not None)


def _totals(group: Group) -> tuple[NamespaceTotals, str]:
    return NamespaceTotals(group.called, group.total, len(group.failing), group.findings), f"#ns{group.number}"
