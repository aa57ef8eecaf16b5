"""A running operator exports every metric that the dashboard and the alerts use."""

from __future__ import annotations

from cluster.world import World, deployment, eventually
from productionpolicy.controller.metrics import FAILURES
from support.metrics import METRICS, exposed_name, series_of


def test_a_running_operator_exports_every_metric(world: World) -> None:
    policy, namespace = world.governed(deployment(), drainAudit={"mode": "Enabled"})
    world.repaired("web", namespace)

    def samples() -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = {}
        for sample in (each for family in world.operator.metrics() for each in family.samples):
            found.setdefault(sample.name, []).append(sample.labels)
        return found

    def counted() -> bool:
        told = samples()
        counts = told.get("productionpolicy_namespace_workloads", [])
        drained = told.get("productionpolicy_drain_blocked_nodes", [])
        return {"policy": policy, "workload_namespace": namespace} in counts and {"policy": policy} in drained

    eventually(counted)
    told = samples()
    # Its reasons are not known before a write fails.
    for each in METRICS - {FAILURES}:
        assert series_of(each) <= told.keys(), exposed_name(each)
    for each in METRICS:
        labels = told.get(next(iter(series_of(each))), [])
        assert all(set(each._labelnames) <= found.keys() for found in labels)
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "python_info"} <= told.keys()


def test_failed_writes_are_declared_before_there_are_any(world: World) -> None:
    names = {each.name for each in world.operator.metrics()}

    assert exposed_name(FAILURES).removesuffix("_total") in names
