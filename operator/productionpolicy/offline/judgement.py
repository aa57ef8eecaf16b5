"""The judgement of all workloads among some documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.neighbours import KNOWN
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline.documents import Document, Unread, Wanted
from productionpolicy.offline.gathering import Gathered, Given, NotJudged, Through, shown, title_of
from productionpolicy.offline.places import line_of
from productionpolicy.offline.versions import API_VERSION, findings_of_version
from productionpolicy.policy import Policy
from productionpolicy.verdict import Exempted, Inputs, Outcome, Verdict, audit, exempted
from productionpolicy.verdict.audit import EXEMPTIONS, ROLLOUT, UNREADABLE

WANTED = Wanted(frozenset(each.kind for each in KNOWN), makers=True)
"""The objects that matter; all others are passed over."""

NOTICES = {
    UNREADABLE: "What could not be read, and so was not judged",
    EXEMPTIONS: "Exemptions that have no effect",
    ROLLOUT: "Rollouts that do not come to their end",
    API_VERSION: "API versions that Kubernetes does not serve",
}
"""What is reported beside the expectations, by the name under which it is."""


class Located(Struct, frozen=True):
    """A finding, and the line at which its path stands."""

    expectation: str
    line: int
    path: str
    message: str
    remedy: str


class Judged(Struct, frozen=True):
    """A workload with the verdicts on it."""

    file: str
    line: int
    api_version: str
    key: WorkloadKey
    verdicts: tuple[Verdict, ...]
    findings: tuple[Located, ...]
    """The findings of the failed verdicts."""
    exemptions: tuple[Exempted, ...] = ()
    """The exemptions that hold."""

    @property
    def failed(self) -> bool:
        """Whether any verdict is failed."""
        return bool(self.findings)

    @property
    def title(self) -> str:
        """What a person calls it."""
        return title_of(self.key)


class Judgement(Struct, frozen=True):
    """All that there is to tell."""

    workloads: tuple[Judged, ...]
    unreadable: tuple[Unread, ...]
    not_judged: tuple[NotJudged, ...] = ()
    lacks_budgets: bool = False
    """Whether the workloads are from a cluster, and none of its budgets was given."""

    @property
    def failed(self) -> int:
        """How many workloads have findings."""
        return sum(each.failed for each in self.workloads)

    @property
    def findings(self) -> int:
        """How many findings there are."""
        return sum(len(each.findings) for each in self.workloads)

    @property
    def outcomes(self) -> dict[str, Counter[Outcome]]:
        """How often each outcome occurs, by expectation, in the order in which they are judged."""
        found: dict[str, Counter[Outcome]] = {}
        for verdict in (verdict for each in self.workloads for verdict in each.verdicts):
            found.setdefault(verdict.expectation, Counter())[verdict.outcome] += 1
        last = {name: found.pop(name) for name in NOTICES if name in found}
        return {**found, **last}


def judge(found: Iterable[Document | Unread], *, policy: Policy, today: date, through: Through = iter) -> Judgement:
    """Judge all workloads among the documents; all others only stand around them.

    Args:
        found: what was read.
        policy: what to judge by.
        today: the day in UTC.
        through: how the workloads are gone through, for those who show how far it is.
    """
    gathered = Gathered(found)
    pairs = (
        (each, Inputs(each.workload, around=each.around, policy=policy, today=today)) for each in through(gathered)
    )
    judged = tuple(_judged(given, inputs) for given, inputs in pairs)
    return Judgement(judged, gathered.unreadable, gathered.not_judged, gathered.lacks_budgets)


def _judged(given: Given, inputs: Inputs) -> Judged:
    verdicts = (*audit(inputs), *_verdict_on_version(given.document))
    findings = tuple(_located(given.document, verdicts))
    return Judged(
        given.place.file, given.place.line, given.api_version, given.key, verdicts, findings, _exempted(inputs)
    )


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
