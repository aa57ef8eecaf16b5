"""The play of a drain: evictions, successors, readiness, the next evictions, node after node."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice
from random import Random
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.drain.board import Board, Fit
from productionpolicy.drain.chance import Plays
from productionpolicy.drain.cluster import (
    COPIED_FROM_THE_NODE,
    LATEST,
    REVISION,
    Cluster,
    Controller,
    Key,
    Owner,
    Pod,
    Shape,
    Taint,
)
from productionpolicy.drain.kubectl import DrainFlags, evicted, remedy_of, undecided
from productionpolicy.drain.outcome import Blocker, Dark, NodeOutcome, Outcome, PendingPod, Result, Step
from productionpolicy.drain.preemption import room_for
from productionpolicy.drain.protection import Cause, Protection, Refusal
from productionpolicy.drain.reading import NEEDED
from productionpolicy.kube.pods import HOSTNAME

_ESSENTIAL = (
    "pods",
    "nodes",
    "poddisruptionbudgets.policy",
    "replicasets.apps",
    "deployments.apps",
    "statefulsets.apps",
    "jobs.batch",
    "replicationcontrollers",
)
PODS_IN_ALL_PLAYS = 19_000
"""How many pods all plays of a drain have together at most: large clusters are played less often, but at least once."""
QUIET_PLAYS = 100
"""After so many plays without anything new, no more are played."""

_HASTE = (0.0, 0.5, 1.0, 1.0)
"""How likely successors have their nodes before the next eviction of the same round."""

_Any = TypeVar("_Any")
_ORDINAL = re.compile(r"-([0-9]{1,9})\Z")
_REPLACED = frozenset({("apps", "ReplicaSet"), ("", "ReplicationController"), ("batch", "Job")})
_STATEFUL_SET = ("apps", "StatefulSet")
_DAEMON_SET = ("apps", "DaemonSet")

_UNREACHABLE = Taint("node.kubernetes.io/unreachable", "", "NoExecute")
"""The taint of a node that failed; pods that do not tolerate it without end are deleted (taint-eviction-controller)."""


class Options(Struct, frozen=True):
    """How the nodes are drained."""

    flags: DrainFlags = DrainFlags()
    surge: int = 0
    """How many new, empty nodes like the first ones come before the first drain."""
    parallel: int = 1
    """How many nodes are drained at once."""
    keep_cordoned: bool = False
    """Whether a drained node stays cordoned. Otherwise an empty node like it takes its place, as in an upgrade."""
    plays: int = 400
    """How often a drain is played at most, each time with other choices of the scheduler and another order."""


def drain(
    cluster: Cluster,
    order: Sequence[str],
    options: Options = Options(),  # noqa: B008  # frozen
    through: Callable[[Sequence[Sequence[str]]], Iterable[Sequence[str]]] = iter,
) -> Outcome:
    """Play the drain of nodes in the given order.

    The scheduler draws lots among equal nodes, pods wait for a node in an order that nobody can read, and kubectl
    evicts the pods of a node at the same time. So it is played several times, until further plays bring nothing new.
    Where the result of a node depends on such things, it is unknown; what is so in some plays only is not certain.

    Args:
        cluster: the cluster at the start.
        order: the names of the nodes.
        options: how the nodes are drained.
        through: wraps the iteration over the groups of nodes, for a progress bar.
    """
    plays = Plays(_drained(_Play(cluster, options), order, through))
    quiet = 0
    for number in range(1, min(options.plays, PODS_IN_ALL_PLAYS // max(1, len(cluster.pods)))):
        new = plays.add(_drained(_Play(cluster, options, Random(number)), order, iter))
        quiet = 0 if new else quiet + 1
        if quiet == QUIET_PLAYS:
            break
    return plays.combined()


def _drained(
    play: _Play, order: Sequence[str], through: Callable[[Sequence[Sequence[str]]], Iterable[Sequence[str]]]
) -> Outcome:
    play.add_nodes(islice(cycle(order), play.options.surge))
    play.begin()
    parallel = play.options.parallel
    groups = [order[start : start + parallel] for start in range(0, len(order), parallel)]
    outcomes = [each for group in through(groups) for each in play.drain(group)]
    return play.outcome(outcomes)


def lose(cluster: Cluster, nodes: Sequence[str], options: Options = Options()) -> Outcome:  # noqa: B008  # frozen
    """Play the failure of nodes, all at once: their pods stop, and after some minutes others replace them."""
    return next(lose_each(cluster, [nodes], options))


def lose_each(
    cluster: Cluster,
    groups: Iterable[Sequence[str]],
    options: Options = Options(),  # noqa: B008  # frozen
) -> Iterator[Outcome]:
    """Play the failure of each group of nodes, always from the same state."""
    play = _Play(cluster, options)
    play.begin()
    for group in groups:
        outcomes = play.lose(group)
        yield play.outcome(outcomes)
        play.recover()


class _Kept(Refusal, frozen=True):
    """Why a pod that is deleted does not end, so that kubectl waits for it."""

    why: str = ""
    """The same, without what kubectl does."""


class _Play:
    """The state of a cluster during a run."""

    def __init__(self, cluster: Cluster, options: Options, dice: Random | None = None) -> None:
        self.cluster, self.options, self._dice = cluster, options, dice
        self.board, self.protection = Board(cluster, dice), Protection(cluster)
        self._haste = dice.choice(_HASTE) if dice else 0.0
        self.placed: dict[str, str] = {}
        """The nodes of the pods that have one, by UID."""
        self.ready: set[str] = set()
        self.pending: dict[str, Pod] = {}
        self.reasons: dict[str, Fit] = {}
        self.members: defaultdict[str, dict[str, Pod]] = defaultdict(dict)
        """The pods that count for their owner, by its UID: those that are neither finished nor terminating, and the
        terminating ones for whose end it waits."""
        self.old: frozenset[str] = frozenset()
        """The pods that had no node before the first drain, by UID."""
        self.stopped: list[tuple[Pod, bool]] = []
        """The pods that the last failure stopped, and whether they were ready."""
        self.missing: defaultdict[str, list[tuple[Pod, int]]] = defaultdict(list)
        """The pods that an owner is going to replace, with the index of the step that ended them."""
        self.missing_before: dict[str, tuple[tuple[Pod, int], ...]] = {}
        self.failures: Counter[str] = Counter()
        self.finished: defaultdict[str, list[Pod]] = defaultdict(list)
        self.starting: list[Pod] = []
        """The pods that have a node, and become ready once all evictions of a round have happened."""
        self.deleted: dict[str, tuple[Pod, bool]] = {}
        """The pods that the scheduler or their Job deleted, and whether they were ready, by UID."""
        self.took_over: dict[Key, str] = {}
        """The pods for which pods of these workloads were deleted, by their title."""
        self.successors: dict[str, int] = {}
        """The index of the step that ended the predecessor of a pod, by UID."""
        self.steps: list[Step] = []
        self.unknown: dict[str, None] = {}
        self.rounds = 0
        self.number = 0
        self.made = self.made_before = 0
        self.lost_work: dict[Key, None] = {}
        self.given_up: dict[Key, None] = {}
        self.darkness = _Darkness()
        self._keys: dict[Owner, Key] = {}
        self._changed = True
        for pod in cluster.pods:
            self._enter(pod)
        for uid, controller in cluster.controllers.items():
            if controller.ordered and self.members[uid]:
                self.missing[uid] += [(each, -1) for each in _not_yet_created(controller, self.members[uid].values())]

    def _enter(self, pod: Pod) -> None:
        if pod.deleting and self._kept(pod) is None:
            self._leave_terminating(pod)
            return
        if pod.deleting or not pod.node:
            pod = replace(pod, ready=False)
        self.protection.add(pod, ready=pod.ready)
        if pod.finished:
            self.finished[pod.node].append(pod)
            return
        self._join(pod)
        if pod.ready:
            self.ready.add(pod.uid)
            self.darkness.light(self.key(pod), 0)

    def _join(self, pod: Pod) -> None:
        if pod.node:
            self.placed[pod.uid] = pod.node
        else:
            self.pending[pod.uid] = pod
        if pod.deleting:
            self._release(pod, step=-1)
        elif pod.owner is not None:
            self.members[pod.owner.uid][pod.uid] = pod

    def _leave_terminating(self, pod: Pod) -> None:
        """Let a terminating pod end before anything else."""
        if pod.node in self.board.places and not pod.finished:
            self.board.take(pod, pod.node)
        if pod.owner is not None:
            self.missing[pod.owner.uid].append((pod, -1))

    def key(self, pod: Pod) -> Key:
        """Return the workload of a pod: its uppermost known owner, or the pod itself."""
        if pod.owner is None:
            return Key(pod.namespace, "Pod", pod.name)
        found = self._keys.get(pod.owner)
        if found is None:
            controller = self.cluster.controllers.get(pod.owner.uid)
            above = controller.owner if controller else None
            kind, name = (above.kind, above.name) if above else (pod.owner.kind, pod.owner.name)
            found = self._keys[pod.owner] = Key(pod.namespace, kind, name)
        return found

    def add_nodes(self, like: Iterable[str]) -> None:
        """Add an empty node like each of these, with the pods of its DaemonSets."""
        for number, name in enumerate(like, start=1):
            place = self.board.places[name]
            node, surge = place.node.replacement, f"surge-{number}"
            self.board.add_node(replace(node, name=surge, labels={**node.labels, HOSTNAME: surge}))
            for pod in list(place.pods.values()):
                if pod.owner is not None and (pod.owner.group, pod.owner.kind) == _DAEMON_SET:
                    self.made += 1
                    self.board.put(replace(pod, uid=f"new-{self.made}", node=surge, deleting=False), surge)

    def begin(self) -> None:
        """Let everything that is under way end before the first drain."""
        self.settle()
        self.deleted.clear()
        self.lost_work.clear()
        self.given_up.clear()
        self.successors.clear()
        self.old = frozenset(self.pending)
        self.made_before = self.made
        self.missing_before = {uid: tuple(those) for uid, those in self.missing.items() if those}

    def drain(self, names: Sequence[str]) -> Iterator[NodeOutcome]:
        """Drain nodes at once; then put empty ones in the place of those that are drained."""
        known = [each for each in names if each in self.board.places]
        for name in known:
            self.board.places[name].cordoned = True
        self.unknown.clear()
        first = len(self.steps)
        for name in known:
            self.unknown.update(dict.fromkeys(undecided(self._pods_on(name), self.cluster, self.options.flags)))
        begun = [(name, *evicted(self._pods_on(name), self.cluster, self.options.flags)) for name in known]
        drained = self._evict([pod for _, pods, refused in begun if not refused for pod in pods])
        outcomes = [
            self._refused(name, refused) if refused else self._ended(name, pods, drained, self.steps[first:])
            for name, pods, refused in begun
        ]
        yield from outcomes
        self._replace(
            name for name, pods, refused in begun if not refused and not {each.uid for each in pods} & {*drained}
        )

    def _replace(self, names: Iterable[str]) -> None:
        """Let nodes be used again. A successor that tolerates the cordon may be on them already."""
        for name in names:
            if not self.options.keep_cordoned:
                self.board.renew(name)
                self._changed = True
        self.settle()

    def _pods_on(self, name: str) -> list[Pod]:
        return [*self.board.places[name].pods.values(), *self.finished[name]]

    def _evict(self, pods: list[Pod]) -> dict[str, Refusal]:
        """Evict pods in rounds until no more can be; return the refusals of those that stay, by UID."""
        failed: dict[str, Refusal] = {}
        left = pods
        while left:
            self.rounds += 1
            refused = [(each, answer) for each in self._shuffled(left) if (answer := self._evicted(each)) is not None]
            failed.update({each.uid: answer for each, answer in refused if answer.permanent})
            waiting = [each for each, answer in refused if not answer.permanent]
            moved = self.settle()
            if len(refused) == len(left) and not moved:
                return {**failed, **{each.uid: answer for each, answer in refused}}
            left = waiting
        return failed

    def _evicted(self, pod: Pod) -> Refusal | None:
        """Evict a pod, or return why the API server does not, or why the pod does not end."""
        if pod.uid not in self.placed and not pod.finished:
            return None  # others have deleted it
        pod = self.board.places[pod.node].pods.get(pod.uid, pod)
        if pod.deleting:
            return self._kept(pod)
        refusal = self.protection.refusal(pod, ready=pod.uid in self.ready, phase=pod.phase)
        if refusal is not None:
            return refusal
        self.number += 1
        key = self.key(pod)
        self.steps.append(Step(self.number, pod.title, key, self.rounds))
        kept = self._delete(pod, step=len(self.steps) - 1)
        if key.kind in {"Job", "CronJob"} and not pod.finished:
            self.lost_work[key] = None
        if self._dice and self._dice.random() < self._haste:
            self._react()
        return kept

    def _delete(self, pod: Pod, *, step: int) -> _Kept | None:
        """Delete a pod, and return why it does not end."""
        kept = self._kept(pod)
        if kept is None:
            self._end(pod, step=step)
        else:
            self._linger(pod, step=step)
        if pod.finalizer:
            self.unknown[_held(pod).why] = None
        return kept

    def _kept(self, pod: Pod) -> _Kept | None:
        """Return why a pod does not end once it is deleted; None if it does.

        The API server removes finished pods at once, and podgc those whose node does not exist.
        """
        place = self.board.places.get(pod.node)
        if place is None:
            return None
        if place.node.silent and not pod.finished:
            return _unanswered(pod.node)
        return _held(pod) if pod.deleting and pod.finalizer else None

    def _react(self) -> None:
        """Let controllers and the scheduler act between two evictions.

        What is placed then can help pods that wait, if these have rules about other pods.
        """
        self._replace_all()
        for pod in self._shuffled([each for each in self.pending.values() if each.shape.affinity or each.shape.spread]):
            self._try(pod)

    def _end(self, pod: Pod, *, step: int) -> None:
        """Let a pod end, and note it for its owner."""
        ready = pod.uid in self.ready
        self._changed = True
        if pod.finished:
            self.finished[pod.node].remove(pod)
            self.protection.remove(pod, ready=ready)
            return
        self.board.take(pod, self.placed.pop(pod.uid))
        self._dim(pod)
        self.protection.remove(pod, ready=False)
        if pod.owner is not None:
            self.members[pod.owner.uid].pop(pod.uid, None)
            self.missing[pod.owner.uid].append((pod, step))

    def _dim(self, pod: Pod) -> None:
        """Let a pod be ready no more."""
        if pod.uid in self.ready:
            self.ready.discard(pod.uid)
            self.protection.remove(pod, ready=True)
            self.protection.add(pod, ready=False)
            self.darkness.dim(self.key(pod), self.number)

    def _linger(self, pod: Pod, *, step: int) -> None:
        """Let a pod that is deleted stay on its node, where no kubelet ends it."""
        self._dim(pod)
        ending = replace(pod, deleting=True, ready=False)
        self.board.take(pod, pod.node)
        self.board.put(ending, pod.node)
        self._release(ending, step=step)
        self._changed = True

    def _release(self, pod: Pod, *, step: int) -> None:
        """Let a terminating pod be replaced before it has ended, unless its owner waits for that."""
        if pod.owner is None:
            return
        if self._is_awaited(pod):
            self.members[pod.owner.uid][pod.uid] = pod
        else:
            self.members[pod.owner.uid].pop(pod.uid, None)
            self.missing[pod.owner.uid].append((pod, step))

    def _is_awaited(self, pod: Pod) -> bool:
        """Return whether a pod can be replaced only once it has ended: for its name, its Job, or its volume."""
        if pod.owner is None:
            return False
        controller = self.cluster.controllers.get(pod.owner.uid)
        if (pod.owner.group, pod.owner.kind) == _STATEFUL_SET or (controller is not None and controller.waits):
            return True
        claims = (self.cluster.claims.get((pod.namespace, each)) for each in pod.claims)
        return any(each and each.one_node for each in claims)

    def settle(self) -> bool:
        """Let the controllers, the scheduler and the kubelets do all that they can; return whether anything changed."""
        moved = False
        while self._changed:
            self._changed = False
            before = self.made, len(self.ready), len(self.pending)
            self._replace_all()
            self._place_pending()
            self._start()
            changed = before != (self.made, len(self.ready), len(self.pending))
            moved = moved or changed
            self._changed = changed and bool(self.pending or any(self.missing.values()))
        return moved

    def _replace_all(self) -> None:
        for uid in self._shuffled([uid for uid, those in self.missing.items() if those]):
            self._replace_missing(uid)

    def _start(self) -> None:
        """Let the pods become ready that have got a node."""
        for pod in (each for each in self.starting if each.uid in self.placed):
            self.ready.add(pod.uid)
            self.protection.become_ready(pod)
            self.darkness.light(self.key(pod), self.number)
        self.starting.clear()

    def _replace_missing(self, uid: str) -> None:
        pod = self.missing[uid][0][0]
        assert pod.owner is not None
        controller = self.cluster.controllers.get(uid)
        kind = (pod.owner.group, pod.owner.kind)
        if kind == _STATEFUL_SET and controller is not None:
            self._replace_ordinals(uid, controller)
        elif kind == _DAEMON_SET:
            self._replace_deleted(self.missing.pop(uid))
        else:
            self._replace_freely(uid, controller, kind)

    def _replace_deleted(self, gone: list[tuple[Pod, int]]) -> None:
        """Replace the pods of a DaemonSet that were deleted for others; it wants none on a node that failed."""
        for pod, step in gone:
            if pod.uid in self.deleted:
                self.made += 1
                self._begin(replace(pod, uid=f"new-{self.made}", name=f"{pod.name}-new{self.made}"), step)

    def _replace_freely(self, uid: str, controller: Controller | None, kind: tuple[str, str]) -> None:
        """Replace pods up to the wanted number. A Job counts each as a failure, and gives up after some."""
        gone, self.missing[uid] = self.missing[uid], []
        if kind not in _REPLACED or controller is None:
            self.unknown[f"whether {gone[0][0].owner.kind} {gone[0][0].owner.name} replaces its pods"] = None  # type: ignore[union-attr]  # only owned pods are missing
        wanted = len(gone) if controller is None else controller.replicas - len(self.members[uid])
        if kind == ("batch", "Job") and controller is not None:
            self.failures[uid] += len(gone)
            if self.failures[uid] > controller.retries:
                key = self.key(gone[0][0])
                self.lost_work[key] = self.given_up[key] = None
                self._fail(uid)
                return
        for pod, step in gone[: max(0, wanted)]:
            self.made += 1
            name = f"{pod.owner.name if pod.owner else pod.name}-new{self.made}"
            self._begin(replace(pod, uid=f"new-{self.made}", name=name), step)

    def _fail(self, uid: str) -> None:
        """Fail a Job. Its controller deletes the remaining pods without checking disruption budgets."""
        for pod in [*self.members[uid].values()]:
            self.lost_work[self.key(pod)] = None
            self.deleted[pod.uid] = pod, pod.uid in self.ready
            if self.pending.pop(pod.uid, None) is None:
                self._delete(pod, step=-1)
            else:
                self.protection.remove(pod, ready=False)
        self.members[uid].clear()
        self.missing[uid].clear()

    def _replace_ordinals(self, uid: str, controller: Controller) -> None:
        """Create the missing pods of a StatefulSet under their old names.

        With OrderedReady, it creates one only when all pods before it are ready.
        """
        gone = {_ordinal(pod): (pod, step) for pod, step in self.missing[uid]}
        there = {_ordinal(pod): pod for pod in self.members[uid].values()}
        first = controller.first_ordinal
        for ordinal in sorted({*gone, *there}):
            if not first <= ordinal < first + controller.replicas:
                gone.pop(ordinal, None)
            elif ordinal in gone and ordinal not in there:
                pod, step = gone.pop(ordinal)
                self.made += 1
                there[ordinal] = replace(self._of_revision(pod, controller), uid=f"new-{self.made}")
                self._begin(there[ordinal], step)
            if controller.ordered and ordinal in there and there[ordinal].uid not in self.ready:
                break
        self.missing[uid] = list(gone.values())

    def _of_revision(self, pod: Pod, controller: Controller) -> Pod:
        """Return a pod of a StatefulSet as it would be of the revision of which its successor is created."""
        revision = controller.revision(_ordinal(pod))
        if revision in {"", pod.revision}:
            return pod
        others = (each for each in self.cluster.pods if each.owner is not None and each.owner.uid == controller.uid)
        example = next((each for each in others if each.revision == revision), None)
        if example is not None:
            return replace(pod, shape=example.shape, labels=_labelled(pod, revision), sound=example.sound)
        if revision != controller.update_revision or not _places_alike(pod.shape, controller.template):
            self.unknown[f"where {pod.title} runs: its successor is the first pod of another template"] = None
        return pod

    def _begin(self, pod: Pod, step: int) -> None:
        """Create a pod, and let it run if a node takes it."""
        labels = pod.labels
        if any(name in COPIED_FROM_THE_NODE for name, _ in labels):
            labels = tuple(each for each in labels if each[0] not in COPIED_FROM_THE_NODE)
        pod = replace(pod, node="", labels=labels, deleting=False, ready=False, started=LATEST)
        assert pod.owner is not None
        self.members[pod.owner.uid][pod.uid] = pod
        self.protection.add(pod, ready=False)
        if step >= 0:
            self.steps[step] = replace(self.steps[step], successor=pod.title)
        self.pending[pod.uid] = pod
        self.successors[pod.uid] = step
        self._try(pod)

    def _place_pending(self) -> None:
        """Try all pods without a node again, those with a higher priority first."""
        tried: set[tuple[object, ...]] = set()
        for pod in sorted(self._shuffled([*self.pending.values()]), key=lambda each: -each.shape.priority):
            alike = (pod.namespace, pod.labels, id(pod.shape), pod.claims)
            if alike not in tried and not self._try(pod):
                tried.add(alike)

    def _shuffled(self, these: list[_Any]) -> list[_Any]:
        """Return what happens at the same time, in one of the orders that are possible."""
        return self._dice.sample(these, k=len(these)) if self._dice else these

    def _try(self, pod: Pod) -> bool:
        if pod.gated:
            return False
        fit = self.board.fit(pod)
        self.reasons[pod.uid] = fit
        for each in fit.unknown if pod.uid not in self.old else ():
            self.unknown[f"where {pod.title} runs: {each}"] = None
        node = fit.node or self._preempt(pod)
        if node is None:
            return False
        self._run(pod, node)
        return True

    def _preempt(self, pod: Pod) -> str | None:
        """Delete pods with a lower priority, if that makes room for a pod; return the node."""
        room = room_for(pod, self.board, self.protection, self._dice)
        if room is None:
            return None
        for each in room.victims:
            self.deleted[each.uid] = each, each.uid in self.ready
            self.took_over[self.key(each)] = pod.title
            self._delete(each, step=-1)
        return room.node

    def _run(self, pod: Pod, node: str) -> None:
        del self.pending[pod.uid]
        sound = pod.sound and not self.board.places[node].node.silent
        pod = replace(pod, node=node, phase="Running" if sound else pod.phase)
        if pod.owner is not None:
            self.members[pod.owner.uid][pod.uid] = pod
        self.board.put(pod, node)
        self.placed[pod.uid] = node
        if sound:
            self.starting.append(pod)
        step = self.successors.get(pod.uid, -1)
        if step >= 0:
            self.steps[step] = replace(self.steps[step], to=node, ready=sound)

    def _refused(self, name: str, refused: list[tuple[Pod, str]]) -> NodeOutcome:
        blockers = tuple(
            Blocker(pod.title, self.key(pod), f"kubectl does not begin: {reason}", remedy_of(reason))
            for pod, reason in refused
        )
        return NodeOutcome(name, Result.REFUSED, blockers=blockers, pending=self._pending())

    def _ended(self, name: str, pods: list[Pod], failed: dict[str, Refusal], recent: list[Step]) -> NodeOutcome:
        titles = {each.title for each in pods}
        steps = tuple(each for each in recent if each.pod in titles)
        left = [each for each in pods if each.uid in failed]
        blockers = tuple(self._blocker(each, failed[each.uid]) for each in left)
        unknown = (
            *self._unread(),
            *self.unknown,
            *(failed[each.uid].reason for each in left if failed[each.uid].unknown),
        )
        return NodeOutcome(
            name,
            self._result(left, failed, unknown=bool(unknown)),
            steps,
            blockers,
            self._pending(),
            unknown if not left or any(failed[each.uid].unknown for each in left) else (),
        )

    def _result(self, left: list[Pod], failed: dict[str, Refusal], *, unknown: bool) -> Result:
        if not left:
            return Result.UNKNOWN if unknown else Result.DRAINS
        certain = [each for each in left if not failed[each.uid].unknown]
        if not certain:
            return Result.UNKNOWN
        answers = [failed[each.uid] for each in certain]
        if all(isinstance(each, _Kept) or self._waited_for(each) for each in answers):
            return Result.STUCK
        return Result.BLOCKED

    def _waited_for(self, refusal: Refusal) -> list[Pod]:
        """Return the pods without a node for which the budgets of a refusal wait."""
        return [
            each
            for each in self.pending.values()
            if any(guarded.title in refusal.budgets for guarded in self.protection.of(each)) and not refusal.permanent
        ]

    def _blocker(self, pod: Pod, refusal: Refusal) -> Blocker:
        waiting = self._waited_for(refusal)
        key = self.key(pod)
        if waiting:
            first = waiting[0]
            reason = f"{refusal.reason}, because {first.title} fits nowhere: {self._reason(first)}"
            return Blocker(pod.title, key, reason, "give the pod a node that takes it", refusal.budgets)
        ending = self._awaited_beside(pod)
        if ending is not None and refusal.budgets and not refusal.permanent:
            reason = f"{refusal.reason}, because {ending[0].title} does not end: {ending[1].why}"
            return Blocker(pod.title, key, reason, ending[1].cause.value, refusal.budgets)
        return Blocker(pod.title, key, refusal.reason, refusal.cause.value, refusal.budgets)

    def _awaited_beside(self, pod: Pod) -> tuple[Pod, _Kept] | None:
        """Return a pod of the same owner that does not end, so that nothing replaces it, and why."""
        members = self.members[pod.owner.uid].values() if pod.owner else ()
        return next(((each, kept) for each in members if each.deleting and (kept := self._kept(each))), None)

    def _reason(self, pod: Pod) -> str:
        if pod.gated:
            return "it has scheduling gates"
        fit, other = self.reasons.get(pod.uid), self.took_over.get(self.key(pod))
        sentence = fit.sentence if fit else "it was not tried"
        return f"{sentence}; kube-scheduler made room for {other}, which has a higher priority" if other else sentence

    def _pending(self) -> tuple[PendingPod, ...]:
        found = sorted(self.pending.values(), key=lambda each: each.title)
        return tuple(
            PendingPod(
                each.title,
                self.key(each),
                self._reason(each),
                self.reasons[each.uid].unknown if each.uid in self.reasons else (),
                before=each.uid in self.old,
            )
            for each in found
        )

    def _unread(self) -> tuple[str, ...]:
        unread = self.cluster.unread
        return tuple(
            f"the {NEEDED[kind]} could not all be read: {unread[kind]}" for kind in _ESSENTIAL if kind in unread
        )

    def lose(self, names: Sequence[str]) -> list[NodeOutcome]:
        """Let nodes fail. Nobody deletes the pods on them that tolerate this without end."""
        known = [each for each in names if each in self.board.places]
        self.number, self.rounds, self.steps, self.darkness.longest = 1, 1, [], {}
        self.unknown.clear()
        for name in known:
            self.board.places[name].failed = True
        pods = (each for name in known for each in self.board.places[name].pods.values() if not each.deleting)
        self.stopped = [(each, each.uid in self.ready) for each in sorted(pods, key=lambda pod: pod.title)]
        for pod, _ in self.stopped:
            self.steps.append(Step(1, pod.title, self.key(pod), 1))
            if pod.shape.outlasts(_UNREACHABLE):
                self._dim(pod)
            else:
                self._linger(pod, step=len(self.steps) - 1)
        self.settle()
        pending, unknown = self._pending(), (*self._unread(), *self.unknown)
        return [
            NodeOutcome(name, Result.LOST, tuple(self._steps_on(name)), pending=pending, unknown=unknown)
            for name in known
        ]

    def _steps_on(self, name: str) -> Iterator[Step]:
        return (step for (pod, _), step in zip(self.stopped, self.steps, strict=True) if pod.node == name)

    def recover(self) -> None:
        """Return to the state before the last failure."""
        gone = {each.uid: (each, ready) for each, ready in (*self.deleted.values(), *self.stopped)}.values()
        stopped = {each.owner.uid for each, _ in gone if each.owner}
        made = [pod for uid in stopped for pod in self.members[uid].values() if pod.uid in self.successors]
        for pod in made:
            self._undo(pod)
        for pod, ready in gone:
            if pod.uid not in self.successors:
                self._forget(pod)
                self._resume(pod, ready=ready)
        self.deleted.clear()
        self.took_over.clear()
        self.lost_work.clear()
        self.given_up.clear()
        self.successors.clear()
        self.failures.clear()
        self.missing.clear()
        self.missing.update({uid: list(those) for uid, those in self.missing_before.items()})
        self.made = self.made_before
        for place in self.board.places.values():
            place.failed = False
        self._changed = False

    def _undo(self, pod: Pod) -> None:
        """Let a successor never have been."""
        assert pod.owner is not None
        ready = pod.uid in self.ready
        if self.pending.pop(pod.uid, None) is None:
            self.board.take(pod, self.placed.pop(pod.uid))
        self.protection.remove(pod, ready=ready)
        self.ready.discard(pod.uid)
        del self.members[pod.owner.uid][pod.uid]
        if ready:
            self.darkness.dim(self.key(pod), self.number)

    def _forget(self, pod: Pod) -> None:
        """Remove what is left of a pod on its node."""
        if self.placed.pop(pod.uid, None) is not None:
            left = self.board.places[pod.node].pods[pod.uid]
            self.board.take(left, pod.node)
            self.protection.remove(left, ready=pod.uid in self.ready)

    def _resume(self, pod: Pod, *, ready: bool) -> None:
        """Let a pod run again where it ran, or wait for a node as it did."""
        if pod.node:
            self.board.put(pod, pod.node)
        self.protection.add(pod, ready=ready)
        self._join(pod)
        if ready:
            self.ready.add(pod.uid)
            self.darkness.light(self.key(pod), self.number)

    def outcome(self, nodes: list[NodeOutcome]) -> Outcome:
        """Return what the run led to."""
        return Outcome(
            tuple(nodes),
            self.darkness.found(self.number),
            self._pending(),
            tuple(sorted(self.lost_work)),
            self._unread(),
            tuple(sorted(self.given_up)),
        )


class _Darkness:
    """Which workloads have no ready pod, and for how many steps."""

    def __init__(self) -> None:
        self._ready: Counter[Key] = Counter()
        self._since: dict[Key, int] = {}
        self.longest: dict[Key, Dark] = {}

    def light(self, key: Key, number: int) -> None:
        """Count a pod that became ready after a step."""
        self._ready[key] += 1
        since = self._since.pop(key, None)
        if since is not None:
            self._note(Dark(key, number - since + 1, since))

    def dim(self, key: Key, number: int) -> None:
        """Count a pod that ended in a step."""
        self._ready[key] -= 1
        if not self._ready[key] and key.kind not in {"Job", "CronJob", "DaemonSet"}:
            self._since[key] = number

    def found(self, number: int) -> tuple[Dark, ...]:
        """Return the longest run of each workload, up to the last step."""
        for key, since in self._since.items():
            self._note(Dark(key, number - since + 1, since, lasts=True))
        return tuple(self.longest[key] for key in sorted(self.longest))

    def _note(self, dark: Dark) -> None:
        known = self.longest.get(dark.workload)
        if known is None or dark.lasts or dark.steps > known.steps:
            self.longest[dark.workload] = dark


def _not_yet_created(controller: Controller, pods: Iterable[Pod]) -> Iterator[Pod]:
    """Yield the pods that a StatefulSet creates once those before them are ready. They are like one that is there."""
    there = {_ordinal(each): each for each in pods}
    like = there[max(there)]
    for ordinal in range(controller.first_ordinal, controller.first_ordinal + controller.replicas):
        if ordinal > max(there):
            name = _ORDINAL.sub(f"-{ordinal}", like.name)
            claims = tuple(re.sub(rf"-{re.escape(like.name)}\Z", f"-{name}", each) for each in like.claims)
            yield replace(like, name=name, uid=f"{controller.uid}-{ordinal}", claims=claims, node="")


def _ordinal(pod: Pod) -> int:
    found = _ORDINAL.search(pod.name)
    return int(found.group(1)) if found else 0


def _labelled(pod: Pod, revision: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, revision if name == REVISION else value) for name, value in pod.labels)


def _places_alike(shape: Shape, template: Shape | None) -> bool:
    """Return whether pods of a template run where a pod does, whose priority and tolerations admission completed."""
    if template is None:
        return False
    same = replace(template, size=shape.size, priority=shape.priority, tolerations=shape.tolerations)
    return same == shape and set(template.tolerations) <= set(shape.tolerations)


def _unanswered(node: str) -> _Kept:
    why = f"the kubelet of {node} does not answer"
    return _Kept(f"{why}, so kubectl waits for its pods", Cause.SILENT_NODE, permanent=True, why=why)


def _held(pod: Pod) -> _Kept:
    why = f"the finalizer {pod.finalizer} keeps {pod.title}, and who removes it is not known"
    return _Kept(f"{why}, so kubectl may wait without end", Cause.FINALIZER, permanent=True, unknown=True, why=why)
