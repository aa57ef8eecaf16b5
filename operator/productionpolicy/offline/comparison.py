"""What a judgement has in comparison with an earlier one: findings that are new, and findings that are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline.gathering import shown
from productionpolicy.offline.judgement import NOTICES, Judged, Judgement
from productionpolicy.verdict import Outcome


class EarlierFinding(Struct, frozen=True):
    """A finding of an earlier report."""

    expectation: str
    path: str
    message: str


class EarlierWorkload(Struct, frozen=True):
    """A workload of an earlier report."""

    key: WorkloadKey
    findings: tuple[EarlierFinding, ...]
    expectations: frozenset[str]
    """The expectations by which it was judged."""


class Gone(Struct, frozen=True):
    """A finding of an earlier report that is not in the judgement, and why."""

    key: WorkloadKey
    expectation: str
    path: str
    message: str
    reason: str

    @property
    def title(self) -> str:
        """The name of its workload for people, such as `Deployment shop/web`."""
        return self.key.title


class Comparison(Struct, frozen=True):
    """A judgement in comparison with an earlier one."""

    name: str
    """What it is compared with, for people."""
    new: tuple[tuple[bool, ...], ...]
    """For each finding of each workload, in the order of the judgement, whether it is new."""
    gone: tuple[Gone, ...]
    before: int
    """How many findings there were."""
    only_now: tuple[str, ...] = ()
    """The expectations by which no workload was judged before."""
    only_before: tuple[str, ...] = ()
    """The expectations by which workloads were judged only before."""

    @property
    def added(self) -> int:
        """How many findings are new."""
        return sum(map(sum, self.new))

    @property
    def notes(self) -> list[str]:
        """Say what limits the comparison."""
        names = {"The earlier report did not judge": self.only_now, "This report does not judge": self.only_before}
        return [f"{text}: {', '.join(listed)}." for text, listed in names.items() if listed]


def compare(judgement: Judgement, earlier: Sequence[EarlierWorkload], *, name: str) -> Comparison:
    """Compare a judgement with an earlier one.

    Workloads are the same if kind, namespace and name are the same, wherever their file is. Their findings are the same
    if the expectation is the same, and path or message are.

    Args:
        judgement: the judgement.
        earlier: the workloads of the earlier one.
        name: what the earlier one is called.
    """
    left = _findings_by_workload(earlier)
    new = tuple(_new(each, left.get(each.key, [])) for each in judgement.workloads)
    now = {name for each in judgement.workloads for name in _expectations(each)}
    before = {shown(name) for each in earlier for name in each.expectations} - NOTICES.keys()
    return Comparison(
        name=shown(name),
        new=new,
        gone=tuple(_gone(left, judgement)),
        before=sum(len(each.findings) for each in earlier),
        only_now=tuple(sorted(now - before)) if earlier else (),
        only_before=tuple(sorted(before - now)) if judgement.workloads else (),
    )


_Left = dict[WorkloadKey, list[EarlierFinding]]
_Same = Callable[[EarlierFinding], tuple[str, ...]]
_SAME: tuple[_Same, ...] = (
    lambda each: (each.expectation, each.path, each.message),
    lambda each: (each.expectation, each.message),  # an index in the path may have changed
    lambda each: (each.expectation, each.path),  # a number in the message may have changed
)


def _findings_by_workload(earlier: Iterable[EarlierWorkload]) -> _Left:
    found: _Left = {}
    for workload in earlier:
        key = WorkloadKey(shown(workload.key.namespace), shown(workload.key.kind), shown(workload.key.name))
        found.setdefault(key, []).extend(
            EarlierFinding(shown(each.expectation), shown(each.path), shown(each.message)) for each in workload.findings
        )
    return found


def _new(judged: Judged, left: list[EarlierFinding]) -> tuple[bool, ...]:
    """Return which findings are new, and remove from the earlier ones those that are still there."""
    now = [EarlierFinding(each.expectation, each.path, each.message) for each in judged.findings]
    new = [True] * len(now)
    for same in _SAME:
        remaining = Counter(map(same, left))
        for index, each in enumerate(now):
            if new[index] and remaining[same(each)]:
                new[index] = False
                remaining[same(each)] -= 1
                left.remove(next(old for old in left if same(old) == same(each)))
    return tuple(new)


def _gone(left: _Left, judgement: Judgement) -> Iterable[Gone]:
    outcomes = {each.key: _outcomes(each) for each in judgement.workloads}
    for key in sorted(key for key, findings in left.items() if findings):
        for each in left[key]:
            reason = _reason(each, outcomes.get(key))
            yield Gone(key, each.expectation, each.path, each.message, reason)


def _reason(gone: EarlierFinding, outcomes: Mapping[str, Outcome] | None) -> str:
    if outcomes is None:
        return "the workload is not in this report"
    if gone.expectation in NOTICES:
        return "it is no longer reported"
    outcome = outcomes.get(gone.expectation)
    return "the expectation is not judged" if outcome is None else _REASONS.get(outcome, f"it is now {outcome}")


_REASONS = {
    Outcome.PASSED: "fixed",
    Outcome.FAILED: "fixed, while other findings of this expectation remain",
    Outcome.EXEMPT: "exempt",
    Outcome.NOT_APPLICABLE: "the expectation no longer applies",
}


def _outcomes(judged: Judged) -> dict[str, Outcome]:
    return {each.expectation: each.outcome for each in judged.verdicts}


def _expectations(judged: Judged) -> Iterable[str]:
    return (each.expectation for each in judged.verdicts if each.expectation not in NOTICES)
