"""`python -m compat`: run the cluster tests against each supported release of Kubernetes.

Each release is built from its Go modules once, which takes some minutes. What a release does not serve is skipped by
the name of the missing capability, and counted; everything else has to pass.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from compat.areas import Area, Count, counted
from compat.page import write
from control_plane import kubernetes
from control_plane.binaries import KUBERNETES, BuildFailed
from control_plane.installation import REPOSITORY
from control_plane.kubernetes import Release
from control_plane.session import say

TESTS = ("tests/cluster", "tests/install")
OF_ONE_RELEASE = ("test_chaos.py", "test_demo.py", "test_proof.py")
"""Tests of what does not depend on the API server: faults around the operator, the demonstration, real nodes."""


def main() -> int:
    """Run the command and return its exit code: 1 if a test failed on any release."""
    options = _parser().parse_args()
    try:
        chosen = [kubernetes.previous()] if options.previous else _chosen(options.version)
        return max([_run(each, options) for each in chosen], default=0)
    except BuildFailed as failure:
        say(f"error: {failure}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compat", description=__doc__)
    known = ", ".join(each.minor for each in kubernetes.releases())
    versions = parser.add_mutually_exclusive_group()
    versions.add_argument("--version", action="append", help=f"only this minor version; may be given again ({known})")
    versions.add_argument("--previous", action="store_true", help="only the minor version before the newest")
    parser.add_argument("--write", action="store_true", help="write the results to docs/compatibility.md")
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest, after --")
    return parser


def _chosen(versions: Sequence[str] | None) -> list[Release]:
    """Return the releases to try, the newest first.

    Raises:
        BuildFailed: one of them is not known.
    """
    known = {each.minor: each for each in kubernetes.releases()}
    unknown = [each for each in versions or () if each not in known]
    if unknown:
        raise BuildFailed(f"{', '.join(unknown)}: no such minor version is pinned. Choose from {', '.join(known)}")
    return [release for minor, release in known.items() if not versions or minor in versions]


def _run(release: Release, options: argparse.Namespace) -> int:
    release.ensure(*KUBERNETES)
    say(f"Kubernetes {release.version}: running the cluster tests")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="productionpolicy-compat-") as folder:
        results = Path(folder) / "results.xml"
        code = _pytest(release, results, options.pytest)
        counts = counted(results)
    say(f"Kubernetes {release.version}: {_told(counts)}, {time.monotonic() - started:.0f} s")
    if options.write:
        write(release, counts)
    return int(code != 0)


def _pytest(release: Release, results: Path, arguments: Sequence[str]) -> int:
    ignored = [f"--ignore=tests/cluster/{name}" for name in OF_ONE_RELEASE]
    parallel = ["-n", "2", "--dist=loadfile", "--no-loadscope-reorder"]
    how = ["-q", *parallel, "-m", "not slow and not exhaustive", f"--junitxml={results}"]
    command = [sys.executable, "-m", "pytest", *how, *ignored, *arguments, *TESTS]
    environment = {**os.environ, kubernetes.VARIABLE: release.version}
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


def _told(counts: dict[Area, Count]) -> str:
    whole = sum(counts.values(), start=Count())
    return f"{whole.passed} passed, {whole.failed} failed, {whole.not_served} not served"


if __name__ == "__main__":
    sys.exit(main())
