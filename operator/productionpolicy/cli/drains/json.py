"""JSON for programs. docs/drain.schema.json is generated from these types."""

from __future__ import annotations

from typing import TextIO

import msgspec

from productionpolicy.cli.drains.told import Part, Told
from productionpolicy.cli.formats.json import write_struct
from productionpolicy.drain import Blocker, Dark, Key, NodeOutcome, Outcome, PendingPod, Result, Step


class Name(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workload, or a pod without an owner."""

    namespace: str
    kind: str
    name: str


class Eviction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pod that leaves a node; `to` is the node of its successor (null: none), `round` groups evictions at once."""

    number: int
    round: int
    pod: str
    workload: Name
    successor: str | None
    to: str | None
    ready: bool


class Obstacle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pod that does not leave a node, the budgets that forbid it, the reason and the remedy.

    `certain` is false if it depends on the choices of the scheduler or on the order of the evictions.
    """

    pod: str
    workload: Name
    budgets: list[str]
    reason: str
    remedy: str
    certain: bool


class Waiting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pod that fits nowhere; `before` says whether it had no node before, either.

    `certain` is false if it depends on the choices of the scheduler or on the order of the evictions.
    """

    pod: str
    workload: Name
    reason: str
    unknown: list[str]
    before: bool
    certain: bool


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a node."""

    name: str
    result: Result
    steps: list[Eviction]
    blockers: list[Obstacle]
    pending: list[Waiting]
    unknown: list[str]


class Darkness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workload without a ready pod, for how many steps and from which; `lasts` says whether to the end.

    `certain` is false if it depends on the choices of the scheduler or on the order of the evictions.
    """

    workload: Name
    steps: int
    first: int
    lasts: bool
    certain: bool


class Run(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The drains of all nodes, or the failure of one node or zone, which `fails` names.

    The Jobs of `givenUp` are those of `lostWork` that fail for good, because of their backoffLimit.
    """

    fails: str | None
    nodes: list[Node]
    dark: list[Darkness]
    pending: list[Waiting]
    lost_work: list[Name]
    given_up: list[Name]
    unread: list[str]


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The output of `productionpolicy drain -o json`; `repaired` is the same after the repairs of the policy."""

    now: list[Run]
    repaired: list[Run] | None
    workloads_to_repair: int


def write(told: Told, out: TextIO) -> None:
    """Write the report as JSON."""
    write_struct(report(told), out)


def report(told: Told) -> Report:
    """Return the report."""
    return Report(
        now=list(map(_run, told.now)),
        repaired=None if told.repaired is None else list(map(_run, told.repaired)),
        workloads_to_repair=told.repairs,
    )


def _run(part: Part) -> Run:
    outcome: Outcome = part.outcome
    return Run(
        fails=part.title or None,
        nodes=list(map(_node, outcome.nodes)),
        dark=list(map(_darkness, outcome.dark)),
        pending=list(map(_waiting, outcome.pending)),
        lost_work=list(map(_name, outcome.lost_work)),
        given_up=list(map(_name, outcome.given_up)),
        unread=list(outcome.unread),
    )


def _name(key: Key) -> Name:
    return Name(namespace=key.namespace, kind=key.kind, name=key.name)


def _node(node: NodeOutcome) -> Node:
    return Node(
        name=node.node,
        result=node.result,
        steps=list(map(_eviction, node.steps)),
        blockers=list(map(_obstacle, node.blockers)),
        pending=list(map(_waiting, node.pending)),
        unknown=list(node.unknown),
    )


def _eviction(step: Step) -> Eviction:
    return Eviction(
        number=step.number,
        round=step.round,
        pod=step.pod,
        workload=_name(step.workload),
        successor=step.successor or None,
        to=step.to or None,
        ready=step.ready,
    )


def _obstacle(blocker: Blocker) -> Obstacle:
    return Obstacle(
        pod=blocker.pod,
        workload=_name(blocker.workload),
        budgets=list(blocker.budgets),
        reason=blocker.reason,
        remedy=blocker.remedy,
        certain=blocker.certain,
    )


def _waiting(pod: PendingPod) -> Waiting:
    return Waiting(
        pod=pod.pod,
        workload=_name(pod.workload),
        reason=pod.reason,
        unknown=list(pod.unknown),
        before=pod.before,
        certain=pod.certain,
    )


def _darkness(dark: Dark) -> Darkness:
    return Darkness(
        workload=_name(dark.workload), steps=dark.steps, first=dark.first, lasts=dark.lasts, certain=dark.certain
    )
