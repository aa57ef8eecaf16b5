"""What `check --plan --write` makes, in the hands of the real `kubectl kustomize`. No cluster is needed for it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane import binaries
from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.identity import EXEMPT
from support.checking import check, report, written
from support.manifests import Raw, container, deployment, sidecar, stateful_set

SHOP = Path(__file__).parents[2] / "examples" / "shop"
REPAIRED = {each.name for each in EXPECTATIONS if each.repair}


@pytest.fixture(scope="module")
def kubectl() -> Path:
    return binaries.ensure().kubectl


def kustomized(kubectl: Path, folder: Path) -> str:
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def beside(folder: Path, *resources: str, **fields: object) -> Path:
    """Write a kustomization that has a component `plan` beside its resources."""
    folder.mkdir(parents=True, exist_ok=True)
    kustomization = {"resources": list(resources), "components": ["plan"], **fields}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def in_file(raw: Raw, **metadata: str | None) -> Raw:
    """Return an object as it stands in a file."""
    named = {"name": raw["metadata"]["name"], "namespace": raw["metadata"]["namespace"], **metadata}
    return {**raw, "metadata": {name: value for name, value in named.items() if value}}


def failures(text: str) -> dict[tuple[str, str, str], set[str]]:
    """Return which expectations with a repair each workload fails."""
    return {
        (each["kind"], each["namespace"], each["name"]): REPAIRED
        & {finding["expectation"] for finding in each["findings"]}
        for each in report("-", stdin=text)["workloads"]
    }


def test_the_shop_comes_out_repaired_but_for_what_is_left_to_a_person(kubectl: Path, tmp_path: Path) -> None:
    shutil.copytree(SHOP, tmp_path / "shop")
    check(tmp_path / "shop", "--plan", "--write", tmp_path / "plan")
    text = kustomized(kubectl, beside(tmp_path, "shop"))
    found = failures(text)
    assert len(found) == 11
    assert {name: names for (_, _, name), names in found.items() if names} == {
        "checkout": {"terminationGracePeriod"},
        "edge": {"rollingUpdate"},
        "payments": {"podDisruptionBudget"},
    }
    assert check("-", "--plan", stdin=text).code == 0
    assert "productionpolicy" not in text.replace(EXEMPT, "")


ODD = (
    in_file(deployment("web.v1.example"), namespace=None),
    in_file(deployment(), namespace="shop"),
    in_file(deployment(), namespace="other"),
    in_file(deployment(), namespace=None),
    in_file(stateful_set(), namespace="shop"),
    in_file(deployment("1e3"), namespace="y"),
    in_file(
        deployment("a" * 63, pod={"containers": [container(), container("second")], "initContainers": [sidecar()]})
    ),
)


def distinct(raw: Raw, index: int) -> Raw:
    """Give the pods of a workload labels of their own, odd ones."""
    labels = {"app": f"{index}e3", "on": "y"}
    raw["spec"]["selector"]["matchLabels"] = raw["spec"]["template"]["metadata"]["labels"] = labels
    return raw


def test_odd_names_are_found(kubectl: Path, tmp_path: Path) -> None:
    objects = [distinct(each, index) for index, each in enumerate(ODD)]
    (tmp_path / "all.yaml").write_text("\n---\n".join(map(json.dumps, objects)))
    assert check(tmp_path / "all.yaml", "--plan", "--write", tmp_path / "plan").code == 1
    text = kustomized(kubectl, beside(tmp_path, "all.yaml"))
    assert {key: names for key, names in failures(text).items() if names} == {}
    assert len(failures(text)) == len(ODD)
    images = [images_of(each) for each in yaml.safe_load_all(text) if each["kind"] in {"Deployment", "StatefulSet"}]
    assert sorted(images) == sorted(map(images_of, objects))


def images_of(workload: Any) -> tuple[tuple[str, str], ...]:
    pod = workload["spec"]["template"]["spec"]
    return tuple((each["name"], each["image"]) for each in pod["containers"] + pod.get("initContainers", []))


def test_namespace_and_prefix_of_the_kustomization_do_not_matter(kubectl: Path, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(written(in_file(deployment(), namespace=None)))
    check(tmp_path / "web.yaml", "--plan", "--write", tmp_path / "plan")
    text = kustomized(kubectl, beside(tmp_path, "web.yaml", namespace="shop", namePrefix="my-"))
    assert failures(text) == {("Deployment", "shop", "my-web"): set()}


def test_what_kustomize_prints_can_be_planned_for_on_top_of_it(kubectl: Path, tmp_path: Path) -> None:
    inner, outer = tmp_path / "outer" / "inner", tmp_path / "outer"
    inner.mkdir(parents=True)
    (inner / "web.yaml").write_text(written(in_file(deployment(), namespace=None)))
    (inner / "kustomization.yaml").write_text("{resources: [web.yaml], namespace: shop, namePrefix: my-}")
    check("-", "--plan", "--write", outer / "plan", stdin=kustomized(kubectl, inner))
    assert failures(kustomized(kubectl, beside(outer, "inner"))) == {("Deployment", "shop", "my-web"): set()}


def test_workloads_without_a_name_are_left_to_a_person(kubectl: Path, tmp_path: Path) -> None:
    unnamed = {**deployment(), "metadata": {"generateName": "web-"}}
    (tmp_path / "web.yaml").write_text(written(in_file(deployment())))
    check("-", "--plan", "--write", tmp_path / "plan", stdin=written(distinct(unnamed, 1), in_file(deployment())))
    assert failures(kustomized(kubectl, beside(tmp_path, "web.yaml"))) == {("Deployment", "shop", "web"): set()}


def test_a_component_with_nothing_to_repair_changes_nothing(kubectl: Path, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(written(in_file(deployment())))
    exempt = in_file(deployment())
    exempt["metadata"]["annotations"] = {f"{EXEMPT}all": "drained by hand"}
    check("-", "--plan", "--write", tmp_path / "plan", stdin=written(exempt))
    with_it = kustomized(kubectl, beside(tmp_path, "web.yaml"))
    assert with_it == kustomized(kubectl, beside(tmp_path, "web.yaml", components=[]))
