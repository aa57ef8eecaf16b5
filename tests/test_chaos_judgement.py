"""The comparison with the baseline sees whatever a fault could have left behind."""

from __future__ import annotations

import json
import typing
from typing import Any

import pytest

from bench.client import Api
from chaos.picture import Picture, differences, extra_rollouts, taken
from chaos.run import wrong_baseline
from chaos.workloads import NAMESPACES, all_objects, deployment
from productionpolicy.kube.identity import REPAIRS

LIVE = {
    **deployment("web"),
    "metadata": {"name": "web", "namespace": "chaos-7-shop", "uid": "w", "managedFields": [{"manager": "kubectl"}]},
}
SET = {"metadata": {"namespace": "chaos-7-shop", "name": "web-1", "ownerReferences": [{"uid": "w"}], "annotations": {}}}
BUDGET = {
    "metadata": {"namespace": "chaos-7-shop", "name": "web", "ownerReferences": [{"uid": "w"}]},
    "spec": {"maxUnavailable": 1},
}
POLICY: dict[str, Any] = {
    "metadata": {"name": "chaos-7"},
    "status": {"repaired": 1, "byNamespace": [{"name": "chaos-7-shop"}]},
}


class Server:
    """Knows what it is given, by the last word of the path."""

    def __init__(self, **known: Any) -> None:
        self.known = known

    async def items(self, path: str) -> list[dict[str, Any]]:
        _, _, namespace = path.partition("/namespaces/")
        found: list[dict[str, Any]] = self.known.get(path.rpartition("/")[2], [])
        return found if namespace.startswith("chaos-7-shop/") else []

    async def get(self, _path: str) -> Any:
        return self.known["policy"]


async def picture(*, revision: int = 2, **known: Any) -> Picture:
    template = {**SET, "metadata": {**SET["metadata"], "annotations": {"deployment.kubernetes.io/revision": revision}}}
    given = {"deployments": [LIVE], "replicasets": [template], "poddisruptionbudgets": [BUDGET], "policy": POLICY}
    return await taken(typing.cast("Api", Server(**{**given, **known})), "chaos-7")


def changed(raw: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**raw, "metadata": {**raw["metadata"], **metadata}}


async def test_nothing_is_said_of_a_twin_of_another_name() -> None:
    calm = json.loads(json.dumps(await picture()))
    assert differences(await picture(), calm) == []
    assert not any("chaos-7" in each for fact in calm.items() for each in fact)


OTHERWISE: dict[str, dict[str, Any]] = {
    "another spec": {"deployments": [{**LIVE, "spec": {**LIVE["spec"], "replicas": 9}}]},
    "another note": {"deployments": [changed(LIVE, annotations={f"{REPAIRS}preStop": "x"})]},
    "fields of ours": {"deployments": [changed(LIVE, managedFields=[{"manager": "productionpolicy"}])]},
    "a finalizer": {"deployments": [changed(LIVE, finalizers=["x"])]},
    "fewer pods": {"deployments": [{**LIVE, "status": {"replicas": 1}}]},
    "no workload": {"deployments": []},
    "no budget": {"poddisruptionbudgets": []},
    "an orphan": {"poddisruptionbudgets": [changed(BUDGET, ownerReferences=[{"uid": "gone"}])]},
    "another count": {"policy": {**POLICY, "status": {**POLICY["status"], "repaired": 2}}},
    "a finalizer of the policy": {"policy": changed(POLICY, finalizers=["x"])},
}


@pytest.mark.parametrize("known", OTHERWISE.values(), ids=OTHERWISE)
async def test_it_is_seen(known: dict[str, Any]) -> None:
    assert differences(await picture(**known), await picture()) != []


async def test_only_more_rollouts_than_on_the_twin_count() -> None:
    calm = await picture(revision=2)
    assert [extra_rollouts(await picture(revision=each), calm) for each in (1, 2, 5)] == [0, 0, 3]
    assert differences(await picture(revision=5), calm) == []


def test_a_twin_whose_templates_did_not_change_exactly_once_is_none() -> None:
    wanted = {f"{each.key} rollouts": str(each.templates) for each in all_objects() if each.templates}
    assert wrong_baseline(wanted, all_objects()) == []
    assert wrong_baseline({**wanted, "Deployment shop/web-1 rollouts": "3"}, all_objects()) == [
        "Deployment shop/web-1: 3 templates, not 2"
    ]


def test_the_workloads_are_spread_over_all_namespaces() -> None:
    assert {each.namespace for each in all_objects()} == set(NAMESPACES)
    assert len({each.key for each in all_objects()}) == len(all_objects())
