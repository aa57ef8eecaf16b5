"""Which workloads replace their pods because of the operator, and which one may be next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.metrics import ROLLING
from productionpolicy.controller.records import Records, Slot
from productionpolicy.kube.identity import REPAIRS_POLICY, ROLLOUT_STARTED
from productionpolicy.kube.workloads import Kind, Workload, WorkloadKey
from productionpolicy.verdict.journal import read_journal
from productionpolicy.verdict.rollouts import in_flight

STATEFUL_SET_SECONDS = 1800.0
"""How long a StatefulSet may hold its slot for a withdrawal: it has no progress deadline of its own."""

LINGERING_SECONDS = 30.0
"""How long after its grace period a pod that is shutting down may hold the slot of its workload."""


@dataclass(slots=True)
class _Line:
    """The workloads of one policy that hold a slot, and those that wait for one, in their order."""

    rolling: set[WorkloadKey] = field(default_factory=set)
    waiting: dict[WorkloadKey, None] = field(default_factory=dict)
    woken: set[WorkloadKey] = field(default_factory=set)
    """Those of the waiting ones whose turn it may be."""


class Rollouts:
    """Slots for rollouts, per policy. A workload without a pod to restart needs none.

    Args:
        records: where the slot of each workload is kept.
        clock: the time.
        wake: has a workload evaluated, because it may be its turn.
    """

    def __init__(self, records: Records, *, clock: Clock, wake: Callable[[WorkloadKey], None]) -> None:
        self._records = records
        self._clock = clock
        self._wake = wake
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)

    def rolling(self, key: WorkloadKey) -> bool:
        """Say whether a workload replaces its pods because of the operator."""
        record = self._records.get(key)
        return record is not None and record.slot is not None

    def any_rolling(self, policy: str) -> bool:
        """Say whether a workload replaces its pods because of a policy, even if it carries no repair any more."""
        line = self._lines.get(policy)
        return line is not None and bool(line.rolling)

    def held_for(self, key: WorkloadKey) -> float | None:
        """Return for how many seconds a workload has held the slot that it took; None where it was found rolling."""
        record = self._records.get(key)
        slot = record.slot if record else None
        return self._clock.monotonic() - slot.since if slot is not None and slot.taken else None

    def enter(self, policy: str, workload: Workload, *, slots: int) -> bool:
        """Take a slot for a workload, if one is free; otherwise it waits, and is woken when one may be."""
        line = self._lines[policy]
        stateful = workload.kind is Kind.STATEFUL_SET
        blocked = stateful and any(key.kind == Kind.STATEFUL_SET for key in line.rolling)
        if blocked or len(line.rolling) >= slots:
            self.wait(policy, workload.key)
            return False
        self._hold(policy, workload, taken=True)
        if len(line.rolling) < slots:
            self.wake_next(policy)
        return True

    def wait(self, policy: str, key: WorkloadKey) -> None:
        """Put a workload in line; one that is in line already keeps its place."""
        line = self._lines[policy]
        line.waiting.setdefault(key)
        line.woken.discard(key)

    def resume(self, policy: str, workload: Workload) -> None:
        """Take a slot for a rollout that was under way before the operator started."""
        if under_way(workload):
            self._hold(policy, workload, taken=False)

    def observe(self, workload: Workload) -> None:
        """Give back the slot of a workload whose rollout is over or stalled; take one for a rollout of the operator.

        A rollout that goes on after a pause, or that another process has begun, is known by its note.
        """
        slot = self._records.of(workload).slot
        if slot is None:
            if under_way(workload) and _begun(workload):
                self._hold(workload.notes.get(REPAIRS_POLICY, ""), workload, taken=False)
        elif not self._goes_on(workload, slot):
            self.leave(workload.key)

    def leave(self, key: WorkloadKey) -> None:
        """Give back the slot of a workload, if it has one, and its place in line; let the next one try."""
        self.leave_line(key)
        record = self._records.get(key)
        if record is None or record.slot is None:
            return
        policy, record.slot = record.slot.policy, None
        self._lines[policy].rolling.discard(key)
        ROLLING.labels(policy=policy).set(len(self._lines[policy].rolling))
        self.wake_next(policy)

    def leave_line(self, key: WorkloadKey) -> None:
        """Take a workload out of the line; where its turn had come, let the next one try."""
        for policy, line in self._lines.items():
            line.waiting.pop(key, None)
            if key in line.woken:
                line.woken.discard(key)
                self.wake_next(policy)

    def acted(self, key: WorkloadKey) -> None:
        """Let the next in line try, where a workload whose turn had come has no use for it any more."""
        if any(key in line.woken for line in self._lines.values()):
            self.leave_line(key)

    def wake_lines(self) -> None:
        """Let the next of each line try: how many slots there are may have changed."""
        for policy in tuple(self._lines):
            self.wake_next(policy)

    def wake_next(self, policy: str) -> None:
        """Wake one Deployment, and one StatefulSet: only one of them may be able to go."""
        line = self._lines[policy]
        for stateful in (False, True):
            waiting = (key for key in line.waiting if key not in line.woken)
            following = next((key for key in waiting if (key.kind == Kind.STATEFUL_SET) is stateful), None)
            if following is not None:
                line.woken.add(following)
                self._wake(following)

    def forget(self, policy: str) -> None:
        """Drop the line of a policy that is gone, once nobody is in it."""
        line = self._lines.get(policy)
        if line is not None and not line.rolling and not line.waiting:
            del self._lines[policy]

    def _hold(self, policy: str, workload: Workload, *, taken: bool) -> None:
        line, key = self._lines[policy], workload.key
        line.waiting.pop(key, None)
        line.woken.discard(key)
        line.rolling.add(key)
        self._records.of(workload).slot = Slot(policy, self._clock.monotonic(), taken)
        ROLLING.labels(policy=policy).set(len(line.rolling))

    def _goes_on(self, workload: Workload, slot: Slot) -> bool:
        if workload.settled and workload.progress.terminating and not workload.deleting:
            return self._drains(workload, slot)
        if workload.kind is Kind.STATEFUL_SET and not _begun(workload):
            return under_way(workload) and self._clock.monotonic() - slot.since < STATEFUL_SET_SECONDS
        return under_way(workload)

    def _drains(self, workload: Workload, slot: Slot) -> bool:
        """Say whether the old pods may still be shutting down; one that hangs does not hold the slot forever."""
        if slot.draining_since is None:
            slot.draining_since = self._clock.monotonic()
        return self._clock.monotonic() - slot.draining_since < workload.template.grace_seconds + LINGERING_SECONDS


def under_way(workload: Workload) -> bool:
    """Say whether a rollout goes on: paused, held back, stalled and deleted ones do not."""
    moving = not (workload.settled or workload.runs_no_pod)
    return moving and not (workload.holds_back or workload.stalled or workload.deleting)


def _begun(workload: Workload) -> bool:
    """Say whether it is a rollout that the operator began."""
    return ROLLOUT_STARTED in workload.notes and in_flight(workload, read_journal(workload))
