"""What a policy tells of what is done at admission, and what the operator binds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from msgspec.structs import replace

from productionpolicy.controller import policies
from productionpolicy.controller.admission import Admission
from productionpolicy.controller.admission_policies import DENY, REPAIR, WARN
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster, Raw, Refused, Unavailable
from productionpolicy.controller.context import Context
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.resources import Resource
from productionpolicy.controller.store import StoredPolicy
from productionpolicy.policy import Policy
from support.policies import policy

DENYING = policy(imageTag={"action": "Deny"}, resources={"action": "Deny"}, replicas={"action": "Warn"})
ALL = frozenset({REPAIR.name, DENY.name, WARN.name})


class Served:
    """An API server, as far as it serves admission policies."""

    def __init__(
        self, *paths: str, installed: frozenset[str] = frozenset(), refuses: bool = False, silences: int = 0
    ) -> None:
        self.paths = paths
        self.silences = silences
        """How many times it does not answer."""
        self.installed = installed
        self.refuses = refuses
        self.checked: Raw = {}
        """What the API server's type check adds to an admission policy."""
        self.written: dict[str, Raw] = {}

    async def serves(self, resource: Resource) -> bool:
        if self.silences:
            self.silences -= 1
            raise Unavailable("no answer")
        return f"{resource.plural}/{resource.version}" in self.paths

    async def find(self, resource: Resource, name: str) -> Raw | None:
        if resource.kind.endswith("Binding"):
            return self.written.get(name)
        return {"metadata": {"name": name, "generation": 1}, **self.checked} if name in self.installed else None

    async def pages(self, resource: Resource) -> AsyncIterator[list[Raw]]:
        yield [each for each in self.written.values() if each["kind"] == resource.kind]

    async def create(self, _resource: Resource, manifest: Raw) -> Raw:
        if self.refuses:
            raise Refused("bindings are not allowed here")
        assert manifest["metadata"]["name"] not in self.written
        self.written[manifest["metadata"]["name"]] = manifest
        return manifest


NEW = ("mutatingadmissionpolicies/v1", "validatingadmissionpolicies/v1")


def stored(governed_by: Policy) -> StoredPolicy:
    return StoredPolicy(governed_by.name, governed_by.uid, "1", 1, policy=governed_by)


async def told(server: Served, governed_by: Policy) -> dict[str, tuple[str, str, str]]:
    """Return the conditions of a policy once the operator has done what it can."""
    looking = Admission(cast("Cluster", server))
    await looking.learn()
    await looking.keep(stored(governed_by))
    return {each.type: (each.status, each.reason, each.message) for each in looking.conditions(governed_by)}


async def test_where_all_is_installed_each_policy_is_bound() -> None:
    server = Served(*NEW, installed=ALL)
    assert await told(server, DENYING) == {
        "AdmissionRepair": (
            "Unknown",
            "Bound",
            "the admission policy is bound, but no workload has been admitted yet that shows whether it works",
        ),
        "AdmissionValidation": (
            "True",
            "Bound",
            "refused at admission: resources, imageTag; warned about at admission: replicas",
        ),
    }
    actions = {name: each["spec"].get("validationActions") for name, each in server.written.items()}
    assert actions == {
        "productionpolicy-default": None,
        "productionpolicy-deny-default": ["Deny"],
        "productionpolicy-warn-default": ["Warn"],
    }


async def test_what_is_bound_already_is_left_alone() -> None:
    server = Served(*NEW, installed=ALL)
    assert await told(server, DENYING) == await told(server, DENYING)


async def test_a_policy_that_is_created_again_is_bound_again() -> None:
    server = Served(*NEW, installed=ALL)
    looking = Admission(cast("Cluster", server))
    await looking.learn()
    await looking.keep(stored(DENYING))
    server.written.clear()
    again = replace(stored(DENYING), uid="uid-of-another")
    await looking.keep(again)
    owners = {each["metadata"]["ownerReferences"][0]["uid"] for each in server.written.values()}
    assert (len(server.written), owners) == (3, {"uid-of-another"})


async def test_a_binding_that_differs_is_told_of_and_made_again_once_it_is_deleted() -> None:
    server = Served(*NEW, installed=ALL)
    looking = Admission(cast("Cluster", server))
    await looking.learn()
    await told(server, DENYING)
    again = replace(stored(DENYING), uid="uid-of-another")
    await looking.keep(again)
    assert {each["metadata"]["ownerReferences"][0]["uid"] for each in server.written.values()} == {DENYING.uid}
    repair, validation = looking.conditions(DENYING)
    assert (repair.reason, validation.reason, looking.unbound("default")) == ("NotBound", "NotBound", True)
    for each, name in (
        (repair, "mutatingadmissionpolicybinding productionpolicy-default"),
        (validation, "validatingadmissionpolicybinding productionpolicy-deny-default"),
    ):
        assert each.message.endswith(f"; to have it created again: kubectl delete {name}")
    server.written.clear()
    await looking.keep(again)
    assert {each["metadata"]["ownerReferences"][0]["uid"] for each in server.written.values()} == {"uid-of-another"}
    assert not looking.unbound("default")


REPAIR_VALUE = "or with Helm: --set admission.repair=auto"
VALIDATION_VALUE = "or with Helm: --set admission.validation=true"
NOTICED = "(the operator checks every 15 minutes, and whenever this policy changes)"


@pytest.mark.parametrize(
    ("server", "repair", "validation"),
    [
        (
            Served(),
            ("NotServed", "no MutatingAdmissionPolicy is served (Kubernetes 1.36)"),
            ("NotServed", "no ValidatingAdmissionPolicy is served (Kubernetes 1.30)"),
        ),
        (
            Served(*NEW),
            ("NotInstalled", f"to install it: kubectl apply -k manifests/admission/, {REPAIR_VALUE} {NOTICED}"),
            (
                "NotInstalled",
                f"to install it: kubectl apply -k manifests/admission/validation/, {VALIDATION_VALUE} {NOTICED}",
            ),
        ),
        (
            Served("mutatingadmissionpolicies/v1beta1"),
            (
                "NotInstalled",
                f"to install it: kubectl apply -k manifests/admission/repair-v1beta1/, {REPAIR_VALUE} {NOTICED}",
            ),
            ("NotServed", "no ValidatingAdmissionPolicy is served (Kubernetes 1.30)"),
        ),
        (
            Served(*NEW, installed=ALL, refuses=True),
            ("NotBound", "bindings are not allowed here"),
            ("NotBound", "bindings are not allowed here"),
        ),
    ],
)
async def test_a_policy_says_what_it_lacks(server: Served, repair: Any, validation: Any) -> None:
    found = await told(server, DENYING)
    assert found == {
        "AdmissionRepair": ("False", repair[0], f"repairs are made only in the background: {repair[1]}"),
        "AdmissionValidation": (
            "False",
            validation[0],
            f"nothing is refused or warned about at admission: {validation[1]}",
        ),
    }


async def test_kubernetes_before_1_36_refuses_and_warns_without_repairing() -> None:
    server = Served("validatingadmissionpolicies/v1", installed=frozenset({DENY.name, WARN.name}))
    found = await told(server, DENYING)
    assert {kind: each[:2] for kind, each in found.items()} == {
        "AdmissionRepair": ("False", "NotServed"),
        "AdmissionValidation": ("True", "Bound"),
    }


@pytest.mark.parametrize("spec", [{"mode": "Audit"}, {"paused": True}])
async def test_a_policy_that_is_not_enforced_says_that_nothing_is_done(spec: Raw) -> None:
    found = await told(Served(*NEW, installed=ALL), policy(spec=spec, imageTag={"action": "Deny"}))
    assert {kind: each[:2] for kind, each in found.items()} == {
        "AdmissionRepair": ("False", "NotEnforced"),
        "AdmissionValidation": ("False", "NotEnforced"),
    }


async def test_a_policy_that_asks_for_neither_says_nothing_of_it() -> None:
    assert (await told(Served(), policy())).keys() == {"AdmissionRepair"}


async def test_what_could_not_be_looked_up_is_looked_up_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "RETRY_SECONDS", 0.01)
    server = Served(*NEW, installed=ALL, silences=2)
    context = Context.of(cast("Cluster", server), events=cast("Any", None), clock=Clock())
    keeping = Policies(context)
    looking = keeping.admission
    await looking.learn()
    told_at_first = [(each.status, each.reason) for each in looking.conditions(DENYING)]
    again = asyncio.create_task(keeping.keep_looking_up_admission(seconds=3600))
    async with asyncio.timeout(10):
        while not looking.answered:  # noqa: ASYNC110  # bounded by the timeout
            await asyncio.sleep(0.01)
    again.cancel()
    await looking.keep(stored(DENYING))
    assert told_at_first == [("Unknown", "NotLookedUp")] * 2
    assert [each.reason for each in looking.conditions(DENYING)] == ["Bound", "Bound"]


async def test_a_fault_is_forgotten_once_the_binding_is_found_to_be_there() -> None:
    server = Served(*NEW, installed=ALL, refuses=True)
    looking = Admission(cast("Cluster", server))
    await looking.learn()
    await looking.keep(stored(DENYING))
    at_first = {each.reason for each in looking.conditions(DENYING)}
    server.refuses = False
    await told(server, DENYING)
    await looking.learn()
    await looking.keep(stored(DENYING))
    assert (at_first, {each.reason for each in looking.conditions(DENYING)}) == ({"NotBound"}, {"Bound"})


WARNED = {"fieldRef": "spec.variables[3].expression", "warning": "undefined field 'spec'"}


def checked(*warnings: Raw, generation: int = 1) -> Raw:
    return {"status": {"observedGeneration": generation, "typeChecking": {"expressionWarnings": list(warnings)}}}


async def test_what_the_type_check_of_a_validating_policy_warns_of_is_told() -> None:
    server = Served(*NEW, installed=ALL)
    server.checked = checked(WARNED, WARNED)
    found = await told(server, policy(replicas={"action": "Warn"}))
    message = (
        "requests may pass that should be refused or warned about: the API server's type check has warnings for 2 "
        "expressions, see status.typeChecking of the ValidatingAdmissionPolicy; productionpolicy-warn, "
        "spec.variables[3].expression: undefined field 'spec'"
    )
    assert found["AdmissionValidation"] == ("False", "NotEffective", message)


UNDECLARED = {
    "fieldRef": "spec.validations[0].messageExpression",
    "warning": "/v1, Kind=Pod: ERROR: <input>:3:50: undeclared reference to 'params' (in container '')\n"
    ' |   + " | this is required by ProductionPolicy " + params.metadata.name\n'
    " | .................................................^\n\n"
    "apps/v1, Kind=Deployment: ERROR: <input>:3:50: undeclared reference to 'params' (in container '')\n",
}
"""What an API server up to 1.35 warns of in a policy that it got together with the CustomResourceDefinition."""

ALSO_WRONG = {**UNDECLARED, "warning": f"{UNDECLARED['warning']}ERROR: <input>:4:1: undefined field 'spec'"}


async def test_what_is_wrong_besides_is_told() -> None:
    server = Served(*NEW, installed=ALL)
    server.checked = checked(UNDECLARED, ALSO_WRONG)
    status, reason, message = (await told(server, policy(replicas={"action": "Warn"})))["AdmissionValidation"]
    assert (status, reason) == ("False", "NotEffective")
    assert "warnings for 1 expression, see" in message


@pytest.mark.parametrize("found", [{}, {"status": {}}, checked(), checked(WARNED, generation=0), checked(UNDECLARED)])
async def test_where_the_type_check_finds_nothing_nothing_is_told_of_it(found: Raw) -> None:
    server = Served(*NEW, installed=ALL)
    server.checked = found
    assert (await told(server, DENYING))["AdmissionValidation"][:2] == ("True", "Bound")
