"""Judging a workload by all expectations of its policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import takewhile
from typing import Any

from msgspec import Struct

from productionpolicy.expectations import EXPECTATIONS, Action, Expectation, Finding
from productionpolicy.kube.coverage import VALUES
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.surroundings import Consulted
from productionpolicy.policy import Exemption, Exemptions
from productionpolicy.policy.exemptions import ALL
from productionpolicy.verdict.inputs import Inputs

UNREADABLE = "unreadable"
EXEMPTIONS = "exemptions"
ROLLOUT = "rollout"
LONGEST_PATH = 400


class Outcome(StrEnum):
    """How an expectation is met."""

    PASSED = "passed"
    FAILED = "failed"
    EXEMPT = "exempt"
    NOT_APPLICABLE = "notApplicable"
    UNKNOWN = "unknown"
    """It depends on objects that could not be read."""


class Verdict(Struct, frozen=True):
    """The judgement of one workload by one expectation."""

    expectation: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """Why the outcome is unknown."""


def audit(inputs: Inputs) -> tuple[Verdict, ...]:
    """Return the verdicts on the live workload, one per expectation that the policy does not ignore.

    What cannot be read, exemptions that do not hold, and rollouts that do not come to their end, come last, each as a
    failed verdict of its own name.
    """
    verdicts = [_verdict(inputs, each) for each in EXPECTATIONS if inputs.action(each) is not Action.IGNORE]
    notices = {
        UNREADABLE: _unreadable(inputs),
        EXEMPTIONS: _idle_exemptions(inputs, verdicts),
        ROLLOUT: _rollout(inputs),
    }
    return (*verdicts, *(each for name, findings in notices.items() for each in _extra(name, findings)))


def _verdict(inputs: Inputs, expectation: Expectation[Any]) -> Verdict:
    findings, unknown = _judged(inputs, expectation)
    if unknown and not findings:
        return Verdict(expectation.name, Outcome.UNKNOWN, reason=unknown)
    if findings is None:
        return Verdict(expectation.name, Outcome.NOT_APPLICABLE)
    if not findings:
        return Verdict(expectation.name, Outcome.PASSED)
    read = tuple(each for each in findings if not _rests_on_unreadable(inputs, each.path))
    if not read:
        return Verdict(expectation.name, Outcome.NOT_APPLICABLE)
    return Verdict(expectation.name, Outcome.EXEMPT if inputs.exempt(expectation) else Outcome.FAILED, read)


_Findings = tuple[Finding, ...] | None


def _judged(inputs: Inputs, expectation: Expectation[Any]) -> tuple[_Findings, str]:
    """Return what the expectation finds on the live workload; None where it has nothing to judge.

    The second value says why there may be more, or why it is not known whether there is anything to judge: something
    could not be read. Findings are certain if nothing that is missing was used before them.
    """
    assert inputs.policy is not None
    workload, parameters = inputs.judged(inputs.workload), inputs.policy.parameters(expectation)
    if not inputs.around.unread:
        applies = expectation.judges(workload, parameters, inputs.around)
        return (tuple(expectation.audit(workload, parameters, inputs.around)) if applies else None), ""
    if workload.kind in expectation.kinds and lacks_values(inputs, expectation):
        return None, reason_of({VALUES: inputs.around.unread[VALUES]})
    around = Consulted(inputs.around)
    if not expectation.judges(workload, parameters, around.view):
        return None, reason_of(around.missing)
    audited = expectation.audit(workload, parameters, around.view)
    findings = tuple(takewhile(lambda _: not around.missing, audited))
    return findings, reason_of(around.missing)


def reason_of(missing: Mapping[GroupKind, str]) -> str:
    """Return why something is not known; empty if nothing is missing."""
    return "; ".join(f"{kind} could not be read{f' ({why})' if why else ''}" for kind, why in sorted(missing.items()))


def lacks_values(inputs: Inputs, expectation: Expectation[Any]) -> bool:
    """Say whether an expectation judges values of variables that the workload has, but that are not known.

    The value of a variable about leader election says whether a container serves.
    """
    if VALUES not in inputs.around.unread:
        return False
    containers = inputs.workload.template.containers
    judged = (each.variables if expectation.reads_values else each.election_variables for each in containers)
    return any(variable.value is not None for variables in judged for variable in variables)


def _rests_on_unreadable(inputs: Inputs, path: str) -> bool:
    """Say whether a finding is only guessed: what is at its path, above or below it, could not be read."""
    return any(_leads_to(each.path, path) or _leads_to(path, each.path) for each in inputs.workload.unreadable)


def _leads_to(path: str, below: str) -> bool:
    return below == path or below.startswith((f"{path}.", f"{path}["))


def _extra(name: str, findings: Iterator[Finding]) -> Iterator[Verdict]:
    found = tuple(findings)
    if found:
        yield Verdict(name, Outcome.FAILED, found)


def _unreadable(inputs: Inputs) -> Iterator[Finding]:
    for each in inputs.workload.unreadable:
        yield Finding(path=each.path, message=f"the field {each.message}", remedy="correct the manifest")


def _idle_exemptions(inputs: Inputs, verdicts: list[Verdict]) -> Iterator[Finding]:
    passed = {each.expectation for each in verdicts if each.outcome is Outcome.PASSED} - inputs.repaired
    needed = {Outcome.EXEMPT, Outcome.UNKNOWN}
    if not any(each.outcome in needed for each in verdicts) and not inputs.repaired:
        passed.add(ALL)
    for exemption in inputs.exemptions:
        fault = exemption.fault or _needless(exemption, passed)
        if fault:
            yield Finding(
                path=exemption.path,
                message=f"the exemption from {exemption.expectation[:63]} has no effect: {fault}",
                remedy=exemption.remedy,
            )
    if inputs.policy is not None and inputs.policy.spec.exemptions is Exemptions.HONOURED:
        yield from map(_misplaced, inputs.workload.misplaced)


def _misplaced(path: str) -> Finding:
    return Finding(
        path=path[:LONGEST_PATH],
        message="this exemption has no effect: only an annotation of the workload itself exempts it",
        remedy="move it to metadata.annotations of the workload",
    )


def _needless(exemption: Exemption, passed: set[str]) -> str | None:
    if exemption.expectation not in passed:
        return None
    every = exemption.expectation == ALL
    return "the workload fulfills all expectations" if every else "the workload fulfills the expectation"


def _rollout(inputs: Inputs) -> Iterator[Finding]:
    """Find a failed rollout of the operator, and one of the owner's that makes no progress with repairs in it."""
    mark = inputs.failed_rollout or (inputs.journal.started if inputs.failing else None)
    if mark is not None:
        names, put_back = ", ".join(mark.expectations), "was" if inputs.failed_rollout else "will be"
        yield Finding(
            path="spec.template",
            message=f"the rollout of {names}, started at {mark.at}, did not end in time and {put_back} rolled back",
            remedy=_remedy_of_failed_rollout(inputs),
        ).lasting_as(f"the rollout of {names} did not end in time and is rolled back", remedy=_FIND_OUT)
    elif inputs.workload.stalled and inputs.journal.started is None and _restarting(inputs):
        yield Finding(
            path="spec.template",
            message=f"the owner's rollout has stopped, and repairs came with it: {', '.join(_restarting(inputs))}",
            remedy="find out why pods do not become available; if a repair is the reason, exempt the workload from it",
        )


def _remedy_of_failed_rollout(inputs: Inputs) -> str:
    pod = inputs.failed_rollout.pod if inputs.failed_rollout and not inputs.workload.settled else ""
    deleted = f"delete pod {pod}, which the StatefulSet does not replace by itself; " if pod else ""
    return f"{deleted}{_FIND_OUT}"


_FIND_OUT = "find out why pods did not become available, and change the pod template or exempt the workload"


def _restarting(inputs: Inputs) -> list[str]:
    return [name for name, repair in inputs.journal.repairs.items() if repair.restarts]
