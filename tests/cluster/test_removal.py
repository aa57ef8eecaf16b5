"""Taking the whole product away, in the documented order and in the wrong one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.conftest import ROOT
from cluster.world import World, deployment, eventually, journal
from control_plane.installation import (
    admission_folders,
    apply,
    install_admission,
    operators_kubeconfig,
    start_admitting,
)
from control_plane.operator_process import at_work
from productionpolicy.controller.admission_policies import DENY, REPAIR, WARN
from productionpolicy.kube.identity import GROUP, PLURAL, POLICY_LABEL

BINDINGS = "mutatingadmissionpolicybindings,validatingadmissionpolicybindings"
ADMISSION = f"mutatingadmissionpolicies,validatingadmissionpolicies,{BINDINGS}"
BOUND = (REPAIR, DENY, WARN)
COLLECTED_SECONDS = 120.0
"""The garbage collector looks for new kinds twice a minute, and before that does not hear of a policy that goes."""


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    """A control plane of its own: these tests take the CustomResourceDefinition away."""
    with start_admitting(tmp_path / "plane") as plane:
        apply(plane)
        install_admission(plane)
        with at_work(operators_kubeconfig(plane), log=tmp_path / "operator.log") as operator:
            yield World(plane, operator)


def bindings(world: World) -> list[str]:
    """Return the names of what binds an admission policy to a ProductionPolicy."""
    return world.kubectl("get", BINDINGS, "-l", POLICY_LABEL, "-o", "name").splitlines()


def test_removal_leaves_nothing_behind(own_world: World) -> None:
    world = own_world
    policy = world.policy(onRemoval="Revert")
    namespace = world.applied(deployment())
    before = world.rolled_out("web", namespace)
    world.govern(namespace, policy)
    world.repaired("web", namespace)
    world.settled(policy, total=1)
    eventually(lambda: len(bindings(world)) == len(BOUND))

    world.kubectl("delete", "productionpolicies", "--all", "--timeout=60s")
    eventually(lambda: not bindings(world), within=COLLECTED_SECONDS)
    assert world.operator.stop(timeout=10) == 0
    for folder in admission_folders(world.plane):
        world.kubectl("delete", "-k", folder, "--timeout=60s")
    world.kubectl("delete", "-k", str(ROOT / "manifests"), "--timeout=60s")
    assert world.kubectl("get", ADMISSION, "-o", "name") == ""

    after = world.get("deployment", "web", namespace)
    assert (after["spec"], journal(after), world.budgets(namespace)) == (before["spec"], {}, [])
    assert "productionpolicy.dev" not in world.kubectl("api-versions")
    roles = world.kubectl("get", "clusterroles,clusterrolebindings", "-o", "name")
    assert "productionpolicy" not in roles


def test_removal_in_the_wrong_order_leaves_nothing_undeletable(own_world: World) -> None:
    world = own_world
    policy, namespace = world.governed(deployment(), onRemoval="Revert")
    world.repaired("web", namespace)
    eventually(lambda: world.get("pp", policy)["metadata"].get("finalizers"))

    assert world.operator.stop(timeout=10) == 0
    world.kubectl("delete", "-k", str(ROOT / "manifests"), "--timeout=60s")
    world.kubectl("delete", "namespace", namespace, "--timeout=60s")
    assert "productionpolicy.dev" not in world.kubectl("api-versions")


def test_an_operator_whose_kind_is_deleted_ends_with_one_line_that_says_why(own_world: World) -> None:
    world = own_world
    world.kubectl("delete", "crd", f"{PLURAL}.{GROUP}", "--timeout=30s")
    eventually(lambda: not world.operator.alive)
    lines = [json.loads(line) for line in world.operator.log.read_text().splitlines()]
    (told,) = [each for each in lines if each["level"] in ("error", "critical")]
    assert (told["event"], told["kind"]) == (
        "operator ends: a kind is no longer served",
        f"{PLURAL}.{GROUP}",
    )
    assert world.operator.exit_code == 1
