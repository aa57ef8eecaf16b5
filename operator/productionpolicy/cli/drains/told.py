"""What `productionpolicy drain` tells: the outcome now, and after the repairs of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from productionpolicy.cli.formats.origin import Origin
from productionpolicy.drain import Blocker, Dark, Key, NodeOutcome, Outcome, PendingPod, Result

NO_BLOCKER = (Result.DRAINS, Result.UNKNOWN, Result.LOST)
MOST_NAMES = 5
"""So many nodes are named."""


class Part(Struct, frozen=True):
    """An outcome of drains, or of the failure of one node or zone."""

    title: str
    """The node or zone that fails; empty for drains."""
    outcome: Outcome


class Told(Struct, frozen=True):
    """Everything to tell."""

    origin: Origin
    now: tuple[Part, ...]
    repaired: tuple[Part, ...] | None = None
    """The same after the repairs; None if nothing would be repaired, or if nobody asked."""
    repairs: int = 0
    """How many workloads would be repaired."""

    @property
    def exit_code(self) -> int:
        """1 if something blocks, goes dark or finds no node in the end; 3 if not everything is known; otherwise 0."""
        if not all(each.outcome.fine for each in self.now):
            return 1
        return 0 if all(each.outcome.known for each in self.now) else 3


def nodes_of(parts: tuple[Part, ...]) -> Iterator[NodeOutcome]:
    """Return what becomes of the nodes."""
    return (node for part in parts for node in part.outcome.nodes)


def dark_of(parts: tuple[Part, ...]) -> dict[tuple[str, str], Dark]:
    """Return the workloads without a ready pod, by the failure and their name."""
    return {(part.title, str(each.workload)): each for part in parts for each in part.outcome.dark}


def pending_of(parts: tuple[Part, ...]) -> list[tuple[str, PendingPod]]:
    """Return the pods that find no place in the end."""
    return [(part.title, each) for part in parts for each in part.outcome.new_pending]


def delayed_of(parts: tuple[Part, ...]) -> list[PendingPod]:
    """Return the pods that find no place until drained nodes are back.

    Of each workload, these are those of the moment at which most of its pods wait, less as many as wait in the end.
    """
    return [each for part in parts for each in _delayed(part.outcome)]


def _delayed(outcome: Outcome) -> Iterator[PendingPod]:
    most: dict[Key, list[PendingPod]] = {}
    for node in outcome.nodes:
        for workload, those in _by_workload(node.pending).items():
            most[workload] = max(most.get(workload, []), those, key=len)
    last = _by_workload(outcome.pending)
    for workload, those in most.items():
        names = {each.pod for each in last.get(workload, [])}
        yield from sorted(those, key=lambda each: each.pod in names)[: max(0, len(those) - len(names))]


def _by_workload(pods: Iterable[PendingPod]) -> dict[Key, list[PendingPod]]:
    found: dict[Key, list[PendingPod]] = {}
    for each in (each for each in pods if not each.before):
        found.setdefault(each.workload, []).append(each)
    return found


def jobs_of(parts: tuple[Part, ...]) -> dict[str, str]:
    """Return the Jobs that lose their work, each with what becomes of it if that is not another try."""
    given_up = {each for part in parts for each in part.outcome.given_up}
    jobs = sorted({each for part in parts for each in part.outcome.lost_work}, key=str)
    return {str(each): "gives up: its backoffLimit is exceeded" if each in given_up else "" for each in jobs}


def some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"


def first_blocker(parts: tuple[Part, ...]) -> tuple[str, Blocker] | None:
    """Return the first node that does not drain, and why."""
    return next(((node.node, node.blockers[0]) for node in nodes_of(parts) if node.blockers), None)
