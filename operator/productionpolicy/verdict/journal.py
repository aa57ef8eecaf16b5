"""The journal: annotations on a workload that tell which of its values the operator wrote.

A note alone proves nothing: it counts only as far as the live value is still the one that the operator wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.expectations import BY_NAME, REPAIRABLE, Expectation
from productionpolicy.kube.identity import BEFORE, CONTESTED, REPAIRS, REPAIRS_POLICY, ROLLOUT_FAILED, ROLLOUT_STARTED
from productionpolicy.kube.workloads import REPAIRED, Workload
from productionpolicy.repairs import Amendment, Drift, Illegible
from productionpolicy.verdict.rollout_notes import FailedRollout, Started

OWNERS = "owner's"
"""The note on a value that somebody put back after the operator had changed it: it is left alone from then on."""

MOST_UNDONE = 2
"""How often another writer may undo the same repair before the operator leaves it undone."""

_PREFIXES = (REPAIRS, CONTESTED, BEFORE)
_KEYS = (
    REPAIRS_POLICY,
    ROLLOUT_STARTED,
    ROLLOUT_FAILED,
    *(f"{prefix}{each.name}" for prefix in _PREFIXES for each in REPAIRABLE),
)
"""The notes of the operator; one of an expectation that only another version knows is ignored."""

HARMS = tuple(each.harm for found in REPAIRABLE for each in (found.amendment, found.owned) if each and each.harm)
"""Why the operator withdraws repairs itself."""

_REASONS = {each.note: each.reason for each in HARMS}

_CONTEST = re.compile(r"^undone (\d{1,4})x(?:, last by (.*))? \[([0-9a-f]+)\]$")
_WITHDRAWN = re.compile(rf"^withdrawn, ({'|'.join(_REASONS)}) \[([0-9a-f]+)\]$")


class Contest(Struct, frozen=True):
    """A repair that does not last: others undo it, or it turned out to do harm."""

    terms: str
    """The circumstances to which it applies; when they change, the repair is tried again."""
    undone: int = 0
    writer: str = ""
    """The field manager that undid it last."""
    harm: str = ""
    """The note of the harm that it did, one of HARMS; empty where it did none."""

    @property
    def settled(self) -> bool:
        """Whether the repair is left undone."""
        return bool(self.harm) or self.undone >= MOST_UNDONE

    @property
    def reason(self) -> str:
        """Why it is left undone, for people."""
        if self.harm:
            return _REASONS[self.harm]
        return f"{self.writer or 'another writer'} undid the repair {self.undone} times"

    def note(self) -> str:
        """Return the words for the annotation."""
        if self.harm:
            return f"withdrawn, {self.harm} [{self.terms}]"
        by = f", last by {self.writer[:100]}" if self.writer else ""
        return f"undone {self.undone}x{by} [{self.terms}]"

    @classmethod
    def parse(cls, note: str) -> Contest | None:
        """Return what an annotation tells; None where the operator did not write it."""
        undone, withdrawn = _CONTEST.match(note), _WITHDRAWN.match(note)
        if undone:
            return cls(undone=int(undone.group(1)), writer=undone.group(2) or "", terms=undone.group(3))
        return cls(harm=withdrawn.group(1), terms=withdrawn.group(2)) if withdrawn else None


class Journal(Struct, frozen=True):
    """What the notes of the operator on a workload tell."""

    policy: str | None = None
    """The policy under which the repairs were made."""
    repairs: Mapping[str, Amendment] = {}
    """What is left of the operator's repairs, by expectation."""
    undone: frozenset[str] = frozenset()
    """Expectations whose repair somebody took away."""
    owners: frozenset[str] = frozenset()
    """Expectations whose value somebody put back: it is the owner's."""
    contests: Mapping[str, Contest] = {}
    started: Started | None = None
    """The last rollout that the operator has begun."""
    former: Mapping[str, Amendment] = {}
    """What stood before that rollout of what it changed, by expectation."""
    failed_rollout: FailedRollout | None = None
    """A rollout of the operator that failed."""
    notes: Mapping[str, str] = {}
    """The annotations of the journal as they are on the workload."""

    def owners_view(self, workload: Workload) -> Workload:
        """Return the workload less its repairs, as far as they are in place; values put back count as written."""
        view = workload
        for repair in self.repairs.values():
            view = repair.removed(view)
        written = {each for name in self.owners for each in _restorable(BY_NAME[name])}
        return replace(view, written=view.written | written) if written else view


def read_journal(workload: Workload) -> Journal:
    """Return the journal of a workload, checked against its live values; kinds that are only judged have none."""
    if workload.kind not in REPAIRED:
        return Journal()
    # Anybody can write annotations, and a copied manifest brings those of another workload. So a note never says what
    # the value is: it says what to look for.
    drifts = {each.name: _drift(each, workload) for each in REPAIRABLE if each.amendment}
    found = {name: each for name, each in drifts.items() if each is not None}
    contests = {each.name: Contest.parse(workload.notes.get(f"{CONTESTED}{each.name}", "")) for each in REPAIRABLE}
    return Journal(
        policy=workload.notes.get(REPAIRS_POLICY),
        repairs={name: each.kept for name, each in found.items() if each.kept},
        undone=frozenset(name for name, each in found.items() if each.undone),
        owners=frozenset(name for name, each in found.items() if each.restored),
        contests={name: each for name, each in contests.items() if each},
        started=Started.parse(workload.notes.get(ROLLOUT_STARTED, "")),
        former=dict(_former(workload)),
        failed_rollout=FailedRollout.parse(workload.notes.get(ROLLOUT_FAILED, "")),
        notes={key: workload.notes[key] for key in _KEYS if key in workload.notes},
    )


def _drift(expectation: Expectation[Any], workload: Workload) -> Drift | None:
    note = workload.notes.get(f"{REPAIRS}{expectation.name}")
    if note is None or expectation.amendment is None:
        return None
    if note == OWNERS:
        return Drift(kept=None, restored=True)
    try:
        return expectation.amendment.parse(note).drift(workload)
    except Illegible:
        # Written by hand, or by a later version. To guess what it meant could take away a value of the owner's.
        return None


def _former(workload: Workload) -> Iterator[tuple[str, Amendment]]:
    for each in REPAIRABLE if ROLLOUT_STARTED in workload.notes else ():
        note = workload.notes.get(f"{BEFORE}{each.name}")
        if note is not None and each.amendment is not None:
            with suppress(Illegible):
                yield each.name, each.amendment.parse(note)


def _restorable(expectation: Expectation[Any]) -> Iterator[str]:
    fields = expectation.amendment.fields if expectation.amendment else ()
    return (each.name for each in fields if each.restorable)
