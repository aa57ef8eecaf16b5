"""Which containers are judged where the policy exempts some by their names."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.kube.workloads import read_workload
from productionpolicy.verdict import Inputs, Outcome, audit
from support.manifests import container, deployment
from support.policies import policy

OF_THE_WORKLOAD = {"podDisruptionBudget", "replicas", "spread", "rollingUpdate"}


def outcomes(*containers: dict[str, Any], **pod: Any) -> dict[str, Outcome]:
    workload = read_workload(deployment(pod={"containers": [*containers], **pod}))
    return {each.expectation: each.outcome for each in audit(Inputs(workload, policy=policy()))}


@pytest.mark.parametrize("init", [[], [container("istio-init")]])
def test_an_exempt_container_that_is_alone_is_judged(init: list[dict[str, Any]]) -> None:
    found = outcomes(container("istio-proxy", image="registry.example/mesh/proxy:latest"), initContainers=init)
    assert {found[each] for each in ("imageTag", "preStop", "readinessProbe")} == {Outcome.FAILED}


@pytest.mark.parametrize(
    "containers",
    [
        [container("istio-proxy", image="auto")],
        [container("istio-proxy", image="web"), container("linkerd-proxy", image="web")],
        [],
    ],
)
def test_pods_without_a_container_to_judge_pass_in_nothing(containers: list[dict[str, Any]]) -> None:
    found = outcomes(*containers)
    assert {name for name, outcome in found.items() if outcome is not Outcome.NOT_APPLICABLE} == OF_THE_WORKLOAD
    assert {outcome for name, outcome in found.items() if name not in OF_THE_WORKLOAD} == {Outcome.NOT_APPLICABLE}


def test_an_exempt_container_beside_the_application_is_not_judged() -> None:
    found = outcomes(container(), container("istio-proxy", image="registry.example/mesh/proxy:latest"))
    assert found["imageTag"] is Outcome.PASSED
