"""Building programs from the Go modules of this repository, with progress for the person who waits."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from control_plane.locks import locked

PROGRESS_SECONDS = 15
TOOLS = "tool"
"""To Go, all packages that the `tool` block of a module names."""

_KUBERNETES = "k8s.io/kubernetes"


class BuildFailed(Exception):
    """A program could not be built; the message says which and what to do."""


def cache_folder(purpose: str, files: Iterable[Path]) -> Path:
    """Return the folder in the cache for what is made of these files as they are now, on this kind of machine."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(f"{platform.system()}/{platform.machine()}".encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return root / "productionpolicy" / purpose / digest.hexdigest()[:16]


def build(module: Path, out: Path, *, packages: Sequence[str] = (TOOLS,), tags: Sequence[str] = ()) -> None:
    """Build the packages of a module into a folder.

    Raises:
        BuildFailed: Go is missing, or the module does not build.
    """
    if shutil.which("go") is None:
        raise BuildFailed(f"Go is needed to build {module.name}. Install Go 1.26 or newer")
    started = time.monotonic()
    tagged = f"-tags={','.join(tags)}"
    total = len(go(module, "list", tagged, "-deps", *packages).split())
    flags = f"-s -w {_version_flags(module)}"
    command = ["go", "build", "-v", "-trimpath", tagged, "-ldflags", flags, "-o", f"{out}/", *packages]
    process = subprocess.Popen(command, cwd=module, env=_environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    tail = _follow(process.stderr, module=module.name, total=total, started=started)
    if process.wait() != 0:
        raise BuildFailed(f"go build of {module.name} failed:\n" + "\n".join(tail))
    say(f"{module.name} built in {time.monotonic() - started:.0f} s")


def go(module: Path, *arguments: str) -> str:
    """Return what a go command prints in the folder of a module.

    Raises:
        BuildFailed: it ended with an error.
    """
    done = subprocess.run(
        ["go", *arguments], cwd=module, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(f"go {' '.join(arguments)} in {module} failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def kept(cache: Path, names: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Return a folder of the cache once it holds what is named, made by one process while others wait for it.

    Args:
        cache: the folder.
        names: the files and folders in it.
        make: puts what is named into an empty folder, from which it is moved once all of it is there.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / ".lock"):
        if not all((cache / each).exists() for each in names):
            say(f"building {', '.join(names)} from source (once; kept in {cache})")
            with scratch(cache / ".unfinished") as unfinished:
                make(unfinished)
                for each in unfinished.iterdir():
                    shutil.rmtree(cache / each.name, ignore_errors=True)  # a folder that is not empty is not replaced
                    each.replace(cache / each.name)
    return cache


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Lend an empty folder, which is gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def say(message: str) -> None:
    """Tell the person who waits."""
    print(message, file=sys.stderr, flush=True)


def _follow(lines: Iterator[str], *, module: str, total: int, started: float) -> list[str]:
    """Print how far the build is, now and then; return its last lines for an error message."""
    tail: list[str] = []
    told = started
    for done, line in enumerate(lines, start=1):
        tail = [*tail[-20:], line.rstrip()]
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            say(f"  {module}: {min(done, total)} of at most {total} packages, {told - started:.0f} s")
    return tail


def _version_flags(module: Path) -> str:
    """Return what lets the programs of Kubernetes know their version; elsewhere nothing."""
    if f"{_KUBERNETES} v" not in (module / "go.mod").read_text():
        return ""
    version = go(module, "list", "-m", "-f", "{{.Version}}", _KUBERNETES).strip()
    major, minor = version.removeprefix("v").split(".")[:2]
    package = "k8s.io/component-base/version"
    return f"-X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0"}
