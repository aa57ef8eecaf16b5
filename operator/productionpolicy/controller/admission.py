"""What the API server itself does at admission: policies in CEL, each of them bound to every ProductionPolicy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import structlog
from msgspec import Struct

from productionpolicy.controller.admission_policies import (
    DENY,
    REPAIR,
    WARN,
    AdmissionPolicy,
    binding,
    same_binding,
    type_check_warnings,
)
from productionpolicy.controller.cluster import Cluster, Conflict, Raw, Refused, RequestFailed, Unavailable
from productionpolicy.controller.resources import Resource
from productionpolicy.controller.store import StoredPolicy
from productionpolicy.expectations import Action
from productionpolicy.kube.identity import POLICY_LABEL
from productionpolicy.policy import Policy

REPAIR_CONDITION, VALIDATION_CONDITION = "AdmissionRepair", "AdmissionValidation"
BOUND, EFFECTIVE, NOT_EFFECTIVE = "Bound", "Effective", "NotEffective"
"""Reasons of conditions: an admission policy is bound, is seen to work, and is seen not to."""

log = structlog.get_logger(__name__)


_NOTICED = "the operator checks every 15 minutes, and whenever this policy changes"


class AdmissionCondition(Struct, frozen=True):
    """A condition of a ProductionPolicy."""

    type: str
    status: str
    reason: str
    message: str


class Bindings:
    """Binds one admission policy, where the API server has it. The bindings go with the policies that own them."""

    def __init__(self, cluster: Cluster, policy: AdmissionPolicy) -> None:
        self._cluster = cluster
        self._policy = policy
        self._served: Resource | None = None
        self._installed: Raw | None = None
        self._bound: dict[str, Raw] = {}
        """The bindings that are there, by name."""
        self._faults: dict[str, str] = {}
        """Why a ProductionPolicy could not be bound, by its name."""

    async def learn(self) -> None:
        """Learn what the API server has: the kind, the admission policy, and the operator's bindings."""
        served = self._policy.kind
        for version in served.versions:
            policies, bindings = served.policies(version), served.bindings(version)
            if await self._cluster.serves(policies):
                installed, bound = await self._cluster.find(policies, self._policy.name), dict[str, Raw]()
                async for page in self._cluster.pages(bindings):
                    bound |= {each["metadata"]["name"]: each for each in page if self._ours(each)}
                self._served, self._installed, self._bound = bindings, installed, bound
                return
        self._served, self._installed, self._bound = None, None, {}

    async def keep(self, stored: StoredPolicy) -> None:
        """Bind the admission policy to a ProductionPolicy; where that is not possible, `fault` tells why.

        Raises:
            Conflict: the binding was created meanwhile.
            Unavailable: the API server does not answer.
        """
        if self._served is None or self._installed is None or stored.deleting:
            return
        wanted = binding(self._policy, to=stored.name, uid=stored.uid, version=self._served.version)
        if self._binds(wanted):
            self._faults.pop(stored.name, None)
            return
        try:
            await self._bind(self._served, wanted)
        except (Conflict, Unavailable):
            raise
        except RequestFailed as error:
            self._tell_fault(stored.name, str(error))
        else:
            self._faults.pop(stored.name, None)
            log.info("admission policy bound", policy=stored.name, admission=self._policy.name)

    def _tell_fault(self, policy: str, fault: str) -> None:
        if self._faults.get(policy) != fault:
            name = self._policy.name
            log.warning("admission policy could not be bound", policy=policy, admission=name, error=fault[:300])
        self._faults[policy] = fault

    async def _bind(self, served: Resource, wanted: Raw) -> None:
        """Create a binding, unless it is there by now; what is known of it may have gone with a policy.

        One that differs is not changed. The API server evaluates no admission policy for bindings, so an account that
        may update one may update all, and could unbind the policy that restrains it.
        """
        name = wanted["metadata"]["name"]
        live = await self._cluster.find(served, name)
        self._bound[name] = live or await self._cluster.create(served, wanted)
        if not same_binding(self._bound[name], wanted):
            raise Refused(
                f"{name} differs from what the operator creates: somebody has changed it, or it remains from a deleted "
                f"policy of the same name; to have it created again: kubectl delete {served.kind.lower()} {name}"
            )

    def _binds(self, wanted: Raw) -> bool:
        live = self._bound.get(wanted["metadata"]["name"])
        return live is not None and same_binding(live, wanted)

    def fault(self, policy: str) -> tuple[str, str] | None:
        """Return reason and message of why nothing is done at admission; None if it is."""
        served = self._policy.kind
        if self._served is None:
            return "NotServed", f"no {served.kind} is served ({served.since})"
        if self._installed is None:
            return "NotInstalled", f"to install it: {self._policy.installation(self._served.version)} ({_NOTICED})"
        if policy in self._faults:
            return "NotBound", self._faults[policy]
        return None

    def unbound(self, policy: str) -> bool:
        """Say whether a ProductionPolicy could not be bound."""
        return self.installed and policy in self._faults

    @property
    def installed(self) -> bool:
        """Whether the API server has the admission policy."""
        return self._installed is not None

    def since(self, policy: str) -> datetime | None:
        """Return since when there are binding and admission policy as they are, by the API server's clock.

        None where a ProductionPolicy is not bound. An admission policy that is rewritten goes on working meanwhile, so
        only when it was created counts.
        """
        live = self._bound.get(f"{self._policy.name}-{policy}")
        if live is None or self._installed is None or self.fault(policy):
            return None
        return max(_written_at(live), datetime.fromisoformat(self._installed["metadata"]["creationTimestamp"]))

    def warnings(self) -> Iterator[str]:
        """Yield what the API server's type check warns of, each with the field; none where it was not checked yet."""
        return type_check_warnings(self._installed)

    def _ours(self, raw: Raw) -> bool:
        named = raw["spec"].get("policyName") == self._policy.name
        return named and POLICY_LABEL in raw["metadata"].get("labels", {})


class Seen(Struct, frozen=True):
    """What was last seen of repairs at admission under a ProductionPolicy."""

    uid: str
    """Of the ProductionPolicy."""
    works: bool
    at: datetime
    """When the workload came in that tells it, by the API server's clock."""
    message: str = ""
    """What is told where they do not work."""


class Admission:
    """Has the API server carry out what policies ask of it, and tells how far it does."""

    def __init__(self, cluster: Cluster) -> None:
        self._bindings = {each.action: Bindings(cluster, each) for each in (REPAIR, DENY, WARN)}
        self.seen: dict[str, Seen] = {}
        """What was last seen of repairs at admission, by the name of the ProductionPolicy."""
        self._known = False
        """Whether it was ever learned what the API server has."""
        self._fault: str | None = None
        """Why the last look did not succeed."""

    async def learn(self) -> bool:
        """Learn what the API server has; say whether it answered."""
        try:
            for each in self._bindings.values():
                await each.learn()
            self._known, self._fault = True, None
            if not self._bindings[Action.REPAIR].installed:
                self.seen.clear()
        except RequestFailed as error:
            self._fault = str(error)
            log.warning("admission policy could not be looked up", error=str(error)[:300])
        return self.answered

    @property
    def answered(self) -> bool:
        """Whether the API server answered when it was looked up last."""
        return self._fault is None

    async def keep(self, stored: StoredPolicy) -> None:
        """Bind what there is to a ProductionPolicy."""
        for each in self._bindings.values():
            await each.keep(stored)

    def unbound(self, policy: str) -> bool:
        """Say whether something that is installed could not be bound to a ProductionPolicy."""
        return any(each.unbound(policy) for each in self._bindings.values())

    def repairs(self, policy: Policy) -> bool:
        """Say whether workloads are repaired at admission."""
        return policy.writes and self.repairs_since(policy.name) is not None

    def see(self, policy: str, seen: Seen) -> bool:
        """Take note of what was seen of repairs at admission under a ProductionPolicy; say whether it is news."""
        before, self.seen[policy] = self.seen.get(policy), seen
        return before is None or (before.uid, before.works) != (seen.uid, seen.works)

    def repairs_since(self, policy: str) -> datetime | None:
        """Return when repairs at admission were last set up for a ProductionPolicy; None where they are not."""
        return self._bindings[Action.REPAIR].since(policy)

    def conditions(self, policy: Policy) -> Iterator[AdmissionCondition]:
        """Return what a ProductionPolicy is to tell."""
        asked = {action: policy.acting(action) for action in (Action.DENY, Action.WARN)}
        told = [self._repair(policy), *([self._validation(policy, asked)] if any(asked.values()) else [])]
        yield from told if self._known else (self._unknown(each.type) for each in told)

    def _unknown(self, kind: str) -> AdmissionCondition:
        return AdmissionCondition(
            kind, "Unknown", "NotLookedUp", f"the admission policies could not be looked up: {self._fault}"
        )

    def _repair(self, policy: Policy) -> AdmissionCondition:
        if not policy.writes:
            message = "nothing is repaired at admission: the policy is paused or in mode Audit"
            return AdmissionCondition(REPAIR_CONDITION, "False", "NotEnforced", message)
        fault = self._bindings[Action.REPAIR].fault(policy.name)
        if fault:
            reason, why = fault
            return AdmissionCondition(
                REPAIR_CONDITION, "False", reason, f"repairs are made only in the background: {why}"
            )
        seen = self.seen.get(policy.name)
        if seen is None or seen.uid != policy.uid:
            message = "the admission policy is bound, but no workload has been admitted yet that shows whether it works"
            return AdmissionCondition(REPAIR_CONDITION, "Unknown", BOUND, message)
        if not seen.works:
            return AdmissionCondition(REPAIR_CONDITION, "False", NOT_EFFECTIVE, seen.message)
        message = "workloads are repaired when they are created or their pods are replaced anyway"
        return AdmissionCondition(REPAIR_CONDITION, "True", EFFECTIVE, message)

    def _validation(self, policy: Policy, asked: Mapping[Action, tuple[str, ...]]) -> AdmissionCondition:
        kind, nothing = VALIDATION_CONDITION, "nothing is refused or warned about at admission"
        if not policy.writes:
            return AdmissionCondition(kind, "False", "NotEnforced", f"{nothing}: the policy is paused or in mode Audit")
        faults = (self._bindings[action].fault(policy.name) for action, names in asked.items() if names)
        reason, why = next(filter(None, faults), (BOUND, ""))
        if why:
            return AdmissionCondition(kind, "False", reason, f"{nothing}: {why}")
        warnings = [each for action, names in asked.items() if names for each in self._bindings[action].warnings()]
        if warnings:
            return AdmissionCondition(kind, "False", NOT_EFFECTIVE, _doubt(warnings))
        words = {Action.DENY: "refused", Action.WARN: "warned about"}
        done = [f"{words[action]} at admission: {', '.join(names)}" for action, names in asked.items() if names]
        return AdmissionCondition(kind, "True", reason, "; ".join(done))


def _doubt(warnings: list[str]) -> str:
    expressions = "1 expression" if len(warnings) == 1 else f"{len(warnings)} expressions"
    return (
        "requests may pass that should be refused or warned about: the API server's type check has warnings for "
        f"{expressions}, see status.typeChecking of the ValidatingAdmissionPolicy; {warnings[0]}"
    )


def _written_at(raw: Raw) -> datetime:
    """Return when an object was last written, by the API server's clock."""
    metadata = raw["metadata"]
    times = (each.get("time") for each in metadata.get("managedFields", []))
    return max(map(datetime.fromisoformat, (metadata["creationTimestamp"], *filter(None, times))))
