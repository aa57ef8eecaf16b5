"""How fast repairs that restart pods go."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster.world import World, container, deployment, eventually, journal, stateful_set
from control_plane.binaries import located
from owners.rollouts import is_rolled_out
from productionpolicy.kube.identity import ROLLOUT_WINDOWS

MANY = 6


@contextmanager
def watched(world: World, namespace: str, tmp_path: Path) -> Iterator[Path]:
    """Record every state of the Deployments of a namespace, as the API server tells of it."""
    record = tmp_path / "states.json"
    command = ["kubectl", "get", "deployments", "-n", namespace, "--watch", "-o", "json"]
    environment = {"KUBECONFIG": str(world.plane.kubeconfig), "KUBECACHEDIR": str(tmp_path / "cache")}
    with record.open("w") as out:
        process = subprocess.Popen([str(located().kubectl), *command[1:]], stdout=out, env=environment)
        try:
            yield record
        finally:
            process.terminate()
            process.wait()


def most_at_once(record: Path) -> int:
    """Return how many Deployments were rolling out at one time."""
    rolling: dict[str, bool] = {}
    most = 0
    for seen in states(record.read_text()):
        rolling[seen["metadata"]["name"]] = not is_rolled_out(seen)
        most = max(most, sum(rolling.values()))
    return most


def states(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that kubectl wrote one after the other; the last one may be cut off."""
    decoder, rest = json.JSONDecoder(), text.lstrip()
    while rest:
        try:
            seen, end = decoder.raw_decode(rest)
        except json.JSONDecodeError:
            return
        yield seen
        rest = rest[end:].lstrip()


@pytest.mark.parametrize("most", [2, "25%"])
def test_at_most_so_many_workloads_roll_out_at_one_time(world: World, tmp_path: Path, most: int | str) -> None:
    policy = world.policy(rollout={"maxConcurrent": most})
    namespace = world.namespace()
    names = [f"web-{number}" for number in range(MANY)]
    world.apply(namespace, *(deployment(name, replicas=2) for name in names))
    for name in names:
        world.rolled_out(name, namespace)
    with watched(world, namespace, tmp_path) as record:
        world.govern(namespace, policy)
        world.settled(policy, total=MANY, compliant=MANY)
    assert most_at_once(record) == 2


def test_withdrawals_keep_to_the_same_budget(world: World, tmp_path: Path) -> None:
    policy = world.policy(rollout={"maxConcurrent": 2}, onRemoval="Revert")
    namespace = world.namespace(policy)
    names = [f"web-{number}" for number in range(MANY)]
    world.apply(namespace, *(deployment(name, replicas=2) for name in names))
    world.settled(policy, total=MANY, compliant=MANY)
    with watched(world, namespace, tmp_path) as record:
        world.kubectl("delete", "productionpolicy", policy, "--timeout=60s")
        for name in names:
            world.rolled_out(name, namespace)
    assert most_at_once(record) == 2


def test_all_stateful_sets_are_repaired_one_after_the_other(world: World) -> None:
    policy, namespace = world.governed(*(stateful_set(f"db-{number}") for number in range(3)))
    world.settled(policy, total=3, compliant=3)
    generations = [each["metadata"]["generation"] for each in world.all("statefulset", namespace)]
    assert generations == [2, 2, 2]


def test_a_workload_that_is_not_well_is_left_until_it_has_settled(world: World) -> None:
    policy, namespace = world.governed(deployment("sick", nodeSelector={"no": "such-node"}), deployment(), mode="Audit")
    eventually(lambda: world.get("deployment", "sick", namespace).get("status", {}).get("unavailableReplicas") == 3)
    world.rolled_out("web", namespace)
    world.change_policy(policy, mode="Enforce")
    world.repaired("web", namespace)

    assert world.fixed(lambda: world.get("deployment", "sick", namespace)["metadata"]["generation"]) == 1
    assert "sick-deployment-productionpolicy" in world.budgets(namespace)
    assert world.status(policy)["workloads"]["repairing"] == 1


def test_a_paused_deployment_is_left_until_it_goes_on(world: World) -> None:
    policy, namespace = world.governed(deployment(), mode="Audit")
    world.rolled_out("web", namespace)
    world.kubectl("rollout", "pause", "deployment/web", "-n", namespace)
    world.change_policy(policy, mode="Enforce")
    assert world.fixed(lambda: journal(world.get("deployment", "web", namespace))) == {}
    world.kubectl("rollout", "resume", "deployment/web", "-n", namespace)
    world.repaired("web", namespace)


def test_next_rollout_restarts_nothing_and_still_does_the_rest(world: World) -> None:
    policy, namespace = world.governed(deployment(replicas=4), mode="Audit", rollout={"timing": "NextRollout"})
    world.rolled_out("web", namespace)
    before = world.running_hashes(namespace)
    world.change_policy(policy, mode="Enforce")
    eventually(lambda: set(journal(world.get("deployment", "web", namespace))) == {"policy", "rollingUpdate"})
    eventually(lambda: world.budgets(namespace) == ["web-deployment-productionpolicy"])
    assert world.fixed(lambda: world.running_hashes(namespace)) == before
    pending = world.status(policy)["pending"]
    assert (pending["repairs"], pending["restarts"]) == (3, 1)


def test_outside_of_the_windows_nothing_is_restarted_and_in_one_it_is(world: World) -> None:
    today = datetime.now(UTC).date()
    frozen = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1)), "reason": "holidays"}
    policy, namespace = world.governed(deployment(), mode="Audit", rollout={"freezes": [frozen]})
    world.rolled_out("web", namespace)
    before = world.running_hashes(namespace)
    world.change_policy(policy, mode="Enforce")
    eventually(lambda: world.budgets(namespace) == ["web-deployment-productionpolicy"])
    eventually(lambda: world.status(policy)["pending"]["nextWindow"] == f"{today + timedelta(days=2)}T00:00:00Z")
    assert world.fixed(lambda: world.running_hashes(namespace)) == before
    progressing = next(each for each in world.status(policy)["conditions"] if each["type"] == "Progressing")
    assert progressing["reason"] == "WaitingForWindow"
    assert "holidays" in progressing["message"]

    world.change_policy(policy, rollout={"freezes": None})
    world.repaired("web", namespace)
    eventually(lambda: world.status(policy)["pending"]["nextWindow"] == "")


def test_a_namespace_whose_windows_are_not_valid_is_told_and_nothing_is_restarted(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace()
    world.kubectl("annotate", "namespace", namespace, f"{ROLLOUT_WINDOWS}=at night")
    world.govern(namespace, policy)
    world.apply(namespace, deployment())
    world.rolled_out("web", namespace)
    eventually(lambda: world.events(namespace, "WindowsNotValid"))
    eventually(lambda: world.budgets(namespace) == ["web-deployment-productionpolicy"])
    assert world.fixed(lambda: world.get("deployment", "web", namespace)["metadata"]["generation"]) == 1
    world.kubectl("annotate", "namespace", namespace, f"{ROLLOUT_WINDOWS}-")
    world.repaired("web", namespace)


def test_required_spreading_is_written_only_where_the_nodes_suffice(world: World) -> None:
    policy = world.policy(expectations={"spread": {"strength": "Required"}})
    namespace = world.applied(deployment("few", replicas=3), deployment("many", replicas=9), policy=policy)
    notes = {name: journal(world.repaired(name, namespace))["spread"] for name in ("few", "many")}
    assert notes == {
        "few": "Required per rollout: kubernetes.io/hostname; Preferred: topology.kubernetes.io/zone",
        "many": "Preferred for want of nodes: kubernetes.io/hostname,topology.kubernetes.io/zone",
    }


def test_a_workload_scaled_to_zero_needs_no_slot(world: World) -> None:
    policy = world.policy(rollout={"maxConcurrent": 1})
    namespace = world.namespace(policy)
    hooked = container(lifecycle={"preStop": {"sleep": {"seconds": 5}}})
    world.apply(namespace, deployment("off", replicas=0, containers=[hooked]), deployment())
    assert set(journal(world.repaired("off", namespace))) == {"policy", "terminationGracePeriod"}
    world.repaired("web", namespace)
