"""`productionpolicy doctor` on a real control plane: everything in order first, then one thing after another broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from cluster.conftest import ROOT
from cluster.test_admission_effect import MUTATING, NO_SUCH_CONTAINER
from cluster.webhook import hooking
from cluster.world import Raw, eventually
from control_plane.installation import (
    SERVICE_ACCOUNT,
    SYSTEM_NAMESPACE,
    apply,
    install_admission,
    operators_kubeconfig,
    start_admitting,
)
from control_plane.operator_process import OperatorProcess
from control_plane.plane import ControlPlane
from productionpolicy.cli.doctor import command
from productionpolicy.doctor.checks import CHECKS
from productionpolicy.doctor.trial import TRIED
from productionpolicy.kube.identity import API_VERSION, GROUP, PLURAL, POLICY_LABEL

States = dict[str, str]

POLICY, NAMESPACE = "default", "shop"
BINDING = ("mutatingadmissionpolicybinding", f"productionpolicy-{POLICY}")
OPERATOR = f"deployment/{SERVICE_ACCOUNT}"
SCRAPED = {"spec": {"template": {"metadata": {"annotations": {"prometheus.io/scrape": "true"}}}}}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with everything installed, an operator at work, and one governed namespace."""
    folder = tmp_path_factory.mktemp("doctor")
    with start_admitting(folder / "plane") as started:
        apply(started)
        install_admission(started)
        run_as_pod(started)
        with OperatorProcess(operators_kubeconfig(started), log=folder / "operator.log") as process:
            process.wait_ready(60)
            govern(started)
            eventually(lambda: set(states(started).values()) == {"ok"})
            yield started


def run_as_pod(plane: ControlPlane) -> None:
    """Have the Deployment of the operator, which runs as a process here, as available as in a cluster."""
    plane.kubectl("apply", "-k", str(ROOT / "manifests"))
    plane.kubectl("patch", OPERATOR, "-n", SYSTEM_NAMESPACE, "-p", json.dumps(SCRAPED))
    plane.kubectl("rollout", "status", OPERATOR, "-n", SYSTEM_NAMESPACE, "--timeout=60s")


def govern(plane: ControlPlane) -> None:
    policy = {"apiVersion": API_VERSION, "kind": "ProductionPolicy", "metadata": {"name": POLICY}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": labelled(NAMESPACE, POLICY)}
    for each in ({**policy, "spec": {"mode": "Enforce"}}, namespace):
        plane.kubectl("create", "-f", "-", stdin=json.dumps(each))


def labelled(name: str, policy: str) -> Raw:
    return {"name": name, "labels": {POLICY_LABEL: policy}}


def diagnosis(plane: ControlPlane, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    """Return the exit code, and the lines."""
    run = CliRunner().invoke(command, ["--kubeconfig", str(plane.kubeconfig), "-o", "json", *arguments])
    return run.exit_code, json.loads(run.stdout)["checks"]


def states(plane: ControlPlane, *arguments: str) -> States:
    return {each["check"]: each["state"] for each in diagnosis(plane, *arguments)[1]}


def amiss(plane: ControlPlane) -> States:
    """Return the lines that are not ok."""
    return {name: state for name, state in states(plane).items() if state != "ok"}


def line(plane: ControlPlane, check: str) -> str:
    return next(each["message"] for each in diagnosis(plane)[1] if each["check"] == check)


def taken(plane: ControlPlane, *what: str) -> Raw:
    """Return an object in a form in which it can be created again."""
    found: Raw = json.loads(plane.kubectl("get", *what, "-o", "json"))
    for each in ("resourceVersion", "uid", "creationTimestamp", "managedFields", "generation"):
        found["metadata"].pop(each, None)
    return found


@contextmanager
def in_order_again(plane: ControlPlane) -> Iterator[None]:
    """After the block, wait until everything is in order again."""
    yield
    eventually(lambda: not amiss(plane))


def test_all_is_in_order(plane: ControlPlane) -> None:
    code, lines = diagnosis(plane)
    assert [each["check"] for each in lines] == [each.name for each in CHECKS]
    assert [each for each in lines if each["state"] != "ok" or each["remedy"]] == []
    assert code == 0


def test_nothing_that_was_tried_is_left(plane: ControlPlane) -> None:
    diagnosis(plane)
    assert plane.kubectl("get", "deployments,replicasets,pods", "-n", NAMESPACE, "-o", "name") == ""


def test_the_definition_is_of_an_older_release(plane: ControlPlane) -> None:
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/compliance"
    old = [{"op": "remove", "path": path}]
    with in_order_again(plane):
        plane.kubectl("patch", "crd", f"{PLURAL}.{GROUP}", "--type=json", "-p", json.dumps(old))
        eventually(lambda: amiss(plane) == {"definition": "wrong"})
        assert line(plane, "definition").endswith("properties.status.properties.compliance differs")
        assert diagnosis(plane)[0] == 1
        plane.kubectl("apply", "-f", str(ROOT / "crds" / "productionpolicies.yaml"))


def test_a_binding_is_gone_and_with_it_the_effect(plane: ControlPlane) -> None:
    with in_order_again(plane):
        before = taken(plane, *BINDING)
        plane.kubectl("delete", *BINDING)
        eventually(lambda: amiss(plane) == {"bindings": "wrong", "repairAtAdmission": "wrong"})
        assert line(plane, "bindings") == f"missing: {' '.join(BINDING)}"
        plane.kubectl("create", "-f", "-", stdin=json.dumps(before))


def test_the_admission_policy_fails_for_every_workload(plane: ControlPlane) -> None:
    patch = [{"op": "replace", "path": "/spec/mutations/0/jsonPatch/expression", "value": NO_SUCH_CONTAINER}]
    with in_order_again(plane):
        plane.kubectl("patch", MUTATING, "--type=json", "-p", json.dumps(patch))
        eventually(lambda: amiss(plane) == {"repairAtAdmission": "wrong"})
        assert "shop lacks " in line(plane, "repairAtAdmission")
        install_admission(plane)


def test_what_should_be_refused_is_not(plane: ControlPlane) -> None:
    name = ("validatingadmissionpolicybinding", f"productionpolicy-deny-{POLICY}")
    with in_order_again(plane):
        act_on_image_tags(plane, "Deny")
        eventually(lambda: not amiss(plane))
        before = taken(plane, *name)
        plane.kubectl("delete", *name)
        eventually(lambda: amiss(plane) == {"validationPolicies": "wrong", "bindings": "wrong"})
        assert line(plane, "validationPolicies").endswith(": shop violates imageTag")
        plane.kubectl("create", "-f", "-", stdin=json.dumps(before))
        eventually(lambda: not amiss(plane))
        act_on_image_tags(plane, "Audit")


def act_on_image_tags(plane: ControlPlane, action: str) -> None:
    spec = {"expectations": {"imageTag": {"action": action}}}
    plane.kubectl("patch", "productionpolicy", POLICY, "--type=merge", "-p", json.dumps({"spec": spec}))


def test_the_operator_lacks_a_right(plane: ControlPlane) -> None:
    with in_order_again(plane):
        role = taken(plane, "clusterrole", SERVICE_ACCOUNT)
        fewer = {**role, "rules": [each for each in role["rules"] if "events" not in each["resources"]]}
        plane.kubectl("replace", "-f", "-", stdin=json.dumps(fewer))
        eventually(lambda: amiss(plane) == {"permissions": "wrong"})
        assert line(plane, "permissions").endswith(": create events")
        plane.kubectl("replace", "-f", "-", stdin=json.dumps(role))


def test_the_restraint_is_not_bound(plane: ControlPlane) -> None:
    with in_order_again(plane):
        plane.kubectl("delete", "validatingadmissionpolicybinding", "productionpolicy-restraint")
        eventually(lambda: amiss(plane) == {"restraint": "wrong"})
        plane.kubectl("apply", "-k", str(ROOT / "manifests" / "admission" / "restraint"))


def test_a_namespace_names_a_policy_that_does_not_exist(plane: ControlPlane) -> None:
    with in_order_again(plane):
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": labelled("cart", "defualt")}
        plane.kubectl("create", "-f", "-", stdin=json.dumps(namespace))
        assert amiss(plane) == {"namespaces": "wrong"}
        assert line(plane, "namespaces").endswith(": cart (defualt)")
        assert states(plane, "-n", NAMESPACE)["namespaces"] == "ok"
        plane.kubectl("delete", "namespace", "cart")


def test_a_webhook_undoes_a_repair(plane: ControlPlane) -> None:
    with in_order_again(plane):
        with hooking(plane, {"app.kubernetes.io/name": TRIED}):
            eventually(lambda: amiss(plane) == {"otherWriters": "wrong"})
            told = line(plane, "otherWriters")
        assert "shop: preStop" in told
        assert told.endswith("these change workloads: mutatingwebhookconfiguration hooking")


def test_a_webhook_that_does_not_see_the_workloads_is_not_named(plane: ControlPlane) -> None:
    with hooking(plane, {"app": "another"}):
        assert amiss(plane) == {}


def test_who_may_see_nothing_is_told_so(plane: ControlPlane) -> None:
    code, lines = diagnosis(plane, "--as", "nobody", "--as-group", "system:authenticated")
    assert code == 3
    assert {each["check"] for each in lines if each["state"] != "unknown"} == {"server"}
    assert "you may not list deployments.apps" in {each["message"] for each in lines}


def test_who_may_edit_one_namespace_sees_whether_repairs_are_made_and_kept(plane: ControlPlane) -> None:
    plane.kubectl("create", "clusterrolebinding", "jane-views", "--clusterrole=view", "--user=jane")
    plane.kubectl("create", "rolebinding", "jane-edits", "--clusterrole=edit", "--user=jane", "-n", NAMESPACE)
    seen = eventually(lambda: repaired_for_jane(plane))
    unseen = {"definition", "permissions", "restraint", "repairPolicy", "validationPolicies", "bindings"}
    assert seen == {each.name: "unknown" if each.name in unseen else "ok" for each in CHECKS}


def repaired_for_jane(plane: ControlPlane) -> States | None:
    found = states(plane, "--as", "jane", "-n", NAMESPACE)
    return found if found["repairAtAdmission"] == "ok" else None


def test_the_operator_is_not_installed(plane: ControlPlane) -> None:
    with in_order_again(plane):
        plane.kubectl("delete", OPERATOR, "-n", SYSTEM_NAMESPACE, "--cascade=foreground")
        eventually(lambda: amiss(plane) == {"operator": "wrong", "permissions": "hint", "metrics": "hint"})
        run_as_pod(plane)


def test_the_text_is_aligned(plane: ControlPlane) -> None:
    run = CliRunner().invoke(command, ["--kubeconfig", str(plane.kubeconfig)])
    lines = run.stdout.splitlines()
    assert [each.split()[:2] for each in lines] == [["ok", each.name] for each in CHECKS]
    assert len({len(each) - len(each.split(maxsplit=2)[2]) for each in lines}) == 1
