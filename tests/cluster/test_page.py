"""The pages and the JSON of a running operator, and the totals of the day in the status."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cluster.world import PAGE, World, container, deployment, eventually
from control_plane import probe

SECRET = "correct-horse-battery-staple"
ONLY: dict[str, Any] = {
    "profile": "Development",
    "expectations": {"replicas": {"action": "Audit"}, "preStop": {"action": "Repair"}},
}


@pytest.fixture
def policy(world: World) -> str:
    return world.policy(**ONLY)


@pytest.fixture
def namespace(world: World, policy: str) -> str:
    return world.namespace(policy)


def read(world: World, target: str) -> str:
    """Return a page, or nothing if there is none."""
    port = next(int(each.removeprefix(PAGE)) for each in world.operator.arguments if each.startswith(PAGE))
    return (probe.body(port, target) or b"").decode()


def listed(world: World, namespace: str, **filters: str) -> dict[str, Any]:
    """Return the workloads of a namespace as JSON, by their names; nothing if there are none."""
    query = "&".join(f"{name}={value}" for name, value in {"namespace": namespace, **filters}.items())
    answer = read(world, f"/api/v1/workloads?{query}")
    return {each["name"]: each for each in json.loads(answer)["workloads"]} if answer else {}


def test_a_finding_is_shown_until_it_is_mended(world: World, namespace: str) -> None:
    address = f"/workloads/{namespace}/Deployment/web"
    world.apply(namespace, deployment(replicas=1))
    eventually(lambda: "replicas is 1, and at least 2 are expected" in read(world, address))
    assert list(listed(world, namespace, expectation="replicas")) == ["web"]
    assert f"Deployment {namespace}/web" in read(world, f"/workloads?namespace={namespace}&expectation=replicas")

    world.apply(namespace, deployment(replicas=2))
    eventually(lambda: "replicas is 1" not in read(world, address))
    eventually(lambda: listed(world, namespace, expectation="replicas") == {})
    assert listed(world, namespace)["web"]["verdicts"]["replicas"] == "passed"


def test_a_repair_is_shown_with_what_it_wrote(world: World, policy: str, namespace: str) -> None:
    world.apply(namespace, deployment())
    world.repaired("web", namespace)
    (found,) = eventually(
        lambda: [each for each in listed(world, namespace, policy=policy).values() if each["repairs"]]
    )
    assert (found["repairs"]["preStop"], found["verdicts"]["preStop"]) == ("sleep 10s: web", "passed")
    assert "sleep 10s: web" in read(world, f"/workloads/{namespace}/Deployment/web")


def test_no_page_tells_what_containers_get_as_environment(world: World, namespace: str) -> None:
    secretive = container(env=[{"name": "PASSWORD", "value": SECRET}], args=["--password", SECRET])
    world.apply(namespace, deployment(replicas=1, containers=[secretive]))
    eventually(lambda: listed(world, namespace))
    targets = ("/", "/workloads", f"/workloads/{namespace}/Deployment/web", "/api/v1/workloads", "/api/v1/policies")
    pages = [read(world, each) for each in targets]
    assert all(pages)
    assert not any(SECRET in each for each in pages)


def test_the_status_and_the_page_have_the_totals_of_the_day(world: World, policy: str, namespace: str) -> None:
    world.apply(namespace, deployment(replicas=1))

    def entries() -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = world.status(policy).get("history", [])
        return history if history and history[-1]["findings"] else []

    (entry,) = eventually(entries)
    assert (entry["workloads"], entry["compliant"]) == (1, 0)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["date"])
    page = eventually(lambda: read(world, f"/?policy={policy}"))
    assert f"<title>{entry['date']}: 0 of 1 workload compliant</title>" in page
    assert f"Production readiness by policy {policy}" in page
