"""What a workload that has come in tells of repairs at admission: whether the API server made them.

It is seen from the outside: what came in is compared with the plan for a workload of which nothing else is known, which
is what the admission policy writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from productionpolicy.expectations import BY_NAME, REPAIRABLE
from productionpolicy.kube.identity import CONTESTED, EXEMPT, REPAIRS, REPAIRS_POLICY, ROLLOUT_FAILED
from productionpolicy.kube.moments import read_moment
from productionpolicy.kube.workloads import REPAIRED, Workload
from productionpolicy.verdict.inputs import Governance, Inputs
from productionpolicy.verdict.journal import OWNERS
from productionpolicy.verdict.plan import Change, plan

_ALL = "all"


class Effect(StrEnum):
    """What a workload tells of the admission policy."""

    HIT = "hit"
    """It came in with repairs that neither its owner nor the operator wrote."""
    MISS = "miss"
    """It came in without the repairs that the admission policy should have made."""
    UNKNOWN = "unknown"
    """Nothing: it came in too early or is not known as it came in, it needed no repair, or had to go without."""


class Arrival(Struct, frozen=True):
    """A workload that was created, or whose pods were replaced."""

    effect: Effect
    at: datetime
    """When it came in, by the API server's clock."""
    lacking: tuple[str, ...] = ()
    """The expectations whose repair it lacks; only for a miss."""


def arrival(inputs: Inputs, before: Workload | None, *, active: datetime) -> Arrival | None:
    """Return what a workload tells by the way in which it came in; None where nobody has replaced its pods.

    Args:
        inputs: the workload as it is now, before the operator writes it.
        before: the same as it was known before; None where it was not known.
        active: since when the admission policy has been active for it at the latest, by the API server's clock. All
            times are those which the API server wrote into its objects, so that no other clock matters.
    """
    workload = inputs.workload
    if before is not None and before.uid != workload.uid:
        before = None
    at = _replaced_at(workload, before) if before else _created_at(workload)
    if at is None:
        return None
    # It says nothing before the policy was active, of a kind without repairs, or after a write of the operator.
    if at < active or workload.kind not in REPAIRED or workload.holds_fields:
        return Arrival(Effect.UNKNOWN, at)
    if any(_new_notes(inputs, before)):
        return Arrival(Effect.HIT, at)
    lacking = _lacking(inputs) if before or _is_as_created(workload) else ()
    return Arrival(Effect.MISS if lacking else Effect.UNKNOWN, at, lacking)


def _created_at(workload: Workload) -> datetime | None:
    """Return when it was created, if its spec is still the one that came in."""
    return read_moment(workload.created) if workload.generation == 1 else None


def _replaced_at(workload: Workload, before: Workload) -> datetime | None:
    """Return when another writer than the operator changed its pod template."""
    if workload.last_update.time <= before.last_update.time or workload.template_digest == before.template_digest:
        return None
    return read_moment(workload.last_update.time)


def _is_as_created(workload: Workload) -> bool:
    """Say whether nobody has written it since it was created, annotations included."""
    return workload.last_update.time <= workload.created


def _new_notes(inputs: Inputs, before: Workload | None) -> Iterator[str]:
    """Yield the notes of the operator that came with the request and that no writer is recorded to own.

    What an admission policy sets belongs to nobody. Who copies a repaired workload writes its notes, and owns them.
    Whether the values are there as well does not matter: where they are not, another writer has taken them away.
    """
    workload, former = inputs.workload, before.notes if before else {}
    if (
        inputs.policy is None
        or workload.notes.get(REPAIRS_POLICY) != inputs.policy.name
        or REPAIRS_POLICY in workload.owned_notes
    ):
        return
    for each in REPAIRABLE:
        key = f"{REPAIRS}{each.name}"
        note = workload.notes.get(key)
        if note not in (None, OWNERS, former.get(key)) and key not in workload.owned_notes:
            yield key


def _lacking(inputs: Inputs) -> tuple[str, ...]:
    """Return the expectations whose repair the admission policy should have made; none where one had to be left out."""
    if inputs.governance is not Governance.WRITTEN or ROLLOUT_FAILED in inputs.workload.notes:
        return ()
    alone = Inputs(inputs.workload, policy=inputs.policy, today=inputs.today)
    changes = plan(alone, restarting=True).changes
    repairs = tuple(each.expectation for each in changes if each.after is not None and _is_made_at_admission(each))
    return () if any(_has_its_reason(inputs.workload, name) for name in repairs) else repairs


def _is_made_at_admission(change: Change) -> bool:
    return BY_NAME[change.expectation].amendment is not None


def _has_its_reason(workload: Workload, expectation: str) -> bool:
    """Say whether a note tells why a repair is not made at admission though the operator would make it.

    The admission policy leaves to the operator what was undone, and knows no date on which an exemption ends. Its
    repairs rest on each other, so where one has a reason, nothing is said of the others.
    """
    keys = (f"{REPAIRS}{expectation}", f"{CONTESTED}{expectation}", f"{EXEMPT}{expectation}", f"{EXEMPT}{_ALL}")
    return any(key in workload.notes for key in keys)
