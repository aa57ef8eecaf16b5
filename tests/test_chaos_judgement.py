"""The comparison with the baseline sees whatever a fault could have left behind."""

from __future__ import annotations

import json
import typing
from typing import Any

import pytest

from chaos.picture import Picture, differences, extra_rollouts, taken
from chaos.run import wrong_baseline
from chaos.workloads import NAMESPACES, all_objects
from owners.manifests import deployment
from productionpolicy.kube.identity import REPAIRS
from testbed.client import Client

LIVE = {
    **deployment("web"),
    "metadata": {"name": "web", "namespace": "chaos-7-shop", "uid": "w", "managedFields": [{"manager": "kubectl"}]},
}
SET = {"metadata": {"namespace": "chaos-7-shop", "name": "web-1", "ownerReferences": [{"uid": "w"}], "annotations": {}}}
BUDGET = {
    "metadata": {"namespace": "chaos-7-shop", "name": "web", "ownerReferences": [{"uid": "w"}]},
    "spec": {"maxUnavailable": 1},
}
REPORT: dict[str, Any] = {
    "metadata": {"namespace": "chaos-7-shop", "name": "productionpolicy-w"},
    "scope": {"kind": "Deployment", "namespace": "chaos-7-shop", "name": "web"},
    "summary": {"pass": 1, "fail": 1},
    "results": [{"policy": "chaos-7", "rule": "replicas", "result": "fail"}],
}
POLICY: dict[str, Any] = {
    "metadata": {"name": "chaos-7"},
    "status": {"repaired": 1, "byNamespace": [{"name": "chaos-7-shop"}]},
}


class Server:
    """Knows what it is given, by kind."""

    def __init__(self, **known: Any) -> None:
        self.known = known

    def all(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.known.get(kind, [])
        return found if namespace == "chaos-7-shop" else []

    def get(self, _kind: str, _name: str) -> Any:
        return self.known["policy"]


def picture(*, revision: int = 2, **known: Any) -> Picture:
    template = {**SET, "metadata": {**SET["metadata"], "annotations": {"deployment.kubernetes.io/revision": revision}}}
    given: dict[str, Any] = {"Deployment": [LIVE], "ReplicaSet": [template], "PodDisruptionBudget": [BUDGET]}
    given |= {"Report": [REPORT], "policy": POLICY}
    return taken(typing.cast("Client", Server(**{**given, **known})), "chaos-7")


def changed(raw: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**raw, "metadata": {**raw["metadata"], **metadata}}


def test_nothing_is_said_of_a_twin_of_another_name() -> None:
    calm = json.loads(json.dumps(picture()))
    assert differences(picture(), calm) == []
    assert "chaos-7" not in json.dumps(calm)


OTHERWISE: dict[str, dict[str, Any]] = {
    "another spec": {"Deployment": [{**LIVE, "spec": {**LIVE["spec"], "replicas": 9}}]},
    "another note": {"Deployment": [changed(LIVE, annotations={f"{REPAIRS}preStop": "x"})]},
    "fields of ours": {"Deployment": [changed(LIVE, managedFields=[{"manager": "productionpolicy"}])]},
    "a finalizer": {"Deployment": [changed(LIVE, finalizers=["x"])]},
    "fewer pods": {"Deployment": [{**LIVE, "status": {"replicas": 1}}]},
    "no workload": {"Deployment": []},
    "no budget": {"PodDisruptionBudget": []},
    "an orphan": {"PodDisruptionBudget": [changed(BUDGET, ownerReferences=[{"uid": "gone"}])]},
    "no report": {"Report": []},
    "a report without its results": {"Report": [{**REPORT, "results": []}]},
    "a report on another workload": {"Report": [REPORT, {**REPORT, "scope": {**REPORT["scope"], "name": "gone"}}]},
    "another count": {"policy": {**POLICY, "status": {**POLICY["status"], "repaired": 2}}},
    "a finalizer of the policy": {"policy": changed(POLICY, finalizers=["x"])},
}


@pytest.mark.parametrize("known", OTHERWISE.values(), ids=OTHERWISE)
def test_it_is_seen(known: dict[str, Any]) -> None:
    assert differences(picture(**known), picture()) != []


def test_only_more_rollouts_than_on_the_twin_count() -> None:
    calm = picture(revision=2)
    assert [extra_rollouts(picture(revision=each), calm) for each in (1, 2, 5)] == [0, 0, 3]
    assert differences(picture(revision=5), calm) == []


def test_a_twin_whose_templates_did_not_change_exactly_once_is_none() -> None:
    wanted = {f"{each.key} rollouts": each.templates for each in all_objects() if each.templates}
    assert wrong_baseline(wanted, all_objects()) == []
    assert wrong_baseline({**wanted, "Deployment shop/web-1 rollouts": "3"}, all_objects()) == [
        "Deployment shop/web-1: 3 templates, not 2"
    ]


def test_the_workloads_are_spread_over_all_namespaces() -> None:
    assert {each.namespace for each in all_objects()} == set(NAMESPACES)
    assert len({each.key for each in all_objects()}) == len(all_objects())
