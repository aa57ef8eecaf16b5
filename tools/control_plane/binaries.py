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
from control_plane.go_build import BuildFailed, build, cache_folder, go, kept

__all__ = ["Binaries", "BuildFailed", "ensure", "located"]

MODULES = Path(__file__).parent / "modules"
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
RENAMED = {"server": "etcd"}


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
    for name in ("etcd", "kwok"):
        _ensure(name)
    kubernetes.chosen().ensure(*(name for name in KUBERNETES if name in missing))
    return located()


def located() -> Binaries:
    """Return where the programs are, or will be once they are built."""
    release = kubernetes.chosen().folder
    folders = {"etcd": _cache("etcd"), "kwok": _cache("kwok"), **dict.fromkeys(KUBERNETES, release)}
    found = {name.replace("-", "_"): _assets(name) or folder / name for name, folder in folders.items()}
    return Binaries(**found, stages=tuple(sorted((_cache("kwok") / "stages").glob("*.yaml"))))


def _assets(name: str) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    path = Path(folder) / name if folder else None
    return path if path and path.is_file() else None


def _cache(name: str) -> Path:
    return cache_folder(name, (MODULES / name).glob("go.*"))


def _ensure(name: str) -> None:
    needed = [*(() if _assets(name) else (name,)), *(("stages",) if name == "kwok" else ())]
    kept(_cache(name), needed, lambda folder: _build(name, into=folder))


def _build(name: str, *, into: Path) -> None:
    build(MODULES / name, into)
    for program in list(into.iterdir()):
        program.rename(into / RENAMED.get(program.name, program.name))
    if name == "kwok":
        _copy_stages(into / "stages")


def _copy_stages(into: Path) -> None:
    kwok = Path(go(MODULES / "kwok", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok").strip())
    source = kwok / "kustomize" / "stage"
    into.mkdir()
    for stage in STAGES:
        for file in sorted((source / stage).glob("*.yaml")):
            if file.name != "kustomization.yaml":
                shutil.copyfile(file, into / f"{stage.replace('/', '-')}-{file.name}")


if __name__ == "__main__":
    try:
        print(ensure().kubectl.parent)
    except BuildFailed as failure:
        sys.exit(f"error: {failure}")
