"""The API server refuses and warns of what the operator finds where it knows nothing of the surroundings, and says so
in the same words.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from cluster.answers import Answer, answered, tried
from cluster.conftest import ROOT
from cluster.governing import Try, govern, under_all, under_one_each
from cluster.test_one_judgement import ON_REAL_MANIFESTS, real_groups, usable
from cluster.world import Raw, eventually
from control_plane.credentials import ADMIN
from control_plane.installation import apply
from control_plane.plane import ControlPlane
from owners import manifests
from productionpolicy.controller.admission_policies import DENY, WARN
from productionpolicy.expectations import Action, Finding
from productionpolicy.kube.workloads import Kind, read_workload
from productionpolicy.policy import Policy, read_policy
from productionpolicy.verdict import Inputs, Outcome, Verdict, audit
from support.examples import distinct, examples
from support.strategies import workloads
from support.world import TODAY
from testbed.api import connected, spread
from testbed.client import Client

PLAIN = "plain"
OF_SCRIPTS = "readinessProbe/fails.result-of-the-check-is-ignored"
"""The API server does not read scripts: here only the audit finds something."""
AT_A_TIME = 2
MOST = 8
"""How many findings are told of at once."""
STRICT: Raw = {
    "imageTag": {"disallowedTags": ["latest", "1.0", "1.2.3"]},
    "resources": {
        "requests": ["cpu", "memory", "ephemeral-storage"],
        "limits": ["cpu", "memory"],
        "minimumQoS": "Guaranteed",
    },
    "replicas": {"minimum": 3},
}
POLICIES: dict[str, Raw] = {
    "denies": {"podDisruptionBudget": "Deny", "readinessProbe": "Deny", "resources": "Deny", "imageTag": "Deny"},
    "warns": {"podDisruptionBudget": "Warn", "replicas": "Warn", "readinessProbe": "Warn", "imageTag": "Warn"},
    "mixed": {"replicas": "Warn", "readinessProbe": "Warn", "resources": "Deny", "imageTag": "Deny"},
}
SPECS: dict[str, Raw] = {
    "mixed": {"profile": "Development", "exemptions": "Ignored", "exemptContainers": ["pro*", "s?decar", "a.b"]},
}


def manifest(name: str) -> Raw:
    parameters = STRICT if name == "mixed" else {}
    chosen = {each: {**parameters.get(each, {}), "action": action} for each, action in POLICIES[name].items()}
    return manifests.policy(name, **SPECS.get(name, {}), expectations=chosen)


@pytest.fixture(scope="module")
def judging_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane in which each policy governs a namespace of its own name, and none the namespace `plain`."""
    with ControlPlane.start(tmp_path_factory.mktemp("judging"), controllers=False) as plane:
        apply(plane)
        plane.kubectl("apply", "-k", str(ROOT / "manifests" / "admission" / "validation"))
        for each in (DENY, WARN):
            # An expression that fails must not pass for one that finds nothing.
            fails = '{"spec":{"failurePolicy":"Fail"}}'
            plane.kubectl("patch", "validatingadmissionpolicy", each.name, "--type=merge", "-p", fails)
        Client(plane).create(manifests.namespace(PLAIN))
        for name in POLICIES:
            govern(plane, manifest(name), DENY, WARN)
        for name in (PLAIN, *POLICIES):
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            Client(plane).create(account, name)  # which a controller would create
        for name in POLICIES:
            eventually(lambda name=name: judges(plane, name))  # type: ignore[misc]  # bound
        yield plane


PROBE = manifests.pod("web", {"name": "web", "image": "web"})


def judges(plane: ControlPlane, name: str) -> bool:
    """Say whether both bindings, as far as the policy needs them, are at work."""
    answer = answered(plane, PROBE, name)
    return bool(answer.refusal or answer.warning)


def expected(raw: Raw, policy: Policy, action: Action) -> str:
    """Return what the audit finds by the expectations that have this action."""
    acting = set(policy.acting(action)) - {"podDisruptionBudget"}
    verdicts = audit(Inputs(read_workload(raw), policy=policy, today=TODAY))
    failed = [each for each in verdicts if each.expectation in acting and each.outcome is Outcome.FAILED]
    found = list(dict.fromkeys(_told(each, finding) for each in failed for finding in each.findings))
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return " | ".join([*found[:MOST], *more])


def _told(verdict: Verdict, finding: Finding) -> str:
    lacking = _place_of_lack(finding)
    if lacking:
        return _lacking(verdict, at=lacking["at"], container=finding.message.split()[1])
    remark = REMARKS.get(verdict.expectation, "")
    return f"{verdict.expectation}: {finding.path}: {finding.message}; {finding.remedy}{remark}"


def _lacking(verdict: Verdict, *, at: str, container: str) -> str:
    """Return the one sentence about all that a container lacks."""
    found = filter(None, map(_place_of_lack, verdict.findings))
    fields = ", ".join(each["field"] for each in found if each["at"] == at)
    remedy = "set each of them: requests to what the container needs, limits to the maximum that it may use"
    return f"resources: {at}: container {container} has no {fields}; {remedy}"


def _place_of_lack(finding: Finding) -> re.Match[str] | None:
    """Return where a request or a limit is missing; None where one is there, and wrong."""
    return LACKING.fullmatch(finding.path) if LACKS.match(finding.message) else None


LACKS = re.compile(r"container \S+ (requests|has) no ")
LACKING = re.compile(r"(?P<at>.*\.resources)\.(?P<field>(?:requests|limits)\..+)")
REMARKS = {"replicas": " (an autoscaler is not visible here)"}


async def differences(plane: ControlPlane, tries: Iterable[Try]) -> list[str]:
    """Return what the API server said otherwise than the audit, of any workload under its policies."""
    found: list[str] = []
    async with connected(plane.site, user=ADMIN) as api:

        async def compare(each: Try) -> None:
            raw, policies = each
            plain = await tried(api, raw, PLAIN)
            names = policies if plain.accepted else ()
            answers = await asyncio.gather(*(tried(api, raw, name) for name in names))
            found.extend(difference(plain.body, *each) for each in zip(names, answers, strict=True))

        await spread(tries, compare, workers=AT_A_TIME)
    return [each for each in found if each]


def difference(plain: Raw, name: str, answer: Answer) -> str:
    """Return how an answer differs from what the audit finds; empty where it does not."""
    policy = read_policy(manifest(name))
    denied, warned = (expected(plain, policy, each) for each in (Action.DENY, Action.WARN))
    if (answer.refusal, answer.accepted, answer.warning) == (denied, not denied, warned):
        return ""
    return f"{plain['kind']} {plain['metadata']['name']} under {name}: {answer}, not {denied!r} and {warned!r}"


def judged(raws: list[Raw]) -> list[Raw]:
    return distinct(each for each in raws if each["kind"] in set(Kind))


async def test_some_examples_are_refused_some_warned_of_and_some_neither(judging_plane: ControlPlane) -> None:
    async with connected(judging_plane.site, user=ADMIN) as api:
        raws = judged([each.workload for each in examples()][::10])
        answers = [await tried(api, each, name) for each in raws for name in POLICIES]
    assert {(bool(each.refusal), bool(each.warning)) for each in answers} == {
        (refused, warned) for refused in (False, True) for warned in (False, True)
    }


def example_workloads() -> list[Raw]:
    return judged([each.workload for each in examples() if each.name != OF_SCRIPTS])


async def test_on_the_examples_of_all_expectations_under_one_policy_each(judging_plane: ControlPlane) -> None:
    assert await differences(judging_plane, under_one_each(example_workloads(), POLICIES)) == []


@pytest.mark.slow
async def test_on_the_examples_of_all_expectations(judging_plane: ControlPlane) -> None:
    assert await differences(judging_plane, under_all(example_workloads(), POLICIES)) == []


@ON_REAL_MANIFESTS
async def test_on_real_manifests(judging_plane: ControlPlane) -> None:
    raws = judged([each for group in real_groups() for each in usable(group)])
    assert await differences(judging_plane, under_all(raws, POLICIES)) == []


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=workloads())
def test_on_generated_workloads(judging_plane: ControlPlane, raw: Raw) -> None:
    assert asyncio.run(differences(judging_plane, under_all([raw], POLICIES))) == []
