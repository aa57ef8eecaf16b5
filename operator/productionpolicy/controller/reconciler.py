"""The way of one workload: observe, evaluate, publish, act."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

import structlog
from msgspec.structs import replace

from productionpolicy.controller.context import Context
from productionpolicy.controller.publisher import Publisher
from productionpolicy.controller.records import Record
from productionpolicy.controller.writer import Writer
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.policy import ALWAYS, OnRemoval, Policy
from productionpolicy.policy.namespaces import Namespace
from productionpolicy.verdict import Evaluation, Governance, Inputs, evaluate
from productionpolicy.verdict.rollouts import in_flight

CHUNK = 8
"""How many workloads are evaluated before others have a turn."""

log = structlog.get_logger(__name__)


class Reconciler:
    """Evaluates workloads, tells what follows, and has it written."""

    def __init__(self, context: Context, publisher: Publisher, writer: Writer) -> None:
        self._store = context.store
        self._cluster = context.cluster
        self._records = context.records
        self._rollouts = context.rollouts
        self._queue = context.queue
        self._clock = context.clock
        self._publisher = publisher
        self._writer = writer

    async def reconcile(self, key: WorkloadKey) -> float | None:
        """Evaluate a workload and write its changes; return the number of seconds until it is due again, if any.

        Raises:
            Retry: a request failed; reconcile again later.
        """
        evaluation = self._unused(key) or self.evaluate(key)
        if evaluation is not None and evaluation.asks_for_room:
            evaluation = await self._with_room_known(key, evaluation)
        if evaluation is None:
            self._rollouts.acted(key)
            return None
        record = self._records.of(evaluation.inputs.workload)
        result = await self._writer.act(record, evaluation)
        self._rollouts.acted(key)
        if result.written:
            evaluation = self.evaluate(key)
            if evaluation is not None and evaluation.acts:
                self._queue.add(key)
        # Every pass returns all that is due, because the queue keeps only the soonest appointment of a workload.
        due = evaluation.due if evaluation else None
        return _sooner(result.requeue_after, due, record.resumes_after(self._clock.monotonic()))

    def evaluate(self, key: WorkloadKey) -> Evaluation | None:
        """Evaluate a workload and tell what follows; None where no policy governs it and it carries no repairs."""
        workload = self._store.workload(key)
        if workload is None:
            self._forget(key)
            return None
        record = self._record(workload)
        if not record.writing:
            self._rollouts.observe(workload)
        evaluation = self._evaluate(workload, record)
        if evaluation is None and record.slot is not None:
            # The last of the operator's changes is withdrawn, and the pods are still being replaced for that.
            self._publisher.forget(key, record)
            record.policy = ""
            return None
        if evaluation is None:
            self._forget(key)
            return None
        self._publisher.publish(record, evaluation)
        record.saw(evaluation, now=self._clock.monotonic())
        if evaluation.inputs.failing:
            self._rollouts.leave(key)
        return evaluation

    async def evaluate_all(self, keys: Collection[WorkloadKey]) -> None:
        """Evaluate many workloads, and enter into the queue those on which something has to be done."""
        for number, key in enumerate(keys, start=1):
            with _serving_the_others(key):
                self._enter(key, self.evaluate(key))
            if number % CHUNK == 0:
                await asyncio.sleep(0)
        if keys:
            self._rollouts.wake_lines()

    def changed(self, key: WorkloadKey) -> None:
        """Have a workload evaluated, since something has changed that it depends on."""
        record = self._records.get(key)
        if record is not None:
            record.evaluation = None
        self._queue.add(key)

    def resume(self, keys: Iterable[WorkloadKey]) -> None:
        """Count the rollouts under way, or failed, of workloads that were not known before, before others are begun."""
        for key in keys:
            with _serving_the_others(key):
                self._resume(key)

    def _resume(self, key: WorkloadKey) -> None:
        workload = self._store.workload(key)
        governor = self._store.repaired_by(key)
        if workload is None or governor is None:
            return
        journal = Inputs(workload).journal
        if any(each.restarts for each in journal.repairs.values()):
            self._rollouts.resume(governor, workload)
        if journal.failed_rollout is not None or in_flight(workload, journal):
            self.evaluate(key)

    def retry_forbidden(self) -> None:
        """Have it tried again what was refused for reasons outside of the workloads: rights and quotas."""
        for record in self._records.values():
            record.retry_forbidden()

    def _enter(self, key: WorkloadKey, evaluation: Evaluation | None) -> None:
        if evaluation is None:
            return
        if evaluation.acts:
            record = self._records.of(evaluation.inputs.workload)
            # Its verdicts are published, and ten thousand workloads may wait.
            record.evaluation, record.epoch = replace(evaluation, verdicts=()), self._store.epoch
            self._queue.add_backlog([key])
        elif evaluation.due is not None:
            self._queue.add_after(key, evaluation.due)

    def _unused(self, key: WorkloadKey) -> Evaluation | None:
        """Return the evaluation of a workload on which nobody has acted, if nothing has changed since."""
        record = self._records.get(key)
        if record is None or record.evaluation is None:
            return None
        evaluation, record.evaluation = record.evaluation, None
        inputs = evaluation.inputs
        unchanged = inputs.workload is self._store.workload(key) and record.epoch == self._store.epoch
        # A rollout window may have opened or closed.
        return evaluation if unchanged and inputs.calendar == ALWAYS else None

    async def _with_room_known(self, key: WorkloadKey, evaluation: Evaluation) -> Evaluation | None:
        """Return an evaluation that knows whether one more pod of the workload fits on a node."""
        workload = evaluation.inputs.workload
        found = await self._writer.finds_no_room(self._records.of(workload), workload)
        return self.evaluate(key) if found else evaluation

    def _record(self, workload: Workload) -> Record:
        known = self._records.get(workload.key)
        if known is not None and known.uid != workload.uid:
            self._forget(workload.key)
        return self._records.of(workload)

    def _forget(self, key: WorkloadKey) -> None:
        """Remember a workload no longer: it is gone, or nothing about it is decided here."""
        self._rollouts.leave(key)
        record = self._records.pop(key, None)
        if record is not None:
            self._publisher.forget(key, record)
        self._queue.forget(key)

    def _evaluate(self, workload: Workload, record: Record) -> Evaluation | None:
        if workload.deleting:
            return None
        namespace = self._store.namespaces.get(workload.key.namespace)
        if namespace is None or namespace.deleting or namespace.off:
            return None
        stored = self._store.policies.get(namespace.policy) if namespace.policy else None
        if stored is not None and not stored.deleting:
            return self._governed(workload, record, namespace, stored.policy) if stored.policy else None
        return self._released(workload, record, namespace)

    def _governed(self, workload: Workload, record: Record, namespace: Namespace, policy: Policy) -> Evaluation:
        return evaluate(
            Inputs(
                workload,
                around=self._store.surroundings(workload),
                policy=policy,
                governance=Governance.of(namespace, writes=policy.writes),
                today=self._clock.now().date(),
                applied=record.applied,
                refused=record.refusals(self._clock.monotonic()),
                now=self._cluster.clock.now(),
                calendar=self._store.calendar(policy, namespace),
                watched=self._rollouts.held_for(workload.key),
                rolling=record.slot is not None,
                no_room=record.no_room_at == workload.generation,
            )
        )

    def _released(self, workload: Workload, record: Record, namespace: Namespace) -> Evaluation | None:
        """Evaluate a workload that no policy governs but that carries repairs of one."""
        name = self._store.repaired_by(workload.key)
        if name is None:
            return None
        former = self._store.former(name)
        if former is None and name in self._store.policies:
            return None
        inputs = Inputs(
            workload,
            around=self._store.surroundings(workload),
            on_removal=former.spec.on_removal if former else OnRemoval.KEEP,
            governance=Governance.of(namespace, writes=former.writes if former else True),
            today=self._clock.now().date(),
            refused=record.refusals(self._clock.monotonic()),
            now=self._cluster.clock.now(),
            calendar=self._store.calendar(former, namespace) if former else ALWAYS,
            watched=self._rollouts.held_for(workload.key),
            rolling=record.slot is not None,
        )
        return evaluate(inputs, policy_name=name)


@contextmanager
def _serving_the_others(key: WorkloadKey) -> Iterator[None]:
    """Log what goes wrong with one of many workloads, and go on: whatever it holds, the others must be served."""
    try:
        yield
    except Exception:
        log.exception("evaluation failed", workload=str(key))


def _sooner(*seconds: float | None) -> float | None:
    return min((each for each in seconds if each is not None), default=None)
