"""The budgets that we make."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from productionpolicy.kube.budgets import Budget, read_budget
from productionpolicy.kube.counts import Count
from productionpolicy.kube.identity import MANAGED_BY, NOTE_ANNOTATION, POLICY_LABEL
from productionpolicy.kube.owned import is_made_for, owned_name
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.workloads import read_workload
from productionpolicy.repairs import BudgetTerms
from support.manifests import UID, deployment, stateful_set

WEB = read_workload(deployment())
TERMS = BudgetTerms(max_unavailable=Count(25, percent=True))


def live(**changed: Any) -> Budget:
    return replace(read_budget(TERMS.manifest(WEB, policy="default")), **changed)


def test_a_manifest_is_a_whole_budget() -> None:
    assert TERMS.manifest(WEB, policy="default") == {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": "web-deployment-productionpolicy",
            "namespace": "shop",
            "labels": {MANAGED_BY: "productionpolicy", POLICY_LABEL: "default"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": UID}],
        },
        "spec": {
            "maxUnavailable": "25%",
            "selector": {"matchLabels": {"app": "web"}},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def test_a_manifest_says_why_it_differs_from_the_policy() -> None:
    manifest = BudgetTerms(max_unavailable=Count(1), note="because").manifest(WEB, policy="default")
    assert manifest["metadata"]["annotations"] == {NOTE_ANNOTATION: "because"}


def test_a_budget_that_we_made_is_as_it_should_be() -> None:
    assert (TERMS.met_by(live(), WEB), is_made_for(WEB, live())) == (True, True)


@pytest.mark.parametrize(
    "changed",
    [
        {"max_unavailable": Count(0)},
        {"max_unavailable": None, "min_available": Count(1)},
        {"selector": Selector.of_labels({"app": "api"})},
        {"selector": None},
        {"eviction_policy": None},
        {"eviction_policy": "IfHealthyBudget"},
        {"deleting": True},
    ],
)
def test_a_budget_that_somebody_edited_is_not(changed: dict[str, Any]) -> None:
    assert TERMS.met_by(live(**changed), WEB) is False


@pytest.mark.parametrize(
    "changed",
    [{"name": "web"}, {"labels": ()}, {"owner_uids": ()}, {"owner_uids": ("another",)}],
    ids=["name", "label", "no owner", "another owner"],
)
def test_a_budget_of_another_is_not_ours(changed: dict[str, Any]) -> None:
    assert is_made_for(WEB, live(**changed)) is False


def test_the_name_tells_kinds_apart() -> None:
    names = [owned_name(read_workload(each)) for each in (deployment(), stateful_set())]
    assert names == ["web-deployment-productionpolicy", "web-statefulset-productionpolicy"]


def test_a_name_too_long_for_the_api_ends_in_a_hash_of_the_whole() -> None:
    names = [owned_name(read_workload(deployment("x" * 252 + last))) for last in "ab"]
    assert [len(each) for each in names] == [253, 253]
    assert names[0] != names[1]


def test_a_shortened_name_is_still_a_valid_name() -> None:
    name = owned_name(read_workload(deployment("x" * 241 + "." + "y" * 11)))
    assert name[241:243] == "-" + name[242]
    assert name.replace("-", "").replace(".", "").isalnum()
