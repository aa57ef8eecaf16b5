"""Whether repairs at admission work, as the workloads that come in tell."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.controller.admission import EFFECTIVE, NOT_EFFECTIVE, REPAIR_CONDITION, Seen
from productionpolicy.controller.admission_policies import REPAIR
from productionpolicy.controller.context import Context
from productionpolicy.controller.metrics import ADMISSION_MISSED
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.resources import NAMESPACES, POLICIES, Resource
from productionpolicy.controller.store import StoredPolicy
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.policy import Policy
from productionpolicy.verdict import Inputs
from productionpolicy.verdict.arrival import Arrival, Effect, arrival
from productionpolicy.verdict.plan import TIME

GRACE = timedelta(seconds=10)
"""How long after a binding, or what it depends on, was written it is not held against the API server that a workload
comes in unrepaired: it takes some seconds until all of its instances know."""

CONFIRMATION_SECONDS = 5.0
"""How long a miss waits before it counts: the watches may tell of a workload before they tell of the change of a policy
or of a namespace by which it came in as it did."""

RETRY_SECONDS = 10.0
"""How long it waits further where the API server does not answer what is bound."""

INTERVAL_SECONDS = 1.0
LONG_AGO = datetime.min.replace(tzinfo=UTC)
METRIC = f'apiserver_mutating_admission_policy_check_total{{policy="{REPAIR.name}"}}'

log = structlog.get_logger(__name__)


class _Suspicion(Struct, frozen=True):
    """A miss that waits to be confirmed."""

    policy: Policy
    workload: WorkloadKey
    arrival: Arrival
    due: float
    """When it is looked at again, by the monotonic clock."""


class Effectiveness:
    """Tells by the workloads that come in whether repairs at admission work.

    Moments are the API server's. What came in before the operator began tells nothing: what the policy said then is not
    known.
    """

    def __init__(self, context: Context, policies: Policies) -> None:
        self._store = context.store
        self._policies = policies
        self._admission = policies.admission
        self._events = context.events
        self._clock = context.clock
        self._now = context.cluster.clock.now
        self._began: datetime | None = None
        self._said: dict[tuple[Resource, str], tuple[object, datetime]] = {}
        """What each policy and namespace says, and since when that counts."""
        self._suspicions: list[_Suspicion] = []

    def begin(self) -> None:
        """Let what comes in from now on count, and go on from what the status tells of the time before."""
        self._began = self._now()
        for stored in self._store.policies.values():
            seen = _resumed(stored)
            if seen is not None:
                self._admission.seen[stored.name] = seen

    def observe(self, resource: Resource, name: str) -> None:
        """Take note that a policy or a namespace may have changed, or is gone."""
        known, said = self._said.get((resource, name)), self._word(resource, name)
        if said is None:
            self._said.pop((resource, name), None)
        elif known is None:
            # What is new has said so from its first moment, and a new policy has a new binding.
            self._said[resource, name] = said, LONG_AGO
        elif known[0] != said:
            self._said[resource, name] = said, self._now() + GRACE

    def came_in(self, inputs: Inputs, before: Workload | None) -> None:
        """Take note of a governed workload in a new state."""
        key, policy = inputs.workload.key, inputs.policy
        active = self._active(policy, key.namespace) if policy else None
        found = arrival(inputs, before, active=active) if active else None
        if found is None or policy is None:
            return
        if found.effect is Effect.HIT:
            self._hit(policy, found)
        elif found.effect is Effect.MISS:
            due = self._clock.monotonic() + CONFIRMATION_SECONDS
            self._suspicions.append(_Suspicion(policy, key, found, due=due))

    async def run(self) -> None:
        """Confirm misses, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self.confirm()

    async def confirm(self) -> None:
        """Count the misses that nothing explains by now."""
        now = self._clock.monotonic()
        due = [each for each in self._suspicions if each.due <= now]
        if not due:
            return
        # Somebody may have removed the admission policy or a binding: that is another reason, which has its own words.
        if not all(self._is_told(each.policy) for each in due) and not await self._policies.look_up_admission():
            later = self._clock.monotonic() + RETRY_SECONDS
            self._suspicions = [replace(each, due=max(each.due, later)) for each in self._suspicions]
            return
        self._suspicions = [each for each in self._suspicions if each.due > now]
        for each in due:
            active = self._active(each.policy, each.workload.namespace)
            if active is not None and active <= each.arrival.at:
                self._miss(each)

    def _hit(self, policy: Policy, found: Arrival) -> None:
        seen = self._seen(policy)
        if seen is None or found.at >= seen.at:
            self._see(policy, Seen(policy.uid, works=True, at=found.at))
            if seen is not None and not seen.works:
                log.info("repairs at admission work again", policy=policy.name)

    def _miss(self, suspicion: _Suspicion) -> None:
        policy, found, seen = suspicion.policy, suspicion.arrival, self._seen(suspicion.policy)
        ADMISSION_MISSED.labels(policy=policy.name).inc()
        if seen is not None and found.at <= seen.at:
            return
        if seen is not None and not seen.works:
            self._see(policy, replace(seen, at=found.at))
            return
        message = _message(suspicion)
        self._see(policy, Seen(policy.uid, works=False, at=found.at, message=message))
        log.warning("repairs at admission have no effect", policy=policy.name, workload=str(suspicion.workload))
        self._events.about_policy(policy.name, policy.uid, reason="AdmissionNotEffective", message=message)

    def _see(self, policy: Policy, seen: Seen) -> None:
        if self._admission.see(policy.name, seen):
            self._policies.changed(policy.name)

    def _word(self, resource: Resource, name: str) -> object:
        """Return all that a policy or a namespace says about what is done at admission; None where it is gone."""
        if resource is not POLICIES:
            return self._store.namespaces.get(name)
        stored = self._store.policies.get(name)
        return (stored.uid, stored.generation, stored.deleting) if stored else None

    def _active(self, policy: Policy, namespace: str) -> datetime | None:
        """Return since when workloads of a namespace must come in repaired; None where they need not."""
        bound = self._admission.repairs_since(policy.name)
        said = [self._said.get((POLICIES, policy.name)), self._said.get((NAMESPACES, namespace))]
        since = [each[1] for each in said if each]
        if bound is None or self._began is None or len(since) < len(said):
            return None
        return max(bound + GRACE, self._began, *since)

    def _is_told(self, policy: Policy) -> bool:
        """Say whether it is told already that repairs at admission do not work."""
        seen = self._seen(policy)
        return seen is not None and not seen.works

    def _seen(self, policy: Policy) -> Seen | None:
        seen = self._admission.seen.get(policy.name)
        return seen if seen is not None and seen.uid == policy.uid else None


def _resumed(stored: StoredPolicy) -> Seen | None:
    """Return what was seen before the operator began, as the status tells."""
    conditions = stored.status.get("conditions")
    for each in conditions if isinstance(conditions, list) else ():
        if each.get("type") == REPAIR_CONDITION and each.get("reason") in (EFFECTIVE, NOT_EFFECTIVE):
            works, message = each["reason"] == EFFECTIVE, str(each.get("message"))
            return Seen(stored.uid, works=works, at=LONG_AGO, message="" if works else message)
    return None


def _message(suspicion: _Suspicion) -> str:
    moment, lacking = suspicion.arrival.at.strftime(TIME), ", ".join(suspicion.arrival.lacking)
    return (
        f"the admission policy is bound but has no effect: {suspicion.workload} was admitted at {moment} without "
        f"{lacking}; for the reason, see the API server's metric {METRIC} and its log; until it is fixed, repairs are "
        "made only in the background"
    )
