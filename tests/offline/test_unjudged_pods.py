"""Pods of controllers that are not judged are under the budgets that select them."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.offline.makers import labels_of_pods
from support.checking import check, report, written
from support.manifests import Raw, budget, container, deployment, job, pod

ROLLOUT = ("argoproj.io/v1alpha1", "Rollout")
CANARY = {"app": "web", "track": "canary"}
TEMPLATE = {"metadata": {"labels": CANARY}, "spec": {"containers": [container()]}}


def object_of(api: tuple[str, str], **spec: Any) -> Raw:
    return {"apiVersion": api[0], "kind": api[1], "metadata": {"name": "next", "namespace": "shop"}, "spec": spec}


def made_by(api: tuple[str, str], name: str, raw: Raw) -> Raw:
    owner = {"apiVersion": api[0], "kind": api[1], "name": name, "uid": "u2", "controller": True}
    return {**raw, "metadata": {**raw["metadata"], "ownerReferences": [owner]}}


def replica_set(name: str) -> Raw:
    made: Raw = deployment()
    return {**made, "kind": "ReplicaSet", "metadata": {**made["metadata"], "name": name}}


def findings(*objects: Raw) -> list[str]:
    """Return what is found about the budget of the Deployment web."""
    told = report("-", stdin=written(*objects))["workloads"]
    web = next(each for each in told if (each["kind"], each["name"]) == ("Deployment", "web"))
    return [each["message"] for each in web["findings"] if each["expectation"] == "podDisruptionBudget"]


UNJUDGED = {
    "a Rollout": object_of(ROLLOUT, template=TEMPLATE),
    "a Rollout of a Deployment": object_of(
        ROLLOUT, workloadRef={"kind": "Deployment"}, selector={"matchLabels": CANARY}
    ),
    "a StatefulSet of another API": object_of(("apps.kruise.io/v1beta1", "StatefulSet"), template=TEMPLATE),
    "a Job of another API": object_of(("batch.volcano.sh/v1alpha1", "Job"), tasks=[{"template": TEMPLATE}]),
    "a ReplicaSet of a Rollout outside": made_by(ROLLOUT, "next", replica_set("next-6d5f")),
    "a pod of a CloneSet outside": made_by(
        ("apps.kruise.io/v1alpha1", "CloneSet"), "next", pod("next-0", labels={"app": "web"})
    ),
    "a pod of a StatefulSet outside": made_by(("apps/v1", "StatefulSet"), "db", pod("db-0", labels={"app": "web"})),
}


@pytest.mark.parametrize("other", UNJUDGED.values(), ids=UNJUDGED)
@pytest.mark.parametrize("terms", [{"minAvailable": 2}, {"minAvailable": "60%"}, {"maxUnavailable": 2}], ids=str)
def test_a_budget_is_not_compared_with_a_part_of_its_pods(other: Raw, terms: Raw) -> None:
    assert len(findings(deployment(replicas=2), budget(**terms))) == 1
    assert findings(deployment(replicas=2), budget(**terms), other) == []


@pytest.mark.parametrize(
    ("terms", "effect"),
    [
        ({"maxUnavailable": 0}, "allows no eviction at any number of pods"),
        ({"minAvailable": "100%"}, "allows no eviction at any number of pods"),
        ({"maxUnavailable": "100%"}, "protects nothing at any number of pods"),
        ({"minAvailable": 0}, "protects nothing at any number of pods"),
    ],
    ids=str,
)
def test_what_holds_for_any_number_of_pods_is_found(terms: Raw, effect: str) -> None:
    (found,) = findings(deployment(replicas=2), budget(**terms), UNJUDGED["a Rollout"])
    assert effect in found


def test_one_pod_beside_an_unknown_number_needs_no_protection() -> None:
    assert findings(deployment(replicas=1), budget(minAvailable=0), UNJUDGED["a Rollout"]) == []


UNSCALED = {
    "Job report": made_by(("batch/v1", "Job"), "report", pod("report-x7k2p", labels={"app": "web"})),
    "DaemonSet agent": made_by(("apps/v1", "DaemonSet"), "agent", pod("agent-x7k2p", labels={"app": "web"})),
    "CronJob nightly": made_by(("batch/v1", "CronJob"), "nightly", job("nightly-1", labels={"app": "web"})),
}


@pytest.mark.parametrize(("title", "other"), UNSCALED.items(), ids=UNSCALED)
def test_what_has_no_scale_cannot_be_computed_although_it_is_outside(title: str, other: Raw) -> None:
    ended = {**other, "status": {"phase": "Succeeded"}}
    (found,) = findings(deployment(replicas=2), budget(maxUnavailable=1), ended)
    assert f"it also selects the pods of {title}, which have no scale" in found
    assert findings(deployment(replicas=2), budget(minAvailable=1), ended) == []


@pytest.mark.parametrize(("title", "failed"), [("DaemonSet agent", 0), ("Job report", 1)])
def test_only_pods_that_stay_make_a_whole_number_unknown(title: str, failed: int) -> None:
    assert len(findings(deployment(replicas=1), budget(minAvailable=1), UNSCALED[title])) == failed


@pytest.mark.parametrize("other", [*UNJUDGED.values(), *UNSCALED.values()], ids=[*UNJUDGED, *UNSCALED])
def test_no_budget_is_planned_over_pods_of_others(other: Raw) -> None:
    planned: Any = check("-", "--plan", "-o", "json", stdin=written(deployment(replicas=2), other)).report
    left = [each for each in planned["workloads"][0]["left"] if each["expectation"] == "podDisruptionBudget"]
    assert (planned["workloads"][0]["budget"], left[0]["reason"]) == (
        None,
        "the selector also matches pods of another owner",
    )


GIVEN = {
    "its pods": [made_by(("apps/v1", "ReplicaSet"), "web-6d5f", pod("web-6d5f-x", labels={"app": "web"}))],
    "its ReplicaSet": [made_by(("apps/v1", "Deployment"), "web", replica_set("web-6d5f"))],
    "a pod without a controller": [pod("debug", labels={"app": "web"})],
    "a Rollout with other labels": [object_of(ROLLOUT, template={**TEMPLATE, "metadata": {"labels": {"app": "cart"}}})],
    "a Rollout elsewhere": [
        {**UNJUDGED["a Rollout"], "metadata": {"name": "next", "namespace": "elsewhere"}},
    ],
}


@pytest.mark.parametrize("others", GIVEN.values(), ids=GIVEN)
def test_the_pods_of_what_is_given_and_those_of_nobody_are_not_unknown(others: list[Raw]) -> None:
    assert len(findings(deployment(replicas=2), budget(minAvailable=2), *others)) == 1


def test_a_budget_over_unjudged_pods_alone_still_has_no_use() -> None:
    other = budget("other", selector={"matchLabels": {"track": "canary"}}, minAvailable=1)
    told = report("-", stdin=written(deployment(), other, UNJUDGED["a Rollout"]))["notJudged"]
    assert sorted(each["kind"] for each in told) == ["PodDisruptionBudget", "Rollout"]


@pytest.mark.parametrize(
    ("spec", "labels"),
    [
        ({"template": TEMPLATE}, [CANARY]),
        ({"tasks": [{"template": TEMPLATE}, {"template": {"spec": TEMPLATE["spec"]}}]}, [CANARY, {}]),
        ({"selector": {"matchLabels": CANARY}}, [CANARY]),
        ({"template": {**TEMPLATE, "metadata": {"labels": ["app"]}}}, [{}]),
        ({"selector": "app=web"}, [{}]),
    ],
)
def test_the_labels_of_pods_are_those_of_the_templates_or_those_selected(spec: Raw, labels: list[Raw]) -> None:
    assert list(labels_of_pods(object_of(ROLLOUT, **spec))) == labels
