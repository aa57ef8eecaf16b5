"""A base from the packages of the distribution, for machines that reach no registry of images."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from control_plane.go_build import cache_folder, say, scratch
from control_plane.locks import locked
from image.builders import NotBuilt
from proof import images

NAME = "localhost/productionpolicy-base:trixie"
SUITE = "trixie"
"""Debian 13, with Python 3.13."""

PACKAGES = "ca-certificates,python3-venv"
MIRROR = "http://deb.debian.org/debian"
DAY_SECONDS = 24 * 60 * 60
FRESH_SECONDS = 7 * DAY_SECONDS
"""After that the packages have missed too many security updates."""


def archive(*, mirror: str = MIRROR, now: float | None = None) -> Path:
    """Return an archive of the base, made by debootstrap unless there is one of the last days in the cache.

    Raises:
        NotBuilt: debootstrap is missing or fails, or somebody else than root calls it.
    """
    cache = cache_folder("image", ())
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / f"{SUITE}.tar"
    with locked(cache / ".lock"):
        age = (time.time() if now is None else now) - file.stat().st_mtime if file.is_file() else FRESH_SECONDS
        if age < FRESH_SECONDS:
            say(f"the base is {age / DAY_SECONDS:.0f} days old; to make a new one, delete {file}")
        else:
            _make(file, mirror=mirror)
    return file


def missing() -> str:
    """Return what keeps this machine from making the base, in a sentence; nothing if it can."""
    if shutil.which("debootstrap") is None:
        return "the program debootstrap is missing, which makes a base from packages. Install the package debootstrap"
    if os.geteuid() != 0:
        return "debootstrap, which makes a base from packages, needs root"
    return ""


def _make(file: Path, *, mirror: str) -> None:
    lacking = missing()
    if lacking:
        raise NotBuilt(lacking)
    say(f"making a base from the packages of Debian {SUITE} at {mirror} (takes minutes; kept in {file})")
    with scratch(file.with_suffix(".root")) as root:
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root), mirror]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()[-5:]
            raise NotBuilt("debootstrap failed:\n" + "\n".join(lines))
        (layer := file.with_suffix(".layer")).unlink(missing_ok=True)
        subprocess.run(["tar", "-C", str(root), "-cf", str(layer), "--exclude=./dev/*", "."], check=True)
        unfinished = file.with_suffix(".unfinished")
        images.write_image(unfinished, layer=layer.read_bytes(), program=root / "usr/bin/python3.13", tag=NAME)
        layer.unlink()
    unfinished.rename(file)
