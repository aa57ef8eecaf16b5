"""What `fix` writes, before a real API server: it accepts every file as before, and every new budget."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.test_one_judgement import ON_REAL_MANIFESTS, REAL_MANIFESTS
from control_plane.plane import ControlPlane
from support.checking import check, fix

ROOT = Path(__file__).parents[2]
INPUTS = Path(__file__).parents[1] / "field" / "inputs"
SHOP = ROOT / "examples" / "shop"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of its own, in which every namespace of the files exists."""
    with ControlPlane.start(tmp_path_factory.mktemp("plane"), controllers=False) as started:
        for each in namespaces(INPUTS) | namespaces(REAL_MANIFESTS):
            started.kubectl("create", "namespace", each, check=False)
        yield started


def namespaces(folder: Path) -> set[str]:
    """Return the namespaces that files name."""
    texts = (each.read_text() for each in folder.rglob("*.y*ml"))
    return {name for text in texts for name in re.findall(r"\bnamespace: ([a-z0-9-]+)", text)}


def accepted(plane: ControlPlane, folder: Path) -> Counter[str]:
    """Return the names of the objects in a folder that the API server accepts, with their kinds."""
    arguments = ("apply", "--dry-run=server", "-o", "name", "--recursive", "-f", str(folder))
    return Counter(plane.kubectl(*arguments, check=False).split())


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(INPUTS, id="field", marks=pytest.mark.slow),
        pytest.param(SHOP, id="shop"),
        pytest.param(REAL_MANIFESTS, id="real", marks=[pytest.mark.slow, ON_REAL_MANIFESTS]),
    ],
)
def test_the_api_server_accepts_the_files_as_before(plane: ControlPlane, tmp_path: Path, origin: Path) -> None:
    folder = Path(shutil.copytree(origin, tmp_path / "files"))
    (folder / "kustomization.yaml").unlink(missing_ok=True)
    before = accepted(plane, folder)
    changed = [each for each in sorted(folder.rglob("*.yaml")) if ": podDisruptionBudget (" in fix(each).out]
    after = accepted(plane, folder)
    assert before.total() > len(changed) > 0
    assert before - after == Counter()
    assert {each.partition("/")[0] for each in after - before} == {"poddisruptionbudget.policy"}


def test_a_budget_and_a_repaired_workload_are_what_the_api_server_reads(plane: ControlPlane, tmp_path: Path) -> None:
    """The whole file, with its budget, is new to the server; applying it again would change nothing."""
    folder = Path(shutil.copytree(SHOP, tmp_path / "shop"))
    fix(folder)
    plane.kubectl("apply", "-f", str(folder / "namespace.yaml"))
    plane.kubectl("apply", "-k", str(folder))
    difference = subprocess.run(
        [str(plane.site.binaries.kubectl), f"--kubeconfig={plane.kubeconfig}", "diff", "-k", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (difference.returncode, difference.stdout) == (0, "")


def test_an_overlay_with_its_repairs_is_what_kustomize_builds(plane: ControlPlane, tmp_path: Path) -> None:
    base, overlay = Path(shutil.copytree(SHOP, tmp_path / "base")), tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text("resources:\n- ../base\nnamePrefix: my-\n")
    before = {each.name: each.read_bytes() for each in base.iterdir()}
    assert fix(overlay).code == 0
    assert {each.name: each.read_bytes() for each in base.iterdir()} == before
    assert check("-", "--plan", stdin=plane.kubectl("kustomize", str(overlay))).code == 0
