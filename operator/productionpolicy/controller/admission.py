"""Repairs at admission: the API server makes them, by one admission policy that is bound to each ProductionPolicy."""

from __future__ import annotations

from typing import Any

import structlog

from productionpolicy.controller.cluster import Cluster, Raw, RequestFailed
from productionpolicy.controller.resources import ADMISSION_GROUP, Resource
from productionpolicy.controller.store import NAMESPACE_POLICY, StoredPolicy
from productionpolicy.policy.spec import GROUP, KIND, VERSION
from productionpolicy.repairs.budget import POLICY_LABEL

NAME = "productionpolicy"
"""The name of the MutatingAdmissionPolicy in manifests/admission/, with which the names of its bindings begin."""

BACKGROUND = "repairs are made in the background alone"
VERSIONS = ("v1", "v1beta1")
"""In the order of preference: v1 since Kubernetes 1.36, v1beta1 where somebody has turned it on."""

log = structlog.get_logger(__name__)


class Admission:
    """Binds the admission policy, where the API server has it. The bindings go with the policies that own them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._bindings: Resource | None = None
        self._installed = False
        self._bound: dict[str, Raw] = {}
        """The bindings that are there, by name."""
        self._faults: dict[str, str] = {}
        """Why a ProductionPolicy could not be bound, by its name."""

    async def learn(self) -> None:
        """Learn what the API server has: the kind, the admission policy, and our bindings."""
        for version in VERSIONS:
            policies = Resource(ADMISSION_GROUP, version, "mutatingadmissionpolicies", "MutatingAdmissionPolicy")
            if await self._cluster.serves(policies):
                plural = "mutatingadmissionpolicybindings"
                self._bindings = Resource(ADMISSION_GROUP, version, plural, "MutatingAdmissionPolicyBinding")
                self._installed = await self._cluster.has(policies, NAME)
                self._bound = {}
                async for page in self._cluster.pages(self._bindings):
                    self._bound |= {each["metadata"]["name"]: each for each in page if _ours(each)}
                return
        self._bindings, self._installed, self._bound = None, False, {}

    async def keep(self, stored: StoredPolicy) -> None:
        """Bind the admission policy to a ProductionPolicy, or put its binding right; if that fails, `state` says so."""
        if self._bindings is None or not self._installed or stored.deleting:
            return
        wanted = binding(stored, version=self._bindings.version)
        live = self._bound.get(wanted["metadata"]["name"])
        if live is not None and _same(live, wanted):
            return
        try:
            self._bound[wanted["metadata"]["name"]] = await self._cluster.put(self._bindings, wanted, live=live)
        except RequestFailed as error:
            self._faults[stored.name] = str(error)
            log.warning("admission policy could not be bound", policy=stored.name, error=str(error)[:300])
        else:
            self._faults.pop(stored.name, None)
            log.info("admission policy bound", policy=stored.name)

    def state(self, policy: str) -> tuple[str, str, str]:
        """Return status, reason and message of the condition AdmissionRepair of a ProductionPolicy."""
        if self._bindings is None:
            return (
                "False",
                "NotServed",
                f"{BACKGROUND}: no MutatingAdmissionPolicy is served (Kubernetes 1.36)",
            )
        if not self._installed:
            return "False", "NotInstalled", f"{BACKGROUND}; to change that: kubectl apply -k manifests/admission/"
        if policy in self._faults:
            return "False", "NotBound", f"{BACKGROUND}: {self._faults[policy]}"
        return "True", "Bound", "workloads are repaired when they are created or their pods are replaced anyway"


def binding(stored: StoredPolicy, *, version: str = VERSIONS[0]) -> Raw:
    """Return the binding of the admission policy to a ProductionPolicy, which owns it."""
    owner = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": stored.name, "uid": stored.uid}
    return {
        "apiVersion": f"{ADMISSION_GROUP}/{version}",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {
            "name": f"{NAME}-{stored.name}",
            "labels": {POLICY_LABEL: stored.name},
            "ownerReferences": [owner],
        },
        "spec": {
            "policyName": NAME,
            "paramRef": {"name": stored.name, "parameterNotFoundAction": "Allow"},
            "matchResources": {"namespaceSelector": {"matchLabels": {NAMESPACE_POLICY: stored.name}}},
        },
    }


def _ours(raw: Raw) -> bool:
    return raw["spec"].get("policyName") == NAME and POLICY_LABEL in raw["metadata"].get("labels", {})


def _same(live: Raw, wanted: Raw) -> bool:
    """Say whether a live binding says what it should; the API server adds defaults to what was written."""
    owners = [each["uid"] for each in live["metadata"].get("ownerReferences", [])]
    wanted_owners = [each["uid"] for each in wanted["metadata"]["ownerReferences"]]
    return owners == wanted_owners and _holds(live["spec"], wanted["spec"])


def _holds(live: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_holds(live.get(name), value) for name, value in wanted.items())
    return bool(live == wanted)
