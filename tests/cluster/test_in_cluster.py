"""The operator runs as a Pod on real nodes, whichever way it is installed; and what is read of the cluster is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.programs import run
from image import base
from image.builders import NotBuilt, working
from in_cluster import story
from in_cluster.ways import WAYS
from owners.rollouts import is_ready
from proof import isolation, programs, requirements
from proof.packages import NotAvailable


def lacking() -> str:
    """Return what this machine lacks, in a sentence."""
    try:
        working()
        programs.ensure()
    except (NotAvailable, NotBuilt) as failure:
        return str(failure)
    return base.missing()


@pytest.fixture
def _nodes() -> None:
    """Have what real nodes and an image need, or tell what is missing."""
    reason = requirements.missing() or lacking()
    if reason:
        pytest.skip(reason)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_nodes")
@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_install_it_shows_all_steps_and_leaves_nothing(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    done = run("in_cluster", f"--way={way}", folder=folder)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\n  ok ") == len(story.STEPS)
    assert not folder.exists()
    assert isolation.abandoned() == []


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        pytest.param('{"event": "operator started", "level": "info"}', True, id="information"),
        pytest.param('{"event": "request failed", "level": "warning"}', False, id="a-warning"),
        pytest.param("Traceback (most recent call last):", False, id="a-traceback"),
        pytest.param('"text"', False, id="no-object"),
        pytest.param("{}", False, id="no-level"),
    ],
)
def test_a_clean_line_of_the_log_is_an_object_that_needs_nobody(line: str, *, clean: bool) -> None:
    assert story.is_clean(line) is clean


def test_the_memory_of_a_pod_is_what_its_kubelet_says() -> None:
    line = 'pod_memory_working_set_bytes{{namespace="system",pod="{}"}} {} 1795838167095\n'
    metrics = line.format("other", "1e+07") + line.format("operator", "6.4e+07")

    assert story.memory(metrics, pod="operator") == 64_000_000
    assert story.memory(metrics, pod="new") == 0


def test_the_start_ends_when_the_kubelet_calls_the_pod_ready() -> None:
    running = {"state": {"running": {"startedAt": "2026-11-28T03:00:00Z"}}}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-28T03:00:04Z"}
    pod = {"metadata": {}, "status": {"containerStatuses": [running], "conditions": [ready]}}

    assert is_ready(pod)
    assert story.ready_seconds(pod) == 4
