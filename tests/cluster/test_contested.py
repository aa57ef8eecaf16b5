"""A repair that somebody keeps undoing is left undone."""

from __future__ import annotations

import json
from typing import Any

from cluster.world import World, changed, deployment, eventually, journal, pod_spec
from productionpolicy.kube.identity import CONTESTED

NOTE = f"{CONTESTED}preStop"


def repaired(world: World, policy: str) -> str:
    namespace = world.applied(deployment(), policy=policy)
    world.repaired("web", namespace)
    world.settled(policy, total=1)
    return namespace


def generation(world: World, namespace: str) -> int:
    return int(world.get("deployment", "web", namespace)["metadata"]["generation"])


def undo(world: World, namespace: str) -> None:
    path = "/spec/template/spec/containers/0/lifecycle"
    removal = json.dumps([{"op": "remove", "path": path}])
    world.kubectl("patch", "deployment", "web", "-n", namespace, "--type=json", "-p", removal)


def replace(world: World, namespace: str, raw: dict[str, Any]) -> None:
    """Put an object in place of the live one, annotations and all, as `kubectl replace` does."""
    world.kubectl("replace", "-n", namespace, "-f", "-", stdin=raw)


def generation_with_note(world: World, namespace: str) -> int:
    """Return the generation once the last note is written: annotations of a Deployment count for its generation."""

    def is_noted() -> bool:
        """The note tells that the repair was undone twice."""
        annotations = world.get("deployment", "web", namespace)["metadata"].get("annotations", {})
        return str(annotations.get(NOTE, "")).startswith("undone 2x")

    eventually(is_noted)
    return generation(world, namespace)


def has_sleep(world: World, namespace: str) -> bool:
    return "lifecycle" in pod_spec(world.get("deployment", "web", namespace))["containers"][0]


def contested(world: World, policy: str) -> str:
    namespace = repaired(world, policy)
    for _ in range(2):
        eventually(lambda: has_sleep(world, namespace))
        world.rolled_out("web", namespace)
        undo(world, namespace)
    eventually(lambda: world.status(policy)["workloads"]["contested"] == 1)
    return namespace


def test_undone_once_it_is_repaired_again(world: World) -> None:
    namespace = repaired(world, world.policy())
    undo(world, namespace)
    eventually(lambda: has_sleep(world, namespace))
    note = world.get("deployment", "web", namespace)["metadata"]["annotations"][NOTE]
    assert note.startswith("undone 1x [")


def test_undone_twice_it_is_left_and_told(world: World) -> None:
    policy = world.policy()
    namespace = contested(world, policy)

    after = generation_with_note(world, namespace)
    assert world.fixed(lambda: generation(world, namespace)) == after
    assert not has_sleep(world, namespace)
    assert "preStop" not in journal(world.get("deployment", "web", namespace))
    assert "another writer undid the repair 2 times" in world.messages(policy, "preStop")[0]
    eventually(lambda: world.events(namespace, "Contested"))


def test_it_is_tried_again_when_the_owner_changes_the_workload(world: World) -> None:
    policy = world.policy()
    namespace = contested(world, policy)
    world.apply(namespace, changed(deployment(), image="example/web:2.0.0"))
    eventually(lambda: has_sleep(world, namespace))
    eventually(lambda: world.status(policy)["workloads"]["contested"] == 0)


def test_it_is_tried_again_when_the_policy_changes(world: World) -> None:
    policy = world.policy()
    namespace = contested(world, policy)
    world.change_policy(policy, expectations={"preStop": {"sleepSeconds": 7}})
    eventually(lambda: journal(world.get("deployment", "web", namespace)).get("preStop") == "sleep 7s: web")


def test_a_writer_that_wipes_our_notes_too_is_noticed_as_well(world: World) -> None:
    policy = world.policy()
    namespace = repaired(world, policy)
    for _ in range(2):
        eventually(lambda: has_sleep(world, namespace))
        world.rolled_out("web", namespace)
        replace(world, namespace, deployment())
    eventually(lambda: world.status(policy)["workloads"]["contested"] == 1)
    after = generation_with_note(world, namespace)
    assert world.fixed(lambda: generation(world, namespace)) == after
    assert not has_sleep(world, namespace)


def test_a_budget_that_is_deleted_twice_is_left(world: World) -> None:
    policy = world.policy()
    namespace = repaired(world, policy)
    for _ in range(2):
        (name,) = eventually(lambda: world.budgets(namespace))
        world.kubectl("delete", "pdb", name, "-n", namespace)
    eventually(lambda: world.status(policy)["workloads"]["contested"] == 1)
    assert world.fixed(lambda: world.budgets(namespace)) == []


def test_a_value_that_somebody_puts_back_is_the_owners(world: World) -> None:
    policy = world.policy()
    namespace = repaired(world, policy)
    back = json.dumps({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 30}}}})
    world.kubectl("patch", "deployment", "web", "-n", namespace, "-p", back)
    eventually(lambda: journal(world.get("deployment", "web", namespace)).get("terminationGracePeriod") == "owner's")
    status = world.settled(policy, total=1, violating=1)
    assert pod_spec(world.get("deployment", "web", namespace))["terminationGracePeriodSeconds"] == 30
    assert "the owner has declared a grace period of 30 s" in status["violations"][0]["message"]
