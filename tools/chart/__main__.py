"""`python -m chart`: lint the chart with Helm 3 and Helm 4, and package it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from chart.files import CHART
from control_plane import kubernetes
from control_plane.go_build import BuildFailed
from helm.programs import HELM_3, HELM_4


def main() -> int:
    """Run the command and return its exit code: 1 if Helm finds fault with the chart."""
    parser = argparse.ArgumentParser(prog="python -m chart", description=__doc__)
    parser.add_argument("--destination", type=Path, default=Path("dist"), help="the folder for the packaged chart")
    parser.add_argument(
        "--image", default="", help="the default image.repository of the packaged chart, with its registry"
    )
    options = parser.parse_args()
    newest = f"--kube-version={kubernetes.newest().version}"
    try:
        helms = [each.ensure() for each in (HELM_3, HELM_4)]
        for helm in helms:
            subprocess.run([helm, "lint", "--strict", "--quiet", newest, CHART], check=True)
        package(helms[-1], into=options.destination, image=options.image)
    except (BuildFailed, subprocess.CalledProcessError) as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


def package(helm: Path, *, into: Path, image: str = "") -> None:
    """Package the chart.

    Args:
        helm: the program.
        into: the folder for the package.
        image: the default image.repository, with its registry. Empty: as in values.yaml.

    Raises:
        CalledProcessError: Helm refuses.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(CHART, Path(folder) / CHART.name))
        if image:
            values = copy / "values.yaml"
            values.write_text(
                values.read_text().replace("\n  repository: productionpolicy\n", f"\n  repository: {image}\n")
            )
        subprocess.run([helm, "package", copy, f"--destination={into}"], check=True)


if __name__ == "__main__":
    sys.exit(main())
