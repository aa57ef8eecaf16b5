"""The programs of a Kubernetes control plane, built once from pinned Go modules into a cache.

Each folder under `modules/` is a Go module whose `tool` block names the programs it gives. The cache is keyed by the
content of those modules, so that a changed version builds anew and nothing else does. `KUBEBUILDER_ASSETS`, the
convention of the ecosystem, may name a folder that holds some of them already.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control_plane.locks import locked

MODULES = Path(__file__).parent / "modules"
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
PROGRAMS = {
    "etcd": ("etcd",),
    "kwok": ("kwok",),
    "kubernetes": ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
}
RENAMED = {"server": "etcd"}
PROGRESS_SECONDS = 15


class BuildFailed(Exception):
    """A program could not be built; the message says which and what to do."""


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
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(f"{platform.system()}/{platform.machine()}".encode())
    for file in sorted(MODULES.glob("*/go.*")):
        digest.update(file.read_bytes())
    return root / "productionpolicy" / "control-plane" / digest.hexdigest()[:16]


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
    _say(f"building {module} from source (once; it is kept in {into})")
    with _scratch(into / f".{module}") as scratch:
        _compile(module, scratch)
        if module == "kwok":
            _copy_stages(into)
        for built in scratch.iterdir():
            built.rename(into / RENAMED.get(built.name, built.name))


def _compile(module: str, out: Path) -> None:
    started = time.monotonic()
    total = len(_go(module, "list", "-deps", "tool").split())
    command = ["go", "build", "-v", "-trimpath", "-ldflags", f"-s -w {_version_flags(module)}", "-o", f"{out}/", "tool"]
    process = subprocess.Popen(command, cwd=MODULES / module, env=_environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    tail = _follow(process.stderr, module=module, total=total, started=started)
    if process.wait() != 0:
        raise BuildFailed(f"go build of {module} failed:\n" + "\n".join(tail))
    _say(f"{module} built in {time.monotonic() - started:.0f} s")


def _follow(lines: Iterator[str], *, module: str, total: int, started: float) -> list[str]:
    """Print how far the build is, now and then; return its last lines for an error message."""
    tail: list[str] = []
    told = started
    for done, line in enumerate(lines, start=1):
        tail = [*tail[-20:], line.rstrip()]
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            _say(f"  {module}: {min(done, total)} of at most {total} packages, {told - started:.0f} s")
    return tail


def _version_flags(module: str) -> str:
    if module != "kubernetes":
        return ""
    version = _go(module, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes").strip()
    major, minor = version.removeprefix("v").split(".")[:2]
    package = "k8s.io/component-base/version"
    return f"-X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"


def _copy_stages(into: Path) -> None:
    source = Path(_go("kwok", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok").strip()) / "kustomize" / "stage"
    with _scratch(into / ".stages") as scratch:
        for stage in STAGES:
            for file in sorted((source / stage).glob("*.yaml")):
                if file.name != "kustomization.yaml":
                    shutil.copyfile(file, scratch / f"{stage.replace('/', '-')}-{file.name}")
        shutil.rmtree(into / "stages", ignore_errors=True)
        scratch.rename(into / "stages")


def _go(module: str, *arguments: str) -> str:
    done = subprocess.run(
        ["go", *arguments], cwd=MODULES / module, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(f"go {' '.join(arguments)} in {MODULES / module} failed:\n{done.stderr.strip()}")
    return done.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0"}


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        print(ensure().kubectl.parent)
    except BuildFailed as failure:
        sys.exit(f"error: {failure}")
