"""A deploy loses requests before the repair and none after it, on real nodes; and nothing outlives the proof."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cluster.programs import ENVIRONMENT, command, run
from proof import isolation, programs, requirements
from proof.packages import NotAvailable

DEPLOY = "rolling update"
SHORTEST = "scale-down"
DRAIN = "node drain"
LOST = 3
TRIES = 3
INTERRUPTED = 130
LEAST_REQUESTS = 1000

KERNEL_WIDE = ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory")


@pytest.fixture(scope="module")
def _nodes() -> None:
    """Have what real nodes need, or tell what is missing."""
    lacking = requirements.missing()
    if lacking:
        pytest.skip(lacking)
    try:
        programs.ensure()
    except NotAvailable as failure:
        pytest.skip(str(failure))


def options(folder: Path) -> tuple[str, ...]:
    return ("--brief", f"--tries={TRIES}", f"--output={folder / 'output'}")


def left_of(folder: Path) -> list[str]:
    """Return what is still there of a run: its processes, mounts and control groups, and files but for the result."""
    running = [line for line in map(command_line, Path("/proc").glob("[0-9]*")) if str(folder) in line]
    mounts = [line for line in isolation.MOUNTS.read_text().splitlines() if "proof" in line.split()]
    groups = [str(group) for group in isolation.abandoned()]
    files = [each.name for each in folder.iterdir() if each.name not in {".lock", "output"}]
    return [*running, *mounts, *groups, *files]


def command_line(process: Path) -> str:
    """Return the command line of a process; nothing if it has ended meanwhile."""
    with suppress(OSError):
        return (process / "cmdline").read_bytes().decode(errors="replace")
    return ""


def kernel_wide() -> dict[str, str]:
    return {name: Path("/proc/sys", name).read_text() for name in KERNEL_WIDE}


def figures(folder: Path) -> dict[str, Any]:
    [found] = json.loads((folder / "output" / "result.json").read_text())["scenarios"]
    return dict(found)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_nodes")
def test_a_deploy_loses_requests_before_the_repair_and_none_after_it(tmp_path: Path) -> None:
    before = kernel_wide()
    done = run("proof", *options(tmp_path), f"--scenario={DEPLOY}", folder=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "PORTABLE" not in done.stdout
    found = figures(tmp_path)
    assert found["failedBefore"] > 0
    assert (found["name"], found["failedAfter"]) == (DEPLOY, 0)
    assert found["requests"] > LEAST_REQUESTS
    assert left_of(tmp_path) == []
    assert kernel_wide() == before


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_nodes")
def test_interrupted_it_leaves_nothing(tmp_path: Path) -> None:
    arguments = command("proof", *options(tmp_path), f"--scenario={DEPLOY}", folder=tmp_path)
    with subprocess.Popen(arguments, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as proof:
        assert proof.stderr is not None
        assert any("started a control plane, with real nodes" in line for line in proof.stderr)
        assert left_of(tmp_path) != []
        proof.send_signal(signal.SIGINT)
        assert proof.wait() == INTERRUPTED
    assert left_of(tmp_path) == []


def test_without_root_the_same_shows_on_simulated_nodes_and_says_that_they_are(tmp_path: Path) -> None:
    done = run("proof", *options(tmp_path), "--portable", f"--scenario={SHORTEST}", folder=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "PORTABLE: no real nodes" in done.stdout
    found = figures(tmp_path)
    assert found["failedBefore"] > 0
    assert found["failedAfter"] == 0
    assert left_of(tmp_path) == []


@pytest.mark.slow
def test_a_drain_goes_as_predicted_as_written_and_repaired(tmp_path: Path) -> None:
    done = run("proof", *options(tmp_path), "--portable", f"--scenario={DRAIN}", folder=tmp_path)
    assert done.returncode in {0, LOST}, done.stderr + done.stdout  # on a busy machine, simulated nodes lose requests
    found = json.loads((tmp_path / "output" / "result.json").read_text())["predictions"]
    assert [each["state"] for each in found] == ["as written", "repaired"]
    assert [each for each in found if each["predicted"] != each["happened"]] == []
