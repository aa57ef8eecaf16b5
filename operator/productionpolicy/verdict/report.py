"""What is told about one workload, made from its verdicts and its plan."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from productionpolicy.expectations import BY_NAME, Action
from productionpolicy.expectations.spread import SPREAD
from productionpolicy.kube.workloads import REPAIRED, WorkloadKey
from productionpolicy.policy import Timing
from productionpolicy.repairs import AntiAffinity
from productionpolicy.verdict.audit import EXEMPTIONS, Outcome, Verdict
from productionpolicy.verdict.inputs import Governance, Inputs
from productionpolicy.verdict.plan import Plan
from productionpolicy.verdict.rollout_notes import FailedRollout

REFUSED = "refused"
"""Is in the place of an expectation where a write was refused that mends no finding, such as a withdrawal."""

_REMEDY = "grant the missing permission, or change the workload or the policy that refuses it"


_ENFORCED = frozenset({Action.REPAIR, Action.DENY})


class State(StrEnum):
    """The one class in which a workload is counted; where several apply, the first counts."""

    CONTESTED = "contested"
    FAILED = "failed"
    REPAIRING = "repairing"
    VIOLATING = "violating"
    EXEMPT = "exempt"
    COMPLIANT = "compliant"


_FOR_PEOPLE = frozenset({State.CONTESTED, State.FAILED})


class Wait(StrEnum):
    """For what changes wait that are still to be made, where it is not their turn."""

    REFUSED = "refused"
    """For another try: the API server refused the last one."""
    HELD = "held"
    """For the namespace to lose its mode label."""
    UNSETTLED = "unsettled"
    """For the workload's own pods: no repair replaces them while some are not available."""
    NEXT_ROLLOUT = "next rollout"
    """For the owner's next change of the pods: timing NextRollout."""
    WINDOW = "window"
    """For a rollout window, or the owner's next change of the pods."""


WAITS = {
    Wait.REFUSED: "the API server refused the last write",
    Wait.HELD: "the namespace has the mode label, so nothing is written there",
    Wait.UNSETTLED: "some of its pods are not available",
    Wait.NEXT_ROLLOUT: "the policy has timing NextRollout",
    Wait.WINDOW: "no rollout window is open",
}
"""Why changes wait, for people."""


class Reported(Struct, frozen=True):
    """A finding of a workload."""

    expectation: str
    path: str
    message: str
    """What is wrong."""
    remedy: str = ""
    """What a person can do about it."""
    reason: str = ""
    """Why the operator does not repair it, although the policy asks for that; empty where it does, or need not."""

    @property
    def sentence(self) -> str:
        """All of it in one sentence, as the status says it."""
        sentence = f"{self.message}; {self.remedy}" if self.remedy else self.message
        return f"{sentence} (not repaired: {self.reason})" if self.reason else sentence


class Exempted(Struct, frozen=True):
    """An exemption that holds."""

    expectation: str
    reason: str
    until: str = ""
    """The last day on which it holds; empty where it has no end."""


class Rejection(Struct, frozen=True):
    """Why the API server refused the operator's last writes, while nothing has changed since."""

    write: str | None = None
    """A repair or a withdrawal."""
    release: str | None = None
    """Taking the operator's entry out of the managed fields."""

    def __bool__(self) -> bool:
        return self.write is not None or self.release is not None


NOT_REJECTED = Rejection()


def exempted(inputs: Inputs) -> tuple[Exempted, ...]:
    """Return the exemptions of a workload that hold."""
    return tuple(
        Exempted(each.expectation, each.reason, each.until.isoformat() if each.until else "")
        for each in inputs.exemptions
        if each.holds
    )


Outcomes = tuple[tuple[str, Outcome], ...]
"""Each expectation with its outcome."""


class WorkloadReport(Struct, frozen=True):
    """What a workload comes to."""

    key: WorkloadKey
    policy: str
    state: State
    outcomes: Outcomes = ()
    repaired: frozenset[str] = frozenset()
    findings: tuple[Reported, ...] = ()
    in_effect: bool = False
    """Whether it carries repairs, and its pods run with them."""
    changes: tuple[str, ...] = ()
    """Repairs and withdrawals still to be made, or that would be, in words."""
    restarts: bool = False
    """Whether its pods will be replaced for them."""
    waits: Wait | None = None
    asks: bool = False
    """Whether it asks for a person: no change to come would mend all that is found."""
    enforced: bool = True
    """Whether it fulfils what its policy repairs or refuses."""
    exemptions: tuple[Exempted, ...] = ()
    pods_with_terms: int = 0
    """Its replicas, if they carry podAntiAffinity terms that the operator has added."""
    failed_rollout: FailedRollout | None = None
    """The failed rollout of the operator."""
    contests: tuple[tuple[str, str], ...] = ()
    """Repairs that are not made again, because another writer undoes them or they did harm, each with the reason."""

    @property
    def repairs(self) -> int:
        """How many repairs and withdrawals are still to be made."""
        return len(self.changes)


@lru_cache(maxsize=1024)
def _shared(outcomes: Outcomes) -> Outcomes:
    """Return the same object for equal outcomes: ten thousand workloads have few combinations of them."""
    return outcomes


def report(
    inputs: Inputs, verdicts: tuple[Verdict, ...], planned: Plan, *, rejection: Rejection = NOT_REJECTED
) -> WorkloadReport:
    """Return what is told about a workload.

    Args:
        inputs: the workload.
        verdicts: what `audit` found.
        planned: what `plan` wants.
        rejection: what the API server refused of it.
    """
    assert inputs.policy is not None
    state = _state(inputs, verdicts, planned, rejection)
    failed = {each.expectation for each in verdicts if each.outcome is Outcome.FAILED}
    return WorkloadReport(
        key=inputs.workload.key,
        policy=inputs.policy.name,
        state=state,
        outcomes=_shared(tuple((each.expectation, each.outcome) for each in verdicts)),
        repaired=planned.repaired,
        findings=(*_reported(inputs, verdicts, planned, rejection), *_refused(inputs, verdicts, planned, rejection)),
        in_effect=bool(planned.repaired) and state is not State.FAILED and not _rolls(inputs),
        changes=tuple(map(str, planned.changes)),
        restarts=planned.restarts,
        waits=wait(inputs, planned, rejection),
        asks=state in _FOR_PEOPLE or bool(failed - {each.expectation for each in planned.changes}),
        exemptions=exempted(inputs),
        pods_with_terms=inputs.workload.replicas if _has_terms(inputs) else 0,
        failed_rollout=inputs.noted_failure,
        contests=tuple((name, each.reason) for name, each in planned.contests.items() if each.settled),
        enforced=not any(_is_enforced(inputs, name) for name in failed),
    )


def _is_enforced(inputs: Inputs, name: str) -> bool:
    """Say whether a finding counts against what the policy repairs or refuses; a needless exemption does not."""
    return inputs.action(BY_NAME[name]) in _ENFORCED if name in BY_NAME else name != EXEMPTIONS


def _has_terms(inputs: Inputs) -> bool:
    return isinstance(inputs.journal.repairs.get(SPREAD.name), AntiAffinity)


def _rolls(inputs: Inputs) -> bool:
    """Say whether repairs of the pod template have not yet reached the pods."""
    return inputs.rolling or inputs.rolls_by_us or inputs.workload.stalled


def wait(inputs: Inputs, planned: Plan, rejection: Rejection = NOT_REJECTED) -> Wait | None:
    """Return for what the changes wait; None if it is their turn, or if nothing is written."""
    assert inputs.policy is not None
    if rejection:
        return Wait.REFUSED
    if not planned.changes or not inputs.policy.writes:
        return None
    if inputs.governance is Governance.READ_ONLY:
        return Wait.HELD
    return _wait_to_restart(inputs, planned) if planned.restarts else None


def _wait_to_restart(inputs: Inputs, planned: Plan) -> Wait | None:
    """Say for what changes wait that replace pods."""
    assert inputs.policy is not None
    if inputs.policy.spec.rollout.timing is Timing.NEXT_ROLLOUT:
        return Wait.NEXT_ROLLOUT
    if _rolls(inputs) or planned.put_back:
        return None
    if inputs.closed:
        return Wait.WINDOW
    return None if inputs.workload.settled else Wait.UNSETTLED


def _state(inputs: Inputs, verdicts: tuple[Verdict, ...], planned: Plan, rejection: Rejection) -> State:
    outcomes = {each.outcome for each in verdicts}
    under_way = bool(planned.changes) and inputs.governance is Governance.WRITTEN
    # In the order of what a person has to know first: a repair that others undo, one that failed, what is under way.
    claims = {
        State.CONTESTED: planned.contested,
        State.FAILED: bool(rejection) or inputs.failing or inputs.failed_rollout is not None,
        State.REPAIRING: inputs.rolling or under_way,
        State.VIOLATING: Outcome.FAILED in outcomes,
        State.EXEMPT: Outcome.EXEMPT in outcomes,
    }
    return next((state for state, holds in claims.items() if holds), State.COMPLIANT)


def _reported(inputs: Inputs, verdicts: tuple[Verdict, ...], planned: Plan, rejection: Rejection) -> Iterator[Reported]:
    for verdict in verdicts:
        if verdict.outcome is Outcome.FAILED:
            reason = left_because(inputs, verdict.expectation, planned, rejection)
            for finding in verdict.findings:
                yield Reported(verdict.expectation, finding.path, finding.message, finding.remedy, reason or "")


def _refused(inputs: Inputs, verdicts: tuple[Verdict, ...], planned: Plan, rejection: Rejection) -> Iterator[Reported]:
    """Tell why the operator's last write was refused, where no finding of an expectation tells it."""
    failed = (each.expectation for each in verdicts if each.outcome is Outcome.FAILED)
    told = rejection.write is not None and any(
        left_because(inputs, name, planned, rejection) == rejection.write for name in failed
    )
    for why in (None if told else rejection.write, rejection.release):
        if why is not None:
            yield Reported(REFUSED, "metadata", f"the API server refused a write of the operator: {why}", _REMEDY)


def left_because(inputs: Inputs, expectation: str, planned: Plan, rejection: Rejection = NOT_REJECTED) -> str | None:
    """Say why the finding is left to a person, where the operator could have repaired it."""
    if expectation in planned.refusals:
        return planned.refusals[expectation]
    if any(each.expectation == expectation for each in planned.changes):
        return rejection.write
    if not _would_mend(inputs, expectation):
        return None
    if inputs.workload.kind not in REPAIRED:
        return f"a {inputs.workload.kind} is judged but not repaired"
    return (
        f"{inputs.workload.controller} owns the workload and would revert the repair"
        if inputs.workload.controller
        else None
    )


def _would_mend(inputs: Inputs, name: str) -> bool:
    return name in BY_NAME and inputs.action(BY_NAME[name]) is Action.REPAIR
