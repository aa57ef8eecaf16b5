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
from control_plane.operator_process import at_work
from owners import manifests
from productionpolicy.cli.doctor import command
from productionpolicy.doctor.checks import CHECKS
from productionpolicy.doctor.trial import TRIED
from productionpolicy.kube.identity import GROUP, PLURAL
from testbed.client import Client

States = dict[str, str]

POLICY, NAMESPACE = "default", "shop"
BINDING = ("mutatingadmissionpolicybinding", f"productionpolicy-{POLICY}")
OPERATOR = f"deployment/{SERVICE_ACCOUNT}"
SCRAPED = {"spec": {"template": {"metadata": {"annotations": {"prometheus.io/scrape": "true"}}}}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A control plane with everything installed, an operator at work, and one governed namespace."""
    folder = tmp_path_factory.mktemp("doctor")
    with start_admitting(folder / "plane") as started:
        apply(started)
        install_admission(started)
        client = Client(started)
        run_as_pod(client)
        with at_work(operators_kubeconfig(started), log=folder / "operator.log"):
            client.create(manifests.policy(POLICY))
            client.create(manifests.namespace(NAMESPACE, policy=POLICY))
            eventually(lambda: not amiss(client))
            yield client


def run_as_pod(client: Client) -> None:
    """Have the Deployment of the operator, which runs as a process here, as available as in a cluster."""
    client.kubectl("apply", "-k", str(ROOT / "manifests"))
    client.kubectl("patch", OPERATOR, "-n", SYSTEM_NAMESPACE, "-p", json.dumps(SCRAPED))
    client.kubectl("rollout", "status", OPERATOR, "-n", SYSTEM_NAMESPACE, "--timeout=60s")


def diagnosis(client: Client, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    """Return the exit code, and the lines."""
    run = CliRunner().invoke(command, ["--kubeconfig", str(client.plane.kubeconfig), "-o", "json", *arguments])
    return run.exit_code, json.loads(run.stdout)["checks"]


def states(client: Client, *arguments: str) -> States:
    return {each["check"]: each["state"] for each in diagnosis(client, *arguments)[1]}


def amiss(client: Client) -> States:
    """Return the lines that are not ok."""
    return {name: state for name, state in states(client).items() if state != "ok"}


def line(client: Client, check: str) -> str:
    return next(each["message"] for each in diagnosis(client)[1] if each["check"] == check)


def taken(client: Client, *what: str) -> Raw:
    """Return an object in a form in which it can be created again."""
    found: Raw = json.loads(client.kubectl("get", *what, "-o", "json"))
    for each in ("resourceVersion", "uid", "creationTimestamp", "managedFields", "generation"):
        found["metadata"].pop(each, None)
    return found


@contextmanager
def in_order_again(client: Client) -> Iterator[None]:
    """After the block, wait until everything is in order again."""
    yield
    eventually(lambda: not amiss(client))


def test_all_is_in_order(client: Client) -> None:
    code, lines = diagnosis(client)
    assert [each["check"] for each in lines] == [each.name for each in CHECKS]
    assert [each for each in lines if each["state"] != "ok" or each["remedy"]] == []
    assert code == 0


def test_nothing_that_was_tried_is_left(client: Client) -> None:
    diagnosis(client)
    assert client.kubectl("get", "deployments,replicasets,pods", "-n", NAMESPACE, "-o", "name") == ""


def test_the_definition_is_of_an_older_release(client: Client) -> None:
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/compliance"
    old = [{"op": "remove", "path": path}]
    with in_order_again(client):
        client.kubectl("patch", "crd", f"{PLURAL}.{GROUP}", "--type=json", "-p", json.dumps(old))
        eventually(lambda: amiss(client) == {"definition": "wrong"})
        assert line(client, "definition").endswith("properties.status.properties.compliance differs")
        assert diagnosis(client)[0] == 1
        client.kubectl("apply", "-f", str(ROOT / "crds" / "productionpolicies.yaml"))


def test_a_binding_is_gone_and_with_it_the_effect(client: Client) -> None:
    with in_order_again(client):
        before = taken(client, *BINDING)
        client.kubectl("delete", *BINDING)
        eventually(lambda: amiss(client) == {"bindings": "wrong", "repairAtAdmission": "wrong"})
        assert line(client, "bindings") == f"missing: {' '.join(BINDING)}"
        client.kubectl("create", "-f", "-", stdin=before)


def test_the_admission_policy_fails_for_every_workload(client: Client) -> None:
    patch = [{"op": "replace", "path": "/spec/mutations/0/jsonPatch/expression", "value": NO_SUCH_CONTAINER}]
    with in_order_again(client):
        client.kubectl("patch", MUTATING, "--type=json", "-p", json.dumps(patch))
        eventually(lambda: amiss(client) == {"repairAtAdmission": "wrong"})
        assert "shop lacks " in line(client, "repairAtAdmission")
        install_admission(client.plane)


def test_what_should_be_refused_is_not(client: Client) -> None:
    name = ("validatingadmissionpolicybinding", f"productionpolicy-deny-{POLICY}")
    with in_order_again(client):
        act_on_image_tags(client, "Deny")
        eventually(lambda: not amiss(client))
        before = taken(client, *name)
        client.kubectl("delete", *name)
        eventually(lambda: amiss(client) == {"validationPolicies": "wrong", "bindings": "wrong"})
        assert line(client, "validationPolicies").endswith(": shop violates imageTag")
        client.kubectl("create", "-f", "-", stdin=before)
        eventually(lambda: not amiss(client))
        act_on_image_tags(client, "Audit")


def act_on_image_tags(client: Client, action: str) -> None:
    client.change_policy(POLICY, expectations={"imageTag": {"action": action}})


def test_the_operator_lacks_a_right(client: Client) -> None:
    with in_order_again(client):
        role = taken(client, "clusterrole", SERVICE_ACCOUNT)
        fewer = {**role, "rules": [each for each in role["rules"] if "events" not in each["resources"]]}
        client.kubectl("replace", "-f", "-", stdin=fewer)
        eventually(lambda: amiss(client) == {"permissions": "wrong"})
        assert line(client, "permissions").endswith(": create events")
        client.kubectl("replace", "-f", "-", stdin=role)


def test_the_restraint_is_not_bound(client: Client) -> None:
    with in_order_again(client):
        client.kubectl("delete", "validatingadmissionpolicybinding", "productionpolicy-restraint")
        eventually(lambda: amiss(client) == {"restraint": "wrong"})
        client.kubectl("apply", "-k", str(ROOT / "manifests" / "admission" / "restraint"))


def test_a_namespace_names_a_policy_that_does_not_exist(client: Client) -> None:
    with in_order_again(client):
        client.create(manifests.namespace("cart", policy="defualt"))
        assert amiss(client) == {"namespaces": "wrong"}
        assert line(client, "namespaces").endswith(": cart (defualt)")
        assert states(client, "-n", NAMESPACE)["namespaces"] == "ok"
        client.delete("namespace", "cart")


def test_a_webhook_undoes_a_repair(client: Client) -> None:
    with in_order_again(client):
        with hooking(client.plane, {"app.kubernetes.io/name": TRIED}):
            eventually(lambda: amiss(client) == {"otherWriters": "wrong"})
            told = line(client, "otherWriters")
        assert "shop: preStop" in told
        assert told.endswith("these change workloads: mutatingwebhookconfiguration hooking")


def test_a_webhook_that_does_not_see_the_workloads_is_not_named(client: Client) -> None:
    with hooking(client.plane, {"app": "another"}):
        assert amiss(client) == {}


def test_who_may_see_nothing_is_told_so(client: Client) -> None:
    code, lines = diagnosis(client, "--as", "nobody", "--as-group", "system:authenticated")
    assert code == 3
    assert {each["check"] for each in lines if each["state"] != "unknown"} == {"server"}
    assert "you may not list deployments.apps" in {each["message"] for each in lines}


def test_who_may_edit_one_namespace_sees_whether_repairs_are_made_and_kept(client: Client) -> None:
    client.kubectl("create", "clusterrolebinding", "jane-views", "--clusterrole=view", "--user=jane")
    client.kubectl("create", "rolebinding", "jane-edits", "--clusterrole=edit", "--user=jane", "-n", NAMESPACE)
    seen = eventually(lambda: repaired_for_jane(client))
    unseen = {"definition", "permissions", "restraint", "repairPolicy", "validationPolicies", "bindings"}
    assert seen == {each.name: "unknown" if each.name in unseen else "ok" for each in CHECKS}


def repaired_for_jane(client: Client) -> States | None:
    found = states(client, "--as", "jane", "-n", NAMESPACE)
    return found if found["repairAtAdmission"] == "ok" else None


def test_the_operator_is_not_installed(client: Client) -> None:
    with in_order_again(client):
        client.kubectl("delete", OPERATOR, "-n", SYSTEM_NAMESPACE, "--cascade=foreground")
        eventually(lambda: amiss(client) == {"operator": "wrong", "permissions": "hint", "metrics": "hint"})
        run_as_pod(client)


def test_the_text_is_aligned(client: Client) -> None:
    run = CliRunner().invoke(command, ["--kubeconfig", str(client.plane.kubeconfig)])
    lines = run.stdout.splitlines()
    assert [each.split()[:2] for each in lines] == [["ok", each.name] for each in CHECKS]
    assert len({len(each) - len(each.split(maxsplit=2)[2]) for each in lines}) == 1
