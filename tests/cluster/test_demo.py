"""The demonstration, which checks what it tells: here as a smoke test, with the ways in which a person may end it."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.programs import ENVIRONMENT, command, run
from control_plane import binaries
from control_plane.plane import ControlPlane

MOST_SECONDS = 60
WIDTH = 115
"""The table of policies is the widest."""

TOLD = (
    r"^  \$ kubectl apply -k manifests/$",
    r"^  ok the operator is ready$",
    r"^  ok all 11 workloads are available$",
    r"^  \$ kubectl get productionpolicies$",
    r"^  default +11 +\d+ +\d+ +0 +0 +0 +\d+% +Audit +True ",
    r"^  Deployment storefront +yes +",
    r"^  default +11 +\d+ +\d+ +0 +0 +9 +\d+% +Enforce +True ",
    r"^  \+    repairs\.productionpolicy\.dev/terminationGracePeriod: 30 -> 40$",
    r"^  -      terminationGracePeriodSeconds: 30$",
    r"^  \+      terminationGracePeriodSeconds: 40$",
    r"^  Deployment mailer +replicas +",
    r"^  ok created again after \d",
    r"^  ok corrected after \d",
    r"^  ok no generation of 11 workloads has changed: no pod restarts$",
    r"^  ok all specs are as their owners wrote them",
)


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    """Build them, if need be, before anything is timed."""
    binaries.ensure()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for the demo, which nothing outlives."""
    yield tmp_path / "demo"
    run("demo", "--stop", folder=tmp_path / "demo")


def test_it_shows_everything_and_leaves_nothing(folder: Path) -> None:
    done = run("demo", folder=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    assert [each for each in TOLD if not re.search(each, done.stdout, re.MULTILINE)] == []
    assert [line for line in done.stdout.splitlines() if len(line) > WIDTH and str(folder) not in line] == []
    assert list(folder.iterdir()) == []


@pytest.mark.exhaustive  # these run one after the other, so nothing else takes the time
def test_it_takes_less_than_a_minute(folder: Path) -> None:
    started = time.monotonic()
    assert run("demo", folder=folder).returncode == 0
    assert time.monotonic() - started < MOST_SECONDS


def test_kept_it_runs_until_it_is_stopped(folder: Path) -> None:
    kept = run("demo", "--keep", folder=folder)
    assert kept.returncode == 0, kept.stderr + kept.stdout
    assert "export KUBECONFIG=" in kept.stdout
    assert "Withdrawal" not in kept.stdout

    second = run("demo", "--keep", folder=folder)
    assert second.returncode == 1
    assert second.stderr.startswith(f"error: a demo is already running in {folder}. Stop it with:\n")

    plane = ControlPlane.find(folder)
    assert plane is not None
    plane.kubectl("delete", "pdb", "cart-statefulset-productionpolicy", "-n", "shop")
    plane.kubectl("wait", "--for=create", "pdb/cart-statefulset-productionpolicy", "-n", "shop", "--timeout=20s")

    stopped = subprocess.run(second.stderr.splitlines()[-1], shell=True, check=False)
    assert stopped.returncode == 0
    assert ControlPlane.find(folder) is None


def test_interrupted_it_leaves_nothing(folder: Path) -> None:
    line = command("demo", "--keep", folder=folder)
    with subprocess.Popen(line, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert any("the operator is ready" in line for line in demo.stdout)
        demo.send_signal(signal.SIGINT)
        assert demo.wait() == 130
    assert ControlPlane.find(folder) is None
    assert list(folder.iterdir()) == []
