"""What a policy tells of its own state: the conditions that follow from its spec and the reports on its workloads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from productionpolicy.expectations.spread import DEAR_FROM, SPREAD, Method
from productionpolicy.kube.identity import MODE_LABEL, RESUME, ROLLOUT_WINDOWS
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.policy import Mode, Policy
from productionpolicy.policy.namespaces import OFF
from productionpolicy.policy.status import MOST_PENDING
from productionpolicy.verdict.report import State, Wait
from productionpolicy.verdict.rollouts import TOO_MANY
from productionpolicy.verdict.totals import Totals

Words = tuple[str, str, str]
"""Status, reason and message of a condition."""


def ready(policy: Policy | None, totals: Totals, *, fault: str = "", caveat: str = "") -> Words:
    """Return the condition Ready.

    Args:
        policy: whose condition it is; None if its spec is not valid.
        totals: what its workloads come to.
        fault: why it is not valid.
        caveat: a warning about the API server's version, to be added to the message; empty for a tested one.
    """
    if policy is None:
        return "False", "InvalidSpec", f"this policy repairs nothing: {fault}"
    cost = _DEAR if _is_dear(policy, totals) else ""
    return "True", "Valid", "; ".join(filter(None, ("the policy is valid and in use", caveat, cost)))


_DEAR = (
    f"more than {DEAR_FROM} pods carry podAntiAffinity terms that this policy has added, which about doubles the "
    "CPU time that kube-scheduler takes for a pod: set spec.expectations.spread.method to TopologySpread, which "
    "replaces them at the pace of spec.rollout"
)


def _is_dear(policy: Policy, totals: Totals) -> bool:
    by_terms = policy.parameters(SPREAD).method is Method.ANTI_AFFINITY
    return by_terms and totals.overall.pods_with_terms > DEAR_FROM


class Opening(Struct, frozen=True):
    """What there is to say of the next rollout window of a policy."""

    at: str = ""
    """When it opens, in UTC; empty where that is not known, or of no interest."""
    words: str = "a rollout window"


NOT_WAITING = Opening()


def next_opening(policy: Policy | None, totals: Totals, *, now: datetime) -> Opening:
    """Return what there is to say of the next rollout window, if changes wait for one.

    Args:
        policy: whose window it is; None if its spec is not valid.
        totals: what its workloads come to.
        now: by the API server's clock.
    """
    if policy is None or not totals.waiting(Wait.WINDOW):
        return NOT_WAITING
    calendar = policy.calendar
    opens_at, freeze = calendar.opens_after(now), calendar.freeze_at(now)
    because = (
        f" (frozen until {freeze.last.isoformat()}{f': {freeze.reason}' if freeze.reason else ''})" if freeze else ""
    )
    if opens_at is None:
        return Opening(words=f"a rollout window; none opens within a week, see spec.rollout.windows{because}")
    if opens_at <= now:
        return Opening(words=f"a rollout window of their namespace (annotation {ROLLOUT_WINDOWS})")
    at = opens_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Opening(at, f"the next rollout window, which opens at {at}{because}")


def compliant(totals: Totals, *, off: int) -> Words:
    """Return the condition Compliant.

    Args:
        totals: what the workloads of the policy come to.
        off: in how many of its namespaces nothing is judged.
    """
    counts = totals.overall
    if not counts.total and off:
        return (
            "Unknown",
            "NoWorkloads",
            f"namespaces in which nothing is judged because of label {MODE_LABEL}={OFF}: {off}",
        )
    if not counts.total:
        return "Unknown", "NoWorkloads", "no namespace with workloads selects this policy"
    if totals.compliant:
        return "True", "NoFindings", f"none of {counts.total} workloads has a finding"
    message = (
        f"{counts.with_findings} of {counts.total} workloads have findings; {counts.enforced} of {counts.total} meet "
        "everything that the policy repairs or refuses"
    )
    return "False", "Findings", message


def progressing(policy: Policy, totals: Totals, *, failed: list[WorkloadKey], opening: Opening = NOT_WAITING) -> Words:
    """Return the condition Progressing.

    Args:
        policy: whose condition it is.
        totals: what its workloads come to.
        failed: the workloads whose failed rollout counts.
        opening: what there is to say of the next rollout window.
    """
    going_on = [*_kept_from_writing(policy, failed), *_under_way(totals, opening)]
    reason = going_on[0][0] if going_on else "Settled"
    sentences = [sentence for _, sentence in going_on] or ["nothing is left to do"]
    return str(reason == "Repairing"), reason, ". ".join([*sentences, *_to_come(policy, totals)])


def _kept_from_writing(policy: Policy, failed: list[WorkloadKey]) -> Iterator[tuple[str, str]]:
    """Return why the policy writes nothing, or restarts nothing, with the reason."""
    if policy.spec.paused:
        yield "Paused", "the policy is paused: nothing is written"
    elif policy.spec.mode is Mode.AUDIT:
        yield "AuditOnly", "mode Audit: nothing is written"
    elif len(failed) >= TOO_MANY:
        yield "TooManyFailedRollouts", _stopped(failed)


def _under_way(totals: Totals, opening: Opening) -> Iterator[tuple[str, str]]:
    """Return what becomes of the workloads, the most important first, each with its reason."""
    refused, later = totals.waiting(Wait.REFUSED), totals.waiting(Wait.NEXT_ROLLOUT)
    unsettled, closed = totals.waiting(Wait.UNSETTLED), totals.waiting(Wait.WINDOW)
    counts = (
        (
            "Repairing",
            totals.count(State.REPAIRING) - later - unsettled - closed,
            "is being repaired or waits for its turn",
            _REPAIRED,
        ),
        ("WritesRefused", refused, f"could not be {_REFUSED}", f"could not be {_REFUSED}"),
        ("RolloutsFailed", totals.count(State.FAILED) - refused, f"has a {_FAILED}", f"have a {_FAILED}"),
        ("HeldBack", totals.waiting(Wait.HELD), f"is {_HELD}", f"are {_HELD}"),
        ("WaitingForPods", unsettled, f"waits until {_AVAILABLE}", f"wait until {_AVAILABLE}"),
        ("NextRollout", later, f"waits for the {_NEXT}", f"wait for the {_NEXT}"),
        ("WaitingForWindow", closed, f"waits for {opening.words}", f"wait for {opening.words}"),
        ("ActionRequired", totals.overall.asking, f"needs a person: {_SEE}", f"need a person: {_SEE}"),
    )
    for reason, count, one, many in counts:
        if count > 0:
            yield reason, f"1 workload {one}" if count == 1 else f"{count} workloads {many}"


_REPAIRED = "are being repaired or wait for their turn"
_REFUSED = "written; the operator tries again"
_FAILED = "rollout that failed and was rolled back"
_HELD = f"held back by label {MODE_LABEL} of the namespace"
_AVAILABLE = "all of its own pods are available; until then no repair replaces them"
_NEXT = "owner's next change of the pods (timing NextRollout)"
_SEE = "status.violations says what to do"


def _to_come(policy: Policy, totals: Totals) -> Iterator[str]:
    """Return how much is still to be changed, and which command shows all of it."""
    changes, restarts = totals.pending
    if not changes:
        return
    would = "to come" if policy.writes else "that Enforce would make"
    yield f"Changes {would}: {changes}; workloads that restart for them: {restarts}"
    where = totals.namespaces[0] if len(totals.namespaces) == 1 else "<namespace>"
    yield (
        f"status.pending.workloads lists the first {MOST_PENDING}; to list all: "
        f"kubectl get productionpolicy {policy.name} -o yaml > policy.yaml && "
        f"kubectl get {_KINDS} -n {where} -o yaml | productionpolicy check --plan --policy policy.yaml -"
    )


_KINDS = "deployments,statefulsets,poddisruptionbudgets,horizontalpodautoscalers"


def _stopped(failed: list[WorkloadKey]) -> str:
    named = ", ".join(map(str, failed[:TOO_MANY]))
    more = f" and {len(failed) - TOO_MANY} more" if len(failed) > TOO_MANY else ""
    return (
        f"{len(failed)} rollouts failed and were rolled back ({named}{more}), so repairs restart no more pods; "
        f"find the reason, then change the spec, or set annotation {RESUME} to a new value"
    )
