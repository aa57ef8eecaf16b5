"""What a drain, or the loss of nodes, leads to."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from productionpolicy.drain.cluster import Key


class Result(StrEnum):
    """What becomes of a node."""

    DRAINS = "drains"
    """All pods leave it. Their successors may still find no place: see `pending`."""
    BLOCKED = "blocked"
    """A budget never allows an eviction."""
    STUCK = "stuck"
    """A budget waits for a pod that fits nowhere, or kubectl for pods whose kubelet does not answer."""
    REFUSED = "refused"
    """kubectl does not begin."""
    UNKNOWN = "unknown"
    """Something that decides it is not known."""
    LOST = "lost"
    """The node failed."""


class Step(Struct, frozen=True):
    """The eviction of a pod, and what follows from it."""

    number: int
    """Counted over the whole run, from 1."""
    pod: str
    workload: Key
    round: int
    """Evictions of the same round happen before a successor is ready."""
    successor: str = ""
    """The pod that replaces it; empty if none does."""
    to: str = ""
    """The node of the successor; empty if it fits nowhere, or if there is none."""
    ready: bool = False
    """Whether the successor becomes ready."""


class Blocker(Struct, frozen=True):
    """Why a node does not drain."""

    pod: str
    workload: Key
    reason: str
    remedy: str
    budgets: tuple[str, ...] = ()
    """The budgets that do not allow the eviction, as `namespace/name`."""
    certain: bool = True
    """Whether it is so in all plays; otherwise chance decides."""


class PendingPod(Struct, frozen=True):
    """A pod without a node, and why no node takes it."""

    pod: str
    workload: Key
    reason: str
    unknown: tuple[str, ...] = ()
    before: bool = False
    """Whether it had no node before, either."""
    certain: bool = True
    """Whether a pod of its workload has no node in all plays; otherwise chance decides."""


class NodeOutcome(Struct, frozen=True):
    """What becomes of one node."""

    node: str
    result: Result
    steps: tuple[Step, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    pending: tuple[PendingPod, ...] = ()
    """All pods without a node after this node, also those from before."""
    unknown: tuple[str, ...] = ()
    """What decides the result and is not known."""

    @property
    def returned(self) -> int:
        """How many pods have a successor on this node, because it tolerates the cordon."""
        return sum(each.to == self.node for each in self.steps)


class Dark(Struct, frozen=True):
    """A workload that has no ready pod for some time."""

    workload: Key
    steps: int
    """The longest run of steps without a ready pod."""
    first: int
    """The number of the first step of this run."""
    lasts: bool = False
    """Whether it has no ready pod at the end."""
    certain: bool = True
    """Whether it is so in all plays; otherwise chance decides."""


class Outcome(Struct, frozen=True):
    """What the whole run leads to."""

    nodes: tuple[NodeOutcome, ...]
    dark: tuple[Dark, ...] = ()
    pending: tuple[PendingPod, ...] = ()
    """The pods without a node at the end."""
    lost_work: tuple[Key, ...] = ()
    """The Jobs whose pods were evicted, so that they begin again, unless they give up."""
    unread: tuple[str, ...] = ()
    """What could not be read, as sentences."""
    given_up: tuple[Key, ...] = ()
    """The Jobs that fail for good, because more of their pods fail than their backoffLimit allows."""

    @property
    def fine(self) -> bool:
        """Whether no node that is drained keeps pods, nothing goes dark and every pod finds a place in the end."""
        good = {Result.DRAINS, Result.UNKNOWN, Result.LOST}
        return all(each.result in good for each in self.nodes) and not self.dark and not self.new_pending

    @property
    def known(self) -> bool:
        """Whether nothing that decides the outcome is unknown."""
        return not self.unread and not any(each.unknown for each in self.nodes)

    @property
    def new_pending(self) -> tuple[PendingPod, ...]:
        """The pods that find no place, and had one before."""
        return tuple(each for each in self.pending if not each.before)
