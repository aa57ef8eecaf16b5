"""Start a Kubernetes control plane on this machine that stays until it is stopped."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from control_plane.binaries import BuildFailed
from control_plane.locks import locked
from control_plane.plane import ControlPlane, KubectlFailed, StartFailed
from control_plane.session import INTERRUPTED, complain, shell_settings, stop_command

DEFAULT_FOLDER = Path(__file__).parents[2] / ".control-plane"
EPILOG = """\
The first start builds the programs from source, which takes some minutes and needs Go; later ones take some seconds.
What goes to standard output is for the shell:

  eval "$(python -m control_plane)"
  kubectl get nodes
"""


def main() -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args()
    folder: Path = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(folder / ".lock"):
            if options.stop:
                return _stop(folder)
            return _start(folder)
    except (BuildFailed, KubectlFailed, StartFailed) as failure:
        complain(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m control_plane",
        description="Start a Kubernetes control plane with four fake nodes that stays, or reuse the running one.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stop", action="store_true", help="stop it, if it runs; the logs stay")
    parser.add_argument(
        "--folder",
        type=Path,
        default=DEFAULT_FOLDER,
        help="where its state, logs and credentials are (default: .control-plane in the repository)",
    )
    return parser


def _stop(folder: Path) -> int:
    plane = ControlPlane.find(folder)
    if plane is None:
        complain(f"No control plane runs in {folder}.")
        return 0
    plane.stop()
    complain(f"Stopped the control plane in {folder}. Its logs are in {folder / 'logs'}.")
    return 0


def _start(folder: Path) -> int:
    plane = ControlPlane.find(folder)
    if plane is not None and plane.whole:
        complain(f"The control plane in {folder} runs already.")
    else:
        if plane is not None:
            complain(f"A part of the control plane in {folder} has ended. Starting an empty one.")
            plane.stop()
        plane = ControlPlane.start(folder, detached=True)
        complain(f"Started a control plane in {folder}.")
    _tell(plane)
    return 0


def _tell(plane: ControlPlane) -> None:
    complain(f"Stop it with: {stop_command('control_plane', plane.site.folder)}")
    print(*shell_settings(plane), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
