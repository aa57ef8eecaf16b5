"""Looking at one workload: gather, audit, plan, apply, report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from msgspec.structs import replace

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
from productionpolicy.controller.gate import Gate
from productionpolicy.controller.judgement import Judgement
from productionpolicy.controller.memory import RELEASE, Memories, Memory
from productionpolicy.controller.metrics import FAILED_ROLLOUTS, FAILURES, REPAIRS, WITHDRAWALS
from productionpolicy.controller.queue import Retry
from productionpolicy.controller.resources import BUDGETS
from productionpolicy.controller.rollouts import Rollouts
from productionpolicy.controller.setbacks import Setbacks
from productionpolicy.controller.store import Namespace, Store, repaired_by
from productionpolicy.expectations import BY_NAME
from productionpolicy.kube.scheduling import finds_no_place
from productionpolicy.kube.workloads import Workload, WorkloadKey, read_workload
from productionpolicy.policy import OnRemoval, Policy, Timing
from productionpolicy.verdict import Applied, Case, Governance, Plan, Report, State, audit, begun, plan, report
from productionpolicy.verdict.audit import EXEMPTIONS
from productionpolicy.verdict.ledger import Ledger
from productionpolicy.verdict.plan import BudgetChange, Change
from productionpolicy.verdict.rollouts import in_flight

SOON_SECONDS = 0.1
"""How much later than necessary something is looked at again, so that it is not too early."""

PASSING_SECONDS = 10.0
"""How long a budget of ours may allow no eviction of healthy pods before it is withdrawn. For a moment it may be so by
mistake: its controller cannot compute it when it knows of pods before it knows of their ReplicaSet."""

INFANCY_SECONDS = 2.0
"""How long a new workload is left alone: its autoscaler and its budget are created after it, by the same command, and
without them it would be repaired twice."""

_LOGGED = {"Repaired": "repaired", "Withdrawn": "withdrawn", "RepairedAtAdmission": "repaired at admission"}
"""The log event that goes with an Event of the reason."""

log = structlog.get_logger(__name__)


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
        self.admits: Callable[[Policy], bool] = _never
        """Tells whether the API server itself repairs by a policy."""
        self._cluster = cluster
        self._events = events
        self._clock = clock
        self._wake = wake
        self._later = later
        self.came_in: Callable[[Case, Workload | None], None] = _ignore
        """Is told of each new state of a governed workload, and of the one in which it was judged before."""
        self._judged: dict[WorkloadKey, Workload] = {}
        self._born: dict[WorkloadKey, float] = {}
        self._harm: dict[WorkloadKey, float] = {}
        """Since when a budget of ours allows no eviction, by the monotonic clock."""
        self.rollouts = Rollouts(clock=clock, wake=wake)
        self.setbacks = Setbacks(dropped=self.rollouts.wake_next)
        self._gate = Gate(store, self.rollouts, self.setbacks, governed=lambda policy: self._governed[policy])
        self._memories = Memories()
        self._governors: dict[WorkloadKey, str] = {}
        """The policy that governs each workload, or whose repairs it still carries."""
        self._governed: Counter[str] = Counter()
        self._uids: dict[WorkloadKey, str] = {}
        self._writing: set[WorkloadKey] = set()
        """Those that are just being written: what is known of them does not yet tell of the rollout that begins."""

    async def reconcile(self, key: WorkloadKey) -> None:
        """Judge a workload and write what is to be written.

        Raises:
            Retry: it has to be done again later.
        """
        judgement = self.judge(key)
        if judgement is not None and await self._finds_no_room(judgement):
            judgement = self.judge(key)
        if judgement is not None and self._is_due(judgement):
            await self._carry_out(judgement)
        self.rollouts.looked_at(key)

    async def _finds_no_room(self, judgement: Judgement) -> bool:
        """Say whether a rollout is seen, and was not before, to stand still for want of a place for one more pod."""
        workload = judgement.case.workload
        if not judgement.asks_for_room:
            return False
        try:
            pods = await self._cluster.waiting_pods(workload.key.namespace)
        except RequestFailed as error:
            raise _retry(error, str(error)) from error
        if finds_no_place(workload, pods):
            self._memories[workload.uid].crowded = workload.generation
        return self._memories[workload.uid].crowded == workload.generation

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
        memory = self._memories[judgement.case.workload.uid]
        pause = memory.pause(self._clock.monotonic())
        if pause > 0:
            raise Retry("it was written too often in a short time", after=pause)
        turns = memory.turns(now=self._clock.monotonic(), settled=judgement.case.workload.settled)
        admitted = memory.less_refused(self._gate.admitted(judgement, turns=turns), now=self._clock.monotonic())
        if not admitted.todo.empty:
            await self._apply(admitted)
            left = self.judge(admitted.case.workload.key)
            if left is not None and left.to_be_written:
                self._wake(left.case.workload.key)

    def judge(self, key: WorkloadKey) -> Judgement | None:
        """Judge a workload and enter the report; None where there is nothing of ours to decide."""
        workload = self.store.workload(key)
        case = self._case(workload) if workload is not None and not workload.deleting else None
        if workload is None:
            self._forget(key)
            return None
        if key not in self._writing:
            self.rollouts.observe(workload)
        self._compare(workload, case)
        if case is None:
            self._enlist(key, None)
            return None
        planned = plan(case)
        governor = case.policy.name if case.policy else self._repaired_by(workload)
        judgement = Judgement(case, planned, governor or "", todo=planned)
        if workload.uid in self._memories:
            judgement = self._memories[workload.uid].less_refused(judgement, now=self._clock.monotonic())
        self._follow_owner(case)
        self._look_after_rollout(judgement)
        self._enter_report(judgement)
        return judgement

    def _follow_owner(self, case: Case) -> None:
        """Take note when the owner replaces the pods, where repairs wait for that."""
        waits = case.policy is not None and case.policy.spec.rollout.timing is Timing.NEXT_ROLLOUT
        if waits and case.workload.key not in self._writing:
            memory = self._memories[case.workload.uid]
            memory.follow(case.owners_view.template_digest, now=self._clock.monotonic())

    def _compare(self, workload: Workload, case: Case | None) -> None:
        """Tell of a governed workload that is not as it was when it was judged before."""
        before, self._judged[workload.key] = self._judged.get(workload.key), workload
        if before is not workload and case is not None and case.policy is not None:
            self.came_in(case, before)

    def _look_after_rollout(self, judgement: Judgement) -> None:
        """Count a rollout of ours that failed, and look again when one will have failed."""
        case, key = judgement.case, judgement.case.workload.key
        setback = case.noted_setback if case.policy else None
        if self.setbacks.put(judgement.policy_name, key, setback):
            self.changed.add(judgement.policy_name)
        if case.failing:
            self.rollouts.leave(key)
        elif case.deadline is not None:
            self._later(key, case.deadline + 1)

    def resume(self, key: WorkloadKey) -> None:
        """At the start, count the rollouts of ours that are under way or have failed, before others are begun."""
        workload = self.store.workload(key)
        governor = self._repaired_by(workload) if workload else None
        if workload is None or governor is None:
            return
        journal = Case(workload).journal
        if any(each.restarts for each in journal.repairs.values()):
            self.rollouts.resume(governor, workload)
        if journal.setback is not None or in_flight(workload, journal):
            self.judge(key)

    def forgive(self) -> None:
        """Forget refusals that may have had reasons outside of the workload: rights and quotas."""
        self._memories.forgive()

    def _case(self, workload: Workload) -> Case | None:
        namespace = self.store.namespaces.get(workload.key.namespace)
        if namespace is None or namespace.deleting or namespace.off:
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
            now=self._cluster.clock.now(),
            watched=self.rollouts.held_for(workload.key),
            crowded=memory is not None and memory.crowded == workload.generation,
        )

    def _released_case(self, workload: Workload, namespace: Namespace) -> Case | None:
        """Return the case of a workload that no policy governs but that carries repairs of one."""
        name = self._repaired_by(workload)
        if name is None:
            return None
        former = self.store.former(name)
        if former is None and name in self.store.policies:
            return None
        return Case(
            workload,
            around=self.store.surroundings(workload),
            on_removal=former.spec.on_removal if former else OnRemoval.KEEP,
            governance=_governance(namespace, writes=former.writes if former else True),
            today=self._clock.now().date(),
            now=self._cluster.clock.now(),
            watched=self.rollouts.held_for(workload.key),
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
        before = self.ledgers[case.policy.name].reports.get(key)
        if key not in self._writing:
            self._tell_admitted(case, before)
        self._uids[key] = case.workload.uid
        if self.ledgers[case.policy.name].put(told):
            self.changed.add(case.policy.name)
            self._tell_contest(case.workload, before, told, judgement.plan)
            self._tell_exemptions(case.workload, before, told)

    def _tell_admitted(self, case: Case, before: Report | None) -> None:
        """Tell of repairs in the workload that are new, and not our own: the API server has made them."""
        workload, memory = case.workload, self._memories.get(case.workload.uid)
        if self._uids.get(workload.key) != workload.uid:
            known = None if workload.key not in self._born else frozenset[str]()
        else:
            known = before.repaired if before else None
        if known is None or case.policy is None or not self.admits(case.policy):
            return
        ours = known | (memory.applied.keys() if memory else frozenset())
        changes = [
            Change(name, before=None, after=each.note(), restarts=each.restarts)
            for name, each in case.journal.repairs.items()
            if name not in ours
        ]
        self._tell(workload, "RepairedAtAdmission", changes)

    def _tell_exemptions(self, workload: Workload, before: Report | None, told: Report) -> None:
        """Warn of exemptions that have no effect, when they are first seen."""
        known = before.findings if before else ()
        news = [each.message for each in told.findings if each.expectation == EXEMPTIONS and each not in known]
        if news:
            self._events.about_workload(
                workload, reason="ExemptionWithoutEffect", message=". ".join(news), warning=True
            )

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
            self.setbacks.put(before, key, None)
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
        self._judged.pop(key, None)
        self.rollouts.leave(key)
        self._memories.pop(self._uids.pop(key, ""), None)

    async def _apply(self, judgement: Judgement) -> None:
        """Write the plan; a slot that was taken for it is given back if it does not come to it."""
        key = judgement.case.workload.key
        self._writing.add(key)
        try:
            await self._write(judgement)
        except Conflict as error:
            await self._refresh(key)
            raise _retry(error, "it has changed meanwhile") from error
        except (Gone, Unavailable) as error:
            raise _retry(error, str(error)) from error
        finally:
            self._writing.discard(key)
            self._observe(key)

    def _observe(self, key: WorkloadKey) -> None:
        workload = self.store.workload(key)
        if workload is None:
            self.rollouts.leave(key)
        else:
            self.rollouts.observe(workload)

    async def _write(self, judgement: Judgement) -> None:
        memory = self._memories[judgement.case.workload.uid]
        todo = judgement.todo
        if todo.budget is not None:
            with self._telling_of_refusal(memory, judgement), memory.of_refusals(judgement, todo.budget.terms):
                await self._write_budget(judgement, todo.budget)
                self._written(memory, judgement, [each for each in todo.changes if _of_budget(each)])
        if todo.patch:
            with self._telling_of_refusal(memory, judgement), memory.of_refusals(judgement, todo.patch):
                await self._write_patch(memory, judgement)
        elif todo.clean:
            raw = await self._cluster.workload(judgement.case.workload.key)
            await self._release(memory, judgement, _read(judgement.case.workload.key, raw), raw)

    async def _write_patch(self, memory: Memory, judgement: Judgement) -> None:
        workload = judgement.case.workload
        patch = begun(judgement.case, judgement.todo, at=self._cluster.clock.now())
        raw = await self._cluster.amend(workload, patch)
        amended = _read(workload.key, raw)
        if judgement.todo.restarts:
            memory.turned = None
        self.store.update_workload(amended)
        changes = [each for each in judgement.todo.changes if not _of_budget(each)]
        self._written(memory, judgement, changes, made=amended.left_at)
        if judgement.todo.put_back:
            self._tell_setback(judgement)
        await self._release(memory, judgement, amended, raw)

    async def _write_budget(self, judgement: Judgement, change: BudgetChange) -> None:
        key = judgement.case.workload.key
        if change.terms is None:
            if change.live is not None:
                await self._cluster.delete_budget(change.live)
                self._wake_others(key, self.store.forget(BUDGETS, change.live.namespace, change.live.name))
            return
        manifest = change.terms.manifest(judgement.case.workload, policy=judgement.policy_name)
        if change.live is None:
            written = await self._cluster.create_budget(manifest)
        else:
            written = await self._cluster.replace_budget(change.live, manifest)
        self._wake_others(key, self.store.observe(BUDGETS, written))

    def _wake_others(self, key: WorkloadKey, concerned: list[WorkloadKey]) -> None:
        """Wake the other workloads that an answer concerns: the watch brings no news of what it told."""
        for each in concerned:
            if each != key:
                self._wake(each)

    async def _release(self, memory: Memory, judgement: Judgement, workload: Workload, raw: Raw) -> None:
        """Take our entry out of the managed fields.

        What we know stays of the version before: others may have written between our two requests, and taking the later
        version for known would hide that from us for good.
        """
        with self._telling_of_refusal(memory, judgement), memory.of_refusals(judgement, RELEASE):
            await self._cluster.release(workload.key, raw)
            self.store.update_workload(replace(workload, left_over=False))

    async def _refresh(self, key: WorkloadKey) -> None:
        """Take in a workload as it is now: the watch may lag behind."""
        try:
            raw = await self._cluster.workload(key)
        except RequestFailed:
            return
        self._wake_others(key, self.store.update_workload(_read(key, raw)))

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
    def _telling_of_refusal(self, memory: Memory, judgement: Judgement) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            FAILURES.labels(reason=type(error).__name__).inc()
            workload = judgement.case.workload
            if isinstance(error, Forbidden):
                self._later(workload.key, memory.bar(self._clock.monotonic()) + SOON_SECONDS)
            log.warning("repair refused", workload=str(workload.key), error=str(error)[:500])
            self._events.about_workload(workload, reason="RepairRefused", message=str(error), warning=True)

    def _tell_setback(self, judgement: Judgement) -> None:
        """Tell of a rollout that was put back."""
        workload = judgement.case.workload
        names = ", ".join(each.expectation for each in judgement.todo.changes if each.restarts)
        refusal = workload.progress.refusal
        why = f": no pod could be made: {refusal}" if refusal else ""
        message = f"the rollout of {names} did not come to its end in time, and its changes were put back{why}"
        FAILED_ROLLOUTS.labels(policy=judgement.policy_name).inc()
        log.warning("rollout failed", workload=str(workload.key), expectations=names)
        self._events.about_workload(workload, reason="RolloutFailed", message=message, warning=True)

    def _tell(self, workload: Workload, reason: str, changes: list[Change]) -> None:
        if changes:
            message = ", ".join(map(str, changes))
            log.info(_LOGGED[reason], workload=str(workload.key), changes=message)
            self._events.about_workload(workload, reason=reason, message=message)


def _never(_policy: Policy) -> bool:
    return False


def _ignore(_case: Case, _before: Workload | None) -> None:
    """Take no note."""


def _read(key: WorkloadKey, raw: Raw) -> Workload:
    """Read a workload from an answer, which may lack the kind."""
    return read_workload({**raw, "kind": key.kind})


def _of_budget(change: Change) -> bool:
    """Say whether a change is one of our own object, not of the workload."""
    return BY_NAME[change.expectation].amendment is None


def _retry(error: RequestFailed, reason: str) -> Retry:
    FAILURES.labels(reason=type(error).__name__).inc()
    return Retry(reason, after=error.retry_after if isinstance(error, Unavailable) else 0)


def _governance(namespace: Namespace, *, writes: bool) -> Governance:
    return Governance.WRITTEN if writes and not namespace.read_only else Governance.READ_ONLY
