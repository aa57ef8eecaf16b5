"""The releases of Kubernetes that the project is tested with, and how to build their programs from Go modules.

`k8s.io/kubernetes` requires its staging modules (`k8s.io/api` and about thirty others) at v0.0.0 and cannot be built
from outside as it is published. The recipe takes its `go.mod`, puts the published versions of the staging modules in
place of v0.0.0, and requires the release itself. Every checksum is pinned: a file in `modules/kubernetes/` holds those
of the release and its staging modules, and the release brings its own `go.sum` for the rest.

`python -m control_plane.kubernetes 1.38.0` pins another release, in place of the one of the same minor version.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from control_plane.go_build import BuildFailed, build, cache_folder, go, kept, say, scratch

PINNED = Path(__file__).parent / "modules" / "kubernetes"
MODULE = "k8s.io/kubernetes"
VARIABLE = "KUBERNETES_VERSION"
"""The environment variable that chooses a release, as a minor version (1.36) or a version (1.36.3)."""

_STAGING = re.compile(r"^\s+(k8s\.io/\S+) v0\.0\.0$", re.MULTILINE)
_LOCAL = re.compile(r"^\s+\S+ => \./staging/\S+$", re.MULTILINE)
_PINNED_STAGING = re.compile(r"^(k8s\.io/\S+) (v0\.[^\s/]+) h1:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Release:
    """One pinned release.

    Attributes:
        sums: the file with the checksums of its modules, named after the version.
    """

    sums: Path

    @property
    def version(self) -> str:
        """The version without the v, such as 1.37.2."""
        return self.sums.stem

    @property
    def minor(self) -> str:
        """The minor version, such as 1.37."""
        return self.version.rpartition(".")[0]

    @property
    def folder(self) -> Path:
        """The folder in the cache that holds the programs of this release."""
        return cache_folder(f"kubernetes-{self.version}", [self.sums])

    def ensure(self, *programs: str) -> Path:
        """Return the folder with these programs, building those that are missing.

        Args:
            programs: folders below `cmd/` of Kubernetes, such as kube-apiserver.

        Raises:
            BuildFailed: Go is missing, a module cannot be had or has another checksum, or the build fails.
        """
        missing = [name for name in programs if not (self.folder / name).is_file()]
        return kept(self.folder, missing, lambda folder: self._build(missing, into=folder))

    def _build(self, programs: list[str], *, into: Path) -> None:
        with scratch(self.folder / ".module") as module:
            _write_module(module, version=self.version, sums=self.sums.read_text())
            build(module, into, packages=[f"{MODULE}/cmd/{name}" for name in programs])


def releases() -> list[Release]:
    """Return the pinned releases, the newest first."""
    return sorted(map(Release, PINNED.glob("*.sum")), key=lambda each: _ordered(each.version), reverse=True)


def newest() -> Release:
    """Return the newest release, on which everything runs unless another is chosen."""
    return releases()[0]


def previous() -> Release:
    """Return the release before the newest."""
    return releases()[1]


def chosen() -> Release:
    """Return the release that the environment chooses, or else the newest.

    Raises:
        BuildFailed: no such release is pinned.
    """
    asked = os.environ.get(VARIABLE, "")
    if not asked:
        return newest()
    found = next((each for each in releases() if asked.removeprefix("v") in (each.minor, each.version)), None)
    if found is None:
        known = ", ".join(each.version for each in releases())
        raise BuildFailed(f"{VARIABLE}={asked} names no release that is pinned here. Choose one of {known}")
    return found


def pin(version: str) -> Path:
    """Write the checksums of a release, in place of those of another patch release, and return their file.

    Raises:
        BuildFailed: there is no such release, or a module does not match the checksum database.
    """
    release = _download(MODULE, f"v{version}")
    staging = _STAGING.findall(Path(release["GoMod"]).read_text())
    modules = [release, *(_published(name, version) for name in staging)]
    lines = [line for each in modules for line in _checksums(each)]
    file = PINNED / f"{version}.sum"
    for other in PINNED.glob(f"{Release(file).minor}.*.sum"):
        other.unlink()
    file.write_text("".join(f"{line}\n" for line in sorted(lines)))
    return file


def _write_module(folder: Path, *, version: str, sums: str) -> None:
    """Write `go.mod` and `go.sum` of a module that builds the programs of a release."""
    # Outside of any module the checksum database vouches for the download; the build then compares it with the pin.
    release = _download(MODULE, f"v{version}")
    if f"{MODULE} v{version} {release['Sum']}\n" not in sums:
        raise BuildFailed(f"{MODULE} v{version} has another checksum than the one that is pinned")
    published = Path(release["GoMod"]).read_text().replace(f"module {MODULE}", "module productionpolicy.dev/kubernetes")
    text = _STAGING.sub(rf"\t\1 {_staged(version)}", _LOCAL.sub("", published))
    replaced = "".join(f"\t{name} => {name} {staged}\n" for name, staged in _PINNED_STAGING.findall(sums))
    (folder / "go.mod").write_text(f"{text}\nrequire {MODULE} v{version}\n\nreplace (\n{replaced})\n")
    (folder / "go.sum").write_text((Path(release["Dir"]) / "go.sum").read_text() + sums)


def _published(module: str, version: str) -> dict[str, str]:
    """Download a staging module of a release, or of the latest patch release before it where that one cannot be had."""
    minor, _, patch = version.rpartition(".")
    for earlier in range(int(patch), -1, -1):
        try:
            return _download(module, _staged(f"{minor}.{earlier}"))
        except BuildFailed:
            say(f"{module} {_staged(f'{minor}.{earlier}')} cannot be had; trying the patch release before it")
    raise BuildFailed(f"no {module} can be had for {version}")


def _download(module: str, version: str) -> dict[str, str]:
    if shutil.which("go") is None:
        raise BuildFailed("Go is needed to build Kubernetes. Install Go 1.26 or newer")
    found: dict[str, str] = json.loads(go(Path("/"), "mod", "download", "-json", f"{module}@{version}"))
    return found


def _checksums(module: dict[str, str]) -> tuple[str, str]:
    name = f"{module['Path']} {module['Version']}"
    return f"{name} {module['Sum']}", f"{name}/go.mod {module['GoModSum']}"


def _staged(version: str) -> str:
    """Return the version of the staging modules: those of 1.37.2 are published as 0.37.2."""
    return f"v0.{version.partition('.')[2]}"


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


if __name__ == "__main__":
    try:
        print(*map(pin, sys.argv[1:]), sep="\n")
    except BuildFailed as failure:
        sys.exit(f"error: {failure}")
