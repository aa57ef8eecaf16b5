"""The folder that `check --plan --write` makes: what it holds, and what it never overwrites."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from support.checking import Done, check, written
from support.manifests import Raw, deployment


def web(name: str = "web", **metadata: str) -> Raw:
    """Return a Deployment as it stands in a file."""
    return {**deployment(name), "metadata": {"name": name, **metadata}}


def write(folder: Path, *objects: Raw) -> Done:
    return check("-", "--plan", "--write", folder, stdin=written(*objects))


def files(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_a_patch_for_each_workload_and_all_budgets_in_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "plan"
    done = write(folder, web(), web("web", namespace="shop"), web("b.c", namespace="shop"))
    assert done.code == 1
    assert f"written to {folder}: patches: 3, budgets: 3." in done.err
    patches = ["patches/deployment-web.yaml", "patches/shop/deployment-b.c.yaml", "patches/shop/deployment-web.yaml"]
    assert files(folder) == ["budgets.yaml", "kustomization.yaml", *patches]
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert sorted(each["path"] for each in kustomization.pop("patches")) == patches
    assert kustomization == {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": ["budgets.yaml"],
    }


def test_the_report_is_written_as_ever(tmp_path: Path) -> None:
    assert write(tmp_path / "plan", web()).out == check("-", "--plan", stdin=written(web())).out


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    write(tmp_path / "plan", web("a", namespace="shop"), web("b"))
    write(tmp_path / "plan", web("b"))
    assert files(tmp_path / "plan") == ["budgets.yaml", "kustomization.yaml", "patches/deployment-b.yaml"]
    assert not (tmp_path / "plan" / "patches" / "shop").exists()


def test_the_folder_itself_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(written(web()))
    made = []
    for _ in range(2):
        assert check(tmp_path, "--plan", "--write", tmp_path / "plan").code == 1
        made.append({each: (tmp_path / "plan" / each).read_text() for each in files(tmp_path / "plan")})
    assert made[0] == made[1]


@pytest.mark.parametrize("other", ["kustomization.yaml", "patches/deployment-web.yaml", ".git/config", "notes"])
def test_a_folder_with_anything_else_is_refused(tmp_path: Path, other: str) -> None:
    write(tmp_path, web("a"))
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("# mine\n")
    before = {each: (tmp_path / each).read_text() for each in files(tmp_path)}
    done = write(tmp_path, web())
    assert done.code == 2
    assert f"{tmp_path / other} is not from an earlier run: use another folder, or an empty one" in done.err
    assert {each: (tmp_path / each).read_text() for each in files(tmp_path)} == before


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "patches").symlink_to(tmp_path / "elsewhere")
    assert write(tmp_path / "plan", web()).code == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = write(tmp_path / "plan", web())
    assert done.code == 2
    assert "cannot be written" in done.err


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("")
    assert write(tmp_path / "plan", web()).code == 2


def test_nothing_to_repair_leaves_a_component_that_does_nothing(tmp_path: Path) -> None:
    write(tmp_path, web())
    assert write(tmp_path, {**web(), "apiVersion": "extensions/v1beta1"}).code == 0
    assert files(tmp_path) == ["kustomization.yaml"]
    assert yaml.safe_load((tmp_path / "kustomization.yaml").read_text())["patches"] == []


def test_names_too_long_for_a_file_are_cut(tmp_path: Path) -> None:
    names = [".".join(["a" * 63] * 3 + ["b" * 60 + end]) for end in "cd"]
    write(tmp_path, *map(web, names))
    patches = files(tmp_path / "patches")
    assert len(patches) == 2
    assert max(map(len, patches)) < 255
    found = [yaml.safe_load((tmp_path / "patches" / each).read_text())["metadata"]["name"] for each in patches]
    assert sorted(found) == names
