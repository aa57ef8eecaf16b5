"""The audits of drains: when they are due, and what they found, by policy."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
import structlog

from productionpolicy.controller import metrics
from productionpolicy.controller.cluster import RequestFailed
from productionpolicy.controller.context import Context
from productionpolicy.controller.drain_play import PLAYER, NotPlayed, Sight, look, memory_for, play
from productionpolicy.controller.drain_player import Governed, Order
from productionpolicy.controller.store import StoredPolicy
from productionpolicy.drain.audit import NOT_ALL_READ, Findings, Verdict, not_played
from productionpolicy.kube.text import printable
from productionpolicy.policy.status import DrainAuditStatus

CONDITION = "NodesDrainable"

JITTER = 0.1
"""By which share of the interval an audit is earlier or later, so that many clusters do not begin together."""
SHARED = 0.5
"""An audit serves every policy for which at least this share of its interval has passed."""
NO_WORKLOADS = "NoWorkloads"
"""The reason of the condition where no namespace selects the policy."""

RETRY_SECONDS = 60.0
"""After how long it is tried again if the API server did not answer."""
RIGHTS_SECONDS = 600.0
"""After how long it is looked again for rights that were missing."""
LONGEST_SLEEP_SECONDS = 60.0
"""The API server's clock decides, so it is looked at again now and then."""
CPU_SECONDS = 1200
"""How much processor time a play may take."""

log = structlog.get_logger(__name__)


class DrainAudits:
    """Plays drains at the intervals that policies ask for, one play after the other.

    When the next one is due follows from the status of the policy and the API server's clock, so a restart of the
    operator repeats none.
    """

    def __init__(
        self,
        context: Context,
        *,
        changed: Callable[[str], None],
        player: Iterable[str] = PLAYER,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._store = context.store
        self._cluster = context.cluster
        self._monotonic = context.clock.monotonic
        self._changed = changed
        self._player = tuple(player)
        self._dice = dice
        self._found: dict[str, tuple[str, Findings]] = {}
        """By policy: its UID, and what the last audit found."""
        self._factors: dict[str, float] = {}
        """By policy: by what its interval is multiplied until the next audit."""
        self._unread: Mapping[str, str] | None = None
        """What could not be read the last time; None if the operator has not looked yet."""
        self._looked = self._failed = float("-inf")
        """When it was looked for rights, and when an audit failed, by the monotonic clock."""
        self._fault = ""
        """Why the last audit failed."""
        self._news = asyncio.Event()

    def look(self) -> None:
        """Find out what is due: a policy may have changed."""
        self._news.set()

    def forget(self, name: str) -> None:
        """Drop what was found for a policy that is gone, or does not audit drains any more."""
        self._found.pop(name, None)
        self._factors.pop(name, None)
        for each in metrics.OF_DRAIN_AUDITS:
            each.remove_by_labels({"policy": name})

    def verdict(self, stored: StoredPolicy) -> Verdict:
        """Return what the condition of a policy that audits drains says."""
        found = self._last(stored)
        if not self._namespaces(stored.name):
            return Verdict("Unknown", NO_WORKLOADS, "no namespace selects this policy, so no drain is played")
        if found is not None:
            return found.verdict
        if self._fault:
            return Verdict("Unknown", "NotPlayed", f"not played: {self._fault}; the operator tries again")
        return Verdict("Unknown", "NotPlayed", "the first audit has not ended yet")

    def status(self, stored: StoredPolicy) -> DrainAuditStatus | None:
        """Return what the last audit found for a policy that audits drains; None if there was none."""
        found = self._last(stored)
        return found.status if found is not None else None

    async def run(self) -> None:
        """Play drains when they are due, until cancelled."""
        while True:
            self._news.clear()
            waits = self._waits()
            due = sorted(name for name, seconds in waits.items() if seconds <= 0)
            pause = self._failed + RETRY_SECONDS - self._monotonic()
            if due and pause <= 0:
                await self._attempt(due)
                continue
            later = [seconds for name, seconds in waits.items() if name not in due]
            soonest = min([pause if due else LONGEST_SLEEP_SECONDS, *later, LONGEST_SLEEP_SECONDS])
            with suppress(TimeoutError):
                async with asyncio.timeout(max(soonest, 0.1) if waits else None):
                    await self._news.wait()

    def _waits(self) -> dict[str, float]:
        """Return after how many seconds an audit is due, for each policy that audits drains."""
        auditing = (each for each in self._store.policies.values() if _audits(each) and not each.deleting)
        return {each.name: self._seconds_until_due(each) for each in auditing if self._namespaces(each.name)}

    def _seconds_until_due(self, stored: StoredPolicy) -> float:
        wait, last = self._seconds_until_played(stored), self._last(stored)
        if last is None or last.verdict.reason != NOT_ALL_READ:
            return wait
        return min(wait, self._looked + RIGHTS_SECONDS - self._monotonic())

    def _seconds_until_played(self, stored: StoredPolicy) -> float:
        """Return after how many seconds drains are played even if the operator has no other rights than the last time.

        A request of a person is due at once.
        """
        last, request = self._last(stored), _request(stored)
        if last is None or (request and request != last.status.handled_request):
            return 0.0
        passed = (self._cluster.clock.now() - last.status.last_audit_time).total_seconds()
        factor = self._factors.setdefault(stored.name, 1 - JITTER + 2 * JITTER * self._dice())
        return _interval(stored) * factor - passed

    def _last(self, stored: StoredPolicy) -> Findings | None:
        """Return what the last audit found, even if the operator was restarted since, or another replica made it."""
        uid, found = self._found.get(stored.name, ("", None))
        known = found if uid == stored.uid else None
        if known is not None and not _is_newer(stored.status, known.status.last_audit_time):
            return known
        told = _resumed(stored)
        if told is not None:
            self._keep(stored, told)
        return told or known

    def _keep(self, stored: StoredPolicy, found: Findings) -> None:
        """Keep what was found, unless the policy has gone or stopped to audit drains meanwhile."""
        current = self._store.policies.get(stored.name)
        if current is None or current.uid != stored.uid or not _audits(current):
            return
        self._found[stored.name] = stored.uid, found
        self._factors.pop(stored.name, None)
        _measure(stored.name, found.status)

    def _namespaces(self, policy: str) -> tuple[str, ...]:
        """Return the namespaces in which a policy judges workloads."""
        found = (self._store.namespaces[each] for each in self._store.namespaces_of(policy))
        return tuple(sorted(each.name for each in found if not each.off and not each.deleting))

    async def _attempt(self, due: Iterable[str]) -> None:
        """Play drains for the policies for which it is due, and for those for which it will be soon."""
        waits = self._waits()
        soon = {each for each in waits if waits[each] <= _interval(self._store.policies[each]) * SHARED}
        served = [self._store.policies[each] for each in sorted(soon.union(due))]
        try:
            await self._audit(served)
        except RequestFailed as error:
            self._note_failure(str(error))
            log.warning("audit of drains failed", error=self._fault)
        except Exception as error:  # an audit must not stop the repairs
            self._note_failure(f"error in the operator: {type(error).__name__}")
            log.exception("audit of drains failed")
        else:
            self._fault = ""
        for each in served:
            self._changed(each.name)

    def _note_failure(self, fault: str) -> None:
        self._fault, self._failed = printable(fault, longest=200), self._monotonic()

    async def _audit(self, served: list[StoredPolicy]) -> None:
        started, at = time.monotonic(), self._cluster.clock.now()
        sight = await look(self._cluster)
        same, self._looked = self._unread in (None, sight.unread), self._monotonic()
        self._unread = sight.unread
        if sight.unread and same and all(self._seconds_until_played(each) > 0 for each in served):
            return  # rights are still missing, and nothing else asks for a play
        try:
            await self._play(served, sight, at)
        except NotPlayed as error:
            log.warning("drains were not played", reason=error.reason, error=str(error))
            for each in served:
                self._keep(each, not_played(error.reason, str(error), at=at, request=_request(each)))
        metrics.DRAIN_AUDIT_SECONDS.set(time.monotonic() - started)

    async def _play(self, served: list[StoredPolicy], sight: Sight, at: datetime) -> None:
        order = Order(
            at,
            tuple(Governed(each.name, self._namespaces(each.name), _request(each)) for each in served),
            unread=sight.unread,
            kinds=sight.kinds,
            memory_bytes=memory_for(sight),
            cpu_seconds=CPU_SECONDS,
        )
        answer = await play(self._cluster, order, player=self._player)
        for each in served:
            self._keep(each, answer.findings[each.name])
        log.info(
            "drains were played",
            nodes=sight.nodes,
            pods=sight.pods,
            cpu_seconds=answer.cpu_seconds,
            peak_mib=answer.peak_mib,
        )


def _audits(stored: StoredPolicy) -> bool:
    return stored.policy is not None and stored.policy.audits_drains


def _interval(stored: StoredPolicy) -> int:
    assert stored.policy is not None
    return stored.policy.spec.drain_audit.interval_seconds


def _request(stored: StoredPolicy) -> str:
    return stored.policy.audit_request if stored.policy is not None else ""


def _is_newer(status: Mapping[str, Any], known: datetime) -> bool:
    """Return whether a status tells of a later audit. If replicas did not agree on the latest, both would write it."""
    with suppress(KeyError, TypeError, ValueError):
        return datetime.fromisoformat(status["drainAudit"]["lastAuditTime"]) > known
    return False


def _resumed(stored: StoredPolicy) -> Findings | None:
    """Return what the status tells of the last audit."""
    raw, conditions = stored.status.get("drainAudit"), stored.status.get("conditions")
    said: Iterable[Any] = conditions if isinstance(conditions, list) else ()
    condition = next((each for each in said if each.get("type") == CONDITION), None)
    if raw is None or condition is None or condition.get("reason") == NO_WORKLOADS:
        return None  # that says nothing of the last audit
    try:
        return Findings(msgspec.convert(condition, Verdict), msgspec.convert(raw, DrainAuditStatus))
    except msgspec.ValidationError:  # another version of the operator wrote it
        return None


def _measure(policy: str, status: DrainAuditStatus) -> None:
    """Export what was found; of what was not played, nothing is known."""
    if not status.nodes:
        metrics.DRAIN_BLOCKED_NODES.remove_by_labels({"policy": policy})
        metrics.DRAIN_DARK_WORKLOADS.remove_by_labels({"policy": policy})
        return
    metrics.DRAIN_BLOCKED_NODES.labels(policy=policy).set(status.blocked_nodes)
    metrics.DRAIN_DARK_WORKLOADS.labels(policy=policy, by="node").set(status.dark_by_node)
    metrics.DRAIN_DARK_WORKLOADS.labels(policy=policy, by="zone").set(status.dark_by_zone)
    metrics.DRAIN_AUDIT_SUCCESS.labels(policy=policy).set(status.last_audit_time.timestamp())
