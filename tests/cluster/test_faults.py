"""An API server that fails in every way it can: nothing is lost, nothing is done twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster.world import World, deployment, eventually, journal, lacking_probe, pod_spec
from control_plane.operator_process import OperatorProcess, at_work
from control_plane.plane import ControlPlane
from faults.proxy import Proxy
from owners.manifests import autoscaler
from reports.served import wrong_reports

pytestmark = pytest.mark.usefixtures("reporting")

DEPLOYMENT = r"/deployments/web\?"
LISTING_SECONDS = "2"


@pytest.fixture(scope="module")
def running(plane: ControlPlane) -> Iterator[Proxy]:
    with Proxy(plane).running() as proxy:
        yield proxy


@pytest.fixture
def proxy(running: Proxy) -> Iterator[Proxy]:
    """The proxy between the operator and the API server; no fault outlives its test."""
    yield running
    running.reset()


@pytest.fixture(scope="module")
def operator(
    operator: OperatorProcess, running: Proxy, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """An operator behind the proxy; the usual one rests meanwhile."""
    operator.stop()
    folder = tmp_path_factory.mktemp("proxied")
    proxied = running.kubeconfig(kubeconfig, folder)
    arguments = ("--listing-interval", LISTING_SECONDS, "--pods-interval", LISTING_SECONDS, "--page=0")
    try:
        with at_work(proxied, log=folder / "operator.log", arguments=arguments) as process:
            yield process
    finally:
        operator.start().wait_ready(60)


def govern(world: World, namespace: str) -> str:
    policy = world.policy()
    world.govern(namespace, policy)
    return policy


def managers(world: World, namespace: str) -> set[str]:
    found = world.get("deployment", "web", namespace)
    return {each["manager"] for each in found["metadata"]["managedFields"]}


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_a_failing_patch_is_tried_again_and_made_once(world: World, proxy: Proxy, status: int) -> None:
    namespace = world.running(deployment())
    fault = proxy.fail("PATCH", DEPLOYMENT, status=status, times=2)
    govern(world, namespace)
    repaired = world.repaired("web", namespace)
    assert (repaired["metadata"]["generation"], fault.seen) == (2, 2)


def test_the_pause_that_the_server_asks_for_is_kept(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    proxy.fail("PATCH", DEPLOYMENT, status=429, headers={"Retry-After": "2"})
    govern(world, namespace)
    world.repaired("web", namespace)
    told = [each for each in world.operator.log_lines() if each.get("event") == "will be tried again"]
    assert any(each["seconds"] >= 2 for each in told if namespace in str(each.get("workload")))


def test_a_watch_keeps_the_pause_that_the_server_asks_for(world: World, proxy: Proxy) -> None:
    world.fixed(lambda: None)
    fault = proxy.fail("GET", r"/deployments\?.*watch=true", status=429, times=2, headers={"Retry-After": "3"})
    proxy.cut_watches()
    eventually(lambda: fault.seen == 1)
    first = time.monotonic()
    eventually(lambda: fault.seen == 2)
    assert time.monotonic() - first > 2  # without that wish it is one second


def test_a_refused_patch_is_a_finding_and_no_loop(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    fault = proxy.fail("PATCH", DEPLOYMENT, status=422, times=1000)
    policy = govern(world, namespace)
    eventually(lambda: world.status(policy).get("workloads", {}).get("failed") == 1)
    assert world.fixed(lambda: fault.seen) == 1
    messages = [each["message"] for each in world.status(policy)["violations"]]
    assert any("made to fail with 422" in each for each in messages)
    assert world.events(namespace, "RepairRefused")
    fault.times = 0
    world.change_policy(policy, expectations={"preStop": {"sleepSeconds": 4}})
    world.repaired("web", namespace)


def test_a_release_of_fields_that_is_refused_is_a_finding_and_no_loop(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    fault = proxy.fail("PATCH", DEPLOYMENT, status=422, after=1, times=1000)
    policy = govern(world, namespace)
    started = time.monotonic()
    world.repaired("web", namespace)
    eventually(lambda: world.status(policy).get("workloads", {}).get("failed") == 1)
    (told,) = world.messages(policy, "refused")
    assert "made to fail with 422" in told
    seen = world.fixed(lambda: fault.seen)
    listings = 1 + (time.monotonic() - started) / float(LISTING_SECONDS)
    assert seen <= 1 + listings  # what was forbidden is tried again after 5 s, 10 s, 20 s, and after each full listing
    fault.times = 0
    eventually(lambda: "productionpolicy" not in managers(world, namespace))


def test_a_repair_whose_second_request_fails_is_finished(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    fault = proxy.fail("PATCH", DEPLOYMENT, status=500, after=1)
    govern(world, namespace)
    world.repaired("web", namespace)

    eventually(lambda: "productionpolicy" not in managers(world, namespace))
    assert (world.get("deployment", "web", namespace)["metadata"]["generation"], fault.seen) == (2, 1)


def test_what_happens_between_our_two_requests_is_not_overlooked(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    with proxy.holding(DEPLOYMENT, after=1):
        policy = govern(world, namespace)
        eventually(lambda: journal(world.get("deployment", "web", namespace)))
        stalling = ExitStack()
        stalling.enter_context(proxy.stalling_watches())
        world.repaired("web", namespace)
        eventually(lambda: len(world.all("pod", namespace)) == 3)
        eventually(lambda: not world.get("deployment", "web", namespace)["status"].get("terminatingReplicas"))
    with stalling:
        eventually(lambda: "productionpolicy" not in managers(world, namespace))
    world.change_policy(policy, expectations={"preStop": {"sleepSeconds": 3}})
    eventually(lambda: journal(world.get("deployment", "web", namespace)).get("preStop") == "sleep 3s: web")


def test_a_failing_budget_is_made_in_the_end(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    proxy.fail("POST", r"/poddisruptionbudgets", status=500, times=3)
    govern(world, namespace)
    eventually(lambda: world.budgets(namespace) == ["web-deployment-productionpolicy"])
    assert world.repaired("web", namespace)["metadata"]["generation"] == 2


def test_a_failing_status_is_written_in_the_end(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    proxy.fail("PATCH", r"/productionpolicies/.*/status", status=503, times=2)
    policy = govern(world, namespace)
    world.settled(policy, total=1, compliant=1)


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_a_failing_report_is_written_in_the_end(world: World, proxy: Proxy, status: int) -> None:
    fault = proxy.fail("POST", r"/reports\?", status=status, times=2)
    policy, namespace = world.governed(lacking_probe())
    eventually(lambda: world.all("report", namespace) and wrong_reports(world, policy, namespace) == [])
    assert fault.seen == 2


def test_cut_watches_heal(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    proxy.cut_watches()
    govern(world, namespace)
    world.repaired("web", namespace)


def test_expired_watches_heal(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    proxy.expire_watches()
    govern(world, namespace)
    world.repaired("web", namespace)


def test_a_deletion_that_no_watch_told_of_is_found_by_the_listing(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    policy = govern(world, namespace)
    world.settled(policy, total=1)
    proxy.fail("GET", r"/deployments\?.*watch=true", status=500, times=3)
    proxy.cut_watches()
    world.kubectl("delete", "deployment", "web", "-n", namespace)
    world.settled(policy, total=0)


def test_a_conflict_is_solved_on_fresh_data(world: World, proxy: Proxy) -> None:
    namespace = world.running(deployment())
    proxy.fail("GET", r"/deployments\?.*watch=true", status=503, times=4)
    proxy.cut_watches()
    world.kubectl("set", "image", "deployment/web", "web=example/web:9", "-n", namespace)
    world.rolled_out("web", namespace)
    govern(world, namespace)
    eventually(lambda: journal(world.get("deployment", "web", namespace)), within=60)
    spec = pod_spec(world.repaired("web", namespace))
    assert spec["containers"][0]["image"] == "example/web:9"


def test_on_a_version_that_is_not_tested_the_operator_starts_and_says_so(world: World, proxy: Proxy) -> None:
    policy = world.policy()
    proxy.answer("/version", {"major": "1", "minor": "38+"})
    before = len(world.operator.log_lines())
    world.operator.restart()

    def ready() -> str:
        return str(world.condition(policy, "Ready")["message"])

    eventually(lambda: "Kubernetes 1.38 is not among the tested versions, 1.32 to 1.37" in ready())
    said = [each for each in world.operator.log_lines()[before:] if "1.38" in str(each.get("reason"))]
    assert len(said) == 1
    proxy.reset()
    world.operator.restart()
    eventually(lambda: ready() == "the policy is valid and in use")


AUTOSCALING = r"/apis/autoscaling/v2(/|$)"


def scaled(world: World) -> str:
    """Return a namespace with a Deployment of three pods whose autoscaler may leave it only one."""
    namespace = world.running(deployment())
    world.apply(namespace, autoscaler("web", least=1, most=9))
    return namespace


def replicas(world: World, policy: str) -> tuple[int, int]:
    """Return how many workloads have enough replicas, and how many have not."""
    rows = world.status(policy).get("expectations", [])
    return next(((each["passed"], each["failed"]) for each in rows if each["name"] == "replicas"), (0, 0))


def test_without_a_group_of_the_api_that_it_can_do_without_the_operator_starts_and_repairs(
    world: World, proxy: Proxy
) -> None:
    namespace = scaled(world)
    fault = proxy.fail("GET", AUTOSCALING, status=404, times=10**6)
    world.operator.restart()
    policy = govern(world, namespace)
    world.repaired("web", namespace)
    eventually(lambda: replicas(world, policy) == (1, 0))
    assert fault.seen

    proxy.reset()
    eventually(lambda: replicas(world, policy) == (0, 1))


def test_a_group_of_the_api_that_goes_and_comes_back_leaves_the_operator_ready(world: World, proxy: Proxy) -> None:
    policy = govern(world, scaled(world))
    eventually(lambda: replicas(world, policy) == (0, 1))
    proxy.fail("GET", AUTOSCALING, status=404, times=10**6)
    proxy.cut_watches()
    eventually(lambda: replicas(world, policy) == (1, 0))
    world.operator.wait_ready(30)
    proxy.reset()
    eventually(lambda: replicas(world, policy) == (0, 1), within=60)
