"""The programs of a node, and the service that runs on it: built or unpacked once, into a cache."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from control_plane import binaries, kubernetes
from control_plane.go_build import TOOLS, BuildFailed, build, cache_folder, kept, say
from proof.packages import NotAvailable, installed_or_unpacked
from proof.requirements import missing

MODULES = Path(__file__).parent / "modules"
NODE = ("kube-proxy", "kubelet")
CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
CNI = ("bridge", "host-local", "loopback")
SERVICE = ("pause", "web")


@dataclass(frozen=True, slots=True)
class Programs:
    """Folders, each with the programs that its module, release or package gives."""

    node: Path
    containerd: Path
    cni: Path
    service: Path
    runc: Path
    """The program itself, as is the next."""
    nft: Path


def ensure() -> Programs:
    """Return all programs, building what is missing.

    Raises:
        BuildFailed: something is missing, does not build or cannot be downloaded.
    """
    binaries.ensure()
    return Programs(
        node=kubernetes.chosen().ensure(*NODE),
        containerd=_built("containerd", CONTAINERD),
        cni=_built("cni", CNI),
        service=service(),
        runc=installed_or_unpacked("runc", package="runc"),  # these two cannot be built without a C library
        nft=installed_or_unpacked("nft", package="nftables"),
    )


def service() -> Path:
    """Return the folder of the web service, which needs nothing but Go."""
    return _built("service", SERVICE, packages=("./...",))


def _built(name: str, programs: tuple[str, ...], *, packages: Sequence[str] = (TOOLS,)) -> Path:
    module = MODULES / name
    cache = cache_folder("proof", [file for file in module.rglob("*") if file.is_file()])
    return kept(cache, programs, lambda folder: build(module, folder, packages=packages))


def _main() -> int:
    """Build what this machine has a use for, and tell where it has none."""
    lacking = missing()
    if lacking:
        say(f"not built: the programs of real nodes, since {lacking}")
        return 0
    try:
        ensure()
    except NotAvailable as failure:
        say(f"not complete: the programs of real nodes. {failure}")
    except BuildFailed as failure:
        say(f"error: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
