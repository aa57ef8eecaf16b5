"""How kube-scheduler makes room for a pod that fits nowhere: it deletes pods with a lower priority.

Source: the plugin DefaultPreemption of kube-scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from msgspec import Struct

from productionpolicy.drain.board import Board, Place
from productionpolicy.drain.cluster import Pod
from productionpolicy.drain.protection import Protection

_MOST_NODES = 100
"""How many nodes kube-scheduler compares at least; here it is never more."""

_NO_PRIORITY = 2**31
"""Added to each priority before they are summed up, so that fewer victims with negative priorities also count less."""


class Room(Struct, frozen=True):
    """A node, and the pods that are deleted so that another pod fits."""

    node: str
    victims: tuple[Pod, ...]
    violations: int
    """How many of them their budgets protect. kube-scheduler avoids that, but does not refrain from it."""

    @property
    def cost(self) -> tuple[int, ...]:
        """What kube-scheduler compares the nodes by before it looks at when the victims started."""
        priorities = [each.shape.priority for each in self.victims]
        return (
            self.violations,
            max(priorities),
            sum(each + _NO_PRIORITY for each in priorities),
            len(priorities),
        )

    @property
    def started(self) -> str:
        """When the first of the victims with the highest priority started."""
        highest = max(each.shape.priority for each in self.victims)
        return min(each.started for each in self.victims if each.shape.priority == highest)


def room_for(pod: Pod, board: Board, protection: Protection, dice: Random | None = None) -> Room | None:
    """Return where a pod gets room, and at whose cost; None if that helps nowhere.

    Args:
        pod: fits nowhere as it is.
        board: is the same afterwards.
        protection: the budgets.
        dice: chooses among equal nodes and pods; without dice it is the first one.
    """
    places = islice(board.preemptible(pod), _MOST_NODES)
    rooms = [room for place in places if (room := _room(pod, place, board, protection, dice))]
    if not rooms:
        return None
    least = min(each.cost for each in rooms)
    cheapest = [each for each in rooms if each.cost == least]
    latest = max(each.started for each in cheapest)
    best = [each for each in cheapest if each.started == latest]
    return dice.choice(best) if dice else best[0]


def _room(pod: Pod, place: Place, board: Board, protection: Protection, dice: Random | None) -> Room | None:
    """Return whom a node loses: all pods with a lower priority, less those that can stay.

    Those that a budget protects may stay first, then those with a higher priority, then those that started earlier.
    """
    name = place.node.name
    lower = [each for each in place.pods.values() if each.shape.priority < pod.shape.priority]
    if dice:
        dice.shuffle(lower)
    lower.sort(key=lambda each: (-each.shape.priority, each.started))
    for each in lower:
        board.take(each, name)
    fits, victims = board.takes(pod, place), list[Pod]()
    protected = {each.uid for each in _protected(lower, protection)} if fits else set[str]()
    for each in sorted(lower, key=lambda each: each.uid not in protected):
        board.put(each, name)
        if fits and not board.takes(pod, place):
            board.take(each, name)
            victims.append(each)
    for each in victims:
        board.put(each, name)
    return Room(name, tuple(victims), sum(each.uid in protected for each in victims)) if victims else None


def _protected(pods: Sequence[Pod], protection: Protection) -> Iterator[Pod]:
    """Yield the pods that exceed what their budgets allow if all of them are deleted in this order."""
    left: dict[str, int] = {}
    for pod in pods:
        budgets = protection.of(pod) if pod.labels else []
        for each in budgets:
            left[each.title] = left.get(each.title, protection.allowed(each)) - 1
        if any(left[each.title] < 0 for each in budgets):
            yield pod
