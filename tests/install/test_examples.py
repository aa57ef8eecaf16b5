"""The examples do what their comments say."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from control_plane.plane import ControlPlane
from productionpolicy.controller.resources import AUTOSCALERS, BUDGETS, DEPLOYMENTS, NODES, STATEFUL_SETS
from productionpolicy.controller.store import Store
from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.workloads import Kind
from productionpolicy.policy import Policy, read_policy
from productionpolicy.verdict import Inputs, Outcome, audit, plan

EXAMPLES = Path(__file__).parents[2] / "examples"
POLICY = EXAMPLES / "policy.yaml"
RESOURCES = (NODES, AUTOSCALERS, BUDGETS, DEPLOYMENTS, STATEFUL_SETS)
FOR_PEOPLE = {
    "accounts": set[str](),
    "cart": set[str](),
    "catalog": {"imageTag"},
    "checkout": {"terminationGracePeriod"},
    "edge": {"rollingUpdate"},
    "invoices": set[str](),
    "mailer": {"replicas"},
    "payments": {"podDisruptionBudget"},
    "recommendations": {"readinessProbe"},
    "search": set[str](),
    "storefront": set[str](),
}
"""What the policy leaves to a person, by workload."""
NOTHING_TO_REPAIR = {"accounts", "mailer"}


@pytest.fixture(scope="module")
def shop(cluster: ControlPlane) -> Store:
    """Return the example shop as the operator sees it, once all its pods are there."""
    cluster.kubectl("apply", "--warnings-as-errors", "-k", str(EXAMPLES / "shop"))
    cluster.kubectl("rollout", "status", "deployments,statefulsets", "--namespace=shop", "--timeout=120s")
    store = Store()
    for resource in RESOURCES:
        for raw in json.loads(cluster.kubectl("get", resource.plural, "--all-namespaces", "--output=json"))["items"]:
            store.observe(resource, raw)
    return store


@pytest.fixture(scope="module")
def policy(cluster: ControlPlane) -> Policy:
    """Return the example policy as the API server stored it."""
    return read_policy(json.loads(cluster.kubectl("apply", "-f", str(POLICY), "--output=json")))


def test_the_policy_writes_out_the_defaults(policy: Policy) -> None:
    plain = read_policy({"spec": {"mode": "Enforce"}})

    assert _told(policy) == _told(plain)
    assert {each.name: policy.action(each) for each in EXPECTATIONS} == {
        each.name: each.production for each in EXPECTATIONS
    }


def test_the_policy_names_every_expectation() -> None:
    named = yaml.safe_load(POLICY.read_text())["spec"]["expectations"]

    assert list(named) == [each.name for each in EXPECTATIONS]


def test_the_shop_has_the_workloads_that_are_told_of(shop: Store) -> None:
    assert sorted(key.name for key in shop.workloads("shop")) == sorted(FOR_PEOPLE)


@pytest.mark.parametrize("name", FOR_PEOPLE)
def test_a_workload_has_the_faults_that_its_comment_tells(shop: Store, policy: Policy, name: str) -> None:
    inputs = _case(shop, policy, name)
    failed = {each.expectation for each in audit(inputs) if each.outcome is Outcome.FAILED}
    repaired = {each.expectation for each in plan(inputs).changes}

    assert failed - repaired == FOR_PEOPLE[name]
    assert bool(repaired) == (name not in NOTHING_TO_REPAIR)


def test_the_exemption_is_needed_and_holds(shop: Store, policy: Policy) -> None:
    outcomes = {each.expectation: each.outcome for each in audit(_case(shop, policy, "invoices"))}

    assert outcomes["preStop"] is Outcome.EXEMPT


def _case(shop: Store, policy: Policy, name: str) -> Inputs:
    [key] = [each for each in shop.workloads("shop") if each.name == name]
    workload = shop.workload(key)
    assert workload is not None
    return Inputs(workload, around=shop.surroundings(workload), policy=policy, today=date(2026, 1, 1))


def _told(policy: Policy) -> Any:
    """Return what a policy says, the actions aside, and a budget's terms as they are read."""
    parameters = policy.spec.expectations.podDisruptionBudget
    budgets = [parameters.terms(each) for each in (Kind.DEPLOYMENT, Kind.STATEFUL_SET)]
    said = msgspec.to_builtins(policy.spec)
    for each in said["expectations"].values():
        each.pop("action")
    said["expectations"]["podDisruptionBudget"] = budgets
    return said
