"""The chart as a whole: it passes lint, is packaged, fits into its Secret, and says what comes next."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.__main__ import package as package_chart
from productionpolicy.cli.run import command
from productionpolicy.kube.identity import API_VERSION
from support.charts import CHART, NEWEST, RELEASE, VERSION, Helm, by_name, changes
from support.manifests import Raw

KIND = f"{API_VERSION}/ProductionPolicy"
POLICY = {"name": "default", "spec": {"mode": "Audit"}}
TO_BE_REVERTED = {"name": "careful", "spec": {"mode": "Enforce", "onRemoval": "Revert"}}
SECRET_BYTES = 300_000


def test_lint_has_nothing_to_say(helm: Helm, everything: Raw, nothing: Raw) -> None:
    for values in ({}, everything, nothing):
        told = helm.run("lint", "--strict", f"--kube-version={NEWEST}", CHART, values=values)

        assert re.findall(r"^\[(?!INFO).*", told, re.MULTILINE) == []
        assert "1 chart(s) linted, 0 chart(s) failed" in told


def test_with_all_turned_off_only_the_deployment_is_left(helm: Helm, nothing: Raw) -> None:
    [deployment] = helm.rendered(nothing)

    assert deployment["kind"] == "Deployment"
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == "default"


def test_with_all_turned_on_no_two_objects_have_one_name(helm: Helm, everything: Raw) -> None:
    usual, named = (by_name(helm.rendered(values)).keys() for values in ({}, everything))

    assert usual - named == set()
    assert named - usual == {
        "ClusterRole/productionpolicy-drain-audit",
        "ClusterRoleBinding/productionpolicy-drain-audit",
        "ConfigMap/more",
        "ConfigMap/productionpolicy-dashboard",
        "PodMonitor/productionpolicy",
        "ProductionPolicy/default",
        "PrometheusRule/productionpolicy",
        "Service/productionpolicy-metrics",
        "Service/productionpolicy-page",
        "ServiceMonitor/productionpolicy",
    }


def test_a_packaged_chart_renders_the_same(helm: Helm, everything: Raw, tmp_path: Path) -> None:
    packaged = package(helm, into=tmp_path)

    assert changes(helm.rendered(everything), helm.rendered(everything, chart=packaged)) == {}
    with tarfile.open(packaged) as archive:
        held = {Path(each).relative_to("productionpolicy").as_posix() for each in archive.getnames()}
    assert held == {each.relative_to(CHART).as_posix() for each in CHART.rglob("*") if each.is_file()}


def test_a_chart_is_packaged_for_an_image(helm_4: Helm, tmp_path: Path) -> None:
    package_chart(helm_4.program, into=tmp_path, image="images.example/team/operator")
    packaged = helm_4.rendered(chart=tmp_path / f"productionpolicy-{VERSION}.tgz")

    container = "Deployment/productionpolicy spec template spec containers 0"
    image = f"images.example/team/operator:{VERSION}"
    assert changes(helm_4.rendered(), packaged) == {f"{container} image": image}


def test_a_chart_that_depends_on_it_turns_it_on_and_off(helm: Helm, tmp_path: Path) -> None:
    parent = tmp_path / "platform"
    (parent / "charts").mkdir(parents=True)
    shutil.move(package(helm, into=tmp_path), parent / "charts")
    dependency = {"name": "productionpolicy", "version": VERSION, "condition": "productionpolicy.enabled"}
    about = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [dependency]}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(about))
    shared = {"global": {"imageRegistry": "images.example"}}

    assert helm.rendered({**shared, "productionpolicy": {"enabled": False}}, chart=parent) == []
    rendered = helm.rendered({**shared, "productionpolicy": {"enabled": True}}, chart=parent)
    assert changes(helm.rendered(), rendered) == {}


def test_chart_and_operator_have_one_version() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (about["version"], about["appVersion"]) == (VERSION, VERSION)


def test_the_command_line_takes_the_arguments(helm_4: Helm, everything: Raw) -> None:
    values = {**everything, "extraArgs": ["--verbose", "--listing-interval", 600]}
    [deployment] = [each for each in helm_4.rendered(values) if each["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]

    assert (container["command"], container["args"][0]) == (["productionpolicy"], "run")
    given = command.make_context("run", container["args"][1:]).params
    assert (given["verbose"], given["listing_interval"]) == (True, 600)
    ports = {each["name"]: ("0.0.0.0", each["containerPort"]) for each in container["ports"]}
    assert {"probes": given["probes_address"], "page": given["page"]} == ports


def test_nothing_runs_but_the_operator_and_nothing_holds_up_a_drain(helm_4: Helm, everything: Raw) -> None:
    values = {**everything, "policies": [TO_BE_REVERTED]}
    kinds = {each["kind"] for each in helm_4.rendered(values)}

    assert kinds & {"CronJob", "DaemonSet", "Job", "Pod", "PodDisruptionBudget", "StatefulSet"} == set()
    assert str(helm_4.rendered(values)).count("'image':") == 1


def test_what_helm_stores_of_a_release_fits_into_its_secret(helm_4: Helm, everything: Raw) -> None:
    """A Secret holds 1 MiB at most, and each revision is one. Helm 4 alone prints what it stores without a cluster."""
    policies = [{"name": f"policy-{number}", "spec": {"mode": "Audit"}} for number in range(10)]

    for values in ({}, {**everything, "policies": policies}):
        release = json.loads(helm_4.run("install", RELEASE, CHART, "--dry-run=client", "--output=json", values=values))
        assert {"chart", "config", "hooks", "info", "manifest"} - {"config" if not values else ""} <= release.keys()
        assert secret_bytes(release) < SECRET_BYTES


@pytest.mark.parametrize("released", [pytest.param(False, id="first"), pytest.param(True, id="later")])
def test_a_policy_is_installed_once_its_kind_is_known_and_never_deleted(helm: Helm, released: bool) -> None:
    policies = [POLICY, TO_BE_REVERTED]
    rendered = helm.rendered({"policies": policies}, served=[KIND] if released else [])
    found = [each for each in rendered if each["kind"] == "ProductionPolicy"]

    assert [{"name": each["metadata"]["name"], "spec": each["spec"]} for each in found] == policies
    for each in found:
        annotations = each["metadata"]["annotations"]
        assert annotations.pop("helm.sh/resource-policy") == "keep"
        assert annotations == (
            {}
            if released
            else {
                "helm.sh/hook": "post-install,post-upgrade",
                "helm.sh/hook-delete-policy": "hook-failed",
                "meta.helm.sh/release-name": RELEASE,
                "meta.helm.sh/release-namespace": "productionpolicy-system",
            }
        )


def test_the_notes_say_the_next_commands(helm_4: Helm) -> None:
    def lines(**values: Any) -> list[str]:
        return [each.strip() for each in notes(helm_4, values).splitlines()]

    without, with_one = lines(), lines(policies=[{**POLICY, "name": "mine"}])
    assert "kubectl apply -f - <<EOF" in without
    assert "kubectl apply -f - <<EOF" not in with_one
    for told, name in ((without, "default"), (with_one, "mine")):
        next_one = told.index(f"kubectl label namespace <namespace> productionpolicy.dev/policy={name}")
        assert told[next_one + 1] == "kubectl get productionpolicies"
        assert "kubectl delete productionpolicies --all" in told


def test_the_policy_of_the_notes_is_one(helm_4: Helm) -> None:
    _, _, rest = notes(helm_4, {}).partition("<<EOF\n")
    policy = yaml.safe_load(rest.partition("  EOF")[0])

    assert policy["kind"] == "ProductionPolicy"
    assert (policy["metadata"], policy["spec"]) == ({"name": "default"}, {"mode": "Audit"})


def test_the_notes_warn_where_policies_are_to_be_reverted(helm_4: Helm) -> None:
    refused = "so `helm uninstall` is refused while it exists"

    assert refused not in notes(helm_4, {"policies": [POLICY]})
    assert f"The policy careful has onRemoval: Revert. Without the operator it cannot be deleted, {refused}." in notes(
        helm_4, {"policies": [POLICY, TO_BE_REVERTED]}
    )
    assert "it cannot be deleted." in notes(helm_4, {"policies": [TO_BE_REVERTED], "uninstallGuard": False})


@pytest.mark.parametrize(
    ("repair", "told"),
    [
        ("v1", "and, at admission, by the API server (v1)."),
        ("v1beta1", "and, at admission, by the API server (v1beta1)."),
        ("off", "only: admission.repair is off."),
    ],
)
def test_the_notes_say_where_repairs_are_made(helm_4: Helm, repair: str, told: str) -> None:
    assert f"Repairs are made in the background {told}" in notes(helm_4, {"admission": {"repair": repair}})


def test_helm_uninstall_is_refused_by_the_name_of_the_hook(helm_4: Helm) -> None:
    objects = {each["kind"]: each for each in helm_4.rendered() if each["metadata"]["name"] == f"{RELEASE}-uninstall"}
    policy, binding, hook = (
        objects[kind] for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ConfigMap")
    )

    [rule] = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["operations"], rule["resources"], rule["resourceNames"]) == (
        ["CREATE"],
        ["configmaps"],
        [hook["metadata"]["name"]],
    )
    [condition] = policy["spec"]["matchConditions"]
    assert condition["expression"] == f'object.metadata.namespace == "{hook["metadata"]["namespace"]}"'
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    assert binding["spec"]["validationActions"] == ["Deny"]
    assert hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"


def package(helm: Helm, *, into: Path) -> Path:
    helm.run("package", CHART, f"--destination={into}")
    return into / f"productionpolicy-{VERSION}.tgz"


def notes(helm: Helm, values: Raw) -> str:
    release = helm.run("install", RELEASE, CHART, "--dry-run=client", "--output=json", values=values)
    text: str = json.loads(release)["info"]["notes"]
    return text


def secret_bytes(release: Raw) -> int:
    """Return the size of the one key of the Secret: Helm stores a release as JSON, compressed, in base64."""
    return len(base64.b64encode(gzip.compress(json.dumps(release).encode())))
