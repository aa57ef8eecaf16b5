"""Looking at one workload: gather, audit, plan, apply, report."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import (
    Cluster,
    Conflict,
    Forbidden,
    Gone,
    Raw,
    Refused,
    RequestFailed,
    Unavailable,
)
from productionpolicy.controller.events import Events
from productionpolicy.controller.metrics import FAILURES, REPAIRS, WITHDRAWALS
from productionpolicy.controller.queue import Retry
from productionpolicy.controller.resources import BUDGETS
from productionpolicy.controller.rollouts import Rollouts
from productionpolicy.controller.store import Namespace, Store, StoredPolicy, repaired_by
from productionpolicy.expectations import BY_NAME
from productionpolicy.kube.workloads import Workload, WorkloadKey, digest, read_workload
from productionpolicy.policy import OnRemoval, Policy, Rollout, Timing
from productionpolicy.verdict import Applied, Case, Governance, Plan, Report, State, audit, plan, report
from productionpolicy.verdict.case import BUDGET
from productionpolicy.verdict.ledger import Ledger
from productionpolicy.verdict.plan import BudgetChange, Change

MOST_WRITES = 20
WRITES_SECONDS = 60.0
"""A workload is written at most so often in so many seconds: whatever goes wrong, it is never written in a hot loop."""

FIRST_BAR_SECONDS = 5.0
LAST_BAR_SECONDS = 900.0
"""How long what is forbidden is not tried again, at first and at most. An API server that has just started forbids what
it will allow in a second: it does not know the roles yet."""

SOON_SECONDS = 0.1

PASSING_SECONDS = 10.0
"""How long a budget of ours may allow no eviction of healthy pods before it is withdrawn. For a moment it may be so by
mistake: its controller cannot compute it when it knows of pods before it knows of their ReplicaSet."""

INFANCY_SECONDS = 2.0
"""How long a new workload is left alone: its autoscaler and its budget are created after it, by the same command, and
without them it would be repaired twice."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Memory:
    """What we remember of one workload; losing it costs at most one more try."""

    applied: dict[str, Applied] = field(default_factory=dict)
    refused: dict[str, RequestFailed] = field(default_factory=dict)
    """What the API server refused, under which circumstances: as long as they are the same, we do not try again."""
    bars: int = 0
    """How many times in a row it was forbidden to write."""
    barred_until: float = 0.0
    """By the monotonic clock."""
    writes: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_WRITES))

    def forgive(self) -> None:
        """Forget what was forbidden, for reasons outside of the workload: rights and quotas."""
        self.refused = {key: each for key, each in self.refused.items() if not isinstance(each, Forbidden)}

    def bar(self, now: float) -> float:
        """Note that writing was forbidden; return for how many seconds it is not tried again."""
        if now >= self.barred_until:
            pause = min(LAST_BAR_SECONDS, FIRST_BAR_SECONDS * 2.0 ** min(self.bars, 10))
            self.bars, self.barred_until = self.bars + 1, now + pause
        return self.barred_until - now


@dataclass(frozen=True, slots=True)
class Judgement:
    """One look at a workload."""

    case: Case
    plan: Plan
    policy_name: str
    todo: Plan
    """The plan less what the API server has refused under the same circumstances."""

    @property
    def finds_harm(self) -> bool:
        """Whether our budget is to be withdrawn because it allows no eviction."""
        contest, change = self.plan.contests.get(BUDGET), self.todo.budget
        return contest is not None and contest.harmful and change is not None and change.terms is None

    @property
    def to_be_written(self) -> bool:
        """Whether there is something to write, and it may be written."""
        return self.case.governance is Governance.WRITTEN and not self.todo.empty

    def circumstances(self, written: object) -> str:
        """Digest something to be written with all that a refusal may depend on: the owner's view and the policy."""
        said = self.case.policy.spec if self.case.policy else self.case.on_removal
        return digest(f"{self.case.owners_view.digest} {said!r} {written!r}")


class Reconciler:
    """Judges workloads and does what their policies say."""

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        *,
        events: Events,
        clock: Clock,
        wake: Callable[[WorkloadKey], None],
        later: Callable[[WorkloadKey, float], None],
    ) -> None:
        self.store = store
        self.ledgers: defaultdict[str, Ledger] = defaultdict(Ledger)
        self.changed: set[str] = set()
        """Policies whose ledger has changed since somebody last looked."""
        self._cluster = cluster
        self._events = events
        self._clock = clock
        self._later = later
        self._born: dict[WorkloadKey, float] = {}
        self._harm: dict[WorkloadKey, float] = {}
        """Since when a budget of ours allows no eviction, by the monotonic clock."""
        self.rollouts = Rollouts(clock=clock, wake=wake)
        self._memories: dict[str, Memory] = {}
        self._governors: dict[WorkloadKey, str] = {}
        """The policy that governs each workload, or whose repairs it still carries."""
        self._governed: Counter[str] = Counter()
        self._uids: dict[WorkloadKey, str] = {}

    async def reconcile(self, key: WorkloadKey) -> None:
        """Judge a workload and write what is to be written.

        Raises:
            Retry: it has to be done again later.
        """
        judgement = self.judge(key)
        if judgement is not None and self._is_due(judgement):
            await self._carry_out(judgement)
        self.rollouts.looked_at(key)

    def born(self, key: WorkloadKey) -> None:
        """Note that a workload has just been created."""
        self._born[key] = self._clock.monotonic()

    def _too_young(self, key: WorkloadKey) -> bool:
        """Say whether what belongs to a new workload may still be on its way; if so, look again later."""
        age = self._clock.monotonic() - self._born.get(key, -INFANCY_SECONDS)
        if age >= INFANCY_SECONDS:
            self._born.pop(key, None)
            return False
        self._later(key, INFANCY_SECONDS - age)
        return True

    def _is_due(self, judgement: Judgement) -> bool:
        """Say whether there is something to write, now."""
        passing = self._may_pass(judgement)
        return judgement.to_be_written and not passing and not self._too_young(judgement.case.workload.key)

    def _may_pass(self, judgement: Judgement) -> bool:
        """Say whether the harm that is found may pass by itself; if so, look again later."""
        workload, now = judgement.case.workload, self._clock.monotonic()
        if not judgement.finds_harm:
            self._harm.pop(workload.key, None)
            return False
        left = self._harm.setdefault(workload.key, now) + PASSING_SECONDS - now
        if left > 0:
            self._later(workload.key, left + SOON_SECONDS)
        return left > 0

    async def _carry_out(self, judgement: Judgement) -> None:
        pause = self._pause(judgement)
        if pause > 0:
            raise Retry("it was written too often in a short time", after=pause)
        admitted = self._admitted(judgement)
        if not admitted.todo.empty:
            await self._apply(admitted)
            self.judge(admitted.case.workload.key)

    def judge(self, key: WorkloadKey) -> Judgement | None:
        """Judge a workload and enter the report; None where there is nothing of ours to decide."""
        workload = self.store.workload(key)
        case = self._case(workload) if workload is not None and not workload.deleting else None
        if workload is None:
            self._forget(key)
            return None
        self.rollouts.observe(workload)
        if case is None:
            self._enlist(key, None)
            return None
        planned = plan(case)
        governor = case.policy.name if case.policy else self._repaired_by(workload)
        judgement = self._less_refused(Judgement(case, planned, governor or "", todo=planned))
        self._enter_report(judgement)
        return judgement

    def resume(self, key: WorkloadKey) -> None:
        """At the start, count the rollouts of ours that are under way."""
        workload = self.store.workload(key)
        if workload is None:
            return
        case = Case(workload)
        governor = self._repaired_by(workload)
        if governor and any(each.restarts for each in case.journal.repairs.values()):
            self.rollouts.resume(governor, workload)

    def forgive(self) -> None:
        """Forget refusals that may have had reasons outside of the workload: rights and quotas."""
        for memory in self._memories.values():
            memory.forgive()

    def _case(self, workload: Workload) -> Case | None:
        namespace = self.store.namespaces.get(workload.key.namespace)
        if namespace is None or namespace.deleting:
            return None
        stored = self.store.policies.get(namespace.policy) if namespace.policy else None
        if stored is None or stored.deleting:
            return self._released_case(workload, namespace)
        return self._governed_case(workload, namespace, stored.policy) if stored.policy else None

    def _governed_case(self, workload: Workload, namespace: Namespace, policy: Policy) -> Case:
        memory = self._memories.get(workload.uid)
        return Case(
            workload,
            around=self.store.surroundings(workload),
            policy=policy,
            governance=_governance(namespace, writes=policy.writes),
            today=self._clock.now().date(),
            memory=memory.applied if memory else {},
        )

    def _released_case(self, workload: Workload, namespace: Namespace) -> Case | None:
        """Return the case of a workload that no policy governs but that carries repairs of one."""
        name = self._repaired_by(workload)
        if name is None:
            return None
        stored = self.store.policies.get(name)
        former = stored.policy if stored else None
        if stored is not None and former is None:
            return None
        return Case(
            workload,
            around=self.store.surroundings(workload),
            on_removal=former.spec.on_removal if former else OnRemoval.KEEP,
            governance=_governance(namespace, writes=former.writes if former else True),
            today=self._clock.now().date(),
        )

    def _repaired_by(self, workload: Workload) -> str | None:
        return repaired_by(workload, self.store.budgets_of(workload))

    def _enter_report(self, judgement: Judgement) -> None:
        case, key = judgement.case, judgement.case.workload.key
        self._enlist(key, judgement.policy_name)
        if case.policy is None:
            self._unreport(key, judgement.policy_name)
            return
        told = report(case, audit(case), judgement.plan, rolling=self.rollouts.rolling(key))
        self._uids[key] = case.workload.uid
        before = self.ledgers[case.policy.name].reports.get(key)
        if self.ledgers[case.policy.name].put(told):
            self.changed.add(case.policy.name)
            self._tell_contest(case.workload, before, told, judgement.plan)

    def _tell_contest(self, workload: Workload, before: Report | None, told: Report, planned: Plan) -> None:
        if told.state is State.CONTESTED and (before is None or before.state is not State.CONTESTED):
            reasons = "; ".join(f"{name}: {each.reason}" for name, each in planned.contests.items() if each.settled)
            message = f"left undone until the workload or its policy changes: {reasons}"
            log.warning("repair contested", workload=str(workload.key), reasons=reasons)
            self._events.about_workload(workload, reason="Contested", message=message, warning=True)

    def _enlist(self, key: WorkloadKey, policy: str | None) -> None:
        """Count a workload for a policy, and no longer for another one."""
        before = self._governors.get(key)
        if before == policy:
            return
        if before is not None:
            del self._governors[key]
            self._governed[before] -= 1
            self._unreport(key, before)
        if policy is not None:
            self._governors[key] = policy
            self._governed[policy] += 1

    def _unreport(self, key: WorkloadKey, policy: str) -> None:
        if self.ledgers[policy].drop(key):
            self.changed.add(policy)

    def _forget(self, key: WorkloadKey) -> None:
        self._enlist(key, None)
        self._born.pop(key, None)
        self._harm.pop(key, None)
        self.rollouts.leave(key)
        self._memories.pop(self._uids.pop(key, ""), None)

    def _less_refused(self, judgement: Judgement) -> Judgement:
        memory = self._memories.get(judgement.case.workload.uid)
        if memory is None or not memory.refused:
            return judgement
        if self._clock.monotonic() >= memory.barred_until:
            memory.forgive()
        planned = judgement.plan
        patch = memory.refused.get(judgement.circumstances(planned.patch)) if planned.patch else None
        budget = memory.refused.get(judgement.circumstances(planned.budget.terms)) if planned.budget else None
        todo = replace(planned, patch={} if patch else planned.patch, budget=None if budget else planned.budget)
        failure = patch or budget
        case = replace(judgement.case, failure=str(failure)) if failure else judgement.case
        return replace(judgement, case=case, todo=todo)

    def _pause(self, judgement: Judgement) -> float:
        """Return how many seconds to wait because a workload was written too often."""
        memory = self._memories.get(judgement.case.workload.uid)
        if memory is None or len(memory.writes) < MOST_WRITES:
            return 0
        return WRITES_SECONDS - (self._clock.monotonic() - memory.writes[0])

    def _admitted(self, judgement: Judgement) -> Judgement:
        """Return what may be done now: restarts wait for their turn, and the rest of the workload's patch with them."""
        workload, todo = judgement.case.workload, judgement.todo
        if not (todo.patch and todo.restarts) or workload.runs_no_pod:
            return judgement
        rollout = self._rollout(judgement)
        if rollout.timing is Timing.NEXT_ROLLOUT and judgement.case.policy is not None:
            return replace(judgement, todo=plan(judgement.case, restarts_allowed=False))
        if self._may_restart(judgement, rollout):
            return judgement
        return replace(judgement, todo=replace(todo, patch={}))

    def _may_restart(self, judgement: Judgement, rollout: Rollout) -> bool:
        workload = judgement.case.workload
        if workload.paused or not (workload.settled or self._harmless(judgement)):
            return False
        if workload.holds_back or not workload.settled:
            return True
        slots = rollout.slots(self._governed[judgement.policy_name])
        return self.rollouts.enter(judgement.policy_name, workload, slots=slots)

    def _harmless(self, judgement: Judgement) -> bool:
        """Say whether the policy has gone and a withdrawal can do no harm, though the workload has not settled.

        It has nothing to lose, or it is our own rollout that does not end: then the withdrawal puts it back.
        """
        workload = judgement.case.workload
        lost = workload.progress.available == 0 or workload.progress.stalled
        return judgement.case.policy is None and (lost or self.rollouts.rolling(workload.key))

    def _rollout(self, judgement: Judgement) -> Rollout:
        if judgement.case.policy is not None:
            return judgement.case.policy.spec.rollout
        stored: StoredPolicy | None = self.store.policies.get(judgement.policy_name)
        return stored.policy.spec.rollout if stored and stored.policy else Rollout()

    async def _apply(self, judgement: Judgement) -> None:
        """Write the plan; a slot that was taken for it is given back if it does not come to it."""
        key = judgement.case.workload.key
        try:
            await self._write(judgement)
        except Conflict as error:
            await self._refresh(key)
            raise _retry(error, "it has changed meanwhile") from error
        except (Gone, Unavailable) as error:
            raise _retry(error, str(error)) from error
        finally:
            self._observe(key)

    def _observe(self, key: WorkloadKey) -> None:
        workload = self.store.workload(key)
        if workload is None:
            self.rollouts.leave(key)
        else:
            self.rollouts.observe(workload)

    async def _write(self, judgement: Judgement) -> None:
        memory = self._memories.setdefault(judgement.case.workload.uid, Memory())
        todo = judgement.todo
        if todo.budget is not None:
            with self._remembering_refusal(memory, judgement, todo.budget.terms):
                await self._write_budget(judgement, todo.budget)
                self._written(memory, judgement, [each for each in todo.changes if _of_budget(each)])
        if todo.patch:
            with self._remembering_refusal(memory, judgement, todo.patch):
                await self._write_patch(memory, judgement)
        elif todo.clean:
            key = judgement.case.workload.key
            await self._release(key, await self._cluster.workload(key))

    async def _write_patch(self, memory: Memory, judgement: Judgement) -> None:
        raw = await self._amend(judgement)
        amended = [each for each in judgement.todo.changes if not _of_budget(each)]
        self._written(memory, judgement, amended, made=read_workload(raw).left_at)
        await self._release(judgement.case.workload.key, raw)

    async def _write_budget(self, judgement: Judgement, change: BudgetChange) -> None:
        if change.terms is None:
            if change.live is not None:
                await self._cluster.delete_budget(change.live)
                self.store.forget(BUDGETS, change.live.namespace, change.live.name)
            return
        manifest = change.terms.manifest(judgement.case.workload, policy=judgement.policy_name)
        if change.live is None:
            written = await self._cluster.create_budget(manifest)
        else:
            written = await self._cluster.replace_budget(change.live, manifest)
        self.store.observe(BUDGETS, written)

    async def _amend(self, judgement: Judgement) -> Raw:
        workload = judgement.case.workload
        raw = {**await self._cluster.amend(workload, judgement.todo.patch), "kind": workload.key.kind}
        self.store.update_workload(read_workload(raw))
        return raw

    async def _release(self, key: WorkloadKey, raw: Raw) -> None:
        """Take our entry out of the managed fields.

        What we know stays of the version before: others may have written between our two requests, and taking the later
        version for known would hide that from us for good.
        """
        await self._cluster.release(key, raw)
        self.store.update_workload(replace(read_workload({**raw, "kind": key.kind}), left_over=False))

    async def _refresh(self, key: WorkloadKey) -> None:
        """Take in a workload as it is now: the watch may lag behind."""
        try:
            raw = await self._cluster.workload(key)
        except RequestFailed:
            return
        self.store.update_workload(read_workload({**raw, "kind": key.kind}))

    def _written(self, memory: Memory, judgement: Judgement, changes: list[Change], *, made: str = "") -> None:
        """Remember and tell what was written."""
        memory.writes.append(self._clock.monotonic())
        memory.bars = 0
        for change in changes:
            if change.after is None:
                memory.applied.pop(change.expectation, None)
                WITHDRAWALS.labels(expectation=change.expectation).inc()
            else:
                contest = judgement.plan.contests.get(change.expectation)
                terms = judgement.case.terms(BY_NAME[change.expectation])
                undone = contest.undone if contest else 0
                memory.applied[change.expectation] = Applied(terms, made=made, undone=undone)
                REPAIRS.labels(expectation=change.expectation).inc()
        workload = judgement.case.workload
        self._tell(workload, "Repaired", [each for each in changes if each.after is not None])
        self._tell(workload, "Withdrawn", [each for each in changes if each.after is None])

    @contextmanager
    def _remembering_refusal(self, memory: Memory, judgement: Judgement, written: object) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            memory.refused[judgement.circumstances(written)] = error
            FAILURES.labels(reason=type(error).__name__).inc()
            workload = judgement.case.workload
            if isinstance(error, Forbidden):
                self._later(workload.key, memory.bar(self._clock.monotonic()) + SOON_SECONDS)
            log.warning("repair refused", workload=str(workload.key), error=str(error)[:500])
            self._events.about_workload(workload, reason="RepairRefused", message=str(error), warning=True)

    def _tell(self, workload: Workload, reason: str, changes: list[Change]) -> None:
        if changes:
            message = ", ".join(map(str, changes))
            log.info(reason.lower(), workload=str(workload.key), changes=message)
            self._events.about_workload(workload, reason=reason, message=message)


def _of_budget(change: Change) -> bool:
    """Say whether a change is one of our own object, not of the workload."""
    return BY_NAME[change.expectation].amendment is None


def _retry(error: RequestFailed, reason: str) -> Retry:
    FAILURES.labels(reason=type(error).__name__).inc()
    return Retry(reason, after=error.retry_after if isinstance(error, Unavailable) else 0)


def _governance(namespace: Namespace, *, writes: bool) -> Governance:
    return Governance.WRITTEN if writes and not namespace.read_only else Governance.READ_ONLY
