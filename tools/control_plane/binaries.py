"""The programs of a Kubernetes control plane, built once from pinned Go modules into a cache.

Each folder under `modules/` is a Go module whose `tool` block names the programs it gives. The cache is keyed by the
content of those modules, so that a changed version builds anew and nothing else does. `KUBEBUILDER_ASSETS`, the
convention of the ecosystem, may name a folder that holds some of them already.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from control_plane import go_build
from control_plane.go_build import BuildFailed, build, go, say, scratch
from control_plane.locks import locked

__all__ = ["Binaries", "BuildFailed", "cache_folder", "ensure", "located"]

MODULES = Path(__file__).parent / "modules"
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
PROGRAMS = {
    "etcd": ("etcd",),
    "kwok": ("kwok",),
    "kubernetes": ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
}
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
    """Return the programs, building what is missing.

    Raises:
        BuildFailed: Go is missing, or a module does not build.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / ".lock"):
        for module in PROGRAMS:
            if not _complete(cache, module):
                _build(module, into=cache)
    return located()


def cache_folder() -> Path:
    """Return the folder of the programs that belong to the modules as they are now."""
    return go_build.cache_folder("control-plane", MODULES.glob("*/go.*"))


def located() -> Binaries:
    """Return where the programs are, or will be once they are built."""
    cache = cache_folder()
    found = {name: _assets(name) or cache / name for names in PROGRAMS.values() for name in names}
    stages = tuple(sorted((cache / "stages").glob("*.yaml")))
    return Binaries(**{name.replace("-", "_"): path for name, path in found.items()}, stages=stages)


def _assets(name: str) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    path = Path(folder) / name if folder else None
    return path if path and path.is_file() else None


def _complete(cache: Path, module: str) -> bool:
    programs = all(_assets(name) or (cache / name).is_file() for name in PROGRAMS[module])
    return programs and (module != "kwok" or (cache / "stages").is_dir())


def _build(module: str, *, into: Path) -> None:
    if shutil.which("go") is None:
        raise BuildFailed(
            "Go is needed to build the local control plane. Install Go 1.26 or newer, "
            "or set KUBEBUILDER_ASSETS to a folder that holds etcd, kube-apiserver, kube-controller-manager, "
            "kube-scheduler, kubectl and kwok."
        )
    say(f"building {module} from source (once; it is kept in {into})")
    with scratch(into / f".{module}") as built:
        build(MODULES / module, built)
        if module == "kwok":
            _copy_stages(into)
        for program in built.iterdir():
            program.rename(into / RENAMED.get(program.name, program.name))


def _copy_stages(into: Path) -> None:
    kwok = Path(go(MODULES / "kwok", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok").strip())
    source = kwok / "kustomize" / "stage"
    with scratch(into / ".stages") as stages:
        for stage in STAGES:
            for file in sorted((source / stage).glob("*.yaml")):
                if file.name != "kustomization.yaml":
                    shutil.copyfile(file, stages / f"{stage.replace('/', '-')}-{file.name}")
        shutil.rmtree(into / "stages", ignore_errors=True)
        stages.rename(into / "stages")


if __name__ == "__main__":
    try:
        print(ensure().kubectl.parent)
    except BuildFailed as failure:
        sys.exit(f"error: {failure}")
