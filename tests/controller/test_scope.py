"""What the operator keeps of a cluster: the objects of governed namespaces, and of those that still carry repairs."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.controller.records import Records
from productionpolicy.controller.resources import BUDGETS, DEPLOYMENTS, NAMESPACES, NODES, Resource
from productionpolicy.controller.scope import Scope
from productionpolicy.controller.store import Store
from productionpolicy.kube.identity import MANAGED_BY, POLICY_LABEL, REPAIRS_POLICY
from productionpolicy.kube.workloads import WorkloadKey, read_workload
from support.manifests import Raw, deployment

WEB = WorkloadKey("shop", "Deployment", "web")
REPAIRED = {REPAIRS_POLICY: "default"}
OWN_BUDGET = {
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "labels": {MANAGED_BY: "productionpolicy"},
        "ownerReferences": [{"uid": "w", "kind": "Deployment", "name": "web", "controller": True}],
    }
}


class Kept:
    """A store that is fed with what its scope takes."""

    def __init__(self) -> None:
        self.store, self.records = Store(), Records()
        self.scope = Scope(self.store, self.records)

    def put(self, resource: Resource, raw: Raw) -> bool:
        taken = self.scope.takes(resource, raw)
        if taken:
            self.store.observe(resource, raw)
        return taken

    def namespace(self, name: str, policy: str | None, *, version: str = "1") -> None:
        labels = {POLICY_LABEL: policy} if policy else {}
        self.put(NAMESPACES, {"metadata": {"name": name, "labels": labels, "resourceVersion": version}})


def workload(**metadata: Any) -> Raw:
    raw = deployment()
    return {**raw, "metadata": {**raw["metadata"], "uid": "w", "resourceVersion": "5", **metadata}}


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_a_workload_in_a_namespace_that_names_no_policy_is_not_kept(kept: Kept) -> None:
    kept.namespace("shop", None)
    assert kept.scope.widen() == []
    assert not kept.put(DEPLOYMENTS, workload())
    assert not kept.scope.lags()


def test_objects_without_a_namespace_are_kept(kept: Kept) -> None:
    assert kept.put(NODES, {"metadata": {"name": "node", "resourceVersion": "1"}})


def test_a_namespace_comes_into_scope_with_its_label_and_has_to_be_listed(kept: Kept) -> None:
    kept.namespace("shop", "default")
    assert not kept.put(DEPLOYMENTS, workload())
    assert kept.scope.widen() == ["shop"]
    assert kept.put(DEPLOYMENTS, workload())
    assert not kept.scope.is_listed("shop")
    kept.scope.listed(["shop"])
    assert kept.scope.is_listed("shop")
    assert kept.scope.widen() == []


@pytest.mark.parametrize(
    ("resource", "raw"),
    [(DEPLOYMENTS, workload(annotations=REPAIRED)), (BUDGETS, OWN_BUDGET)],
    ids=["a repaired workload", "a budget of the operator"],
)
def test_what_carries_repairs_brings_its_namespace_into_scope(kept: Kept, resource: Resource, raw: Raw) -> None:
    kept.namespace("shop", None)
    assert not kept.put(resource, raw)
    assert kept.scope.lags()
    assert kept.scope.widen() == ["shop"]
    assert not kept.scope.lags()
    assert kept.put(resource, raw)


def test_a_namespace_leaves_with_its_label_and_nothing_of_it_is_kept(kept: Kept) -> None:
    kept.namespace("shop", "default")
    kept.scope.listed(kept.scope.widen())
    kept.put(DEPLOYMENTS, workload())
    kept.namespace("shop", None, version="2")
    kept.scope.narrow_down()
    assert kept.store.all_workloads() == []
    assert kept.store.names(DEPLOYMENTS) == set()
    assert not kept.put(DEPLOYMENTS, workload())


def test_it_stays_as_long_as_repairs_have_to_be_withdrawn(kept: Kept) -> None:
    kept.namespace("shop", "default")
    kept.scope.listed(kept.scope.widen())
    kept.put(DEPLOYMENTS, workload(annotations=REPAIRED))
    kept.namespace("shop", None, version="2")
    kept.scope.narrow_down()
    assert kept.scope.names() == ["shop"]
    kept.put(DEPLOYMENTS, workload(resourceVersion="6"))
    kept.scope.narrow_down()
    assert kept.scope.names() == []


def test_it_stays_as_long_as_something_is_remembered_of_a_workload(kept: Kept) -> None:
    kept.namespace("shop", "default")
    kept.scope.listed(kept.scope.widen())
    kept.put(DEPLOYMENTS, workload())
    kept.records.of(read_workload(workload()))
    kept.namespace("shop", None, version="2")
    kept.scope.narrow_down()
    assert kept.store.all_workloads() == [WEB]


def test_few_of_many_namespaces_are_listed_one_by_one(kept: Kept) -> None:
    for number in range(9):
        kept.namespace(f"team-{number}", "default" if number < 3 else None)
    assert kept.scope.is_small(["team-0", "team-1"])
    assert not kept.scope.is_small(kept.scope.widen())
