"""The operator is replaced by a newer one, and by the older one again: nobody's pods notice."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.conftest import ROOT
from cluster.test_restarts import converged
from cluster.test_restarts import versions as versions_of_everything
from cluster.world import World, deployment, eventually, lacking_probe
from control_plane.installation import operators_kubeconfig
from control_plane.operator_process import OperatorProcess, at_work
from control_plane.plane import ControlPlane
from reports.served import serve, wrong_reports

EARLIER = "af75fe77"
"""The commit of an earlier version; the newest tag takes its place once there is one."""


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it was."""
    folder = tmp_path_factory.mktemp("earlier")
    archive = ["git", "archive", EARLIER, "operator", "manifests", "crds"]
    done = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"the history of this repository does not go back to {EARLIER}: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@contextmanager
def installed(plane: ControlPlane, repository: Path, *, log: Path) -> Iterator[OperatorProcess]:
    """Apply the manifests of a version, and run its operator until the end of the block."""
    plane.kubectl("apply", "-k", str(repository / "manifests"))
    environment = {"PYTHONPATH": str(repository / "operator")}
    with at_work(operators_kubeconfig(plane), log=log, environment=environment) as operator:
        yield operator


def source(repository: Path) -> str:
    """Return where Python finds the operator of a version."""
    environment = {**os.environ, "PYTHONPATH": str(repository / "operator")}
    look = [sys.executable, "-c", "import productionpolicy; print(productionpolicy.__file__)"]
    return subprocess.run(look, env=environment, capture_output=True, text=True, check=True).stdout


def versions(world: World, namespace: str) -> dict[str, str]:
    """Return the resource version of each workload. Budgets may change: no pod restarts for that."""
    found = versions_of_everything(world, namespace)
    return {name: version for name, version in found.items() if not name.startswith("pdb ")}


@pytest.mark.slow
def test_no_workload_changes_by_an_upgrade_or_by_going_back(earlier: Path, tmp_path: Path) -> None:
    assert source(earlier).startswith(str(earlier))
    assert source(ROOT).startswith(str(ROOT))
    with ControlPlane.start(tmp_path / "plane") as plane:
        serve(plane)
        with installed(plane, earlier, log=tmp_path / "earlier.log") as operator:
            world = World(plane, operator)
            policy = world.policy()
            namespace = converged(world, policy)
            before = world.fixed(lambda: versions(world, namespace))

        for version, name in ((ROOT, "newer"), (earlier, "older")):
            with installed(plane, version, log=tmp_path / f"{name}.log") as operator:
                world = World(plane, operator)
                world.settled(policy, total=3, compliant=3)
                assert world.fixed(lambda world=world: versions(world, namespace)) == before  # type: ignore[misc]  # bound

        with installed(plane, ROOT, log=tmp_path / "newer.log") as operator:
            world = World(plane, operator)
            world.apply(namespace, deployment("late"), lacking_probe("lacking"))
            world.settled(policy, total=5, compliant=4)
            after = world.fixed(lambda: versions(world, namespace))
            eventually(lambda: wrong_reports(world, policy, namespace) == [])
        assert {name: version for name, version in after.items() if name in before} == before
