"""kube-score, built once from a pinned Go module into a cache; the module names it in its `tool` block."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from control_plane.locks import locked

MODULE = Path(__file__).parent / "modules" / "kube-score"
NAME = "kube-score"


class BuildFailed(Exception):
    """kube-score could not be built; the message says why and what to do."""


def ensure() -> Path:
    """Return the program, building it if it is missing.

    Raises:
        BuildFailed: Go is missing, or the module does not build.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / ".lock"):
        if not (cache / NAME).is_file():
            _build(cache)
    return cache / NAME


def cache_folder() -> Path:
    """Return the folder of the program that belongs to the module as it is now."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(f"{platform.system()}/{platform.machine()}".encode())
    for file in sorted(MODULE.glob("go.*")):
        digest.update(file.read_bytes())
    return root / "productionpolicy" / "bench-check" / digest.hexdigest()[:16]


def version() -> str:
    """Return the version that the module pins."""
    line = next(line for line in (MODULE / "go.mod").read_text().splitlines() if "/zegl/kube-score v" in line)
    return line.split()[1].removeprefix("v")


def _build(cache: Path) -> None:
    if shutil.which("go") is None:
        raise BuildFailed("Go is needed to build kube-score, which is measured beside. Install Go 1.26 or newer")
    print(f"building kube-score from source (once; it is kept in {cache})", file=sys.stderr, flush=True)
    unfinished = cache / ".unfinished"
    command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), "tool"]
    done = subprocess.run(
        command, cwd=MODULE, env={**os.environ, "CGO_ENABLED": "0"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(f"go build of kube-score failed:\n{done.stderr.strip()}")
    unfinished.rename(cache / NAME)
