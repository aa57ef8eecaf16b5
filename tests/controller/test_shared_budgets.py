"""A budget over several workloads: whoever is judged by it is judged again when what it selects changes."""

from __future__ import annotations

import pytest

from productionpolicy.controller.resources import AUTOSCALERS, BUDGETS, DEPLOYMENTS, JOBS, PODS
from productionpolicy.controller.store import Store
from productionpolicy.kube.surroundings import Reach
from productionpolicy.kube.workloads import WorkloadKey
from support.harness import Harness
from support.manifests import Raw, autoscaler, budget, deployment, job, pod

WEB, API = WorkloadKey("shop", "Deployment", "web"), WorkloadKey("shop", "Deployment", "api")
SHARED = {"matchLabels": {"team": "shop"}}


def sharing(name: str, *, version: int, replicas: int = 2) -> Raw:
    raw = deployment(name, metadata={"uid": name, "resourceVersion": str(version)}, replicas=replicas)
    raw["spec"]["template"]["metadata"]["labels"]["team"] = "shop"
    return raw


def shop() -> Store:
    store = Store()
    store.observe(BUDGETS, budget("team", selector=SHARED, minAvailable=3, metadata={"resourceVersion": "1"}))
    store.observe(DEPLOYMENTS, sharing("web", version=2))
    store.observe(DEPLOYMENTS, sharing("api", version=3))
    return store


def reach(store: Store, key: WorkloadKey = WEB) -> Reach:
    workload = store.workload(key)
    assert workload is not None
    (found,) = store.surroundings(workload).reaches.values()
    return found


def test_a_budget_reaches_all_workloads_that_it_selects() -> None:
    store = shop()
    assert reach(store, WEB) == reach(store, API) == Reach(pods=4, most=2, workloads=2)


def test_a_workload_that_scales_concerns_those_that_share_its_budget() -> None:
    store = shop()
    reach(store)
    concerned = store.observe(DEPLOYMENTS, sharing("api", version=4, replicas=1))
    assert (set(concerned), reach(store).pods) == ({API, WEB}, 3)


def test_an_autoscaler_concerns_those_that_share_the_budget_of_its_target() -> None:
    store = shop()
    reach(store)
    concerned = store.observe(AUTOSCALERS, autoscaler(5, 9, target="api"))
    assert (set(concerned), reach(store).pods) == ({API, WEB}, 7)


def test_a_job_under_the_budget_concerns_all_others_there() -> None:
    store = shop()
    reach(store)
    concerned = store.observe(JOBS, job("sweep", labels={"team": "shop"}, resourceVersion="5"))
    assert {WEB, API} < set(concerned)
    assert reach(store).unscaled == ("Job sweep",)
    assert {WEB, API} <= set(store.forget(JOBS, "shop", "sweep"))
    assert reach(store).unscaled == ()


def test_what_changes_nothing_for_the_budget_concerns_nobody_else() -> None:
    store = shop()
    reach(store)
    raw = sharing("api", version=4)
    assert store.observe(DEPLOYMENTS, {**raw, "status": {"replicas": 2}}) == [API]


@pytest.mark.parametrize("annotations", [{}, {"helm.sh/hook": "test"}])
def test_a_bare_pod_concerns_no_workload_with_its_labels(annotations: Raw) -> None:
    store = shop()
    reach(store)
    concerned = store.observe(PODS, pod("debug", labels={"app": "web", "team": "shop"}, annotations=annotations))
    workload = store.workload(WEB)
    assert workload is not None
    assert (concerned, store.surroundings(workload).overlaps) == ([WorkloadKey("shop", "Pod", "debug")], ())


def test_a_budget_for_some_of_the_pods_concerns_whoever_selects_them_too() -> None:
    store = shop()
    canary = sharing("canary", version=4)
    canary["spec"]["template"]["metadata"]["labels"]["app"] = "web"
    store.observe(DEPLOYMENTS, canary)
    own = budget("canary", selector={"matchLabels": {"track": "canary"}}, maxUnavailable=1)
    own["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
    assert WEB in store.observe(BUDGETS, own)


async def test_a_job_takes_our_budget_away_only_once_it_blocks_it() -> None:
    harness = Harness()
    await harness.reconcile()
    harness.store.observe(JOBS, job("sweep", labels={"app": "web"}, resourceVersion="7"))
    await harness.reconcile()
    assert harness.written.deleted == []
    harness.observe_budget({"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"})
    await harness.reconcile()
    harness.seconds += harness.later[-1]
    await harness.reconcile()
    assert harness.written.deleted == ["web-deployment-productionpolicy"]
