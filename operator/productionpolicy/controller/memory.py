"""What is remembered of workloads while the operator runs; losing it costs at most one more try."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from productionpolicy.controller.cluster import Forbidden, Refused, RequestFailed
from productionpolicy.controller.judgement import Judgement
from productionpolicy.verdict import Applied

RELEASE = "release"
"""Stands for what is written to take our entry out of the managed fields."""

MOST_WRITES = 20
WRITES_SECONDS = 60.0
"""A workload is written at most so often in so many seconds: whatever goes wrong, it is never written in a hot loop."""

ALONG_SECONDS = 10.0
"""How long after its owner has replaced the pods a workload that has settled since is still taken to be replaced."""

FIRST_BAR_SECONDS = 5.0
LAST_BAR_SECONDS = 900.0
"""How long what is forbidden is not tried again, at first and at most. An API server that has just started forbids what
it will allow in a second: it does not know the roles yet."""


@dataclass(slots=True)
class Memory:
    """What we remember of one workload."""

    applied: dict[str, Applied] = field(default_factory=dict)
    refused: dict[str, RequestFailed] = field(default_factory=dict)
    """What the API server refused, under which circumstances: as long as they are the same, we do not try again."""
    bars: int = 0
    """How many times in a row it was forbidden to write."""
    barred_until: float = 0.0
    """By the monotonic clock."""
    writes: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_WRITES))
    template: str = ""
    """A digest of the pod template that its owner asked for when it was last judged; see `follow`."""
    turned: float | None = None
    """When its owner has last replaced its pods, by the monotonic clock; None once that was made use of."""
    crowded: int = 0
    """The generation at which a pod of it was seen that found no place."""

    def follow(self, template: str, *, now: float) -> None:
        """Note the pod template that the owner asks for, and the moment when it has become another one."""
        if self.template not in ("", template):
            self.turned = now
        self.template = template

    def turns(self, *, now: float, settled: bool) -> bool:
        """Say whether its owner just replaces its pods, so that what replaces them may go along."""
        return self.turned is not None and (not settled or now - self.turned < ALONG_SECONDS)

    def pause(self, now: float) -> float:
        """Return how many seconds to wait because the workload was written too often."""
        return 0 if len(self.writes) < MOST_WRITES else WRITES_SECONDS - (now - self.writes[0])

    def forgive(self) -> None:
        """Forget what was forbidden, for reasons outside of the workload: rights and quotas."""
        self.refused = {key: each for key, each in self.refused.items() if not isinstance(each, Forbidden)}

    def bar(self, now: float) -> float:
        """Note that writing was forbidden; return for how many seconds it is not tried again."""
        if now >= self.barred_until:
            pause = min(LAST_BAR_SECONDS, FIRST_BAR_SECONDS * 2.0 ** min(self.bars, 10))
            self.bars, self.barred_until = self.bars + 1, now + pause
        return self.barred_until - now

    def less_refused(self, judgement: Judgement, *, now: float) -> Judgement:
        """Leave out of what is to be done what was refused under the same circumstances."""
        if now >= self.barred_until:
            self.forgive()
        if not self.refused:
            return judgement
        todo = judgement.todo
        patch = self.refused.get(judgement.circumstances(todo.patch)) if todo.patch else None
        budget = self.refused.get(judgement.circumstances(todo.budget.terms)) if todo.budget else None
        release = self.refused.get(judgement.circumstances(RELEASE)) if todo.clean else None
        failure = patch or budget
        if failure is None and release is None:
            return judgement
        left = replace(
            todo,
            patch={} if patch else todo.patch,
            budget=None if budget else todo.budget,
            clean=todo.clean and release is None,
        )
        case = replace(judgement.case, failure=failure and str(failure), unreleased=release and str(release))
        return replace(judgement, case=case, todo=left)

    @contextmanager
    def of_refusals(self, judgement: Judgement, written: object) -> Iterator[None]:
        """Remember it if the API server refuses what is written, and pass that on."""
        try:
            yield
        except Refused as error:
            self.refused[judgement.circumstances(written)] = error
            raise


class Memories(dict[str, Memory]):
    """What we remember of all workloads, by their uid."""

    def __missing__(self, uid: str) -> Memory:
        """Begin to remember."""
        memory = self[uid] = Memory()
        return memory

    def forgive(self) -> None:
        """Forget refusals that may have had reasons outside of the workload: rights and quotas."""
        for memory in self.values():
            memory.forgive()
