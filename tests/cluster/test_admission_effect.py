"""Repairs at admission that have no effect are found by the workloads that come in, and told."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cluster.test_admission import bound
from cluster.world import Raw, World, deployment, eventually, journal
from control_plane.installation import install_admission
from productionpolicy.kube.identity import EXEMPT, MODE_LABEL

MUTATING = "mutatingadmissionpolicy/productionpolicy"
NO_SUCH_CONTAINER = """
[JSONPatch{op: "add", path: "/metadata/annotations", value: object.spec.template.spec.containers[99].name}]
"""
"""An expression that compiles, and fails for every workload."""

MINUTE = 60.0

_numbers = itertools.count(1)


@pytest.fixture
def world(admitting_world: World) -> World:
    return admitting_world


@contextmanager
def broken(world: World) -> Iterator[None]:
    """Let the admission policy fail for every workload, without a word to whoever brings it in."""
    path = "/spec/mutations/0/jsonPatch/expression"
    patch = [{"op": "replace", "path": path, "value": NO_SUCH_CONTAINER}]
    world.kubectl("patch", MUTATING, "--type=json", "-p", json.dumps(patch))
    try:
        yield
    finally:
        install_admission(world.plane)


def message(world: World, policy: str) -> str:
    return str(world.condition(policy, "AdmissionRepair")["message"])


def missed(world: World, policy: str) -> float:
    """Return how many workloads the operator says it has missed, by its metric."""
    return world.operator.metric("productionpolicy_admission_missed_total", policy=policy) or 0.0


def warnings(world: World, policy: str) -> list[Raw]:
    found = world.events("default", "AdmissionNotEffective")
    return [each for each in found if each["involvedObject"]["name"] == policy]


def until_told(world: World, policy: str, namespace: str, expected: tuple[str, str]) -> None:
    """Bring in one workload after the other until the policy tells what is expected."""

    def is_told() -> bool:
        world.kubectl("create", "-n", namespace, "-f", "-", stdin=deployment(f"web-{next(_numbers)}"))
        return world.told(policy, "AdmissionRepair") == expected

    eventually(is_told, within=MINUTE)


def until_the_next_second(world: World, namespace: str) -> None:
    """Wait until the second is over in which the last workload was created: a repaired one in the same second wins."""
    last = max(each["metadata"]["creationTimestamp"] for each in world.all("deployment", namespace))
    eventually(lambda: datetime.now(UTC) >= datetime.fromisoformat(last) + timedelta(seconds=1))


def repairs(world: World, namespace: str) -> bool:
    """Say whether the API server repairs a new workload, which it does not keep."""
    return bool(journal(world.tried(deployment("probe"), namespace)))


def test_one_that_becomes_broken_is_told_by_the_first_workload_that_comes_in_unrepaired(world: World) -> None:
    policy = bound(world)
    namespace = world.namespace(policy)
    assert world.told(policy, "AdmissionRepair") == ("Unknown", "Bound")
    until_told(world, policy, namespace, ("True", "Effective"))
    with broken(world):
        eventually(lambda: not repairs(world, namespace))
        until_the_next_second(world, namespace)
        world.apply(namespace, deployment("first"))
        eventually(lambda: world.told(policy, "AdmissionRepair") == ("False", "NotEffective"), within=MINUTE)
        said = message(world, policy)
        assert f"Deployment {namespace}/first was admitted at" in said
        assert 'apiserver_mutating_admission_policy_check_total{policy="productionpolicy"}' in said
        [event] = eventually(lambda: warnings(world, policy))
        assert (event["type"], event["message"]) == ("Warning", said)
        assert missed(world, policy) == 1
        assert journal(world.repaired("first", namespace))
        world.operator.restart()
        assert world.fixed(lambda: message(world, policy)) == said
    eventually(lambda: repairs(world, namespace))
    until_told(world, policy, namespace, ("True", "Effective"))
    assert len(warnings(world, policy)) == 1


def test_one_that_is_broken_from_the_beginning_is_never_called_effective(world: World) -> None:
    seen = set()
    with broken(world):
        policy = world.policy()
        namespace = world.namespace(policy)

        def is_told() -> bool:
            seen.add(world.told(policy, "AdmissionRepair"))
            world.kubectl("create", "-n", namespace, "-f", "-", stdin=deployment(f"web-{next(_numbers)}"))
            return ("False", "NotEffective") in seen

        eventually(is_told, within=MINUTE)
    assert seen <= {("", ""), ("Unknown", "Bound"), ("False", "NotEffective")}


def test_a_workload_that_rightly_comes_in_unrepaired_tells_nothing(world: World) -> None:
    policy = bound(world)
    namespace, careful = world.namespace(policy), world.namespace(policy, **{MODE_LABEL: "audit"})
    until_told(world, policy, namespace, ("True", "Effective"))
    exempt = deployment("exempt", metadata={"annotations": {f"{EXEMPT}preStop": "drains by itself until=2020-01-01"}})
    world.apply(namespace, exempt)
    world.apply(careful, deployment())
    world.label(careful, f"{MODE_LABEL}-")
    world.repaired("web", careful)
    until_told(world, policy, namespace, ("True", "Effective"))
    assert (missed(world, policy), warnings(world, policy)) == (0, [])
