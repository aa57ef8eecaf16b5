"""Budgets and autoscalers that no API server takes count as missing, and it is said."""

from __future__ import annotations

from typing import Any

import pytest

from support.checking import check, report, verdict, written
from support.manifests import Raw, autoscaler, budget, deployment, scaled_object


def of_version(raw: Raw, version: str) -> Raw:
    return {**raw, "apiVersion": version}


def told(*objects: Raw) -> list[str]:
    return [each["message"] for each in report("-", stdin=written(*objects))["unreadable"]]


OLD_BUDGET = of_version(budget("old", maxUnavailable=1), "policy/v1beta1")
OLD_AUTOSCALER = of_version(autoscaler(1, 9), "autoscaling/v2beta2")


def test_a_budget_of_a_version_that_is_gone_counts_as_missing() -> None:
    assert verdict("podDisruptionBudget", "-", stdin=written(deployment(), OLD_BUDGET)) == "failed"
    (message,) = told(deployment(), OLD_BUDGET)
    assert message == (
        "PodDisruptionBudget old counts as missing, because the API server rejects it: correct its apiVersion, "
        "which cannot be used: the API version policy/v1beta1 is no longer served since Kubernetes 1.25; "
        "use apiVersion: policy/v1"
    )


def test_an_autoscaler_of_a_version_that_is_gone_counts_as_missing() -> None:
    one = deployment(replicas=1)
    above = of_version(autoscaler(3, 9), "autoscaling/v2beta1")
    assert verdict("replicas", "-", stdin=written(one, above)) == "failed"
    assert "autoscaling/v2beta1 is no longer served since Kubernetes 1.25" in told(one, above)[0]


def test_too_few_replicas_beside_an_autoscaler_that_is_rejected_are_not_to_be_raised() -> None:
    (workload,) = report("-", stdin=written(deployment(replicas=1), OLD_AUTOSCALER))["workloads"]
    (remedy,) = (each["remedy"] for each in workload["findings"] if each["expectation"] == "replicas")
    assert remedy == (
        "correct HorizontalPodAutoscaler web, which the API server rejects, or exempt a workload that cannot run twice"
    )


@pytest.mark.parametrize("version", ["autoscaling/v1", "autoscaling/v2"])
def test_an_autoscaler_of_a_version_that_is_served_counts(version: str) -> None:
    objects = deployment(replicas=1), of_version(autoscaler(3, 9), version)
    assert verdict("replicas", "-", stdin=written(*objects)) == "passed"
    assert told(*objects) == []


@pytest.mark.parametrize(
    ("bounds", "fault"),
    [
        ({"minReplicaCount": "2"}, "spec.minReplicaCount, which is a string, but a whole number is expected"),
        ({"minReplicaCount": 2.5}, "spec.minReplicaCount, which is a fraction, but a whole number is expected"),
        (
            {"minReplicaCount": 4, "maxReplicaCount": 3},
            "spec.minReplicaCount, which is 4, but a number up to maxReplicaCount 3 is expected",
        ),
        (
            {"minReplicaCount": 101},
            "spec.minReplicaCount, which is 101, but a number up to maxReplicaCount 100 is expected",
        ),
        ({"minReplicaCount": -1}, "spec.minReplicaCount, which is -1, but a whole number from 0 is expected"),
        ({"maxReplicaCount": 0}, "spec.maxReplicaCount, which is 0, but a whole number above 0 is expected"),
    ],
)
def test_a_scaled_object_that_is_rejected_counts_as_missing(bounds: Raw, fault: str) -> None:
    objects = deployment(replicas=1), scaled_object(**bounds)
    assert verdict("replicas", "-", stdin=written(*objects)) == "failed"
    assert told(*objects) == [
        f"ScaledObject web counts as missing, because the API server rejects it: correct its {fault}"
    ]


def test_an_autoscaler_without_a_maximum_counts_as_missing() -> None:
    unbounded = autoscaler(3, 9)
    del unbounded["spec"]["maxReplicas"]
    objects = deployment(replicas=1), unbounded
    assert verdict("replicas", "-", stdin=written(*objects)) == "failed"
    (message,) = told(*objects)
    assert message.endswith("correct its spec.maxReplicas, which is missing, but a whole number above 0 is expected")


@pytest.mark.parametrize(
    ("bounds", "fault"),
    [
        ((5, 3), "spec.minReplicas, which is 5, but a number up to maxReplicas 3 is expected"),
        ((-1, 3), "spec.minReplicas, which is -1, but a whole number above 0 is expected"),
        ((None, 0), "spec.maxReplicas, which is 0, but a whole number above 0 is expected"),
        ((0, 0), "spec.maxReplicas, which is 0, but a whole number above 0 is expected"),
    ],
)
def test_the_bounds_of_an_autoscaler_that_is_rejected_are_named(bounds: tuple[int | None, int], fault: str) -> None:
    (message,) = told(deployment(replicas=1), autoscaler(*bounds))
    assert message.endswith(f"correct its {fault}")


@pytest.mark.parametrize(("target", "missing"), [({"kind": "Deployment"}, "name"), ({"name": "web"}, "kind")])
def test_an_autoscaler_whose_target_is_not_named_whole_counts_as_missing(target: Raw, missing: str) -> None:
    scaler = autoscaler(3, 9)
    scaler["spec"]["scaleTargetRef"] = {"apiVersion": "apps/v1", **target}
    (message,) = told(deployment(replicas=1), scaler)
    path = f"spec.scaleTargetRef.{missing}"
    assert message.endswith(f"correct its {path}, which is missing, but the {missing} of a workload is expected")


ELSEWHERE = autoscaler(1, 9, version="extensions/v1beta1")
SCALED_ELSEWHERE = scaled_object(scaleTargetRef={"apiVersion": "apps.kruise.io/v1beta1", "name": "web"})


def not_judged(*objects: Raw) -> list[str]:
    return [each["reason"] for each in report("-", stdin=written(*objects))["notJudged"]]


@pytest.mark.parametrize(
    ("scaler", "group", "name"),
    [
        (ELSEWHERE, "the API group extensions", "HorizontalPodAutoscaler"),
        (autoscaler(1, 9, version="v1"), "no API group", "HorizontalPodAutoscaler"),
        (SCALED_ELSEWHERE, "the API group apps.kruise.io", "ScaledObject"),
    ],
)
def test_an_autoscaler_of_another_group_has_no_effect_and_is_to_be_corrected(
    scaler: Raw, group: str, name: str
) -> None:
    one = deployment(replicas=1)
    remedy = f"set scaleTargetRef.apiVersion of {name} web to apps/v1"
    (workload,) = report("-", stdin=written(one, scaler))["workloads"]
    (finding,) = (each for each in workload["findings"] if each["expectation"] == "replicas")
    assert finding["remedy"] == f"{remedy}, or exempt a workload that cannot run twice"
    assert not_judged(one, scaler) == [
        f"it has no effect, because its scaleTargetRef names {group}, not that of Deployment web: {remedy}"
    ]


def test_an_autoscaler_of_another_group_without_such_a_workload_is_only_not_judged() -> None:
    sole = deployment("api")
    assert not_judged(sole, ELSEWHERE) == [
        "its target is Deployment web, which is not among the workloads in the input"
    ]
    assert not_judged(sole, SCALED_ELSEWHERE) == []


def test_a_budget_without_a_selector_is_said_to_have_none() -> None:
    raw = budget(maxUnavailable=1)
    del raw["spec"]["selector"]
    assert not_judged(deployment(), raw) == ["it has no spec.selector, so it selects no pods"]


def test_what_is_unreadable_is_not_said_to_be_of_no_use_too() -> None:
    assert not_judged(deployment("api"), OLD_AUTOSCALER, OLD_BUDGET) == []


def test_a_patch_of_an_autoscaler_needs_no_maximum() -> None:
    patch = {**autoscaler(3, 9), "spec": {"minReplicas": 3}}
    assert told(deployment(), patch) == []


@pytest.mark.parametrize(
    ("neighbour", "name"),
    [
        (OLD_BUDGET, "PodDisruptionBudget old"),
        (budget("quoted", minAvailable="2"), "PodDisruptionBudget quoted"),
        (OLD_AUTOSCALER, "HorizontalPodAutoscaler web"),
        (scaled_object(minReplicaCount="2"), "ScaledObject web"),
        (autoscaler(1.5, 9), "HorizontalPodAutoscaler web"),  # type: ignore[arg-type]  # what a file may hold
        (ELSEWHERE, "HorizontalPodAutoscaler web"),
        (SCALED_ELSEWHERE, "ScaledObject web"),
        (budget("service", selector={"app": "web"}, maxUnavailable=1), "PodDisruptionBudget service"),
    ],
)
def test_no_budget_is_planned_beside_what_has_to_be_corrected(neighbour: Raw, name: str) -> None:
    planned: Any = check("-", "--plan", "-o", "json", stdin=written(deployment(), neighbour)).report
    (workload,) = planned["workloads"]
    left = {each["expectation"]: each["reason"] for each in workload["left"]}
    assert (left["podDisruptionBudget"], workload["budget"]) == (f"{name} must be corrected first", None)


def test_a_file_that_holds_only_a_budget_that_cannot_be_read_is_not_passed_over() -> None:
    done = check("-", stdin=written(budget("alone", maxUnavailable=1, minAvailable=1)))
    assert (done.code, "PodDisruptionBudget alone counts as missing" in done.out) == (2, True)


def test_a_budget_that_cannot_be_read_is_no_second_budget() -> None:
    objects = deployment(), budget("good", maxUnavailable=1), OLD_BUDGET
    assert verdict("podDisruptionBudget", "-", stdin=written(*objects)) == "passed"
