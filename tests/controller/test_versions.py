"""The versions of Kubernetes with which the operator is tested."""

from __future__ import annotations

from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from control_plane.kubernetes import releases
from productionpolicy.controller.clock import ServerClock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.operator import CLOCK, Operator, Options
from productionpolicy.controller.resources import POLICIES, WATCHED, Resource
from productionpolicy.controller.versions import NEWEST_TESTED, OLDEST_TESTED, Version, untested
from productionpolicy.controller.watches import Watches


def test_the_range_is_that_of_the_releases_that_the_tests_run_on() -> None:
    minors = [tuple(map(int, each.minor.split("."))) for each in releases()]
    assert (min(minors), max(minors)) == (OLDEST_TESTED, NEWEST_TESTED)


@pytest.mark.parametrize("version", [OLDEST_TESTED, (1, 35), NEWEST_TESTED])
def test_of_a_tested_version_nothing_is_told(version: Version) -> None:
    assert untested(version) is None


@pytest.mark.parametrize("version", [(1, 9), (1, 31), (1, 38), (2, 0)])
def test_any_other_version_is_named(version: Version) -> None:
    assert untested(version) == f"Kubernetes {version[0]}.{version[1]} is not among the tested versions, 1.32 to 1.37"


class Server:
    """An API server of some version that has what the operator needs, and takes down what is told of policies."""

    def __init__(self, version: Version) -> None:
        self.clock = ServerClock()
        self.told: Any = None
        self._version = version

    async def version(self) -> Version:
        return self._version

    async def serves(self, _resource: Resource) -> bool:
        return True

    async def set_status(self, _policy: str, status: Any) -> str:
        self.told = status
        return "2"


IN_USE = "the policy is valid and in use"
UNTESTED = "Kubernetes 1.38 is not among the tested versions, 1.32 to 1.37"


@pytest.mark.parametrize(("version", "message"), [((1, 37), IN_USE), ((1, 38), f"{IN_USE}; {UNTESTED}")])
async def test_the_operator_starts_on_any_version_and_says_if_it_is_not_tested(version: Version, message: str) -> None:
    server = Server(version)
    cluster, options = cast("Cluster", server), Options(kubeconfig=None, host="127.0.0.1", port=0)
    operator = Operator(cluster, Watches(WATCHED, clock=CLOCK), options)
    with capture_logs() as logged:
        await operator.wait_for_server()
    warnings = [each["reason"] for each in logged if each["event"] == "version of Kubernetes is not tested"]
    operator.intake.put(POLICIES, {"metadata": {"name": "default", "generation": 1}, "spec": {"mode": "Enforce"}})
    await operator.policies.reconcile("default")
    [ready] = [each for each in server.told["conditions"] if each["type"] == "Ready"]
    assert (ready["status"], ready["message"]) == ("True", message)
    assert warnings == message.split("; ")[1:]
