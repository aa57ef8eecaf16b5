"""The plugin that krew installs: the archive is what the manifest says, and runs the package of the same version."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.places import version
from release.plugin import PROGRAM, build

ROOT = Path(__file__).parents[2]
HOMEPAGE = "https://github.com/example/productionpolicy"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return build(ROOT, homepage=HOMEPAGE, into=tmp_path)[0]


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(build(ROOT, homepage=f"{HOMEPAGE}/", into=tmp_path)[1].read_text())
    return found


def test_the_manifest_names_the_archive_of_its_release(archive: Path, manifest: dict[str, Any]) -> None:
    [platform] = manifest["spec"]["platforms"]
    present = version(ROOT)
    assert manifest["spec"]["version"] == f"v{present}"
    assert manifest["spec"]["homepage"] == HOMEPAGE
    assert platform["uri"] == f"{HOMEPAGE}/releases/download/v{present}/{archive.name}"
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()


def test_the_archive_holds_the_program_that_the_manifest_runs(archive: Path, manifest: dict[str, Any]) -> None:
    [platform] = manifest["spec"]["platforms"]
    with tarfile.open(archive) as opened:
        modes = {each.name: each.mode for each in opened.getmembers()}
    assert modes == {platform["bin"]: 0o755, "LICENSE": 0o644}


def test_the_same_source_gives_the_same_archive(archive: Path, tmp_path: Path) -> None:
    again, _ = build(ROOT, homepage=HOMEPAGE, into=tmp_path / "again")
    assert again.read_bytes() == archive.read_bytes()


def test_the_program_runs_the_package_of_its_version(archive: Path, tmp_path: Path) -> None:
    """uv downloads the package, so its place is taken by a program that tells how it is called."""
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (tmp_path / "uvx").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "uvx").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [tmp_path / PROGRAM, "check", "--live"], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"--from productionpolicy=={version(ROOT)} productionpolicy check --live\n"
