"""What autoscales a workload in a file, and what its owner writes beside it."""

from __future__ import annotations

import pytest

from productionpolicy.offline import judge, read_documents
from productionpolicy.offline.judgement import WANTED
from productionpolicy.verdict import Outcome
from support.checking import written
from support.manifests import Raw, autoscaler, deployment, scaled_object
from support.policies import only
from support.world import TODAY


def a_file(*, replicas: int | None) -> Raw:
    """Return a Deployment as its owner's file holds it."""
    raw = deployment(replicas=replicas)
    del raw["metadata"]["uid"]
    if replicas is None:
        del raw["spec"]["replicas"]
    return raw


def told(*objects: Raw) -> tuple[Outcome, list[str]]:
    """Return what is said of the replicas of the only workload."""
    found = judge(read_documents("-", written(*objects).encode(), wanted=WANTED), policy=only(replicas={}), today=TODAY)
    verdict = next(each for each in found.workloads[0].verdicts if each.expectation == "replicas")
    return verdict.outcome, [each.message for each in verdict.findings]


@pytest.mark.parametrize(
    ("scaler", "name"),
    [
        (autoscaler(3, 9), "HorizontalPodAutoscaler web"),
        (scaled_object(minReplicaCount=3), "ScaledObject web"),
    ],
    ids=["HorizontalPodAutoscaler", "ScaledObject"],
)
def test_a_number_of_pods_in_a_file_beside_an_autoscaler_is_a_finding(scaler: Raw, name: str) -> None:
    message = (
        f"the manifest sets spec.replicas in addition to {name}, so each apply overwrites the number that the "
        "autoscaler has chosen"
    )
    assert told(a_file(replicas=3), scaler) == (Outcome.FAILED, [message])


@pytest.mark.parametrize("scaler", [autoscaler(3, 9), scaled_object(minReplicaCount=3)], ids=lambda each: each["kind"])
def test_a_file_that_leaves_it_to_the_autoscaler_passes(scaler: Raw) -> None:
    assert told(a_file(replicas=None), scaler) == (Outcome.PASSED, [])


def test_a_scaled_object_of_another_api_is_none() -> None:
    outcome, _ = told(a_file(replicas=None), {**scaled_object(minReplicaCount=3), "apiVersion": "scaling.example/v1"})
    assert outcome is Outcome.FAILED
