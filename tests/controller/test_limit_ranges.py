"""The defaults of LimitRanges in the store: whom a change of them concerns, and what containers get by them."""

from __future__ import annotations

from productionpolicy.controller.resources import DEPLOYMENTS, LIMIT_RANGES
from productionpolicy.controller.store import Store
from productionpolicy.kube.workloads import WorkloadKey, read_workload
from support.manifests import Raw, deployment

WEB = WorkloadKey("shop", "Deployment", "web")


def limit_range(version: str, *, namespace: str = "shop", **item: Raw) -> Raw:
    metadata = {"name": "limits", "namespace": namespace, "resourceVersion": version}
    return {"metadata": metadata, "spec": {"limits": [{"type": "Container", **item}]}}


def a_store() -> Store:
    store = Store()
    store.observe(DEPLOYMENTS, deployment())
    return store


def memory_limit(store: Store) -> str:
    limits = store.surroundings(read_workload(deployment())).default_resources.limits
    return str(limits.get("memory", ""))


def test_a_limit_range_concerns_the_workloads_of_its_namespace() -> None:
    store = a_store()
    assert store.observe(LIMIT_RANGES, limit_range("1", namespace="other", default={"memory": "1Gi"})) == []
    assert store.observe(LIMIT_RANGES, limit_range("1", default={"memory": "1Gi"})) == [WEB]
    assert memory_limit(store) == "1Gi"


def test_only_a_change_of_the_defaults_is_news() -> None:
    store = a_store()
    store.observe(LIMIT_RANGES, limit_range("1", default={"memory": "1Gi"}))
    assert (
        store.observe(LIMIT_RANGES, limit_range("2", default={"memory": "1Gi"}, maxLimitRequestRatio={"cpu": 2})) == []
    )
    assert store.observe(LIMIT_RANGES, limit_range("3", default={"memory": "2Gi"})) == [WEB]


def test_a_limit_range_that_is_gone_gives_nothing() -> None:
    store = a_store()
    store.observe(LIMIT_RANGES, limit_range("1", default={"memory": "1Gi"}))
    assert store.forget(LIMIT_RANGES, "shop", "limits") == [WEB]
    assert memory_limit(store) == ""
