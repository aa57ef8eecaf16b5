"""What was predicted, against what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from drains.play import NodeResult, Result, Verdict

UNKNOWN = "unknown"


class Kind(StrEnum):
    """How a prediction can be wrong."""

    FALSE_DRAINS = "drains, but does not"
    """The worst: who trusts it begins a drain that never ends."""

    FALSE_LIGHT = "never without a ready pod, but was"
    """As bad: an outage that nobody expects."""

    FALSE_BLOCK = "does not drain, but does"
    BUDGET = "another budget, rule or pod"
    PENDING = "other pods without a node"
    FALSE_DARK = "without a ready pod, but was not"
    UNKNOWN = "unknown"
    """Not wrong, but what follows in the same cluster cannot be compared."""

    @property
    def fatal(self) -> bool:
        """Whether it must never happen."""
        return self in (Kind.FALSE_DRAINS, Kind.FALSE_LIGHT)


@dataclass(frozen=True, slots=True)
class PredictedNode:
    """What is said of one node before it is drained."""

    node: str
    verdict: Verdict | None
    """None: what decides it is not known."""

    budgets: frozenset[str] = frozenset()
    pending: tuple[str, ...] = ()
    """The workload of each pod without a node after it."""

    reason: str = ""
    or_else: Verdict | None = None
    """What chance may make of it instead."""

    perhaps_budgets: frozenset[str] = frozenset()
    """The budgets that also prevent it if chance will have it."""

    perhaps_pending: tuple[str, ...] = ()
    """The workload of each pod that is also without a node if chance will have it."""

    by_chance: bool = False
    """Whether the verdict is not known because chance decides it."""

    pending_known: bool = True
    """Whether it is known where the pods that wait can run; of one whose claim has no volume, for one, it is not."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is said of a drain before it begins."""

    nodes: tuple[PredictedNode, ...]
    dark: frozenset[str]
    perhaps_dark: frozenset[str] = frozenset()
    """The workloads that go dark, too, if chance will have it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One statement of a prediction that is not what happened."""

    kind: Kind
    subject: str
    """The node or the workload."""

    predicted: str
    happened: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A cluster of which both are known."""

    seed: int
    number: int
    differences: tuple[Difference, ...]
    nodes: int
    """How many nodes were drained, or not."""

    drained: int
    """How many of them were."""

    said_drains: int
    """How many of them were said to."""

    unknown: int
    """Of how many it was said to be unknown, or decided by chance."""

    pods: int
    workloads: int
    """Those that had a ready pod before."""

    dark: int
    """Those of them that had none at some moment."""

    said_dark: int = 0
    """Those of them that were said to have none."""

    perhaps_dark: int = 0
    """Those of them of which chance was said to decide it."""

    perhaps_pending: int = 0
    """After how many nodes chance was said to decide which pods have no node."""

    kubectl: bool = False
    """Whether kubectl itself drained the nodes, in its own order."""

    @property
    def fatal(self) -> list[Difference]:
        """What must never happen."""
        return [each for each in self.differences if each.kind.fatal]


def differences(prediction: Prediction, result: Result) -> Iterator[Difference]:
    """Yield where a prediction is wrong. What follows from a node that was wrong is told only if it is fatal.

    Where kubectl drained the nodes, successors were Ready sooner than predicted, so that less may have gone dark. It
    does not tell reliably which budget keeps a pod.
    """
    apart = False
    for said, was in zip(prediction.nodes, result.nodes, strict=True):
        found = [each for each in _of_node(said, was) if each.kind is not Kind.BUDGET or not result.kubectl]
        yield from (each for each in found if not apart or each.kind.fatal)
        apart = apart or bool(found)
    for name in sorted(result.dark - prediction.dark - prediction.perhaps_dark):
        if all(each.verdict is not None or each.by_chance for each in prediction.nodes):
            yield Difference(Kind.FALSE_LIGHT, name, "ready", "dark")
    if not apart and not result.kubectl:
        for name in sorted(prediction.dark - result.dark):
            yield Difference(Kind.FALSE_DARK, name, "dark", "ready")


def _of_node(said: PredictedNode, was: NodeResult) -> Iterator[Difference]:
    happened = _text(was.verdict, was.budgets, was.reason)
    if said.verdict is None:
        yield Difference(Kind.UNKNOWN, was.node, said.reason, happened)
        return
    predicted = _text(said.verdict, said.budgets, said.reason)
    kind = _kind(said, was)
    if kind is not None:
        yield Difference(kind, was.node, predicted, happened)
    elif said.pending_known and not Counter(said.pending) <= Counter(was.pending) <= Counter(
        (*said.pending, *said.perhaps_pending)
    ):
        most = (*said.pending, *said.perhaps_pending)
        yield Difference(Kind.PENDING, was.node, _extra(said.pending, was.pending), _extra(was.pending, most))


def _kind(said: PredictedNode, was: NodeResult) -> Kind | None:
    drains = (said.verdict is Verdict.DRAINED, was.verdict is Verdict.DRAINED)
    if drains == (True, True):
        return None
    if drains == (True, False):
        return Kind.FALSE_DRAINS
    if drains == (False, True):
        return Kind.FALSE_BLOCK
    same = was.verdict in (said.verdict, said.or_else)
    return None if same and said.budgets <= was.budgets <= said.budgets | said.perhaps_budgets else Kind.BUDGET


def _text(verdict: Verdict, budgets: frozenset[str], reason: str) -> str:
    by = f" by {', '.join(sorted(budgets))}" if budgets else ""
    return f"{verdict}{by}{f': {reason}' if reason else ''}"


def _extra(these: Sequence[str], those: Sequence[str]) -> str:
    found = Counter(these) - Counter(those)
    return ", ".join(f"{count} of {name}" for name, count in sorted(found.items())) or "none besides"
