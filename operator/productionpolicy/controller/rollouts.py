"""Which workloads roll out because of us, and who may be next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.metrics import ROLLING
from productionpolicy.kube.workloads import Kind, Workload, WorkloadKey
from productionpolicy.verdict.journal import POLICY, read_journal
from productionpolicy.verdict.marks import STARTED
from productionpolicy.verdict.rollouts import in_flight

STATEFUL_SET_SECONDS = 1800.0
"""How long a StatefulSet may hold its slot for a withdrawal: it has no progress deadline of its own."""

LINGERING_SECONDS = 30.0
"""How long after its grace period a pod that is shutting down may hold the slot of its workload."""


@dataclass(slots=True)
class _Line:
    """The slots of one policy, and who waits for one."""

    rolling: dict[WorkloadKey, float] = field(default_factory=dict)
    """Since when, by the monotonic clock."""
    draining: dict[WorkloadKey, float] = field(default_factory=dict)
    """Since when all new pods are available while old ones are still shutting down, by the monotonic clock."""
    waiting: dict[WorkloadKey, None] = field(default_factory=dict)


class Rollouts:
    """Slots for rollouts, per policy. A workload without a pod to restart needs none."""

    def __init__(self, *, clock: Clock, wake: Callable[[WorkloadKey], None]) -> None:
        self._clock = clock
        self._wake = wake
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)
        self._held: dict[WorkloadKey, str] = {}
        self._entered: dict[WorkloadKey, float] = {}
        """Since when those roll out whose rollout we have begun ourselves, by the monotonic clock."""
        self._woken: dict[WorkloadKey, str] = {}

    def rolling(self, key: WorkloadKey) -> bool:
        """Say whether a workload rolls out because of us."""
        return key in self._held

    def held_for(self, key: WorkloadKey) -> float | None:
        """Return for how many seconds a workload has held the slot that it took; None where we found it rolling."""
        since = self._entered.get(key)
        return None if since is None else self._clock.monotonic() - since

    def wait(self, policy: str, key: WorkloadKey) -> None:
        """Put a workload in line."""
        self._woken.pop(key, None)
        self._lines[policy].waiting[key] = None

    def enter(self, policy: str, workload: Workload, *, slots: int) -> bool:
        """Take a slot for a workload, if one is free; otherwise it is woken when one may be."""
        line = self._lines[policy]
        self._woken.pop(workload.key, None)
        stateful = workload.kind is Kind.STATEFUL_SET
        blocked = stateful and any(key.kind == Kind.STATEFUL_SET for key in line.rolling)
        if blocked or len(line.rolling) >= slots:
            line.waiting[workload.key] = None
            return False
        self._entered[workload.key] = self._clock.monotonic()
        self._hold(policy, workload.key)
        if len(line.rolling) < slots:
            self.wake_next(policy)
        return True

    def resume(self, policy: str, workload: Workload) -> None:
        """Take a slot for a rollout that is under way since before we started."""
        if under_way(workload):
            self._hold(policy, workload.key)

    def observe(self, workload: Workload) -> None:
        """Give back the slot of a workload whose rollout is over, or does not move; take one for a rollout of ours.

        A rollout that goes on after a pause, or that another process has begun, is known by its note.
        """
        if not self._under_way(workload):
            if workload.key in self._held:
                self.leave(workload.key)
        elif workload.key not in self._held and _begun(workload):
            self._hold(workload.notes.get(POLICY, ""), workload.key)

    def leave(self, key: WorkloadKey) -> None:
        """Give back a slot, and let the next in line try."""
        for line in self._lines.values():
            line.waiting.pop(key, None)
        policy = self._held.pop(key, None)
        self._entered.pop(key, None)
        if policy is None:
            return
        line = self._lines[policy]
        line.rolling.pop(key, None)
        line.draining.pop(key, None)
        ROLLING.labels(policy=policy).set(len(line.rolling))
        self.wake_next(policy)

    def looked_at(self, key: WorkloadKey) -> None:
        """Let the next in line try, where one that was woken has no use for its slot any more."""
        policy = self._woken.pop(key, None)
        if policy is not None:
            self.wake_next(policy)

    def wake_lines(self) -> None:
        """Let the next of each line try: how many slots there are may have changed."""
        for policy in tuple(self._lines):
            self.wake_next(policy)

    def wake_next(self, policy: str) -> None:
        """Wake one Deployment, and one StatefulSet: only one of them may be able to go."""
        line = self._lines[policy]
        for stateful in (False, True):
            following = next((key for key in line.waiting if (key.kind == Kind.STATEFUL_SET) is stateful), None)
            if following is not None:
                del line.waiting[following]
                self._woken[following] = policy
                self._wake(following)

    def _hold(self, policy: str, key: WorkloadKey) -> None:
        line = self._lines[policy]
        line.waiting.pop(key, None)
        line.rolling[key] = self._clock.monotonic()
        self._held[key] = policy
        ROLLING.labels(policy=policy).set(len(line.rolling))

    def _under_way(self, workload: Workload) -> bool:
        policy = self._held.get(workload.key)
        if policy is not None and workload.settled and workload.progress.terminating and not workload.deleting:
            return self._drains(workload, self._lines[policy])
        if workload.kind is Kind.STATEFUL_SET and policy is not None and not _begun(workload):
            since = self._lines[policy].rolling[workload.key]
            return under_way(workload) and self._clock.monotonic() - since < STATEFUL_SET_SECONDS
        return under_way(workload)

    def _drains(self, workload: Workload, line: _Line) -> bool:
        """Say whether the old pods may still be shutting down; one that hangs does not hold the slot forever."""
        since = line.draining.setdefault(workload.key, self._clock.monotonic())
        return self._clock.monotonic() - since < workload.template.grace_seconds + LINGERING_SECONDS


def under_way(workload: Workload) -> bool:
    """Say whether a rollout goes on: paused, held back, stalled and deleted ones do not."""
    moving = not (workload.settled or workload.runs_no_pod)
    return moving and not (workload.holds_back or workload.stalled or workload.deleting)


def _begun(workload: Workload) -> bool:
    """Say whether it is a rollout that we have begun."""
    return STARTED in workload.notes and in_flight(workload, read_journal(workload))
