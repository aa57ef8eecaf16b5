"""Reports on workloads: the totals of their policies, log lines and Events."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import structlog

from productionpolicy.controller.context import Context
from productionpolicy.controller.effectiveness import Effectiveness
from productionpolicy.controller.metrics import FAILED_ROLLOUTS, REPAIRS, WITHDRAWALS
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.records import Record
from productionpolicy.controller.reports import Reports
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.verdict import Evaluation, Plan, State, WorkloadReport
from productionpolicy.verdict.audit import EXEMPTIONS
from productionpolicy.verdict.plan import Change

_LOGGED = {"Repaired": "repaired", "Withdrawn": "withdrawn", "RepairedAtAdmission": "repaired at admission"}
"""The log event that goes with an Event of the reason."""

log = structlog.get_logger(__name__)


class Publisher:
    """Tells what evaluations and writes come to, where it is news."""

    def __init__(self, context: Context, policies: Policies, effectiveness: Effectiveness, reports: Reports) -> None:
        self._rollouts = context.rollouts
        self._events = context.events
        self._now = context.cluster.clock.now
        self._policies = policies
        self._effectiveness = effectiveness
        self._reports = reports
        self._began: datetime | None = None
        self._members: Counter[str] = Counter()

    def begin(self) -> None:
        """Take what is created from now on for new."""
        self._began = self._now()

    def members(self, policy: str) -> int:
        """Return how many workloads a policy governs, with those that still carry its repairs."""
        return self._members[policy]

    def publish(self, record: Record, evaluation: Evaluation) -> None:
        """Tell what follows from the state of a workload, and what is new since the record was written."""
        inputs, told, before = evaluation.inputs, evaluation.report, record.report
        if inputs.policy is not None and record.seen is not inputs.workload:
            self._effectiveness.came_in(inputs, record.seen)
        self._move(inputs.workload.key, record.policy, evaluation.policy_name)
        if told is None:
            self._drop(inputs.workload.key, evaluation.policy_name)
            self._reports.withdraw(inputs.workload.uid)
            return
        if not record.writing:
            self._tell_admitted(evaluation, record)
        self._reports.publish(evaluation)
        if self._policies.totals[told.policy].put(told):
            self._policies.changed(told.policy)
            self._tell_contest(inputs.workload, before, told, evaluation.plan)
            self._tell_exemptions(inputs.workload, before, told)
            if before is not None and before.failed_rollout is not None and told.failed_rollout is None:
                self._rollouts.wake_next(told.policy)

    def forget(self, key: WorkloadKey, record: Record) -> None:
        """Count a workload no longer for a policy, and report on it no longer."""
        self._move(key, record.policy, "")
        self._reports.forget(key, record.uid)

    def report_written(self, workload: Workload, changes: list[Change]) -> None:
        """Tell of repairs and withdrawals that were written."""
        made = [each for each in changes if each.after is not None]
        undone = [each for each in changes if each.after is None]
        for each in made:
            REPAIRS.labels(expectation=each.expectation).inc()
        for each in undone:
            WITHDRAWALS.labels(expectation=each.expectation).inc()
        self._tell(workload, "Repaired", made)
        self._tell(workload, "Withdrawn", undone)

    def report_refusal(self, workload: Workload, error: Exception) -> None:
        """Tell of a write that the API server refused."""
        log.warning("repair refused", workload=str(workload.key), error=str(error)[:500])
        self._events.about_workload(workload, reason="RepairRefused", message=str(error), warning=True)

    def report_failed_rollout(self, evaluation: Evaluation) -> None:
        """Tell of a rollout that was put back."""
        workload = evaluation.inputs.workload
        names = ", ".join(each.expectation for each in evaluation.todo.changes if each.restarts)
        refusal = workload.progress.refusal
        why = f": no pod could be created: {refusal}" if refusal else ""
        message = f"the rollout of {names} did not complete in time, and its changes were rolled back{why}"
        FAILED_ROLLOUTS.labels(policy=evaluation.policy_name).inc()
        log.warning("rollout failed", workload=str(workload.key), expectations=names)
        self._events.about_workload(workload, reason="RolloutFailed", message=message, warning=True)

    def _move(self, key: WorkloadKey, before: str, after: str) -> None:
        """Count a workload for a policy, and no longer for another one."""
        if before == after:
            return
        if before:
            self._members[before] -= 1
            self._drop(key, before)
            self._policies.changed(before)
        if after:
            self._members[after] += 1

    def _drop(self, key: WorkloadKey, policy: str) -> None:
        totals = self._policies.totals.get(policy)
        report = totals.drop(key) if totals is not None else None
        if report is not None:
            self._policies.changed(policy)
            if report.failed_rollout is not None:
                self._rollouts.wake_next(policy)

    def _tell_admitted(self, evaluation: Evaluation, record: Record) -> None:
        """Tell of repairs in the workload that are new and not the operator's own: the API server made them."""
        inputs = evaluation.inputs
        if record.report is not None:
            known = record.report.repaired | record.applied.keys()
        elif self._is_new(inputs.workload):
            known = frozenset()
        else:
            return
        if inputs.policy is None or not self._policies.admission.repairs(inputs.policy):
            return
        changes = [
            Change(name, before=None, after=each.note(), restarts=each.restarts)
            for name, each in inputs.journal.repairs.items()
            if name not in known
        ]
        self._tell(inputs.workload, "RepairedAtAdmission", changes)

    def _is_new(self, workload: Workload) -> bool:
        """Say whether a workload was created since the operator began."""
        began, created = self._began, workload.created
        return began is not None and bool(created) and datetime.fromisoformat(created) >= began

    def _tell_exemptions(self, workload: Workload, before: WorkloadReport | None, told: WorkloadReport) -> None:
        """Warn of exemptions that have no effect, when they are first seen."""
        known = before.findings if before else ()
        news = [each.sentence for each in told.findings if each.expectation == EXEMPTIONS and each not in known]
        if news:
            self._events.about_workload(
                workload, reason="ExemptionWithoutEffect", message=". ".join(news), warning=True
            )

    def _tell_contest(
        self, workload: Workload, before: WorkloadReport | None, told: WorkloadReport, planned: Plan
    ) -> None:
        if told.state is State.CONTESTED and (before is None or before.state is not State.CONTESTED):
            reasons = "; ".join(f"{name}: {each.reason}" for name, each in planned.contests.items() if each.settled)
            message = f"not repaired again until the workload or its policy changes: {reasons}"
            log.warning("repair contested", workload=str(workload.key), reasons=reasons)
            self._events.about_workload(workload, reason="Contested", message=message, warning=True)

    def _tell(self, workload: Workload, reason: str, changes: list[Change]) -> None:
        if changes:
            message = ", ".join(map(str, changes))
            log.info(_LOGGED[reason], workload=str(workload.key), changes=message)
            self._events.about_workload(workload, reason=reason, message=message)
