"""Looking after the policies themselves: their status, what is bound to them, and their finalizer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog

from productionpolicy.controller import metrics
from productionpolicy.controller.admission import Admission
from productionpolicy.controller.agreement import READY, Agreement
from productionpolicy.controller.cluster import Conflict, Gone, Raw, RequestFailed
from productionpolicy.controller.context import Context
from productionpolicy.controller.destinations import CONDITION as REPORTS
from productionpolicy.controller.destinations import Destinations
from productionpolicy.controller.drain_audits import CONDITION as NODES_DRAINABLE
from productionpolicy.controller.drain_audits import DrainAudits
from productionpolicy.controller.queue import Retry, WorkQueue
from productionpolicy.controller.resources import POLICIES
from productionpolicy.controller.store import StoredPolicy
from productionpolicy.kube.identity import FINALIZER
from productionpolicy.kube.text import printable
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.policy import Policy
from productionpolicy.policy.status import Condition, DrainAuditStatus
from productionpolicy.verdict import State
from productionpolicy.verdict.conditions import Opening, compliant, next_opening, progressing, ready
from productionpolicy.verdict.history import history
from productionpolicy.verdict.rollouts import TOO_MANY
from productionpolicy.verdict.totals import Totals

BURST_SECONDS = 0.1
"""How long a change waits for those that come with it, before the status tells of all of them."""

INTERVAL_SECONDS = 1.0
"""A status is written no more often than once in so many seconds."""

RETRY_SECONDS = 30.0
"""After how long it is looked up again what is done at admission, where the API server did not answer or refused."""

RELEASE_PAUSES = (0.1, 0.4)
"""How long to wait, when the operator stops, before a policy that has changed meanwhile is let go of once more."""

STUCK_SECONDS = 30.0
"""How long a deleted policy waits for workloads that do not settle, before it lets go of them."""

LONGEST_MESSAGE = 1024
"""Of a condition: what is wrong with a policy, or the answer of an API server, may be of any length."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Departure:
    """A policy that is being deleted while its changes are withdrawn."""

    left: int
    since: float
    """When the number last changed, by the monotonic clock."""
    closed: bool = False
    """Whether some of them wait for a rollout window."""


class Policies:
    """The policies: how often their status is written, what it says, and what holds them until they may go."""

    def __init__(self, context: Context) -> None:
        self.store = context.store
        self.cluster = context.cluster
        self.rollouts = context.rollouts
        self.events = context.events
        self.clock = context.clock
        self.admission = Admission(context.cluster)
        self.drain_audits = DrainAudits(context, changed=self.changed)
        self.destinations = Destinations()
        self._agreement = Agreement(context.clock.monotonic)
        self.caveat = ""
        """A warning about the version of the API server; empty where that is tested."""
        self.totals: defaultdict[str, Totals] = defaultdict(Totals)
        """The reports on the workloads of each policy."""
        self.queue: WorkQueue[str] = WorkQueue(of="policy", workers=1)
        self._written: dict[str, float] = {}
        """When each status was last looked at, by the monotonic clock."""
        self._generations: dict[str, int] = {}
        """The generation of each policy for which it was looked up what is done at admission."""
        self._departures: dict[str, _Departure] = {}
        self._measured: defaultdict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        """By policy, the exported counts of each namespace: its workloads, and those with findings."""

    def changed(self, *names: str) -> None:
        """Schedule an update of the status of policies."""
        for name in names:
            since = self.clock.monotonic() - self._written.get(name, -INTERVAL_SECONDS)
            self.queue.add_after(name, max(BURST_SECONDS, INTERVAL_SECONDS - since))

    def stops(self, policy: Policy) -> bool:
        """Say whether repairs that restart pods have to stop: too many rollouts failed."""
        return len(self.totals[policy.name].failed_rollouts(policy)) >= TOO_MANY

    async def reconcile(self, name: str) -> float | None:
        """Write what there is to say about a policy, if it changed; return after how many seconds it is due again.

        Raises:
            Retry: the API server refuses it or does not answer.
        """
        self._written[name] = self.clock.monotonic()
        stored = self.store.policies.get(name)
        if stored is None:
            self._forget(name)
            return None
        self.drain_audits.look()
        try:
            await self._keep_finalizer(stored)
            if self._generations.get(name) != stored.generation:
                await self._look_up_what_it_asks_for(stored)
            await self.admission.keep(stored)
            await self._write_status(stored)
        except Gone:
            log.debug("policy deleted", policy=name)
        except RequestFailed as error:
            raise Retry(str(error), after=INTERVAL_SECONDS) from error
        if stored.deleting and FINALIZER in stored.finalizers:
            return INTERVAL_SECONDS
        return RETRY_SECONDS if self.admission.unbound(name) else None

    def _forget(self, name: str) -> None:
        """Drop all that is known of a policy that is gone; its gauges would tell their last values for ever."""
        self._departures.pop(name, None)
        self._written.pop(name, None)
        self._generations.pop(name, None)
        self._measured.pop(name, None)
        self.queue.forget(name)
        self.rollouts.forget(name)
        self.drain_audits.forget(name)
        self._agreement.forget(name)
        if not self.totals[name].overall.total:
            del self.totals[name]
        for metric in metrics.OF_A_POLICY:
            metric.remove_by_labels({"policy": name})

    async def _look_up_what_it_asks_for(self, stored: StoredPolicy) -> None:
        """Look up what a new or changed policy may ask of the API server: it may have been installed just for that."""
        known, self._generations[stored.name] = self._generations.get(stored.name), stored.generation
        if known is not None:
            await self.admission.learn()

    async def look_up_admission(self) -> bool:
        """Learn what the API server does at admission, and tell it; say whether it answered."""
        answered = await self.admission.learn()
        self.changed(*self.store.policies)
        return answered

    async def keep_looking_up_admission(self, *, seconds: float) -> None:
        """Look it up after so many seconds each, until cancelled; sooner where the API server did not answer."""
        while True:
            await asyncio.sleep(seconds if self.admission.answered else min(seconds, RETRY_SECONDS))
            await self.look_up_admission()

    async def release_finalizers(self) -> None:
        """Take the operator's finalizer off the policies before it stops: without it, they could not be deleted.

        A policy that is being deleted keeps it, because its withdrawal goes on when the operator is back.
        """
        for name in sorted(self.store.policies):
            await self._release_finalizer(name)

    async def _release_finalizer(self, name: str) -> None:
        for pause in (*RELEASE_PAUSES, None):
            stored = self.store.policies.get(name)
            if stored is None or stored.deleting or FINALIZER not in stored.finalizers:
                return
            try:
                await self._set_finalizer(stored, wanted=False)
            except RequestFailed as error:
                if pause is None or not isinstance(error, Conflict):
                    log.warning("finalizer could not be removed", policy=name, error=str(error)[:300])
                    return
                await asyncio.sleep(pause)  # a status that the operator has just written: the watch will tell
            else:
                return

    async def _write_status(self, stored: StoredPolicy) -> None:
        totals = self.totals[stored.name]
        opening = next_opening(stored.policy, totals, now=self.cluster.clock.now())
        agreed = self._agreement.agreed(stored, self._conditions(stored, totals, opening))
        status, version = self._status(stored, agreed.conditions, opening), stored.resource_version
        if status != stored.status:
            # In a merge patch, null removes what is not told any more.
            version = await self.cluster.set_status(stored.name, {**dict.fromkeys(stored.status), **status})
        self._agreement.say(stored, agreed, version=version)
        self._measure(stored, status["conditions"])

    def _status(self, stored: StoredPolicy, conditions: tuple[Condition, ...], opening: Opening) -> Any:
        totals = self.totals[stored.name]
        if stored.policy is None:
            return _plain({**stored.status, "conditions": conditions, "observedGeneration": stored.generation})
        told = totals.status(
            stored.policy,
            namespaces=len(self.store.namespaces_of(stored.name)),
            conditions=conditions,
            next_window=opening.at,
            history=history(stored.status.get("history"), totals, now=self.cluster.clock.now()),
        )
        return _plain(msgspec.structs.replace(told, drain_audit=self._drain_audit(stored)))

    def _drain_audit(self, stored: StoredPolicy) -> DrainAuditStatus | None:
        """Return what there is to say of drains; forget it if the policy does not ask for it any more."""
        if stored.policy is None or not stored.policy.audits_drains:
            self.drain_audits.forget(stored.name)
            return None
        return self.drain_audits.status(stored)

    def _conditions(self, stored: StoredPolicy, totals: Totals, opening: Opening) -> Iterator[Condition]:
        yield self._condition(stored, READY, *ready(stored.policy, totals, fault=stored.fault, caveat=self.caveat))
        if stored.policy is not None:
            off = sum(self.store.namespaces[each].off for each in self.store.namespaces_of(stored.name))
            yield self._condition(stored, "Compliant", *compliant(totals, off=off))
            failed = totals.failed_rollouts(stored.policy)
            told = progressing(stored.policy, totals, failed=failed, opening=opening)
            yield self._condition(stored, "Progressing", *told)
            for each in self.admission.conditions(stored.policy):
                yield self._condition(stored, each.type, each.status, each.reason, each.message)
            reported = self.destinations.told(stored.policy)
            if reported is not None:
                yield self._condition(stored, REPORTS, *reported)
            if stored.policy.audits_drains:
                drains = self.drain_audits.verdict(stored)
                yield self._condition(stored, NODES_DRAINABLE, drains.status, drains.reason, drains.message)
        departure = self._departures.get(stored.name)
        if departure is not None:
            message = f"{departure.left} workloads still have repairs that are being withdrawn"
            if departure.closed:
                message += "; what restarts pods waits for a rollout window (spec.rollout)"
            yield self._condition(stored, "Removal", "True", "Withdrawing", message)

    def _condition(self, stored: StoredPolicy, kind: str, status: str, reason: str, message: str) -> Condition:
        return Condition(
            type=kind,
            status=status,
            reason=reason,
            message=printable(message, longest=LONGEST_MESSAGE),
            last_transition_time=self._since(stored, kind, status),
            observed_generation=stored.generation,
        )

    def _since(self, stored: StoredPolicy, kind: str, status: str) -> datetime:
        """Return since when a condition has its status: as before, or now."""
        known = stored.status.get("conditions")
        for each in known if isinstance(known, list) else ():
            if each.get("type") == kind and each.get("status") == status:
                return datetime.fromisoformat(str(each["lastTransitionTime"]))
        return self.clock.now().replace(microsecond=0)

    async def _keep_finalizer(self, stored: StoredPolicy) -> None:
        """Hold a policy back while its changes have to be withdrawn, and no longer."""
        wanted = self._must_wait(stored) if stored.deleting else stored.policy is not None and stored.policy.reverts
        if wanted != (FINALIZER in stored.finalizers) and not (stored.deleting and wanted):
            await self._set_finalizer(stored, wanted=wanted)

    async def _set_finalizer(self, stored: StoredPolicy, *, wanted: bool) -> None:
        others = [each for each in stored.finalizers if each != FINALIZER]
        finalizers = [*others, FINALIZER] if wanted else others
        written = await self.cluster.set_finalizers(stored.name, finalizers, resource_version=stored.resource_version)
        if wanted:
            # The operator may stop before its watch tells of the finalizer, which nobody would then take off.
            self.store.observe(POLICIES, written)

    def _must_wait(self, stored: StoredPolicy) -> bool:
        if stored.policy is None or not stored.policy.writes or not stored.policy.reverts:
            return False
        left = self._carrying(stored.name)
        departure = self._departures.setdefault(stored.name, _Departure(len(left), self.clock.monotonic()))
        # They may wait for the slot of a workload that no longer carries repairs, but still replaces its pods.
        closed = any(self._is_closed(stored.policy, each) for each in left)
        if departure.left != len(left) or closed or self.rollouts.any_rolling(stored.name):
            self._departures[stored.name] = departure = _Departure(len(left), self.clock.monotonic(), closed)
        stuck = self.clock.monotonic() - departure.since > STUCK_SECONDS
        if left and stuck:
            log.warning("policy removed before some workloads have settled", policy=stored.name, workloads=len(left))
        return bool(left) and not stuck

    def _is_closed(self, policy: Policy, key: WorkloadKey) -> bool:
        """Say whether the withdrawal of a workload's repairs waits for a rollout window."""
        namespace = self.store.namespaces.get(key.namespace)
        if namespace is None or self.store.calendar(policy, namespace).open_at(self.cluster.clock.now()):
            return False
        workload = self.store.workload(key)
        return workload is not None and not workload.runs_no_pod

    def _carrying(self, policy: str) -> list[WorkloadKey]:
        """Return the workloads that carry repairs of a policy."""
        return [key for key in self.store.all_workloads() if self.store.repaired_by(key) == policy]

    def _measure(self, stored: StoredPolicy, conditions: list[Raw]) -> None:
        policy, totals = stored.name, self.totals[stored.name]
        for state in State:
            metrics.WORKLOADS.labels(policy=policy, state=str(state)).set(totals.count(state))
        for (name, outcome), count in totals.outcomes.items():
            metrics.FINDINGS.labels(policy=policy, expectation=name, outcome=str(outcome)).set(count)
        self._measure_namespaces(policy, totals)
        metrics.CONDITIONS.remove_by_labels({"policy": policy})
        for each in conditions:
            told = {name: each[name] for name in ("type", "status", "reason")}
            metrics.CONDITIONS.labels(policy=policy, **told).set(1)
        for begins_at_zero in (metrics.ROLLING, metrics.FAILED_ROLLOUTS, metrics.ADMISSION_MISSED):
            begins_at_zero.labels(policy=policy)

    def _measure_namespaces(self, policy: str, totals: Totals) -> None:
        """Update the metrics of changed namespaces only: there may be thousands, and this runs up to once a second."""
        counts = {name: (each.total, each.with_findings) for name, each in totals.by_namespace.items()}
        known, self._measured[policy] = self._measured[policy], counts
        for name in known.keys() - counts.keys():
            metrics.NAMESPACE_WORKLOADS.remove(policy, name)
            metrics.NAMESPACE_VIOLATING.remove(policy, name)
        for name, (total, violating) in counts.items() - known.items():
            metrics.NAMESPACE_WORKLOADS.labels(policy=policy, workload_namespace=name).set(total)
            metrics.NAMESPACE_VIOLATING.labels(policy=policy, workload_namespace=name).set(violating)


def _plain(status: Any) -> Any:
    """Return a status in the form in which it comes back from the API server, which drops nulls."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(status))
    return {name: value for name, value in found.items() if value is not None}
