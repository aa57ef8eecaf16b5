"""The results in a report: what is told of a workload, one by one, in words that change only with what they tell.

A reader of reports takes a result whose message has changed for a new one. So messages hold no times, and nothing of
what the API server answers, and how long a message may be does not depend on the other results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.expectations import BY_NAME, Category, Finding, Severity
from productionpolicy.kube.identity import NAME
from productionpolicy.kube.text import shortened
from productionpolicy.verdict import Change, Evaluation, Outcome, Verdict
from productionpolicy.verdict.audit import EXEMPTIONS, ROLLOUT, UNREADABLE
from productionpolicy.verdict.report import REFUSED, left_because

LONGEST_MESSAGE = 512
LONGEST_PROPERTY = 300
"""The maximum number of bytes of a message and of a property, in JSON."""
LONGEST_PATCH = 1000
"""A longer patch is left out: cut, it would be none."""

_REFUSED = "the API server refused it; the status of the ProductionPolicy has its message"


class ResultKind(StrEnum):
    """What a result says, in the words of both forms."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    """A finding that may be wrong, because a heuristic made it."""
    ERROR = "error"
    """Something could not be read, so it is not judged."""
    SKIP = "skip"
    """A finding from which the workload is exempt."""


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One result, with its fields as both forms write them."""

    source: str
    policy: str
    rule: str
    category: Category
    severity: Severity
    result: ResultKind
    message: str
    properties: dict[str, str]
    scored: bool = False
    """Whether it counts against the workload."""


class _Notice(Struct, frozen=True):
    """What is found by something other than an expectation."""

    kind: ResultKind
    severity: Severity
    category: Category


_NOTICES = {
    UNREADABLE: _Notice(ResultKind.ERROR, Severity.HIGH, Category.CONFIGURATION),
    EXEMPTIONS: _Notice(ResultKind.WARN, Severity.LOW, Category.GOVERNANCE),
    ROLLOUT: _Notice(ResultKind.FAIL, Severity.HIGH, Category.ROLLOUTS),
    REFUSED: _Notice(ResultKind.ERROR, Severity.MEDIUM, Category.GOVERNANCE),
}

_ORDER = {each: at for at, each in enumerate(ResultKind)}
_SEVERITIES = {each: at for at, each in enumerate(Severity)}


def results_of(evaluation: Evaluation) -> list[Result]:
    """Return everything that is not passed, what matters most first."""
    results = _told_apart([*_found(evaluation), *_refused(evaluation)])
    return sorted(results, key=lambda each: (_ORDER[each.result], _SEVERITIES[each.severity]))


def _told_apart(results: list[Result]) -> list[Result]:
    """Name the path in the messages of results that are otherwise the same to a reader, who does not look at it."""
    same = Counter((each.rule, each.message) for each in results)
    return [
        replace(each, message=shortened(f"{each.properties['path']}: {each.message}", size=LONGEST_MESSAGE))
        if same[each.rule, each.message] > 1 and "path" in each.properties
        else each
        for each in results
    ]


def passed(evaluation: Evaluation) -> int:
    """Return how many expectations are fulfilled."""
    return sum(each.outcome is Outcome.PASSED for each in evaluation.verdicts)


def patches_of(evaluation: Evaluation) -> dict[str, str]:
    """Return what the operator would write, as JSON, by expectation.

    That is the strategic merge patch of the workload, or the spec of the object that it would create.
    """
    workload = evaluation.inputs.workload
    wanted: dict[str, object] = {
        each.expectation: {"kind": each.wanted.kind.kind, "spec": each.wanted.spec(workload)}
        for each in evaluation.plan.objects
        if each.wanted is not None
    }
    for change in evaluation.plan.changes:
        amendment = BY_NAME[change.expectation].amendment
        if amendment is not None and change.after is not None:
            wanted[change.expectation] = amendment.parse(change.after).patch(workload)
    patches = {name: msgspec.json.encode(patch, order="sorted").decode() for name, patch in wanted.items()}
    return {name: text for name, text in patches.items() if len(text) <= LONGEST_PATCH}


def _found(evaluation: Evaluation) -> Iterator[Result]:
    for verdict in evaluation.verdicts:
        if verdict.outcome is Outcome.FAILED:
            for finding in verdict.findings:
                yield _failed(evaluation, verdict.expectation, finding)
        elif verdict.outcome is Outcome.EXEMPT:
            yield _exempt(evaluation, verdict)
        elif verdict.outcome is Outcome.UNKNOWN:
            yield _result(evaluation, verdict.expectation, ResultKind.ERROR, verdict.reason)


def _failed(evaluation: Evaluation, name: str, finding: Finding) -> Result:
    told = finding.lasting or finding
    properties = {"path": told.path, "remedy": told.remedy}
    reason = _left_because(evaluation, name)
    if reason is not None:
        properties["notRepaired"] = reason
    return _result(evaluation, name, _kind(name), told.message, properties)


def _left_because(evaluation: Evaluation, name: str) -> str | None:
    """Return why the operator does not repair it, where it could."""
    refused = evaluation.rejection.write is not None and _change(evaluation, name) is not None
    return _REFUSED if refused else left_because(evaluation.inputs, name, evaluation.plan)


def _change(evaluation: Evaluation, name: str) -> Change | None:
    return next((each for each in evaluation.plan.changes if each.expectation == name), None)


def _exempt(evaluation: Evaluation, verdict: Verdict) -> Result:
    exemption = next(each for each in evaluation.inputs.exemptions if each.covers(verdict.expectation))
    first = verdict.findings[0]
    properties = {"path": exemption.path, "finding": (first.lasting or first).message}
    if exemption.until is not None:
        properties["until"] = exemption.until.isoformat()
    return _result(evaluation, verdict.expectation, ResultKind.SKIP, f"exempt: {exemption.reason}", properties)


def _refused(evaluation: Evaluation) -> Iterator[Result]:
    """Tell of a refused write that no finding tells of, such as a withdrawal."""
    told = evaluation.report.findings if evaluation.report else ()
    if any(each.expectation == REFUSED for each in told):
        message = "the API server refuses a write of the operator"
        remedy = "look up its message in the status of the ProductionPolicy, and grant what is missing"
        yield _result(evaluation, REFUSED, _kind(REFUSED), message, {"path": "metadata", "remedy": remedy})


def _kind(name: str) -> ResultKind:
    if name in _NOTICES:
        return _NOTICES[name].kind
    return ResultKind.WARN if BY_NAME[name].heuristic else ResultKind.FAIL


def _result(
    evaluation: Evaluation, name: str, kind: ResultKind, message: str, properties: Mapping[str, str] | None = None
) -> Result:
    about = BY_NAME.get(name) or _NOTICES[name]
    return Result(
        source=NAME,
        policy=evaluation.policy_name,
        rule=name,
        category=about.category,
        severity=about.severity,
        result=kind,
        message=shortened(message, size=LONGEST_MESSAGE),
        properties={key: shortened(text, size=LONGEST_PROPERTY) for key, text in (properties or {}).items()},
        scored=kind is ResultKind.FAIL,
    )
