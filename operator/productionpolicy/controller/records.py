"""What the operator remembers of each workload while it runs; losing it costs at most one more try."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from productionpolicy.controller.cluster import Forbidden, Refused
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.verdict import Applied, Evaluation, WorkloadReport

MOST_WRITES = 20
WRITES_SECONDS = 60.0
"""A workload is written at most so often in so many seconds: whatever goes wrong, it is never written in a hot loop."""

SOON_SECONDS = 0.1
"""How much later than necessary something is evaluated again, so that it is not too early."""

ALONG_SECONDS = 10.0
"""How long after its owner has replaced the pods a workload that has settled since is still taken to be replaced."""

FIRST_PAUSE_SECONDS = 5.0
LAST_PAUSE_SECONDS = 900.0
"""How long a forbidden write is not tried again, at first and at most. An API server that has just started forbids what
it will allow in a second: it does not know the roles yet."""


@dataclass(slots=True)
class Slot:
    """The right of a workload to replace its pods, which a policy gives to a limited number at a time."""

    policy: str
    since: float
    """By the monotonic clock."""
    taken: bool
    """Whether this process began the rollout; otherwise it was found under way."""
    draining_since: float | None = None
    """Since when all new pods are available while old ones are still shutting down, by the monotonic clock."""


@dataclass(slots=True)
class Record:
    """What is remembered of one workload, as long as it keeps its uid."""

    uid: str
    policy: str = ""
    """The policy that governs it, or whose repairs it still carries."""
    seen: Workload | None = None
    """The state in which it was evaluated last."""
    report: WorkloadReport | None = None
    """What was last told of it."""
    evaluation: Evaluation | None = None
    """What follows from its present state, while nobody has acted on that."""
    epoch: int = 0
    """The state of all policies, namespaces and nodes on which that evaluation rests; see `Store.epoch`."""
    writing: bool = False
    """Whether it is just being written: what is known of it does not yet tell of the rollout that begins."""
    slot: Slot | None = None
    applied: dict[str, Applied] = field(default_factory=dict)
    """The repairs that were written, by expectation."""
    refused: dict[str, Refused] = field(default_factory=dict)
    """What the API server refused, by a digest of the write and its circumstances: as long as they are the same, it is
    not tried again."""
    pauses: int = 0
    """How many times in a row writing was forbidden."""
    paused_until: float = 0.0
    """By the monotonic clock."""
    writes: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_WRITES))
    harmful_since: float | None = None
    """The time since which an owned object of the workload does harm, by the monotonic clock."""
    template: str = ""
    """A digest of the pod template that its owner asked for when it was last evaluated while repairs could restart no
    pods without the owner."""
    turned: float | None = None
    """When its owner last replaced its pods, by the monotonic clock; None once that was made use of."""
    no_room_at: int = 0
    """The generation at which a pod of it was seen that fits on no node."""

    def saw(self, evaluation: Evaluation, *, now: float) -> None:
        """Take note of an evaluation."""
        inputs = evaluation.inputs
        self.seen, self.report, self.policy = inputs.workload, evaluation.report, evaluation.policy_name
        if not evaluation.finds_harm:
            self.harmful_since = None
        elif self.harmful_since is None:
            self.harmful_since = now
        if not inputs.restarts_with_owner:
            self.template, self.turned = "", None
        elif not self.writing:
            self._follow(inputs.owners_view.template_digest, now=now)

    def _follow(self, template: str, *, now: float) -> None:
        """Take note of the pod template that the owner asks for, and of the moment when it became another one."""
        if self.template not in ("", template):
            self.turned = now
        self.template = template

    def turns(self, workload: Workload, *, now: float) -> bool:
        """Say whether its owner just replaces its pods, so that what replaces them may go along."""
        return self.turned is not None and (not workload.settled or now - self.turned < ALONG_SECONDS)

    def rests(self, now: float) -> float:
        """Return for how many seconds it is not written because it was written too often."""
        return 0.0 if len(self.writes) < MOST_WRITES else max(0.0, WRITES_SECONDS - (now - self.writes[0]))

    def wrote(self, now: float) -> None:
        """Take note of a write."""
        self.writes.append(now)
        self.pauses = 0

    def refusals(self, now: float) -> dict[str, str]:
        """Return what the API server refused and is not tried again now, with its words."""
        if self.refused and now >= self.paused_until:
            self.retry_forbidden()
        return {circumstances: str(error) for circumstances, error in self.refused.items()}

    def resumes_after(self, now: float) -> float | None:
        """Return after how many seconds what is forbidden is tried again; None if nothing waits for that."""
        paused = self.paused_until - now
        return paused + SOON_SECONDS if self.refused and paused > 0 else None

    def retry_forbidden(self) -> None:
        """Have it tried again what was refused for reasons outside of the workload: rights and quotas."""
        self.refused = {key: each for key, each in self.refused.items() if not isinstance(each, Forbidden)}

    def refuse(self, circumstances: str, error: Refused, *, now: float) -> None:
        """Remember that the API server refused a write."""
        self.refused[circumstances] = error
        if isinstance(error, Forbidden):
            self.pause(now)

    def pause(self, now: float) -> None:
        """Have nothing forbidden tried again for a while, which gets longer each time."""
        if now >= self.paused_until:
            pause = min(LAST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self.pauses, 10))
            self.pauses, self.paused_until = self.pauses + 1, now + pause


class Records(dict[WorkloadKey, Record]):
    """What is remembered of all workloads. To forget one is to delete its record."""

    def of(self, workload: Workload) -> Record:
        """Return the record of a workload; one that was created again under its name gets a new one."""
        record = self.get(workload.key)
        if record is None or record.uid != workload.uid:
            record = self[workload.key] = Record(workload.uid)
        return record
