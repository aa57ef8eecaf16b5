"""`productionpolicy drain` on snapshots."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from productionpolicy.cli.main import main
from productionpolicy.kube.pods import ZONE
from support.api_server import ApiServer
from support.scenes import Raw, budget, controller, deployment, node, owner, pod
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


@pytest.mark.parametrize(
    ("others", "more"), [(["b"], ""), (["a"], " (and 1 more pod)"), (["a", "a"], " (and 2 more pods)")]
)
def test_the_other_pods_that_would_stay_are_counted(tmp_path: Path, others: list[str], more: str) -> None:
    parts = deployment("web", ["a", *others]), budget("web", app="web", maxUnavailable=0)
    done = play(write_snapshot(tmp_path, A, B, *parts), "a", "--no-repairs")
    number = len(others) + 1
    assert f"(maxUnavailable 0) needs {number} healthy pods and has {number}{more}\n\n" in done.stdout


@pytest.mark.parametrize(
    ("number", "back"), [(1, "1 pod comes back to it, because it"), (2, "2 pods come back to it, because they")]
)
def test_a_drained_node_that_is_not_empty_is_told(tmp_path: Path, number: int, back: str) -> None:
    here: Raw = {"tolerations": [{"operator": "Exists"}], "nodeSelector": A["metadata"]["labels"]}
    file = write_snapshot(tmp_path, A, B, deployment("agent", ["a"] * number, **here))
    expected = f"drains in {number} step{'s' * (number > 1)}, but {back} tolerate{'s' * (number == 1)} the cordon"
    assert expected in play(file, "a", "--no-repairs").stdout
    assert back in play(file, "a", "--no-repairs", "-o", "html").stdout


@pytest.mark.parametrize(("limit", "fate"), [(0, "  gives up: its backoffLimit is exceeded\n"), (1, "\n")])
def test_a_job_that_gives_up_is_told(tmp_path: Path, limit: int, fate: str) -> None:
    load = controller("Job", "load", replicas=1, backoffLimit=limit), pod("load-1", "a", by=owner("Job", "load"))
    file = write_snapshot(tmp_path, A, B, *load)
    assert f"Jobs that lose their work:\n  Job shop/load{fate}" in play(file, "a", "--no-repairs").stdout
    assert fate.strip() in play(file, "a", "--no-repairs", "-o", "html").stdout
    (run,) = json.loads(play(file, "a", "-o", "json").stdout)["now"]
    assert len(run["givenUp"]) == 1 - limit


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "which nodes? Name them, or use --all-nodes, -l or --zone."),
        ("--node=", "the name of a node is empty."),
        ("a node/", "the name of a node is empty."),
        ("a --all-nodes", "--all-nodes chooses all nodes: omit NODE, --node, -l and --zone."),
        ("--all-nodes --zone east", "--all-nodes chooses all nodes: omit NODE, --node, -l and --zone."),
        ("a --zone west", "NODE and --node name nodes, and -l and --zone choose them by label: use one of them."),
        ("a --fail node --surge 1", "with --fail no node is drained: omit --surge 1."),
        ("--fail zone --parallel 2 --force", "with --fail no node is drained: omit --force, --parallel 2."),
        ("--fail zone --keep-cordoned", "with --fail no node is drained: omit --keep-cordoned."),
        (
            "--fail zone --ignore-daemonsets --delete-emptydir-data",
            "with --fail no node is drained: omit --ignore-daemonsets, --delete-emptydir-data.",
        ),
        ("a --no-repairs --profile Development", "--no-repairs plays no repairs: omit --profile."),
        ("a --kubeconfig config", "--from reads the file of a cluster: omit --kubeconfig."),
        ("a --context test --as me", "--from reads the file of a cluster: omit --context."),
        ("worker-11", "there is no node 'worker-11': did you mean worker-1?"),
        ("--node zzz", "there is no node 'zzz': the nodes are a, b, other-1, other-2, other-3 and 2 more."),
        ("a,b", "there is no node 'a,b': separate the names by spaces, such as a b."),
        ("--zone easst", "there is no zone 'easst': did you mean east?"),
        ("--zone 7", "there is no zone '7': the zones are east, west."),
        ("--zone=", "there is no zone '': the zones are east, west."),
        ("-l pool=blue", "no node has the labels of -l."),
        ("worker-1 --fail zone", f"none of these nodes has the label {ZONE}, so no zone can fail: use --fail node."),
    ],
)
def test_a_mistake_in_the_command_line_is_refused(tmp_path: Path, arguments: str, message: str) -> None:
    others = [node(name) for name in ("other-1", "other-2", "other-3", "worker-1", "worker-2")]
    done = play(write_snapshot(tmp_path, A, B, others), *arguments.split())
    assert (done.exit_code, done.stdout, f"Error: {message}\n" in done.stderr) == (2, "", True)


def test_no_repairs_conflicts_with_a_policy(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A)
    done = play(file, "a", "--no-repairs", "--policy", str(file))
    assert (done.exit_code, "omit --policy." in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["a", "node/a", "nodes/a", "no/a"])
def test_a_node_is_named_as_in_kubectl(tmp_path: Path, name: str) -> None:
    assert play(write_snapshot(tmp_path, A, B), name).stdout.startswith("a  drains in 0 steps\n")


@pytest.mark.parametrize(
    ("unread", "message"),
    [("", "the snapshot has no nodes"), ("nodes", "the nodes could not be read: Forbidden: no rights")],
)
@pytest.mark.parametrize("arguments", ["--all-nodes", "--fail zone", "a"])
def test_a_snapshot_without_nodes_is_refused(tmp_path: Path, arguments: str, unread: str, message: str) -> None:
    done = play(write_snapshot(tmp_path, deployment("web", [""]), unread=unread), *arguments.split())
    assert (done.exit_code, done.stderr) == (2, f"Error: {message}\n")


def test_nodes_without_a_zone_are_named_if_zones_fail(tmp_path: Path) -> None:
    done = play(write_snapshot(tmp_path, A, node("c"), node("d")), "--fail", "zone", "--no-repairs")
    assert "zone east  fails" in done.stdout
    assert (
        f"not everything could be seen:\n  without the label {ZONE}, these nodes fail with no zone: c, d\n"
        in done.stdout
    )
    assert done.exit_code != 0


def test_a_zone_fails_with_all_its_nodes_though_one_is_named(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A, B, node("c", zone="east"), deployment("web", ["a", "c"]))
    assert "zone east  fails, stopped: 2 pods" in play(file, "a", "--fail", "zone", "--no-repairs").stdout


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
