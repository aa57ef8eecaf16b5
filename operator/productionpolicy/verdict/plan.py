"""What to do about a workload: a pure function of its owner's view, its policy and its surroundings.

A changed parameter, a revoked exemption or a removed policy is just another plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.expectations import BY_NAME, OWNING, REPAIRABLE, Action, Expectation, Refusal
from productionpolicy.expectations.expectation import Repair
from productionpolicy.kube.coverage import VALUES
from productionpolicy.kube.identity import BEFORE, CONTESTED, REPAIRS, REPAIRS_POLICY, ROLLOUT_FAILED, ROLLOUT_STARTED
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.surroundings import Consulted, Surroundings
from productionpolicy.kube.workloads import REPAIRED, Workload
from productionpolicy.policy import OnRemoval
from productionpolicy.repairs import Amendment, Need, OwnedObject, Patch, in_the_order_of, merged
from productionpolicy.verdict.audit import lacks_values, reason_of
from productionpolicy.verdict.inputs import Applied, Inputs
from productionpolicy.verdict.journal import OWNERS, Contest
from productionpolicy.verdict.rollout_notes import FailedRollout, Started
from productionpolicy.verdict.rollouts import provable, rolled_above_partition

WAITS = "it waits until the pods restart for another reason"
PUT_BACK = "its rollout failed and was rolled back"
TIME = "%Y-%m-%dT%H:%M:%SZ"


class Restarts(StrEnum):
    """Which changes that replace pods may be made."""

    ANY = "any"
    WITHDRAWALS = "withdrawals"
    """Only those that take something back."""
    NONE = "none"


class Disposition(StrEnum):
    """What is done about the operator's repair of one expectation."""

    REPAIR = "repair"
    HOLD = "hold"
    """Everything stays as it is."""
    WITHDRAW = "withdraw"


class Change(Struct, frozen=True):
    """A repair, a new form of one, or a withdrawal."""

    expectation: str
    before: str | None
    """What the operator had written, in the words of the journal."""
    after: str | None
    """What will be there; None for a withdrawal."""
    restarts: bool

    def __str__(self) -> str:
        amendment = BY_NAME[self.expectation].amendment if self.expectation in BY_NAME else None
        subject = f"{amendment.subject} " if amendment and amendment.subject else ""
        if self.after is None:
            return f"{self.expectation} withdrawn ({subject}{self.before})"
        return f"{self.expectation} ({subject}{self.after})"


class ObjectChange(Struct, frozen=True):
    """The change of an object that the operator owns."""

    expectation: str
    """The expectation that it repairs."""
    live: Ownable | None
    """The live object; None if there is none."""
    wanted: OwnedObject | None
    """The desired state; None to delete the object."""


class Plan(Struct, frozen=True):
    """What to do about a workload."""

    changes: tuple[Change, ...] = ()
    patch: Patch = {}
    """One strategic merge patch of the workload: its spec and the journal; empty where nothing is to change."""
    objects: tuple[ObjectChange, ...] = ()
    """The owned objects to create, replace or delete."""
    refusals: Mapping[str, str] = {}
    """Why a repair is left to a person, by expectation."""
    contests: Mapping[str, Contest] = {}
    """Repairs that others have undone, by expectation."""
    repaired: frozenset[str] = frozenset()
    """Expectations whose repair is in place now."""
    clean: bool = False
    """Whether the operator's entry has to be taken out of the managed fields."""
    put_back: bool = False
    """Whether it puts back a rollout of the operator that failed."""

    @property
    def restarts(self) -> bool:
        """Whether it replaces the pods."""
        return any(each.restarts for each in self.changes)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.patch or self.objects or self.clean)

    @property
    def contested(self) -> bool:
        """Whether a repair is left undone because others undo it."""
        return any(each.settled and not each.harm for name, each in self.contests.items() if name in self.refusals)


def plan(inputs: Inputs, *, restarts: Restarts = Restarts.ANY, restarting: bool = False) -> Plan:
    """Return what to do.

    Args:
        inputs: the workload and all that bears on it.
        restarts: which changes that replace pods may be part of it; all others are left as they are. A failed rollout
            of the operator is put back in any case.
        restarting: whether the pods are replaced anyway, so that what waits for that goes along.
    """
    # Owned objects do not depend on changes of the workload, so they are decided from the owner's view.
    drafts = {each.name: _draft(inputs, each) for each in OWNING}
    drafts |= _put_back(inputs) if inputs.failing else _amended(inputs, restarts=restarts, restarting=restarting)
    return _composed(inputs, drafts)


def begun(inputs: Inputs, planned: Plan, *, at: datetime) -> Patch:
    """Return the patch of a plan, with a note of the rollout that it begins if its failure would be due to that."""
    amended = [each for each in planned.changes if each.after is not None and BY_NAME[each.expectation].amendment]
    if planned.put_back or not any(each.restarts for each in amended) or not provable(inputs.workload):
        return planned.patch
    started = Started(
        tuple(each.expectation for each in amended),
        at=at.strftime(TIME),
        revision=inputs.workload.progress.revision,
        template=inputs.owners_view.template_digest,
    )
    before = {f"{BEFORE}{each.expectation}": each.before for each in amended if each.before}
    return merged(planned.patch, {"metadata": {"annotations": {ROLLOUT_STARTED: started.note(), **before}}})


class _NotKnown(Refusal, frozen=True):
    """A repair depends on objects that could not be read, so everything stays as it is."""


class _Draft(Struct, frozen=True):
    """What is decided about one expectation."""

    expectation: Expectation[Any]
    before: Amendment | None = None
    after: Amendment | OwnedObject | None = None
    refusal: str | None = None
    contest: Contest | None = None
    held: bool = False
    deferred: bool = False
    """Whether it stays only because context never restarts pods, until they restart anyway."""
    later: Amendment | None = None
    """What takes its place then."""
    postponed: bool = False
    """Whether it would replace pods, which may not be now."""

    @property
    def restarts(self) -> bool:
        """Whether it changes the pod template."""
        amendment = self.expectation.amendment
        return amendment is not None and amendment.restarts and self.before != self.after


def _put_back(inputs: Inputs) -> dict[str, _Draft]:
    """Return the workload to what it was before the failed rollout of the operator; pods restart for nothing else."""
    return {each.name: _draft_before(inputs, each) for each in REPAIRABLE if each.amendment}


def _draft_before(inputs: Inputs, expectation: Expectation[Any]) -> _Draft:
    before = inputs.journal.repairs.get(expectation.name)
    if inputs.journal.started and expectation.name in inputs.journal.started.expectations:
        # Put back to what an earlier rollout proved to work, no further: the pods of that template were all well, and
        # those of the owner's own template may not have been.
        withdrawn = _disposition(inputs, expectation) is Disposition.WITHDRAW
        return _Draft(
            expectation,
            before=before,
            after=None if withdrawn or before is None else inputs.journal.former.get(expectation.name),
            refusal=PUT_BACK,
        )
    if expectation.amendment and expectation.amendment.restarts:
        return _Draft(expectation, before=before, after=before, held=True)
    return _draft(inputs, expectation)


def _amended(inputs: Inputs, *, restarts: Restarts, restarting: bool) -> dict[str, _Draft]:
    """Decide about the workload itself. Where its pods restart anyway, take along what has waited for it."""
    if not restarting:
        # Whether pods restart is only known once everything is decided, so what waits for it takes a second pass.
        drafts = _drafts(inputs, restarts=restarts, deferring=True)
        if not any(each.restarts for each in drafts.values()) or not any(each.deferred for each in drafts.values()):
            return drafts
    return _drafts(inputs, restarts=restarts, deferring=False)


def _drafts(inputs: Inputs, *, restarts: Restarts, deferring: bool) -> dict[str, _Draft]:
    """Decide about each expectation on the view that the ones before it leave."""
    # Not on the live workload: a repair must neither justify nor hinder itself, and is decided the same each time. What
    # the ones before decide counts: the grace period has to cover the sleep that is only about to be added.
    view, drafts = inputs.owners_view, {}
    for expectation in REPAIRABLE:
        if expectation.amendment is None:
            continue
        draft = _draft(inputs, expectation, view=view)
        if draft.deferred and not deferring:
            draft = _no_longer_deferred(draft)
        if draft.restarts and (restarts is Restarts.NONE or (restarts is Restarts.WITHDRAWALS and draft.after)):
            # What is postponed keeps its note, or the next evaluation would take the value for the owner's.
            draft = replace(draft, after=draft.before, held=True, postponed=True)
        view = _applied(draft.after, view)
        drafts[expectation.name] = draft
    return _acceptable(inputs, drafts)


def _no_longer_deferred(draft: _Draft) -> _Draft:
    if draft.later is None:
        return replace(draft, after=None)
    return replace(draft, after=draft.later, refusal=None, held=False)


def _applied(after: Amendment | OwnedObject | None, view: Workload) -> Workload:
    amendment = _amendment(after)
    return amendment.applied(view) if amendment else view


def _amendment(after: Amendment | OwnedObject | None) -> Amendment | None:
    """Return what has to be written into the workload itself."""
    return after if isinstance(after, Amendment) else None


def _acceptable(inputs: Inputs, drafts: dict[str, _Draft]) -> dict[str, _Draft]:
    """Omit amendments that the API server would refuse, or that would have no effect: see `Need`."""
    for expectation in REPAIRABLE:
        for need in expectation.amendment.needs if expectation.amendment else ():
            drafts = _met(inputs, drafts, expectation.name, need)
    return drafts


def _met(inputs: Inputs, drafts: dict[str, _Draft], name: str, need: Need) -> dict[str, _Draft]:
    """Return drafts that break a need as little as possible.

    What the repair has written before may still be right; otherwise it goes. If the need is broken even then, another
    writer's value has it: then what meets the need stays as it is.
    """
    for amendment in (drafts[name].before, None):
        if not _breaks(inputs, drafts, name, need):
            return drafts
        drafts = _with_amendment(drafts, name, amendment, need.reason)
    return _with_former_support(drafts, name, need) if _breaks(inputs, drafts, name, need) else drafts


def _breaks(inputs: Inputs, drafts: Mapping[str, _Draft], name: str, need: Need) -> bool:
    return need.broken(_outcome(inputs, drafts), _amendment(drafts[name].after))


def _outcome(inputs: Inputs, drafts: Mapping[str, _Draft]) -> Workload:
    return reduce(lambda view, draft: _applied(draft.after, view), drafts.values(), inputs.owners_view)


def _with_amendment(
    drafts: dict[str, _Draft], name: str, amendment: Amendment | None, reason: str
) -> dict[str, _Draft]:
    draft = drafts[name]
    if draft.held or draft.after is None:
        return drafts
    return {**drafts, name: replace(draft, after=amendment, refusal=reason)}


def _with_former_support(drafts: dict[str, _Draft], name: str, need: Need) -> dict[str, _Draft]:
    """Leave as it is what the operator wrote to meet a need that lasts; if that is the owner's, so is what meets it."""
    support = next(each.name for each in REPAIRABLE if each.amendment is need.of)
    draft = drafts[support]
    left = replace(draft, before=None) if drafts[name].after is None else replace(draft, after=draft.before)
    return {**drafts, support: left}


def _draft(inputs: Inputs, expectation: Expectation[Any], *, view: Workload | None = None) -> _Draft:
    before = inputs.journal.repairs.get(expectation.name)
    disposition = _disposition(inputs, expectation)
    if disposition is Disposition.WITHDRAW:
        return _Draft(expectation, before=before)
    held = _Draft(expectation, before=before, after=before, held=True)
    if disposition is Disposition.HOLD or expectation.repair is None:
        return held
    return _repaired(inputs, expectation, view or inputs.owners_view, before)


def _disposition(inputs: Inputs, expectation: Expectation[Any]) -> Disposition:
    if inputs.policy is None:
        return _disposition_on_removal(inputs, expectation)
    action = inputs.action(expectation)
    if action is Action.IGNORE or inputs.exempt(expectation):
        return Disposition.WITHDRAW
    workload = inputs.workload
    repairs = action is Action.REPAIR and workload.controller is None and workload.kind in REPAIRED
    return Disposition.REPAIR if repairs else Disposition.HOLD


def _disposition_on_removal(inputs: Inputs, expectation: Expectation[Any]) -> Disposition:
    stays = expectation.amendment is not None and expectation.amendment.restarts
    return Disposition.HOLD if stays and inputs.on_removal is OnRemoval.KEEP else Disposition.WITHDRAW


def _repaired(inputs: Inputs, expectation: Expectation[Any], view: Workload, before: Amendment | None) -> _Draft:
    if _put_back_before(inputs, expectation):
        return _Draft(expectation, before=before, after=before, refusal=PUT_BACK, held=True)
    wanted = _wanted(inputs, expectation, view)
    if isinstance(wanted, _NotKnown):
        return _Draft(expectation, before=before, after=before, refusal=wanted.reason, held=True)
    contest = _contest(inputs, expectation, wanted)
    if contest is not None and contest.settled and wanted is not None:
        # What does harm goes. What others undo stays as far as it is there: to take that away, too, is one more change.
        left = None if contest.harm else before
        return _Draft(expectation, before=before, after=left, refusal=contest.reason, contest=contest)
    if isinstance(wanted, Refusal) or wanted is None:
        # Nothing to mend, or not by the operator. A repair that is no longer needed is taken back, but pods do not
        # restart for that alone.
        refusal = wanted.reason if wanted else None
        stays = before is not None and before.restarts
        kept = before if stays else None
        return _Draft(expectation, before=before, after=kept, refusal=refusal, contest=contest, deferred=stays)
    if isinstance(wanted, OwnedObject):
        return _Draft(expectation, before=before, after=wanted, contest=contest)
    return _amending(_Draft(expectation, before=before, after=before, contest=contest), wanted)


def _put_back_before(inputs: Inputs, expectation: Expectation[Any]) -> bool:
    """Say whether a repair has to wait because a rollout failed: its own, or any, if it would replace pods."""
    amendment = expectation.amendment
    if inputs.failed_rollout is None or amendment is None:
        return False
    return amendment.restarts or expectation.name in inputs.failed_rollout.expectations


def _amending(current: _Draft, wanted: Amendment) -> _Draft:
    """Put what is wanted in the place of what is there, at once or when the pods restart anyway.

    What rides along is held until then, journal and all: what others undo meanwhile is counted when it is made again.
    """
    before = current.before
    if before is not None and before.satisfies(wanted):
        return current
    if current.expectation.rides_along:
        return replace(current, deferred=True, later=wanted, refusal=WAITS, held=True)
    if before is not None and before.exceeds(wanted):
        return replace(current, deferred=True, later=wanted)
    return replace(current, after=wanted)


def _wanted(inputs: Inputs, expectation: Expectation[Any], view: Workload) -> Amendment | OwnedObject | Refusal | None:
    assert inputs.policy is not None
    workload, parameters = inputs.judged(view), inputs.policy.parameters(expectation)
    around = inputs.owners_surroundings
    if lacks_values(inputs, expectation):
        return _NotKnown(f"it is not known, because {reason_of({VALUES: around.unread[VALUES]})}")
    if around.unread:
        return _wanted_as_far_as_known(expectation, workload, parameters, Consulted(around))
    return _repair(expectation, workload, parameters, around)


def _repair(expectation: Expectation[Any], workload: Workload, parameters: Any, around: Surroundings) -> Repair:
    assert expectation.repair is not None
    return (
        expectation.repair(workload, parameters, around) if expectation.judges(workload, parameters, around) else None
    )


def _wanted_as_far_as_known(
    expectation: Expectation[Any], workload: Workload, parameters: Any, around: Consulted
) -> Repair:
    """Return the repair, unless it depends on objects that could not be read."""
    wanted = _repair(expectation, workload, parameters, around.view)
    return _NotKnown(f"it is not known, because {reason_of(around.missing)}") if around.missing else wanted


def _contest(
    inputs: Inputs, expectation: Expectation[Any], wanted: Amendment | OwnedObject | Refusal | None
) -> Contest | None:
    """Return what is known of others undoing the repair, with what is seen now."""
    name, told = expectation.name, inputs.journal.contests.get(expectation.name)
    terms = inputs.terms_of_harm(expectation) if told and told.harm else inputs.terms(expectation)
    # A note counts only under the circumstances in which it was written: a changed workload or policy is a new try.
    known = told if told and told.terms == terms else None
    if known is not None and known.settled:
        return known
    if wanted is None or isinstance(wanted, Refusal):
        return known
    if wanted.harm is not None and _does_harm(inputs, name, wanted):
        return Contest(terms=inputs.terms_of_harm(expectation), harm=wanted.harm.note)
    # A writer that removes a value and keeps the note is seen by the note. One that replaces the whole object wipes the
    # note as well: that only this process can tell, from its memory.
    remembered = _remembered(inputs, name, terms)
    if name in inputs.journal.undone or (remembered and _is_missing(inputs, name, wanted)):
        times = max(known.undone if known else 0, remembered.undone if remembered else 0)
        writer = inputs.workload.last_update.since(remembered.made) if remembered else ""
        return Contest(terms=terms, undone=times + 1, writer=writer)
    return known


def _remembered(inputs: Inputs, name: str, terms: str) -> Applied | None:
    """Return what is remembered of the repair, if it was made under the same circumstances."""
    remembered = inputs.applied.get(name)
    return remembered if remembered and remembered.terms == terms else None


def _is_missing(inputs: Inputs, name: str, wanted: Amendment | OwnedObject) -> bool:
    """Say whether a repair that the operator made is gone without a trace. An edited object is not: it is put right."""
    if isinstance(wanted, OwnedObject):
        return name not in inputs.owned
    return f"{REPAIRS}{name}" not in inputs.journal.notes


def _does_harm(inputs: Inputs, name: str, wanted: Amendment | OwnedObject) -> bool:
    """Say whether a repair does harm now. An object that somebody edited is put right instead."""
    if isinstance(wanted, Amendment):
        return inputs.lacks_room
    live = inputs.owned.get(name)
    if live is None or not wanted.met_by(live, inputs.workload):
        return False
    return wanted.is_harmful(live) and inputs.workload.settled


def _composed(inputs: Inputs, drafts: Mapping[str, _Draft]) -> Plan:
    ordered = [drafts[each.name] for each in REPAIRABLE]
    objects = tuple(each for each in (_object_change(inputs, draft) for draft in ordered) if each)
    amended = tuple(_change(each) for each in ordered if each.expectation.amendment and each.before != each.after)
    return Plan(
        changes=(*map(_change_of_object, objects), *amended),
        patch=_patch(inputs, ordered),
        objects=objects,
        refusals={each.expectation.name: each.refusal for each in ordered if each.refusal},
        contests={each.expectation.name: each.contest for each in ordered if each.contest},
        repaired=inputs.repaired,
        clean=inputs.workload.holds_fields,
        put_back=inputs.failing,
    )


def _change(draft: _Draft) -> Change:
    before, after = draft.before, _amendment(draft.after)
    return Change(
        draft.expectation.name,
        before=before.note() if before else None,
        after=after.note() if after else None,
        restarts=draft.restarts,
    )


def _change_of_object(change: ObjectChange) -> Change:
    before = change.live.terms if change.live else None
    return Change(
        change.expectation, before=before, after=change.wanted.words() if change.wanted else None, restarts=False
    )


def _object_change(inputs: Inputs, draft: _Draft) -> ObjectChange | None:
    name = draft.expectation.name
    if draft.expectation.owned is None or draft.held:
        return None
    live, wanted = inputs.owned.get(name), draft.after if isinstance(draft.after, OwnedObject) else None
    if wanted is None:
        return ObjectChange(name, live=live, wanted=None) if live and not live.deleting else None
    if live and wanted.met_by(live, inputs.workload):
        return None
    return ObjectChange(name, live=live, wanted=wanted)


def _patch(inputs: Inputs, drafts: list[_Draft]) -> Patch:
    # First what goes, then what comes: where both write one field, such as a sleep of another length, the latter wins.
    patch: Patch = {}
    for draft in drafts:
        if draft.before is not None and draft.before != draft.after:
            patch = merged(patch, draft.before.withdrawal(inputs.workload))
    for draft in drafts:
        amendment = _amendment(draft.after)
        if amendment is not None and draft.before != amendment:
            patch = merged(patch, amendment.patch(inputs.workload))
    patch = in_the_order_of(inputs.workload, patch)
    notes = _changed_notes(inputs, drafts)
    return merged({"metadata": {"annotations": notes}}, patch) if notes else patch


def _changed_notes(inputs: Inputs, drafts: list[_Draft]) -> dict[str, str | None]:
    """Return the annotations to set, and with None those to remove."""
    wanted = dict(_notes(inputs, drafts))
    stale = {key: None for key in inputs.journal.notes if key not in wanted}
    return {**stale, **{key: text for key, text in sorted(wanted.items()) if inputs.journal.notes.get(key) != text}}


def _notes(inputs: Inputs, drafts: list[_Draft]) -> Iterator[tuple[str, str]]:
    """Return the journal as it should be."""
    repairs = {f"{REPAIRS}{each.expectation.name}": _note(inputs, each) for each in drafts}
    written = {key: note for key, note in repairs.items() if note}
    yield from written.items()
    failed_rollout = _lasting_failure(inputs, drafts)
    # The name stays as long as there is anything to attribute: a policy finds by it what to withdraw when it goes.
    name = inputs.policy.name if inputs.policy else inputs.journal.policy
    if (written or failed_rollout) and name:
        yield REPAIRS_POLICY, name
    if failed_rollout is not None:
        yield ROLLOUT_FAILED, failed_rollout.note()
    yield from _notes_on_contests(inputs, drafts)
    if written and not _rollout_forgotten(inputs, drafts):
        yield from (
            (key, note) for key, note in inputs.journal.notes.items() if key.startswith((ROLLOUT_STARTED, BEFORE))
        )


def _notes_on_contests(inputs: Inputs, drafts: list[_Draft]) -> Iterator[tuple[str, str]]:
    for each in drafts:
        key = f"{CONTESTED}{each.expectation.name}"
        contest = inputs.journal.notes.get(key) if each.held else each.contest and each.contest.note()
        if contest:
            yield key, contest


def _rollout_forgotten(inputs: Inputs, drafts: list[_Draft]) -> bool:
    """Say whether the note that a rollout of the operator began has no use any more; most go with the next rollout."""
    over = inputs.workload.strategy.type == "OnDelete" or rolled_above_partition(inputs.workload)
    return over or inputs.failing or any(each.restarts for each in drafts)


def _lasting_failure(inputs: Inputs, drafts: list[_Draft]) -> FailedRollout | None:
    """Return the failure that is noted, until it is tried again; under another edition of the policy it is history."""
    told = inputs.noted_failure
    if told is None or inputs.policy is None or told.policy != inputs.policy.edition:
        return None
    if inputs.failing:
        return told
    # A retry that has to wait for its turn must not lose the note: it is what stops the other repairs meanwhile.
    waits = inputs.failed_rollout is not None or any(each.postponed for each in drafts)
    return told if waits and not any(each.restarts for each in drafts) else None


def _note(inputs: Inputs, draft: _Draft) -> str | None:
    """Return the note on one repair. What is held keeps its note as it is, whatever has become of the value."""
    name = draft.expectation.name
    if draft.held:
        return inputs.journal.notes.get(f"{REPAIRS}{name}")
    amendment = _amendment(draft.after)
    if amendment is not None:
        return amendment.note()
    return OWNERS if name in inputs.journal.owners and inputs.policy is not None else None
