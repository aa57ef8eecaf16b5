"""The operator stops, starts, dies, or runs twice: nobody notices."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from cluster.world import World, deployment, eventually, journal, lacking_probe, stateful_set
from control_plane import probe
from control_plane.operator_process import at_work
from productionpolicy.controller import operator, policies, queue, reconciler
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.resources import WATCHED
from productionpolicy.controller.watches import Watches
from productionpolicy.kube.identity import FINALIZER
from productionpolicy.verdict import State
from reports.served import wrong_reports

pytestmark = pytest.mark.usefixtures("reporting")


def versions(world: World, namespace: str) -> dict[str, str]:
    """Return the resource version of everything in a namespace that we ever write."""
    return {
        f"{kind} {each['metadata']['name']}": each["metadata"]["resourceVersion"]
        for kind in ("deployment", "statefulset", "pdb")
        for each in world.all(kind, namespace)
    }


def converged(world: World, policy: str) -> str:
    namespace = world.applied(deployment(), deployment("api"), stateful_set(), policy=policy)
    world.settled(policy, total=3, compliant=3)
    for name in ("web", "api"):
        world.rolled_out(name, namespace)
    world.rolled_out("db", namespace, "statefulset")
    return namespace


def test_a_restart_writes_nothing(world: World) -> None:
    policy = world.policy()
    namespace = converged(world, policy)
    before = world.fixed(lambda: (versions(world, namespace), world.get("pp", policy)["metadata"]["resourceVersion"]))
    world.operator.restart()
    after = world.fixed(lambda: (versions(world, namespace), world.get("pp", policy)["metadata"]["resourceVersion"]))
    assert after == before


async def test_a_restart_tells_nothing_of_a_policy_before_all_its_workloads_are_evaluated(
    world: World, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = world.policy(mode="Audit")
    world.applied(*(deployment(f"web-{number}", replicas=0) for number in range(30)), policy=policy)
    world.settled(policy, total=30)
    before = world.fixed(lambda: world.get("pp", policy)["metadata"]["resourceVersion"])
    monkeypatch.setattr(operator, "OPENING_SECONDS", 0)
    # As if there were so many workloads that evaluating them takes longer than anything waits.
    monkeypatch.setattr(queue, "LONGEST_HOLD_SECONDS", 0)
    monkeypatch.setattr(policies, "BURST_SECONDS", 0)
    monkeypatch.setattr(reconciler, "CHUNK", 1)
    connection = await Connection.load(kubeconfig)
    async with connection.client() as client:
        watches = Watches(WATCHED, clock=Clock())
        restarted = operator.Operator(Cluster(client), watches, operator.Options(kubeconfig=None, host="", port=0))
        working = asyncio.create_task(restarted.work())
        async with asyncio.timeout(60):
            while workloads_measured(policy) < 30:  # noqa: ASYNC110  # metrics tell nobody of their changes
                await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.wait({working})
    assert world.get("pp", policy)["metadata"]["resourceVersion"] == before


def workloads_measured(policy: str) -> float:
    """Return how many workloads of a policy the metrics of this process tell of."""
    labels = ({"policy": policy, "state": state} for state in State)
    return sum(REGISTRY.get_sample_value("productionpolicy_workloads", each) or 0 for each in labels)


def test_two_operators_at_once_do_no_harm(world: World, kubeconfig: Path, tmp_path: Path) -> None:
    policy = world.policy()
    with at_work(kubeconfig, log=tmp_path / "second.log"):
        namespace = converged(world, policy)
        found = [*world.all("deployment", namespace), *world.all("statefulset", namespace)]
        assert [each["metadata"]["generation"] for each in found] == [2, 2, 2]
        assert len(world.budgets(namespace)) == 3
        before = world.fixed(lambda: versions(world, namespace))
        assert world.fixed(lambda: versions(world, namespace)) == before


def test_two_operators_at_once_write_one_right_report_each(world: World, kubeconfig: Path, tmp_path: Path) -> None:
    with at_work(kubeconfig, log=tmp_path / "second.log"):
        policy, namespace = world.governed(lacking_probe(), deployment("api"))
        eventually(lambda: wrong_reports(world, policy, namespace) == [])
        world.apply(namespace, deployment(), lacking_probe("api"))
        eventually(lambda: [each["name"] for each in world.status(policy)["violations"]] == ["api"])
        eventually(lambda: wrong_reports(world, policy, namespace) == [])


def test_a_report_that_was_not_written_before_a_kill_is_written_after_it(world: World) -> None:
    policy, namespace = world.governed(lacking_probe(), deployment("api"))
    eventually(lambda: wrong_reports(world, policy, namespace) == [])
    world.apply(namespace, deployment(), lacking_probe("late"))
    eventually(lambda: [each["name"] for each in world.status(policy)["violations"]] == ["late"])
    world.operator.restart(kill=True)
    eventually(lambda: wrong_reports(world, policy, namespace) == [])


def test_what_changed_while_it_was_down_is_mended_when_it_is_back(world: World) -> None:
    namespace = converged(world, world.policy())
    world.operator.stop(timeout=10)
    world.kubectl("delete", "pdb", "web-deployment-productionpolicy", "-n", namespace)
    world.apply(namespace, deployment("new"))
    world.operator.start().wait_ready(60)
    eventually(lambda: "web-deployment-productionpolicy" in world.budgets(namespace))
    world.repaired("new", namespace)


def test_a_repair_that_was_cut_off_between_its_two_requests_is_finished(world: World) -> None:
    namespace = converged(world, world.policy())
    world.operator.kill()
    cut_off = json.dumps({"spec": {"template": {"spec": {"hostname": "cut-off"}}}})
    world.kubectl("patch", "deployment", "web", "-n", namespace, "-p", cut_off, "--field-manager=productionpolicy")
    world.operator.start().wait_ready(60)

    def managers() -> set[str]:
        found = world.get("deployment", "web", namespace)
        return {each["manager"] for each in found["metadata"]["managedFields"]}

    eventually(lambda: "productionpolicy" not in managers())


def test_a_policy_that_reverts_can_be_deleted_while_the_operator_is_away(world: World) -> None:
    policy = world.policy(onRemoval="Revert")
    eventually(lambda: world.get("pp", policy)["metadata"].get("finalizers") == [FINALIZER])
    world.operator.stop(timeout=10)
    world.kubectl("delete", "productionpolicy", policy, "--timeout=5s")
    world.operator.start().wait_ready(60)


def test_the_finalizer_is_there_only_while_the_policy_reverts(world: World) -> None:
    policy = world.policy(onRemoval="Revert")
    eventually(lambda: world.get("pp", policy)["metadata"].get("finalizers"))
    world.change_policy(policy, onRemoval="Keep")
    eventually(lambda: not world.get("pp", policy)["metadata"].get("finalizers"))


def test_the_probes_tell_the_truth(world: World) -> None:
    def answer(path: str) -> tuple[int, str]:
        with closing(probe.connection(world.operator.port)) as opened:
            opened.request("GET", path)
            found = opened.getresponse()
            return found.status, found.read().decode()

    assert answer("/readyz") == (200, "ok\n")
    assert answer("/livez") == (200, "ok\n")
    assert "productionpolicy_api_requests_total" in answer("/metrics")[1]
    world.plane.stop_apiserver()
    try:
        eventually(lambda: answer("/readyz")[0] == 503)
        assert answer("/livez")[0] == 200
    finally:
        world.plane.start_apiserver()
    eventually(lambda: answer("/readyz") == (200, "ok\n"), within=90)
    namespace = world.applied(deployment(), policy=world.policy())
    eventually(lambda: journal(world.get("deployment", "web", namespace)), within=90)
