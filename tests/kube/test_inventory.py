"""What surrounds a workload, and whom a change concerns, beside the slow and obvious way to find it."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from productionpolicy.kube.inventory import Inventory
from productionpolicy.kube.neighbours import NEIGHBOURS, Neighbour, known_kind, read_neighbour
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload, WorkloadKey, read_workload
from support.clusters import OTHER, WITHOUT, Identity, clusters, identity, objects
from support.manifests import Raw, autoscaler, budget, deployment, node
from support.surroundings import NEWEST, surroundings_of

WEB = WorkloadKey("shop", "Deployment", "web")
SHARED = {"matchLabels": {"team": "shop"}}
NOWHERE_ELSE, ANYWHERE = (False, (OTHER,)), (True, (OTHER, WITHOUT, WITHOUT))


def read(raw: Raw) -> Workload | Neighbour:
    kind = known_kind(raw)
    return read_neighbour(kind, raw) if kind and kind in NEIGHBOURS else read_workload(raw)


def placed(raw: Raw, namespace: str | None) -> Raw:
    metadata = {**raw["metadata"], "namespace": namespace}
    return {**raw, "metadata": {name: value for name, value in metadata.items() if value is not None}}


def inventory_of(*raws: Raw, any_namespace: bool = False) -> Inventory:
    inventory = Inventory(server=NEWEST, any_namespace=any_namespace)
    for raw in raws:
        inventory.put(read(raw))
    return inventory


def found(inventory: Inventory) -> dict[WorkloadKey, Surroundings]:
    workloads = ((key, inventory.workload(key)) for key in inventory.all_workloads())
    return {key: inventory.surroundings(workload) for key, workload in workloads if workload}


def expected(raws: list[Raw], *, any_namespace: bool) -> dict[WorkloadKey, Surroundings]:
    workloads = [(read_workload(each), each) for each in raws if known_kind(each) not in NEIGHBOURS]
    return {
        workload.key: surroundings_of(raw, raws, any_namespace=any_namespace)
        for workload, raw in workloads
        if not workload.derived
    }


@pytest.mark.parametrize(("any_namespace", "namespaces"), [NOWHERE_ELSE, ANYWHERE], ids=["live", "files"])
@given(data=st.data())
def test_after_any_changes_it_finds_what_the_slow_way_finds_and_tells_whom_each_concerned(
    data: st.DataObject, any_namespace: bool, namespaces: tuple[str, ...]
) -> None:
    cluster = {identity(each): each for each in data.draw(clusters(*namespaces))}
    inventory = inventory_of(*cluster.values(), any_namespace=any_namespace)
    before = found(inventory)
    for change in data.draw(st.lists(st.integers(0, 99) | objects(*namespaces), max_size=8)):
        concerned = changed(inventory, cluster, change)
        now = found(inventory)
        assert now == expected(list(cluster.values()), any_namespace=any_namespace)
        assert {key for key in before.keys() | now.keys() if differs(before.get(key), now.get(key))} <= concerned
        before = now


def differs(before: Surroundings | None, after: Surroundings | None) -> bool:
    """Say whether there is news: a new version of a budget alone is none."""
    if before is None or after is None:
        return before is not after
    told, tells = (replace(each, budgets=()) for each in (before, after))
    pairs = zip(before.budgets, after.budgets, strict=False)
    return (
        told != tells or len(before.budgets) != len(after.budgets) or not all(one.like(other) for one, other in pairs)
    )


def changed(inventory: Inventory, cluster: dict[Identity, Raw], change: Raw | int) -> set[WorkloadKey]:
    """Put an object, or drop the one of that number, if there are so many; return whom it concerned."""
    if isinstance(change, dict):
        cluster[identity(change)] = change
        return inventory.put(read(change))
    gone = next(islice(cluster, change % 16, None), None)
    if gone is None:
        return set()
    del cluster[gone]
    return inventory.drop(*gone)


def sharing(name: str, replicas: int) -> Raw:
    raw = deployment(name, replicas=replicas)
    raw["spec"]["template"]["metadata"]["labels"]["team"] = "shop"
    return raw


def test_a_new_version_of_a_budget_alone_hides_no_later_change_of_what_it_selects() -> None:
    team = [budget("team", selector=SHARED, metadata={"resourceVersion": version}) for version in "12"]
    inventory = inventory_of(team[0], sharing("web", 2), sharing("api", 2))
    assert [each.pods for each in found(inventory)[WEB].reaches.values()] == [4]
    assert inventory.put(read(team[1])) == set()
    assert WEB in inventory.put(read(sharing("api", 5)))


def test_a_change_that_is_no_news_concerns_nobody() -> None:
    raws = [deployment(), budget(), autoscaler(2, 5), node("n1")]
    inventory = inventory_of(*raws)
    assert [inventory.put(read(each)) for each in raws] == [set()] * 4


@pytest.mark.parametrize("any_namespace", [False, True])
def test_nothing_is_kept_of_a_namespace_whose_objects_are_gone(any_namespace: bool) -> None:
    raws = [deployment(), budget(), autoscaler(2, 5)]
    inventory = inventory_of(*raws, any_namespace=any_namespace)
    found(inventory)
    for each in raws:
        inventory.drop(*identity(each))
    assert (inventory._by_namespace, inventory._neighbours, inventory._reaches, inventory._by_uid) == ({}, {}, {}, {})


def test_an_object_without_a_namespace_may_be_in_any() -> None:
    for first, second in [("shop", None), (None, "shop"), (None, None)]:
        raws = [placed(deployment(), first), placed(budget(), second)]
        ((_, around),) = found(inventory_of(*raws, any_namespace=True)).items()
        assert [each.name for each in around.budgets] == ["web"]


def test_objects_of_two_namespaces_have_nothing_to_do_with_each_other_though_a_workload_sees_both() -> None:
    third = placed(deployment("api", replicas=7), "bank")
    third["spec"]["template"]["metadata"]["labels"] = {"app": "web"}
    inventory = inventory_of(placed(deployment(), None), placed(budget(), "shop"), third, any_namespace=True)
    around = found(inventory)[WorkloadKey("", "Deployment", "web")]
    assert (around.overlaps, [each.pods for each in around.reaches.values()]) == (("Deployment api",), [4])


def test_autoscalers_that_the_server_will_name_are_different_objects() -> None:
    scalers = [autoscaler(3, 9), autoscaler(5, 9, target="api")]
    for each in scalers:
        each["metadata"]["generateName"] = each["metadata"].pop("name")
    around = found(inventory_of(*scalers, deployment(), deployment("api"), any_namespace=True))
    assert [each.autoscaler and each.autoscaler.minimum for each in around.values()] == [3, 5]


@pytest.mark.parametrize(
    ("version", "kind", "scales"),
    [
        ("apps/v1", "Deployment", True),
        ("apps/v1beta2", "Deployment", True),
        ("extensions/v1beta1", "Deployment", False),
        ("apps.kruise.io/v1beta1", "Deployment", False),
        ("", "Deployment", False),
        ("apps", "Deployment", False),
        ("", "ReplicationController", True),
        ("v1", "ReplicationController", True),
        ("apps/v1", "ReplicationController", False),
    ],
)
def test_an_autoscaler_scales_the_workload_of_its_group_in_any_version(version: str, kind: str, scales: bool) -> None:
    scaler, workload = autoscaler(3, 9, kind=kind, version=version), {**deployment(), "kind": kind}
    ((_, around),) = found(inventory_of(scaler, workload)).items()
    assert (around.autoscaler is not None, around.faulty_autoscaler is None) == (scales, scales)


def test_what_is_said_of_an_autoscaler_of_another_group_concerns_the_workload_that_is_meant() -> None:
    inventory = inventory_of(deployment(), autoscaler(3, 9))
    assert inventory.put(read(autoscaler(3, 9, version="extensions/v1beta1"))) == {WEB}
    assert inventory.put(read(autoscaler(3, 9))) == {WEB}
