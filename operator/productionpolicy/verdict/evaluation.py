"""The evaluation of a workload: what it lacks, what would be done about it, and what is told of both."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.workloads import digest
from productionpolicy.verdict.audit import Verdict, audit
from productionpolicy.verdict.inputs import Governance, Inputs
from productionpolicy.verdict.plan import Plan, Restarts, plan
from productionpolicy.verdict.report import NOT_REJECTED, Rejection, WorkloadReport, report

RELEASE = "release"
"""Names the write that takes the operator's entry out of the managed fields."""


_LATE_SECONDS = 1.0
"""How long after a deadline it is evaluated, so that it is not too early."""


class Evaluation(Struct, frozen=True):
    """What follows from the state of one workload, its policy and its surroundings."""

    inputs: Inputs
    policy_name: str
    """The policy that governs the workload, or whose repairs it still carries; empty where there is none."""
    plan: Plan
    """All that should be done."""
    todo: Plan
    """The plan less what the API server refused under the same circumstances."""
    report: WorkloadReport | None
    """What is told; None where no policy governs the workload."""
    verdicts: tuple[Verdict, ...] = ()
    """What the audit found, on which that report rests."""
    rejection: Rejection = NOT_REJECTED
    """What the API server refused under the same circumstances."""

    @property
    def finds_harm(self) -> bool:
        """Whether an owned object should be deleted because it does harm."""
        contests = self.plan.contests
        gone = (each.expectation for each in self.todo.objects if each.wanted is None)
        return any(name in contests and bool(contests[name].harm) for name in gone)

    @property
    def writable(self) -> bool:
        """Whether anything may be written."""
        return self.inputs.governance is Governance.WRITTEN

    @property
    def asks_for_room(self) -> bool:
        """Whether the pods have to be read: the rollout may have stopped because one more pod fits nowhere."""
        return self.writable and self.inputs.may_lack_room and not self.inputs.lacks_room

    @property
    def acts(self) -> bool:
        """Whether there is something to write, or to read, now."""
        return (self.writable and not self.todo.empty) or self.asks_for_room

    @property
    def due(self) -> float | None:
        """In how many seconds it may follow something else, by the clock alone; None where only a change matters."""
        dues = [each for each in (self.inputs.deadline, self._opening) if each is not None]
        return min(dues) + _LATE_SECONDS if dues else None

    @property
    def _opening(self) -> float | None:
        """In how many seconds a rollout window opens for which changes wait."""
        opens_at, now = self.inputs.opens_at if self.plan.restarts else None, self.inputs.now
        return (opens_at - now).total_seconds() if opens_at is not None and now is not None else None

    def limited(self, restarts: Restarts, *, restarting: bool) -> Evaluation:
        """Return the same with less to be done now.

        Args:
            restarts: which changes that replace pods may be part of it.
            restarting: whether the pods are replaced anyway, so that what waits for that goes along.
        """
        todo, _ = _less_refused(self.inputs, plan(self.inputs, restarts=restarts, restarting=restarting))
        return replace(self, todo=todo)

    def circumstances(self, written: object) -> str:
        """Return a digest of a write and of all that a refusal may depend on."""
        return _circumstances(self.inputs, written)


def evaluate(inputs: Inputs, *, policy_name: str = "") -> Evaluation:
    """Judge a workload and plan what to do about it.

    Args:
        inputs: the workload, what surrounds it, and what is remembered of it.
        policy_name: the policy whose repairs it still carries, where none governs it.
    """
    planned = plan(inputs)
    todo, rejection = _less_refused(inputs, planned)
    if inputs.policy is None:
        return Evaluation(inputs, policy_name, planned, todo, report=None, rejection=rejection)
    verdicts = audit(inputs)
    told = report(inputs, verdicts, planned, rejection=rejection)
    return Evaluation(inputs, inputs.policy.name, planned, todo, told, verdicts, rejection)


def _less_refused(inputs: Inputs, planned: Plan) -> tuple[Plan, Rejection]:
    """Leave out what the API server refused under the same circumstances, and say what it said."""
    # What was refused is refused again until the workload, the policy or the write itself is another one; without this
    # a webhook that denies a repair would be asked for ever.
    if not inputs.refused:
        return planned, Rejection()
    patch = _refusal(inputs, planned.patch) if planned.patch else None
    objects = {each.expectation: _refusal(inputs, each.wanted) for each in planned.objects}
    release = _refusal(inputs, RELEASE) if planned.clean else None
    todo = replace(
        planned,
        patch={} if patch else planned.patch,
        objects=tuple(each for each in planned.objects if not objects[each.expectation]),
        clean=planned.clean and release is None,
    )
    return todo, Rejection(write=patch or next(filter(None, objects.values()), None), release=release)


def _refusal(inputs: Inputs, written: object) -> str | None:
    return inputs.refused.get(_circumstances(inputs, written))


def _circumstances(inputs: Inputs, written: object) -> str:
    said = inputs.policy.spec if inputs.policy else inputs.on_removal
    return digest(f"{inputs.owners_view.digest} {said!r} {written!r}")
