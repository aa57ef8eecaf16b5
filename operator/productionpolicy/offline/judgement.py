"""The evaluation of all workloads among documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.neighbours import KNOWN
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline.clusters import Cluster
from productionpolicy.offline.documents import Document, Unread, Wanted
from productionpolicy.offline.gathering import (
    FILES,
    Gathered,
    Given,
    NotJudged,
    Source,
    Through,
    place_of,
    shown,
)
from productionpolicy.offline.governing import Governing, governed
from productionpolicy.offline.places import line_of
from productionpolicy.offline.versions import findings_of_version
from productionpolicy.policy import Policy
from productionpolicy.verdict import Exempted, Inputs, Outcome, Verdict, audit, exempted
from productionpolicy.verdict.audit import EXEMPTIONS, ROLLOUT, UNREADABLE
from productionpolicy.verdict.notices import API_VERSION, TITLES

WANTED = Wanted(frozenset(each.kind for each in KNOWN), makers=True)
"""The objects to read; all others are skipped."""

NOTICES = {name: TITLES[name] for name in (UNREADABLE, EXEMPTIONS, ROLLOUT, API_VERSION)}
"""The titles of findings that do not belong to an expectation, by name."""


class Located(Struct, frozen=True):
    """A finding, and the line of its path."""

    expectation: str
    line: int
    path: str
    message: str
    remedy: str


class Judged(Struct, frozen=True):
    """A workload with its verdicts."""

    file: str
    line: int
    api_version: str
    key: WorkloadKey
    verdicts: tuple[Verdict, ...]
    findings: tuple[Located, ...]
    """The findings of the failed verdicts."""
    exemptions: tuple[Exempted, ...] = ()
    """The exemptions that are in effect."""
    unknown: Mapping[str, str] = {}
    """Why a verdict is unknown, by expectation."""

    @property
    def failed(self) -> bool:
        """Whether the workload has findings."""
        return bool(self.findings)

    @property
    def title(self) -> str:
        """The name for people, such as `Deployment shop/web`."""
        return self.key.title

    @property
    def place(self) -> str:
        """File and line; empty in a cluster."""
        return place_of(self.file, self.line)


class Judgement(Struct, frozen=True):
    """The result of the evaluation."""

    workloads: tuple[Judged, ...]
    unreadable: tuple[Unread, ...]
    not_judged: tuple[NotJudged, ...] = ()
    lacks_budgets: bool = False
    """Whether the input has workloads from a cluster, but no budget."""
    cluster: Cluster | None = None
    """The cluster that was judged; None for files."""

    @property
    def failed(self) -> int:
        """How many workloads have findings."""
        return sum(each.failed for each in self.workloads)

    @property
    def findings(self) -> int:
        """How many findings there are."""
        return sum(len(each.findings) for each in self.workloads)

    @property
    def unknown(self) -> int:
        """How many verdicts are unknown."""
        return sum(len(each.unknown) for each in self.workloads)

    @property
    def outcomes(self) -> dict[str, Counter[Outcome]]:
        """The number of each outcome by expectation, in the order of the expectations."""
        found: dict[str, Counter[Outcome]] = {}
        for verdict in (verdict for each in self.workloads for verdict in each.verdicts):
            found.setdefault(verdict.expectation, Counter())[verdict.outcome] += 1
        last = {name: found.pop(name) for name in NOTICES if name in found}
        return {**found, **last}


def judge(
    found: Iterable[Document | Unread],
    *,
    policy: Policy | Governing,
    today: date,
    through: Through = iter,
    source: Source = FILES,
) -> Judgement:
    """Judge all workloads among the documents; all other objects are their surroundings.

    Args:
        found: the documents.
        policy: the policy to judge by, or what chooses one for each workload.
        today: the current day in UTC, for exemptions that expire.
        through: wraps the iteration over the workloads, for a progress bar.
        source: where the documents come from.
    """
    return judge_gathered(Gathered(found, source=source), policy=policy, today=today, through=through)


def judge_gathered(
    gathered: Gathered, *, policy: Policy | Governing, today: date, through: Through = iter
) -> Judgement:
    """Judge what is gathered already. The other arguments are those of `judge`."""
    judged = tuple(_judged(given, inputs) for given, inputs in governed(through(gathered), policy, today=today))
    return Judgement(judged, gathered.unreadable, gathered.not_judged, gathered.lacks_budgets)


def _judged(given: Given, inputs: Inputs) -> Judged:
    verdicts = (*audit(inputs), *_verdict_on_version(given.document))
    findings = tuple(_located(given.document, verdicts))
    unknown = {each.expectation: shown(each.reason) for each in verdicts if each.outcome is Outcome.UNKNOWN}
    place = given.place
    return Judged(place.file, place.line, given.api_version, given.key, verdicts, findings, _exempted(inputs), unknown)


def _exempted(inputs: Inputs) -> tuple[Exempted, ...]:
    return tuple(replace(each, reason=shown(each.reason)) for each in exempted(inputs))


def _verdict_on_version(document: Document) -> Iterator[Verdict]:
    findings = tuple(findings_of_version(document.raw))
    if findings:
        yield Verdict(API_VERSION, Outcome.FAILED, findings)


def _located(document: Document, verdicts: Iterable[Verdict]) -> Iterator[Located]:
    for verdict in (each for each in verdicts if each.outcome is Outcome.FAILED):
        for finding in verdict.findings:
            yield Located(
                verdict.expectation,
                line_of(document, finding.path),
                shown(finding.path),
                shown(finding.message),
                shown(finding.remedy),
            )
