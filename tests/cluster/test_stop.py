"""Stopping everything by one command, and letting it go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from cluster.conftest import ROOT
from cluster.test_admission import OUR_SLEEP, bound, sleeps
from cluster.world import World, deployment
from productionpolicy.kube.identity import STOPPED


@pytest.fixture
def world(admitting_world: World) -> Iterator[World]:
    """A world in which the API server repairs, too; whatever fails, it goes on after the test."""
    yield admitting_world
    run(admitting_world, "resume")


def run(world: World, command: str) -> str:
    arguments = [sys.executable, "-m", "productionpolicy", command, "--kubeconfig", str(world.plane.kubeconfig)]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    return done.stdout


def line(told: str, beginning: str) -> str:
    return next(each for each in told.splitlines() if each.startswith(beginning))


def test_stop_ends_repairs_by_operator_and_api_server_and_resume_lets_them_go_on(world: World) -> None:
    policy, paused = bound(world), world.policy(paused=True)
    namespace = world.namespace(policy)

    told = run(world, "stop")
    world.apply(namespace, deployment())
    assert (policy in line(told, "Paused: "), paused in line(told, "Already paused: ")) == (True, True)
    assert "What continues:" in told
    assert world.fixed(lambda: sleeps(world.get("deployment", "web", namespace))) == [None]

    told = run(world, "resume")
    assert (policy in line(told, "Resumed: "), paused in line(told, "Left paused")) == (True, True)
    assert sleeps(world.repaired("web", namespace)) == [OUR_SLEEP]
    spec = world.get("pp", policy)
    assert (spec["spec"]["paused"], STOPPED in str(spec["metadata"].get("annotations"))) == (
        False,
        False,
    )
