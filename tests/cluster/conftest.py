from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.world import PAGE, World, deployment, eventually, lacking_probe, stateful_set
from control_plane import kubernetes
from control_plane.installation import NotServedError, apply, install_admission, operators_kubeconfig, start_admitting
from control_plane.operator_process import OperatorProcess, at_work
from control_plane.plane import ControlPlane
from control_plane.ports import free_ports
from reports.served import served, wrong_reports

ROOT = Path(__file__).parents[2]
OFTEN = ("--pods-interval", "2")
"""Operators look for bare pods more often than by default."""


def page() -> str:
    """Return the argument with which an operator serves pages."""
    return f"{PAGE}{free_ports(1)[0]}"


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for all cluster tests, with the operator installed from its manifests."""
    with ControlPlane.start(tmp_path_factory.mktemp("plane"), audit=True) as started:
        apply(started)
        yield started


@pytest.fixture(scope="module")
def quiet_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane without controllers: nothing changes an object after it was created."""
    with ControlPlane.start(tmp_path_factory.mktemp("quiet"), controllers=False) as started:
        started.kubectl("apply", "-k", str(ROOT / "manifests"))
        yield started


@pytest.fixture(scope="session")
def kubeconfig(plane: ControlPlane) -> Path:
    """The operator's own credentials: the service account and the rights of the manifests, never an administrator's."""
    return operators_kubeconfig(plane)


@pytest.fixture(scope="session")
def operator(plane: ControlPlane, kubeconfig: Path) -> Iterator[OperatorProcess]:
    """One operator for all cluster tests."""
    with at_work(kubeconfig, log=plane.log("operator"), arguments=(*OFTEN, page())) as process:
        yield process


@pytest.fixture
def world(plane: ControlPlane, operator: OperatorProcess) -> Iterator[World]:
    """What a test works with; what it makes is deleted after it."""
    made = World(plane, operator)
    yield made
    made.clean_up()


@pytest.fixture(scope="module")
def reporting(plane: ControlPlane, operator: OperatorProcess) -> Iterator[None]:
    """Have reports written during all tests of a module: in the end, those that went through all of it are right."""
    world = World(plane, operator)
    with served(plane):
        operator.restart()
        policy, namespace = world.governed(lacking_probe("web"), lacking_probe("api"), stateful_set())
        eventually(lambda: len(world.all("report", namespace)) == 3)
        yield
        world.apply(namespace, deployment("api"), lacking_probe("late"))
        eventually(lambda: world.status(policy)["workloads"]["total"] == 4)
        eventually(lambda: wrong_reports(world, policy, namespace) == [], within=90)
        assert any(each["results"] for each in world.all("report", namespace))
        world.clean_up()
    operator.restart()


@pytest.fixture(scope="session")
def admitting_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Another control plane, with the admission policy."""
    with start_admitting(tmp_path_factory.mktemp("admitting"), audit=True) as started:
        apply(started)
        install_admission(started)
        yield started


@pytest.fixture(scope="session")
def admitting_operator(admitting_plane: ControlPlane) -> Iterator[OperatorProcess]:
    """The operator of that one."""
    kubeconfig, log = operators_kubeconfig(admitting_plane), admitting_plane.log("operator")
    with at_work(kubeconfig, log=log, arguments=(*OFTEN, page())) as process:
        yield process


@pytest.fixture
def admitting_world(admitting_plane: ControlPlane, admitting_operator: OperatorProcess) -> Iterator[World]:
    """A world in which the API server repairs, too."""
    made = World(admitting_plane, admitting_operator)
    yield made
    made.clean_up()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    return (yield from _skipped_where_not_served())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    return (yield from _skipped_where_not_served())


def _skipped_where_not_served() -> Iterator[None]:
    """Skip what an older API server cannot serve. On the newest release it is a failure, for that serves everything."""
    try:
        return (yield)
    except NotServedError as lacking:
        if kubernetes.chosen() == kubernetes.newest():
            raise
        pytest.skip(f"not served: {lacking}")
