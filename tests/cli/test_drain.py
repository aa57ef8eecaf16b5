"""`productionpolicy drain` on snapshots."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from productionpolicy.cli.main import main
from support.api_server import ApiServer
from support.scenes import Raw, budget, deployment, node
from support.snapshots import write_snapshot

ROOT = Path(__file__).parents[2]
A, B = node("a", zone="east"), node("b", zone="west")


def play(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["drain", "--from", str(file), *arguments])


def test_nodes_that_drain_are_fine(tmp_path: Path) -> None:
    parts = deployment("web", ["a", "b"]), budget("web", app="web", maxUnavailable=1)
    done = play(write_snapshot(tmp_path, A, B, *parts), "--all-nodes")
    assert done.exit_code == 0
    assert "a  drains in 1 step\nb  drains in 2 steps\n" in done.stdout
    assert "nodes: 2, drains: 2, workloads without a ready pod: 0, pods that fit nowhere: 0" in done.stdout


@pytest.mark.parametrize("named", [("--node", "a"), ("a",)])
def test_a_budget_that_blocks_is_named_with_the_remedy(tmp_path: Path, named: tuple[str, ...]) -> None:
    parts = deployment("web", ["a", "b"]), budget("web", app="web", minAvailable=2)
    done = play(write_snapshot(tmp_path, A, B, *parts), *named)
    assert done.exit_code == 1
    assert "a  blocked by the budget shop/web: pod shop/web-1-0 of Deployment shop/web" in done.stdout
    assert "remedy: " in done.stdout


def test_the_repairs_of_the_policy_keep_a_workload_ready(tmp_path: Path) -> None:
    done = play(write_snapshot(tmp_path, A, B, deployment("web", ["a", "a"])), "--node", "a")
    assert done.exit_code == 1
    assert "Deployment shop/web  for 1 step, from step 2" in done.stdout
    assert "after the repairs of the policy (workloads: " in done.stdout
    assert "Deployment shop/web  keeps a ready pod" in done.stdout


def test_what_could_not_be_read_is_never_fine(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A, B, deployment("web", ["a", "b"]), unread="poddisruptionbudgets.policy")
    done = play(file, "--node", "a", "--no-repairs")
    assert done.exit_code == 3
    assert "a  unknown: the budgets could not all be read: Forbidden: no rights" in done.stdout


def test_the_loss_of_a_zone_tells_what_is_dark_at_once(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A, B, deployment("web", ["a", "a"]), deployment("api", ["a", "b"]))
    done = play(file, "--all-nodes", "--fail", "zone", "--no-repairs")
    assert done.exit_code == 1
    assert "Deployment shop/web  if zone east fails, until others replace its pods" in done.stdout
    assert "Deployment shop/api" not in done.stdout
    assert "zone west  fails, stopped: 1 pod, every workload keeps a ready pod" in done.stdout


def test_a_pod_that_waits_until_the_drained_node_is_back_is_no_failure(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A, B, deployment("web", ["a", "b"], cpu="3"))
    done = play(file, "a", "--no-repairs")
    assert "a  drains in 1 step, after which 1 pod would wait for a node" in done.stdout
    assert "pods that wait until drained nodes are back:\n  shop/web-1-new1 of Deployment shop/web" in done.stdout
    assert "pods that fit nowhere: 0, pods that wait until drained nodes are back: 1" in done.stdout
    assert done.exit_code == 0
    cordoned = play(file, "a", "--no-repairs", "--keep-cordoned")
    assert "pods that would fit nowhere:\n  shop/web-1-new1 of Deployment shop/web" in cordoned.stdout
    assert cordoned.stdout.endswith("pods that fit nowhere: 1\n")
    assert cordoned.exit_code == 1


def test_a_failure_that_darkens_nothing_is_fine(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A, B, deployment("web", ["a", "b"]))
    assert play(file, "--all-nodes", "--fail", "node", "--no-repairs").exit_code == 0
    assert play(file, "--all-nodes", "--fail", "node", "--no-repairs", "-o", "html").exit_code == 0


def test_nodes_are_chosen_by_zone_and_label(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A, B)
    for arguments in (["--zone", "west"], ["-l", "kubernetes.io/hostname=b"], ["-l", "kubernetes.io/hostname!=a"]):
        done = play(file, *arguments, "-o", "json")
        assert [each["name"] for each in json.loads(done.stdout)["now"][0]["nodes"]] == ["b"]


def test_the_json_report_follows_its_schema(tmp_path: Path) -> None:
    schema = json.loads((ROOT / "docs" / "drain.schema.json").read_text())
    parts = deployment("web", ["a", "a"]), deployment("big", ["a"], cpu="4"), budget("web", app="web", minAvailable=2)
    done = play(write_snapshot(tmp_path, A, B, *parts), "--all-nodes", "-o", "json")
    jsonschema.validate(json.loads(done.stdout), schema)
    assert done.exit_code == 1


def test_a_command_without_nodes_and_an_unknown_node_are_refused(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A)
    assert play(file).exit_code == 2
    assert "there is no node z" in play(file, "--node", "z").output


async def test_a_live_cluster_is_read_with_the_kubeconfig(tmp_path: Path) -> None:
    web = deployment("web", ["a", "b"])
    kinds = {"pods": "Pod", "nodes": "Node"}, {"replicasets": "ReplicaSet", "deployments": "Deployment"}
    objects: dict[str, list[Raw]] = {
        f"/api/v1/{each}": [] for each in ("replicationcontrollers", "namespaces", "persistentvolumes")
    }
    objects |= {f"/apis/apps/v1/{each}": [] for each in ("statefulsets", "daemonsets")}
    for root, names in zip(("/api/v1", "/apis/apps/v1"), kinds, strict=True):
        for plural, kind in names.items():
            objects[f"{root}/{plural}"] = [each for each in (A, B, *web) if each["kind"] == kind]
    server = ApiServer({**objects, "/apis/policy/v1/poddisruptionbudgets": [budget("web", app="web", minAvailable=2)]})
    kubeconfig = tmp_path / "config"
    async with server.serve() as cluster:
        kubeconfig.write_text(_kubeconfig(cluster._api.configuration.host))
        arguments = ["drain", "--kubeconfig", str(kubeconfig), "--node", "a", "--no-repairs"]
        done = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert not done.stderr
    assert "a  blocked by the budget shop/web" in done.stdout
    assert done.exit_code == 1
    assert {verb for verb, _, _ in server.requests} == {"GET"}


def _kubeconfig(host: str) -> str:
    cluster = {"name": "test", "cluster": {"server": host}}
    context = {"name": "test", "context": {"cluster": "test", "user": "me"}}
    user = {"name": "me", "user": {"token": "x"}}
    whole = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "test"}
    return json.dumps({"apiVersion": "v1", "kind": "Config", **whole})
