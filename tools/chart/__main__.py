"""`python -m chart`: lint the chart with Helm 3 and Helm 4, and package it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from chart.files import CHART
from control_plane import kubernetes
from control_plane.go_build import BuildFailed
from helm.programs import HELM_3, HELM_4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 1 if Helm finds fault with the chart."""
    parser = argparse.ArgumentParser(prog="python -m chart", description=__doc__)
    parser.add_argument("--destination", type=Path, default=Path("dist"), help="the folder for the packaged chart")
    options = parser.parse_args(arguments)
    newest = f"--kube-version={kubernetes.newest().version}"
    try:
        helms = [each.ensure() for each in (HELM_3, HELM_4)]
        for helm in helms:
            subprocess.run([helm, "lint", "--strict", "--quiet", newest, CHART], check=True)
        subprocess.run([helms[-1], "package", CHART, f"--destination={options.destination}"], check=True)
    except (BuildFailed, subprocess.CalledProcessError) as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
