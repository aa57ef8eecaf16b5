"""The judgement of all workloads among some documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.workloads import Kind, Workload, WorkloadKey, read_workload
from productionpolicy.offline.documents import Document, Unread
from productionpolicy.offline.neighbours import NEIGHBOURS, Neighbours
from productionpolicy.offline.parts import PART, is_part
from productionpolicy.offline.places import line_of
from productionpolicy.offline.versions import API_VERSION, findings_of_version, is_foreign
from productionpolicy.policy import Policy
from productionpolicy.verdict import Case, Outcome, Verdict, audit
from productionpolicy.verdict.audit import EXEMPTIONS, UNREADABLE

WORKLOADS = frozenset(map(str, Kind))
KINDS = WORKLOADS | NEIGHBOURS
"""The kinds of objects that matter; all others are passed over."""

NOTICES = {
    UNREADABLE: "What could not be read, and so was not judged",
    EXEMPTIONS: "Exemptions that have no effect",
    API_VERSION: "API versions that Kubernetes does not serve",
}
"""What is reported beside the expectations, by the name under which it is."""


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, and the line at which its path stands."""

    expectation: str
    line: int
    path: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A workload with the verdicts on it."""

    file: str
    line: int
    api_version: str
    key: WorkloadKey
    verdicts: tuple[Verdict, ...]
    findings: tuple[Located, ...]
    """The findings of the failed verdicts."""

    @property
    def failed(self) -> bool:
        """Whether any verdict is failed."""
        return bool(self.findings)

    @property
    def title(self) -> str:
        """What a person calls it."""
        namespace, name = self.key.namespace, self.key.name or "(no name)"
        return f"{self.key.kind} {namespace}/{name}" if namespace else f"{self.key.kind} {name}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that there is to tell."""

    workloads: tuple[Judged, ...]
    unreadable: tuple[Unread, ...]

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


def judge(found: Iterable[Document | Unread], *, policy: Policy, today: date) -> Judgement:
    """Judge all workloads among the documents; all others only stand around them."""
    read, unread = _apart(found)
    latest, replaced = _latest(read)
    workloads = _workloads(latest)
    neighbours = Neighbours((each for _, each in workloads), (each.raw for each in latest if each.kind in NEIGHBOURS))
    judged = tuple(
        _judged(document, Case(each, around=neighbours.around(each), policy=policy, today=today))
        for document, each in workloads
    )
    faults = (Unread(shown(each.file), each.line, shown(each.message)) for each in (*unread, *replaced))
    return Judgement(judged, tuple(sorted(faults, key=lambda each: (each.file, each.line, each.message))))


def _workloads(documents: Iterable[Document]) -> list[tuple[Document, Workload]]:
    """Return the workloads to judge, less those that another object makes, and stands for."""
    found = ((each, read_workload(each.raw)) for each in documents if each.kind in WORKLOADS)
    return [(document, each) for document, each in found if not each.derived]


def shown(text: str) -> str:
    """Return a text without what a terminal would obey, or an output could not hold."""
    return (
        text
        if text.isprintable()
        else "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    )


def _apart(found: Iterable[Document | Unread]) -> tuple[list[Document], list[Unread]]:
    read: list[Document] = []
    unread: list[Unread] = []
    for each in found:
        if isinstance(each, Unread):
            unread.append(each)
        elif is_foreign(each.raw):
            continue
        elif each.kind in WORKLOADS and is_part(each.raw):
            unread.append(Unread(each.piece.file, line_of(each), PART))
        else:
            read.append(each)
    return read, unread


def _latest(documents: Sequence[Document]) -> tuple[list[Document], list[Unread]]:
    """Return the last document of each object, as `kubectl apply` would leave it, and what is said of the others."""
    last = {_identity(each, index): index for index, each in enumerate(documents)}
    latest, replaced = [], []
    for index, each in enumerate(documents):
        final = last[_identity(each, index)]
        if final == index:
            latest.append(each)
        else:
            replaced.append(_replaced(each, by=documents[final]))
    return latest, replaced


def _identity(document: Document, index: int) -> tuple[str, str, str, int]:
    """Return what names an object; one without a name is like no other."""
    metadata = Fields(document.raw).mapping("metadata")
    name = metadata.text("name")
    return document.kind, metadata.text("namespace") or "", name or "", -1 if name else index


def _replaced(document: Document, *, by: Document) -> Unread:
    message = f"the same object is declared again in {by.piece.file}:{line_of(by)}, which is judged in its place"
    return Unread(document.piece.file, line_of(document), message)


def _judged(document: Document, case: Case) -> Judged:
    verdicts = (*audit(case), *_verdict_on_version(document))
    key = case.workload.key
    return Judged(
        file=shown(document.piece.file),
        line=line_of(document),
        api_version=shown(Fields(document.raw).text(API_VERSION) or ""),
        key=WorkloadKey(shown(key.namespace), key.kind, shown(key.name)),
        verdicts=verdicts,
        findings=tuple(_located(document, verdicts)),
    )


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
