"""JSON for programs. docs/check.schema.json is generated from these types."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, TextIO

import msgspec

from productionpolicy.offline import Cluster, Judged, Judgement, NotJudged, Unread
from productionpolicy.offline.gathering import shown
from productionpolicy.verdict import Outcome

_END = "\n"


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A violation: where it is, why it matters there, and the remedy."""

    expectation: str
    path: str
    message: str
    remedy: str


class Exemption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An exemption that is in effect; `until` is its last day, or empty if it has no end."""

    expectation: str
    reason: str
    until: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verdict that is not known because something could not be read, and the reason."""

    expectation: str
    reason: str


class Workload(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A workload with the verdict of each expectation, and the findings of those that failed.

    In a cluster, `file` is empty and `line` is 0.
    """

    file: str
    line: int
    api_version: str
    kind: str
    namespace: str
    name: str
    verdicts: dict[str, Outcome]
    findings: list[Finding]
    exemptions: list[Exemption]
    unknown: list[Unknown]


class Unreadable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object that could not be read, and the reason."""

    file: str
    line: int
    message: str


class Skipped(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An object that was read but is not judged, and the reason: it is of another API, or affects no given workload."""

    file: str
    line: int
    api_version: str
    kind: str
    namespace: str
    name: str
    reason: str


class Tally(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How many workloads have each outcome for one expectation."""

    passed: int
    failed: int
    exempt: int
    not_applicable: int
    unknown: int


class Summary(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How many workloads were judged, how many of them have findings, how many findings there are, and what is open."""

    workloads: int
    failed: int
    findings: int
    unknown: int
    unreadable: int
    not_judged: int
    expectations: dict[str, Tally]


class Read(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a kind was read: All, Namespaces or None, and the reason if that is not everything."""

    read: str
    namespaces: list[str]
    reason: str


class ClusterRead(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The cluster that was judged, when it was read, and how much of it."""

    context: str
    server_version: str
    taken_at: str
    complete: bool
    coverage: dict[str, Read]


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The output of `productionpolicy check -o json`."""

    workloads: list[Workload]
    unreadable: list[Unreadable]
    not_judged: list[Skipped]
    summary: Summary
    cluster: ClusterRead | None


def write(judgement: Judgement, out: TextIO) -> None:
    """Write the report as JSON."""
    write_struct(report(judgement), out)


def write_struct(struct: msgspec.Struct, out: TextIO) -> None:
    """Write a report, indented for people."""
    made = msgspec.json.format(msgspec.json.encode(struct), indent=2)
    # Line by line, because the report of a cluster has many megabytes.
    out.writelines(f"{_escaped(line.decode().rstrip(_END))}\n" for line in BytesIO(made))


def _escaped(line: str) -> str:
    """Return a line of JSON with unprintable characters escaped; they occur only within strings."""
    return line if line.isprintable() else "".join(each if each.isprintable() else _escape(each) for each in line)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def report(judgement: Judgement) -> Report:
    """Return the report of a judgement."""
    return Report(
        workloads=[_workload(each) for each in judgement.workloads],
        unreadable=[unreadable(each) for each in judgement.unreadable],
        not_judged=[skipped(each) for each in judgement.not_judged],
        summary=_summary(judgement),
        cluster=cluster_read(judgement.cluster),
    )


def cluster_read(cluster: Cluster | None) -> ClusterRead | None:
    """Return the description of the cluster; None for files."""
    if cluster is None:
        return None
    return ClusterRead(
        context=cluster.context,
        server_version=cluster.server_version,
        taken_at=cluster.taken_at,
        complete=not cluster.incomplete,
        coverage={
            name: Read(read=each.read, namespaces=list(each.namespaces), reason=shown(each.reason))
            for name, each in cluster.coverage.items()
        },
    )


def schema(of: Any = Report) -> dict[str, object]:
    """Return the JSON Schema of a report, or of one of several."""
    (made,), parts = msgspec.json.schema_components([of], ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "$defs": parts}


def _workload(judged: Judged) -> Workload:
    return Workload(
        file=judged.file,
        line=judged.line,
        api_version=judged.api_version,
        kind=judged.key.kind,
        namespace=judged.key.namespace,
        name=judged.key.name,
        verdicts={each.expectation: each.outcome for each in judged.verdicts},
        findings=list(_findings(judged)),
        exemptions=[
            Exemption(expectation=each.expectation, reason=each.reason, until=each.until) for each in judged.exemptions
        ],
        unknown=[Unknown(expectation=name, reason=reason) for name, reason in judged.unknown.items()],
    )


def _findings(judged: Judged) -> Iterator[Finding]:
    for each in judged.findings:
        yield Finding(expectation=each.expectation, path=each.path, message=each.message, remedy=each.remedy)


def unreadable(unread: Unread) -> Unreadable:
    """Return what could not be judged."""
    return Unreadable(file=unread.file, line=unread.line, message=unread.message)


def skipped(left_out: NotJudged) -> Skipped:
    """Return what is not judged."""
    return Skipped(
        file=left_out.file,
        line=left_out.line,
        api_version=left_out.api_version,
        kind=left_out.key.kind,
        namespace=left_out.key.namespace,
        name=left_out.key.name,
        reason=left_out.reason,
    )


def _summary(judgement: Judgement) -> Summary:
    return Summary(
        workloads=len(judgement.workloads),
        failed=judgement.failed,
        findings=judgement.findings,
        unknown=judgement.unknown,
        unreadable=len(judgement.unreadable),
        not_judged=len(judgement.not_judged),
        expectations={
            name: Tally(
                passed=counts[Outcome.PASSED],
                failed=counts[Outcome.FAILED],
                exempt=counts[Outcome.EXEMPT],
                not_applicable=counts[Outcome.NOT_APPLICABLE],
                unknown=counts[Outcome.UNKNOWN],
            )
            for name, counts in judgement.outcomes.items()
        },
    )
