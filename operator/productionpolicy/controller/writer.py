"""Acting on an evaluation: what may be written now is written, and the rest waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.controller.cluster import Conflict, Gone, Raw, Refused, RequestFailed, Unavailable
from productionpolicy.controller.context import Context
from productionpolicy.controller.metrics import FAILURES
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.publisher import Publisher
from productionpolicy.controller.queue import Retry
from productionpolicy.controller.records import SOON_SECONDS, Record
from productionpolicy.controller.resources import BY_KIND
from productionpolicy.expectations import BY_NAME
from productionpolicy.kube.scheduling import finds_no_place
from productionpolicy.kube.workloads import Workload, WorkloadKey, read_workload
from productionpolicy.policy import Rollout
from productionpolicy.verdict import Applied, Evaluation, Restarts, begun
from productionpolicy.verdict.evaluation import RELEASE
from productionpolicy.verdict.plan import Change, ObjectChange

TRANSIENT_SECONDS = 10.0
"""How long an owned object may do harm before it is withdrawn. A budget can allow no eviction for a moment: its
controller cannot compute it while it knows the pods but not their ReplicaSet."""

NEW_SECONDS = 3.0
"""How long a new workload is left alone: its autoscaler and its budget are created after it, by the same command, and
without them it would be repaired twice. The API server tells the second in which it was created, so it is up to a
second less."""


class Result(Struct, frozen=True):
    """What came of acting on an evaluation."""

    written: bool = False
    """Whether anything was written, so that the workload has to be evaluated again."""
    requeue_after: float | None = None
    """After how many seconds the workload is due again; None where only a change calls for it."""


NOTHING = Result()


class Writer:
    """Writes what evaluations ask for, as far as it may be written now."""

    def __init__(self, context: Context, policies: Policies, publisher: Publisher) -> None:
        self._store = context.store
        self._cluster = context.cluster
        self._rollouts = context.rollouts
        self._queue = context.queue
        self._clock = context.clock
        self._policies = policies
        self._publisher = publisher

    async def act(self, record: Record, evaluation: Evaluation) -> Result:
        """Write what may be written now.

        Raises:
            Retry: the workload has changed meanwhile, or the API server does not answer.
        """
        if not evaluation.writable or evaluation.todo.empty:
            return NOTHING
        now, workload = self._clock.monotonic(), evaluation.inputs.workload
        wait = max(self._transient_for(record, evaluation, now), self._new_for(workload), record.rests(now))
        if wait > 0:
            return Result(requeue_after=wait + SOON_SECONDS)
        admitted = self._admitted(evaluation, turns=record.turns(workload, now=now))
        if admitted.todo.empty:
            return NOTHING
        await self._apply(record, admitted)
        return Result(written=True)

    async def finds_no_room(self, record: Record, workload: Workload) -> bool:
        """Read the pods of a workload whose rollout has stopped; say whether one of them fits on no node."""
        try:
            pods = await self._cluster.waiting_pods(workload.key.namespace)
        except RequestFailed as error:
            raise _retry(error, str(error)) from error
        if finds_no_place(workload, pods):
            record.no_room_at = workload.generation
        return record.no_room_at == workload.generation

    def _transient_for(self, record: Record, evaluation: Evaluation, now: float) -> float:
        """Return for how many seconds the harm that is found may still pass by itself."""
        if not evaluation.finds_harm or record.harmful_since is None:
            return 0.0
        return record.harmful_since + TRANSIENT_SECONDS - now

    def _new_for(self, workload: Workload) -> float:
        """Return for how many seconds what belongs to a new workload may still be on its way."""
        if not workload.created:
            return 0.0
        age = (self._cluster.clock.now() - datetime.fromisoformat(workload.created)).total_seconds()
        return NEW_SECONDS - age if age >= 0 else 0.0

    def _admitted(self, evaluation: Evaluation, *, turns: bool) -> Evaluation:
        """Return what may be written now.

        The rest of a workload's patch waits with its restarts, for it is one change. What puts back a failed rollout
        waits for nothing.

        Args:
            evaluation: of the workload.
            turns: whether its owner just replaces its pods. What waits for that, or for a window, goes along.
        """
        if not _replaces_pods(evaluation) or evaluation.todo.put_back:
            return evaluation
        along = turns and evaluation.inputs.restarts_with_owner
        restarts = self._restarts(evaluation, along=along)
        if restarts is not Restarts.ANY or along:
            evaluation = evaluation.limited(restarts, restarting=along)
        if not _replaces_pods(evaluation) or self._may_restart(evaluation, along=along):
            return evaluation
        return replace(evaluation, todo=replace(evaluation.todo, patch={}))

    def _restarts(self, evaluation: Evaluation, *, along: bool) -> Restarts:
        """Return which changes that replace pods may be written."""
        policy = evaluation.inputs.policy
        if evaluation.inputs.restarts_with_owner and not (along or _harmless(evaluation)):
            return Restarts.NONE
        if policy is None:
            return Restarts.ANY
        if self._policies.stops(policy):
            self._rollouts.wait(policy.name, evaluation.inputs.workload.key)
            return Restarts.WITHDRAWALS
        return Restarts.ANY

    def _may_restart(self, evaluation: Evaluation, *, along: bool) -> bool:
        workload = evaluation.inputs.workload
        if along and not (workload.paused or workload.settled):
            return True
        if workload.paused or not (workload.settled or _harmless(evaluation)):
            return False
        if workload.holds_back or not workload.settled:
            return True
        members = self._publisher.members(evaluation.policy_name)
        slots = self._pace(evaluation).slots(members)
        return self._rollouts.enter(evaluation.policy_name, workload, slots=slots)

    def _pace(self, evaluation: Evaluation) -> Rollout:
        if evaluation.inputs.policy is not None:
            return evaluation.inputs.policy.spec.rollout
        former = self._store.former(evaluation.policy_name)
        return former.spec.rollout if former else Rollout()

    async def _apply(self, record: Record, evaluation: Evaluation) -> None:
        """Write the plan; a slot that was taken for it is given back if it does not come to it."""
        key = evaluation.inputs.workload.key
        record.writing = True
        try:
            await self._write(record, evaluation)
        except Conflict as error:
            await self._refresh(key)
            raise _retry(error, "it has changed in the meantime") from error
        except (Gone, Unavailable) as error:
            raise _retry(error, str(error)) from error
        finally:
            record.writing = False
            workload = self._store.workload(key)
            if workload is None:
                self._rollouts.leave(key)
            else:
                self._rollouts.observe(workload)

    async def _write(self, record: Record, evaluation: Evaluation) -> None:
        todo = evaluation.todo
        for change in todo.objects:
            with self._reporting_refusal(record, evaluation, change.wanted):
                await self._write_object(evaluation, change)
                written = [each for each in todo.changes if each.expectation == change.expectation]
                self._written(record, evaluation, written)
        if todo.patch:
            with self._reporting_refusal(record, evaluation, todo.patch):
                await self._write_patch(record, evaluation)
        elif todo.clean:
            raw = await self._cluster.workload(evaluation.inputs.workload.key)
            await self._release(record, evaluation, _read(evaluation.inputs.workload.key, raw), raw)

    async def _write_patch(self, record: Record, evaluation: Evaluation) -> None:
        workload, todo = evaluation.inputs.workload, evaluation.todo
        patch = begun(evaluation.inputs, todo, at=self._cluster.clock.now())
        raw = await self._cluster.patch_workload(workload, patch)
        amended = _read(workload.key, raw)
        if todo.restarts:
            record.turned = None
        self._store.update_workload(amended)
        changes = [each for each in todo.changes if BY_NAME[each.expectation].amendment]
        self._written(record, evaluation, changes, made=amended.left_at)
        if todo.put_back:
            self._publisher.report_failed_rollout(evaluation)
        await self._release(record, evaluation, amended, raw)

    async def _write_object(self, evaluation: Evaluation, change: ObjectChange) -> None:
        """Create, replace or delete an owned object of the workload."""
        key, owned = evaluation.inputs.workload.key, BY_NAME[change.expectation].owned
        if owned is None:
            return
        resource = BY_KIND[owned.kind]
        if change.wanted is None:
            if change.live is not None:
                await self._cluster.delete(resource, change.live)
                self._wake_others(key, self._store.forget(resource, change.live.namespace, change.live.name))
            return
        manifest = change.wanted.manifest(evaluation.inputs.workload, policy=evaluation.policy_name)
        if change.live is None:
            written = await self._cluster.create(resource, manifest)
        else:
            written = await self._cluster.replace(resource, change.live, manifest)
        self._wake_others(key, self._store.observe(resource, written))

    async def _release(self, record: Record, evaluation: Evaluation, workload: Workload, raw: Raw) -> None:
        """Take the operator's entry out of the managed fields.

        What is known stays of the version before: others may have written between the two requests, and taking the
        later version for known would hide that for good.
        """
        with self._reporting_refusal(record, evaluation, RELEASE):
            await self._cluster.release(workload.key, raw)
            self._store.update_workload(replace(workload, holds_fields=False))

    async def _refresh(self, key: WorkloadKey) -> None:
        """Take in a workload as it is now: the watch may lag behind."""
        try:
            raw = await self._cluster.workload(key)
        except RequestFailed:
            return
        self._wake_others(key, self._store.update_workload(_read(key, raw)))

    def _wake_others(self, key: WorkloadKey, concerned: list[WorkloadKey]) -> None:
        """Wake the other workloads that an answer concerns: the watch brings no news of what it told."""
        for each in concerned:
            if each != key:
                self._queue.add(each)

    def _written(self, record: Record, evaluation: Evaluation, changes: list[Change], *, made: str = "") -> None:
        """Remember and tell what was written."""
        record.wrote(self._clock.monotonic())
        for each in changes:
            if each.after is None:
                record.applied.pop(each.expectation, None)
            else:
                contest = evaluation.plan.contests.get(each.expectation)
                terms = evaluation.inputs.terms(BY_NAME[each.expectation])
                undone = contest.undone if contest else 0
                record.applied[each.expectation] = Applied(terms, made=made, undone=undone)
        self._publisher.report_written(evaluation.inputs.workload, changes)

    @contextmanager
    def _reporting_refusal(self, record: Record, evaluation: Evaluation, written: object) -> Iterator[None]:
        """Remember and tell that the API server refused a write, and go on."""
        try:
            yield
        except Refused as error:
            FAILURES.labels(reason=type(error).__name__).inc()
            record.refuse(evaluation.circumstances(written), error, now=self._clock.monotonic())
            self._publisher.report_refusal(evaluation.inputs.workload, error)


def _replaces_pods(evaluation: Evaluation) -> bool:
    todo = evaluation.todo
    return bool(todo.patch) and todo.restarts and not evaluation.inputs.workload.runs_no_pod


def _harmless(evaluation: Evaluation) -> bool:
    """Say whether the policy has gone and a withdrawal can do no harm, though the workload has not settled.

    It has nothing to lose, or it is a rollout of the operator that does not end: then the withdrawal puts it back.
    """
    progress = evaluation.inputs.workload.progress
    lost = progress.available == 0 or progress.stalled
    return evaluation.inputs.policy is None and (lost or evaluation.inputs.rolling)


def _read(key: WorkloadKey, raw: Raw) -> Workload:
    """Read a workload from an answer, which may lack the kind."""
    return read_workload({**raw, "kind": key.kind})


def _retry(error: RequestFailed, reason: str) -> Retry:
    FAILURES.labels(reason=type(error).__name__).inc()
    return Retry(reason, after=error.retry_after if isinstance(error, Unavailable) else 0)
