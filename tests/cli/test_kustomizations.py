"""What a kustomization lists beside its resources is neither judged as a workload nor called unreadable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.checking import check, report, written
from support.manifests import Raw, container, deployment

PATCH = "patch.yaml"


def lay(folder: Path, **files: object) -> Path:
    """Write files, by names in which `__` parts folders; return the folder."""
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return folder


def patch(name: str = "web", image: str = "web:latest") -> Raw:
    """Return a patch that looks like a workload: it brings an image."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}},
    }


def seen(*paths: Path) -> tuple[list[str], list[Any]]:
    """Return the names of the workloads that are judged, and what is unreadable."""
    found = report(*paths, "--allow-empty")
    return [each["name"] for each in found["workloads"]], found["unreadable"]


@pytest.mark.parametrize(
    "listed",
    [
        {"patches": [{"path": PATCH}]},
        {"patches": [{"target": {"kind": "Deployment"}, "path": f"./{PATCH}"}]},
        {"patchesStrategicMerge": [PATCH]},
        {"patchesJson6902": [{"target": {"kind": "Deployment", "name": "web"}, "path": PATCH}]},
        {"replacements": [{"path": PATCH}]},
        {"configurations": [PATCH]},
        {"transformers": [PATCH]},
        {"validators": [PATCH]},
        {"generators": [PATCH]},
        {"crds": [PATCH]},
        {"openapi": {"path": PATCH}},
        {"configMapGenerator": [{"name": "files", "files": [PATCH]}]},
        {"secretGenerator": [{"name": "files", "files": [f"key={PATCH}"]}]},
        {"helmCharts": [{"name": "web", "valuesFile": PATCH}]},
    ],
    ids=lambda each: next(iter(each)),
)
@pytest.mark.parametrize("whole", [True, False], ids=["with an image", "without"])
def test_a_file_that_is_no_resource(tmp_path: Path, listed: Raw, whole: bool) -> None:
    content = (
        patch("other") if whole else {"kind": "Deployment", "metadata": {"name": "other"}, "spec": {"replicas": 3}}
    )
    lay(tmp_path, kustomization={"resources": ["web.yaml"], **listed}, web=deployment("web"), patch=content)
    assert seen(tmp_path) == (["web"], [])


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_every_name_that_a_kustomization_may_have(tmp_path: Path, name: str) -> None:
    lay(tmp_path, web=deployment("web"), patches__web=patch("other"))
    (tmp_path / name).write_text(yaml.safe_dump({"patches": [{"path": "patches/web.yaml"}]}))
    assert seen(tmp_path) == (["web"], [])


def test_a_patch_in_another_folder(tmp_path: Path) -> None:
    overlay = {"resources": ["../base"], "patches": [{"path": "../shared/patch.yaml"}]}
    lay(tmp_path, base__web=deployment("web"), shared__patch=patch(), overlay__kustomization=overlay)
    assert seen(tmp_path) == (["web"], [])


def test_a_folder_of_transformers(tmp_path: Path) -> None:
    lay(tmp_path, kustomization={"transformers": ["settings"]}, settings__deep__a=patch(), web=deployment("web"))
    assert seen(tmp_path) == (["web"], [])


def test_the_patches_of_a_component_and_not_its_resources(tmp_path: Path) -> None:
    component = {"kind": "Component", "resources": ["side.yaml"], "patches": [{"path": PATCH}]}
    lay(tmp_path, kustomization={"resources": ["web.yaml"], "components": ["more"]}, web=deployment("web"))
    lay(tmp_path / "more", kustomization=component, side=deployment("side"), patch=patch())
    assert sorted(seen(tmp_path)[0]) == ["side", "web"]


def test_what_one_lists_as_a_resource_is_judged(tmp_path: Path) -> None:
    lay(tmp_path, kustomization={"resources": ["web.yaml"]}, web=deployment("web"))
    lay(tmp_path / "overlay", kustomization={"patches": [{"path": "../web.yaml"}]})
    assert seen(tmp_path) == (["web"], [])


def test_a_patch_that_is_named_itself(tmp_path: Path) -> None:
    lay(tmp_path, kustomization={"patches": [{"path": PATCH}]}, patch=patch(), web=deployment("web"))
    assert seen(tmp_path / PATCH, tmp_path / "web.yaml") == (["web"], [])


def test_inline_patches(tmp_path: Path) -> None:
    inline = yaml.safe_dump(patch())
    listed = {"patches": [{"patch": inline}], "patchesStrategicMerge": [inline]}
    lay(tmp_path, kustomization=listed, web=deployment("web"))
    assert seen(tmp_path) == (["web"], [])


@pytest.mark.parametrize("text", ["patches: {", "patches: 7", "[]", "patches: [{path: 7}, 3]", "patches: ['\\0']"])
def test_a_kustomization_that_cannot_be_read_hides_nothing(tmp_path: Path, text: str) -> None:
    lay(tmp_path, kustomization=text, web=deployment("web"))
    assert seen(tmp_path)[0] == ["web"]


def test_what_an_earlier_plan_has_written(tmp_path: Path) -> None:
    """A plan leaves only its budgets to be judged with the workloads."""
    web = deployment("web", pod={"containers": [container(image="web:1")]})
    web["metadata"].pop("uid")
    lay(tmp_path, kustomization={"resources": ["web.yaml"], "components": ["plan"]}, web=written(web))
    assert check(tmp_path, "--plan", "--write", tmp_path / "plan").code == 1
    found = report(tmp_path)
    assert found["unreadable"] == []
    (judged,) = found["workloads"]
    assert judged["verdicts"]["podDisruptionBudget"] == "passed"
