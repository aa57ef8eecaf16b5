"""Programs that the machine has, or that its distribution has: taken from packages, without installing these.

The packages of Debian and its relatives are downloaded and unpacked into the cache. The lists of packages go there,
too, so that those of the machine stay as they are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from control_plane.go_build import BuildFailed, cache_folder, say, scratch
from control_plane.locks import locked

SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where programs for root are; the PATH of a user may lack them."""


class NotAvailable(BuildFailed):
    """The machine lacks a program, and it cannot be downloaded; the message says which."""


_LIBRARY = re.compile(r"lib[a-z0-9+.-]+")


def installed_or_unpacked(program: str, *, package: str, beside: Sequence[str] = (), inside: str = "") -> Path:
    """Return a program, from a package of the distribution if the machine lacks it.

    Args:
        program: its name.
        package: the package that has it.
        beside: other packages that are unpacked beside it.
        inside: the end of its path in the package, if it is not in a folder of programs.

    Raises:
        NotAvailable: there is no such package, or nothing to download it with.
    """
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}")
    if found:
        return Path(found).resolve()
    cache = cache_folder("proof", [Path("/etc/os-release")]) / package
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / ".lock"):
        starter = cache / program
        if not starter.is_file():
            _unpack(program, packages=(package, *beside), into=cache)
            _write_starter(program, inside=inside or f"*bin/{program}", into=cache)
    return starter


def _unpack(program: str, *, packages: Sequence[str], into: Path) -> None:
    package = packages[0]
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise NotAvailable(f"{program} is missing, and there is no apt-get to download it with. Install {package}")
    say(f"downloading {package} from the distribution (once; kept in {into})")
    with scratch(into / ".lists") as lists, scratch(into / ".downloads") as downloads:
        _update(lists)
        needed = _missing_libraries(package, lists=lists)
        _run(["apt-get", *_options(lists), "download", *packages, *needed], folder=downloads)
        for archive in sorted(downloads.glob("*.deb")):
            _run(["dpkg", "-x", str(archive), str(into / "root")], folder=into)


def _update(lists: Path) -> None:
    (lists / "partial").mkdir()
    (lists / "archives" / "partial").mkdir(parents=True)
    _run(["apt-get", *_options(lists), "update"], folder=lists)


def _options(lists: Path) -> list[str]:
    folders = {"Dir::State::lists": lists, "Dir::Cache": lists, "APT::Sandbox::User": "root"}
    return ["-q", *(f"-o{key}={value}" for key, value in folders.items())]


def _missing_libraries(package: str, *, lists: Path) -> list[str]:
    """Return those packages of libraries, of all that a package needs, which are not installed."""
    answer = _run(["apt-get", *_options(lists), "--simulate", "--no-install-recommends", "install", package])
    return sorted(name for name in _to_be_installed(answer) if _LIBRARY.fullmatch(name))


def _to_be_installed(answer: str) -> Iterator[str]:
    for line in answer.splitlines():
        if line.startswith("Inst "):
            yield line.split()[1]


def _write_starter(program: str, *, inside: str, into: Path) -> None:
    """Write what starts the program with the libraries beside it."""
    root = into / "root"
    real = next((each for each in sorted(root.rglob(inside)) if each.is_file()), None)
    if real is None:
        raise NotAvailable(f"The package that should hold {program} does not. Install {program}")
    libraries = sorted({str(each.parent) for each in root.rglob("lib*.so*")})
    path = f'LD_LIBRARY_PATH="{":".join(libraries)}" ' if libraries else ""
    starter = into / f".{program}"
    starter.write_text(f'#!/bin/sh\n{path}exec "{real}" "$@"\n')
    starter.chmod(0o755)
    starter.rename(into / program)


def _run(command: list[str], *, folder: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotAvailable(f"{' '.join(command[:1])} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
