"""The chart on a real API server: installed, upgraded, rolled back, and uninstalled, first in the wrong order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.test_removal import COLLECTED_SECONDS
from cluster.world import World, deployment, eventually, journal
from control_plane.installation import admission_version
from control_plane.operator_process import at_work
from control_plane.plane import ControlPlane
from helm.programs import HELM_3, HELM_4
from productionpolicy.kube.identity import GROUP, PLURAL
from support.charts import CHART, NAMESPACE, RELEASE, Helm, HelmFailed

POLICY = "default"
VALUES = {"policies": [{"name": POLICY, "spec": {"mode": "Enforce", "onRemoval": "Revert"}}]}
KINDS = (
    "clusterroles",
    "clusterrolebindings",
    "configmaps",
    "deployments",
    "networkpolicies",
    "secrets",
    "serviceaccounts",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
)
REPAIRING = ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
NEVER_DELETED = {"configmap/kube-root-ca.crt", "serviceaccount/default", "deployment.apps/web"}


@pytest.fixture(scope="module")
def fresh_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane.start(tmp_path_factory.mktemp("chart")) as started:
        yield started


@pytest.fixture(params=[pytest.param(HELM_3, marks=pytest.mark.slow), HELM_4], ids=lambda program: program.name)
def helm(request: pytest.FixtureRequest, fresh_plane: ControlPlane, tmp_path: Path) -> Helm:
    return Helm(request.param.ensure(), tmp_path, kubeconfig=fresh_plane.kubeconfig)


def names(plane: ControlPlane) -> set[str]:
    """Return the objects that a release may consist of."""
    kinds = (*KINDS, *(REPAIRING if admission_version(plane) else ()))
    return set(plane.kubectl("get", ",".join(kinds), "-A", "-o", "name").split())


def bindings(plane: ControlPlane) -> set[str]:
    """Return the bindings to the policy. They are garbage collected only while the kind of their owner exists."""
    return {each for each in names(plane) if each.endswith(f"-{POLICY}")}


def test_it_is_installed_upgraded_and_uninstalled_and_leaves_nothing(
    helm: Helm, fresh_plane: ControlPlane, tmp_path: Path
) -> None:
    plane, release = fresh_plane, (RELEASE, f"--namespace={NAMESPACE}")
    before = names(plane)
    helm.run("install", *release, CHART, "--create-namespace", "--wait", "--timeout=2m", values=VALUES)
    uid = plane.kubectl("get", "productionpolicy", POLICY, "-o", "jsonpath={.metadata.uid}")

    kubeconfig = plane.kubeconfig_of_service_account(NAMESPACE, RELEASE)
    with at_work(kubeconfig, log=tmp_path / "operator.log") as operator:
        world = World(plane, operator)
        namespace = world.applied(deployment(), policy=POLICY)
        repaired = world.repaired("web", namespace)

        helm.run("upgrade", *release, CHART, "--set=resources.requests.cpu=200m", "--wait", values=VALUES)
        helm.run("rollback", *release, "1", "--wait")
        assert plane.kubectl("get", "productionpolicy", POLICY, "-o", "jsonpath={.metadata.uid}") == uid
        assert world.get("deployment", "web", namespace)["spec"] == repaired["spec"]

        with pytest.raises(HelmFailed, match="kubectl delete productionpolicies --all"):
            helm.run("uninstall", *release)
        assert json.loads(plane.kubectl("get", "productionpolicies", "-o", "json"))["items"]
        plane.kubectl("delete", "productionpolicies", "--all", "--timeout=60s")
        eventually(lambda: not journal(world.get("deployment", "web", namespace)))
        eventually(lambda: not bindings(plane), within=COLLECTED_SECONDS)
        helm.run("uninstall", *release, "--wait")
        operator.stop()
        world.clean_up()

    plane.kubectl("delete", "customresourcedefinition", f"{PLURAL}.{GROUP}")
    plane.kubectl("delete", "namespace", NAMESPACE, namespace, "--ignore-not-found")
    assert names(plane) - before <= NEVER_DELETED
