"""`check --live` on a real API server: the same as for files, the same as the operator, and never more than it sees."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.conftest import ROOT
from cluster.test_one_judgement import (
    ON_REAL_MANIFESTS,
    POLICY,
    Told,
    all_accepted,
    differences,
    portable_groups,
    real_groups,
    told_by_check,
)
from cluster.world import Raw, World, container, deployment, eventually, stateful_set
from control_plane.installation import operators_kubeconfig
from control_plane.operator_process import at_work
from control_plane.plane import ControlPlane
from productionpolicy.kube.workloads import WorkloadKey
from support.checking import Done, check
from testbed.client import Client

DOCUMENTATION = ROOT / "docs" / "live.md"


def live(plane: ControlPlane, *arguments: str | Path) -> Done:
    return check("--live", "--kubeconfig", plane.kubeconfig, *arguments)


def as_told(workload: Raw) -> Told:
    paths: dict[str, set[str]] = {}
    for each in workload["findings"]:
        paths.setdefault(each["expectation"], set()).add(each["path"])
    return {name: (outcome, frozenset(paths.get(name, ()))) for name, outcome in workload["verdicts"].items()}


def told_live(done: Done, namespaces: set[str]) -> dict[WorkloadKey, Told]:
    found = (each for each in done.report["workloads"] if each["namespace"] in namespaces)
    return {WorkloadKey(each["namespace"], each["kind"], each["name"]): as_told(each) for each in found}


def failing(told: dict[WorkloadKey, Told]) -> dict[WorkloadKey, Told]:
    """Leave out the paths of what did not fail, which a report does not have."""
    return {
        key: {name: (outcome, paths if outcome == "failed" else frozenset()) for name, (outcome, paths) in each.items()}
        for key, each in told.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "groups",
    [
        pytest.param(portable_groups, id="examples"),
        pytest.param(real_groups, id="real", marks=ON_REAL_MANIFESTS),
    ],
)
def test_a_cluster_is_judged_as_the_files_that_were_applied(
    quiet_plane: ControlPlane, tmp_path: Path, groups: Callable[[], list[list[Raw]]]
) -> None:
    objects = asyncio.run(all_accepted(quiet_plane, groups()))
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    saved = tmp_path / "cluster.json"
    done = live(quiet_plane, "-A", "--policy", tmp_path / "policy.yaml", "-o", "json", "--save", saved)
    namespaces = {each["metadata"]["namespace"] for each in objects}
    by_check = failing(told_by_check(objects))
    assert len(by_check) > 100
    assert differences(by_check, told_live(done, namespaces)) == {}
    again = check("--from", saved, "--policy", tmp_path / "policy.yaml", "-o", "json")
    other = differences(told_live(done, namespaces), told_live(again, namespaces))
    assert {outcome for names in other.values() for _, (outcome, _) in names.values()} <= {"unknown"}


def governed_world(world: World, mode: str) -> tuple[str, list[str]]:
    policy = world.policy(mode=mode, paused=mode == "Enforce")
    namespaces = [world.namespace(policy), world.namespace(policy)]
    exempt = deployment("excused")
    exempt["metadata"]["annotations"] = {"exempt.productionpolicy.dev/spread": "it is a cache"}
    for each in namespaces:
        plain = deployment("plain", containers=[container(image="example/plain:latest")])
        world.apply(each, deployment(), stateful_set(), plain, exempt)
    world.namespace()
    return policy, namespaces


@pytest.mark.parametrize("mode", ["Audit", "Enforce"])
def test_governed_is_what_the_operator_says_workload_by_workload(mode: str, world: World) -> None:
    policy, namespaces = governed_world(world, mode)
    eventually(lambda: world.status(policy).get("workloads", {}).get("total") == 8)
    for each in namespaces:
        world.rolled_out("web", each)
        world.rolled_out("db", each, "statefulset")

    def compared() -> bool:
        """The report and the status say the same."""
        done = live(world.plane, "-A", "--governed", "-o", "json")
        workloads = [each for each in done.report["workloads"] if each["namespace"] in namespaces]
        status = world.status(policy)
        return (of_status(status), counts_of_status(status)) == (of_report(workloads), counts_of_report(workloads))

    eventually(compared)


@pytest.mark.slow
@ON_REAL_MANIFESTS
def test_governed_is_what_the_operator_says_of_real_manifests(quiet_plane: ControlPlane, tmp_path: Path) -> None:
    client = Client(quiet_plane)
    policy = client.policy(mode="Audit")
    for each in {each["metadata"]["namespace"] for each in asyncio.run(all_accepted(quiet_plane, real_groups()))}:
        client.govern(each, policy)

    def compared() -> bool:
        """The report and the status say the same."""
        workloads = live(quiet_plane, "-A", "--governed", "-o", "json").report["workloads"]
        status = client.status(policy)
        listed, counts = of_status(status), counts_of_status(status)
        return len(workloads) > 100 and listed <= of_report(workloads) and counts == counts_of_report(workloads)

    with at_work(operators_kubeconfig(quiet_plane), log=tmp_path / "operator.log"):
        eventually(lambda: client.status(policy).get("workloads", {}).get("total", 0) > 100)
        eventually(compared, within=120)


def of_status(status: Raw) -> set[tuple[str, ...]]:
    names = ("namespace", "kind", "name", "expectation", "path")
    return {tuple(each[name] for name in names) for each in status["violations"]}


def of_report(workloads: list[Raw]) -> set[tuple[str, ...]]:
    return {
        (each["namespace"], each["kind"], each["name"], finding["expectation"], finding["path"])
        for each in workloads
        for finding in each["findings"]
    }


def counts_of_status(status: Raw) -> dict[str, tuple[int, ...]]:
    return {each["name"]: (each["passed"], each["failed"], each["exempt"]) for each in status["expectations"]}


def counts_of_report(workloads: list[Raw]) -> dict[str, tuple[int, ...]]:
    names = sorted({name for each in workloads for name in each["verdicts"]})
    verdicts = {name: [each["verdicts"].get(name) for each in workloads] for name in names}
    return {
        name: tuple(found.count(outcome) for outcome in ("passed", "failed", "exempt"))
        for name, found in verdicts.items()
        if name != "exemptions"
    }


def test_the_plan_is_what_the_operator_has_pending(world: World) -> None:
    policy, namespaces = governed_world(world, "Audit")
    eventually(lambda: world.status(policy).get("workloads", {}).get("total") == 8)

    def compared() -> bool:
        """The plan is what the status calls pending."""
        done = live(world.plane, "-A", "--governed", "--plan", "-o", "json")
        planned = [each for each in done.report["workloads"] if each["namespace"] in namespaces and each["changes"]]
        pending = world.status(policy)["pending"]
        listed = {(each["namespace"], each["kind"], each["name"]): each for each in pending["workloads"]}
        return (
            listed.keys() == {(each["namespace"], each["kind"], each["name"]) for each in planned}
            and pending["repairs"] == sum(len(each["changes"]) for each in planned)
            and pending["restarts"] == sum(any(c["restarts"] for c in each["changes"]) for each in planned)
            and all(same_changes(listed[each["namespace"], each["kind"], each["name"]], each) for each in planned)
        )

    eventually(compared)
    shown = live(world.plane, "-n", namespaces[0], "--governed", "--plan", "-o", "diff").out
    assert f"+++ MERGED/apps.v1.Deployment.{namespaces[0]}.web\n" in shown
    assert f"+++ MERGED/policy.v1.PodDisruptionBudget.{namespaces[0]}.web-deployment-productionpolicy\n" in shown


def same_changes(pending: Raw, planned: Raw) -> bool:
    return [each.partition(" ")[0] for each in pending["changes"]] == [
        each["expectation"] for each in planned["changes"]
    ]


def documented(kind: str) -> Raw:
    """Return the role of a kind that the documentation shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    (role,) = [each for each in map(yaml.safe_load, blocks) if each["kind"] == kind]
    return dict(role)


def bind(plane: ControlPlane, role: Raw, user: str) -> None:
    """Create a role, and bind a user to it."""
    kind, metadata = role["kind"], role["metadata"]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": metadata["name"]}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    binding = {"apiVersion": role["apiVersion"], "kind": f"{kind}Binding", "metadata": metadata}
    for each in (role, {**binding, "roleRef": reference, "subjects": [subject]}):
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(each))


class TestLimitedRights:
    def test_the_documented_cluster_role_is_enough_for_everything(self, world: World) -> None:
        world.apply(world.namespace(), deployment())
        bind(world.plane, documented("ClusterRole"), "reader")
        done = live(world.plane, "-A", "--as", "reader", "-o", "json")
        assert "not read" not in done.err
        assert done.report["cluster"]["complete"]
        assert done.report["summary"]["unknown"] == 0

    def test_the_documented_role_is_enough_for_one_namespace(self, world: World, tmp_path: Path) -> None:
        namespace = world.applied(deployment())
        role = documented("Role")
        bind(world.plane, {**role, "metadata": {**role["metadata"], "namespace": namespace}}, "local")
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
        arguments = ("-n", namespace, "--policy", tmp_path / "policy.yaml", "--as", "local")
        done = live(world.plane, *arguments, "-o", "json")
        assert {each["namespace"] for each in done.report["workloads"]} == {namespace}
        assert (done.report["cluster"]["complete"], done.report["summary"]["unknown"]) == (True, 0)
        assert live(world.plane, *arguments, "--expectation", "resources").code == 0

    def test_nothing_is_claimed_about_what_a_service_account_cannot_see(self, world: World) -> None:
        seen, unseen = world.namespace(), world.namespace()
        for each in (seen, unseen):
            world.apply(each, deployment())
        world.kubectl("create", "serviceaccount", "viewer", "-n", seen)
        subject = f"--serviceaccount={seen}:viewer"
        world.kubectl("create", "role", "viewer", "-n", seen, "--verb=list", "--resource=deployments.apps,pods")
        world.kubectl("create", "rolebinding", "viewer", "-n", seen, "--role=viewer", subject)
        kubeconfig = of_namespace(world.plane.kubeconfig_of_service_account(seen, "viewer"), seen)

        done = check("--live", "-A", "--kubeconfig", kubeconfig, "-o", "json")
        (web,) = done.report["workloads"]
        assert (web["namespace"], web["name"]) == (seen, "web")
        assert web["verdicts"]["podDisruptionBudget"] == "unknown"
        assert web["verdicts"]["readinessProbe"] == "passed"
        assert {each["expectation"] for each in web["unknown"]} >= {"podDisruptionBudget", "replicas"}
        coverage = done.report["cluster"]["coverage"]
        assert coverage["deployments.apps"]["namespaces"] == [seen]
        assert coverage["poddisruptionbudgets.policy"]["read"] == "None"
        arguments = ("--live", "-A", "--kubeconfig", kubeconfig, "--expectation", "resources")
        assert check(*arguments).code == 3


def of_namespace(kubeconfig: Path, namespace: str) -> Path:
    """Have the context of a kubeconfig name a namespace."""
    config = json.loads(kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    kubeconfig.write_text(json.dumps(config))
    return kubeconfig


class TestWhatGoesWrong:
    def altered(self, plane: ControlPlane, tmp_path: Path, part: str, **fields: Any) -> Path:
        config = json.loads(plane.kubeconfig.read_text())
        config[f"{part}s"][0][part] |= fields
        (tmp_path / "config").write_text(json.dumps(config))
        return tmp_path / "config"

    def failed(self, *arguments: str | Path) -> str:
        done = check("--live", *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1
        return done.err

    def test_a_server_that_is_not_there(self, world: World, tmp_path: Path) -> None:
        config = self.altered(world.plane, tmp_path, "cluster", server="https://127.0.0.1:1")
        assert "the API server does not answer" in self.failed("--kubeconfig", config)

    def test_credentials_that_are_not_accepted(self, world: World, tmp_path: Path) -> None:
        config = self.altered(world.plane, tmp_path, "user", token="expired")
        assert "log in again" in self.failed("--kubeconfig", config)

    def test_a_context_that_is_not_there(self, world: World) -> None:
        told = self.failed("--kubeconfig", world.plane.kubeconfig, "--context", "nowhere")
        assert "has no context nowhere; pass --context NAME, one of local" in told


def test_only_reading_verbs_are_used(world: World) -> None:
    bind(world.plane, documented("ClusterRole"), "reader")
    assert live(world.plane, "-A", "--as", "reader").code in {0, 1, 2}

    def asked() -> set[str]:
        entries = map(json.loads, world.plane.site.audit_log.read_text().splitlines())
        return {each["verb"] for each in entries if each.get("impersonatedUser", {}).get("username") == "reader"}

    assert eventually(asked) <= {"get", "list"}


def test_a_label_chooses_workloads(world: World) -> None:
    namespace = world.namespace()
    labelled = deployment("api")
    labelled["metadata"]["labels"] = {"tier": "back"}
    world.apply(namespace, deployment(), labelled)
    done = live(world.plane, "-n", namespace, "-l", "tier=back", "-o", "json")
    assert [each["name"] for each in done.report["workloads"]] == ["api"]
