"""The programs of a Kubernetes control plane, built once from pinned Go modules into a cache.

etcd and kwok each have a Go module under `modules/` whose `tool` block names the program; `kubernetes` has a recipe for
the rest. The cache is keyed by what is pinned, so that a changed version is built and nothing else.
`KUBEBUILDER_ASSETS`, the convention of the ecosystem, may name a folder that holds some of them already.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from control_plane import kubernetes
from control_plane.go_build import BuildFailed, go, kept
from control_plane.go_program import GoProgram

__all__ = ["Binaries", "BuildFailed", "ensure", "located"]

MODULES = Path(__file__).parent / "modules"
STAGES_FOLDER = "stages"
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
ETCD = GoProgram(MODULES / "etcd", purpose="etcd")
KWOK = GoProgram(MODULES / "kwok", purpose="kwok")


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the programs are; `stages` holds the kwok stage files."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    kwok: Path
    stages: tuple[Path, ...]


def ensure() -> Binaries:
    """Return the programs, of the release that the environment chooses, building what is missing.

    Raises:
        BuildFailed: Go is missing, or a module does not build.
    """
    missing = [name for name in ("etcd", "kwok", *KUBERNETES) if _assets(name) is None]
    if missing and shutil.which("go") is None:
        raise BuildFailed(
            "Go is needed to build the local control plane. Install Go 1.26 or newer, "
            f"or set KUBEBUILDER_ASSETS to a folder that holds {', '.join(missing)}."
        )
    for program in (ETCD, KWOK):
        if program.name in missing:
            program.ensure()
    kept(KWOK.folder, (STAGES_FOLDER,), _copy_stages)
    kubernetes.chosen().ensure(*(name for name in KUBERNETES if name in missing))
    return located()


def located() -> Binaries:
    """Return where the programs are, or will be once they are built."""
    release = kubernetes.chosen().folder
    folders = {"etcd": ETCD.folder, "kwok": KWOK.folder, **dict.fromkeys(KUBERNETES, release)}
    found = {name.replace("-", "_"): _assets(name) or folder / name for name, folder in folders.items()}
    return Binaries(**found, stages=tuple(sorted((KWOK.folder / STAGES_FOLDER).glob("*.yaml"))))


def _assets(name: str) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    path = Path(folder) / name if folder else None
    return path if path and path.is_file() else None


def _copy_stages(folder: Path) -> None:
    kwok = Path(go(KWOK.module, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok").strip())
    (folder / STAGES_FOLDER).mkdir()
    for stage in STAGES:
        for file in sorted((kwok / "kustomize" / "stage" / stage).glob("*.yaml")):
            if file.name != "kustomization.yaml":
                shutil.copyfile(file, folder / STAGES_FOLDER / f"{stage.replace('/', '-')}-{file.name}")


if __name__ == "__main__":
    try:
        print(ensure().kubectl.parent)
    except BuildFailed as failure:
        sys.exit(f"error: {failure}")
