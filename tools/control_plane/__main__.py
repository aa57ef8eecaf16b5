"""Start a Kubernetes control plane on this machine that stays until it is stopped."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from control_plane.binaries import BuildFailed
from control_plane.locks import locked
from control_plane.plane import ControlPlane, KubectlFailed, StartFailed
from control_plane.session import INTERRUPTED

TOOLS = Path(__file__).parents[1]
DEFAULT_FOLDER = TOOLS.parent / ".control-plane"
EPILOG = """\
The first start builds the programs from source, which takes some minutes and needs Go; later ones take some seconds.
What goes to standard output is for the shell:

  eval "$(python -m control_plane)"
  kubectl get nodes
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    folder: Path = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(folder / ".lock"):
            if options.stop:
                return _stop(folder)
            return _start(folder, audit=options.audit)
    except (BuildFailed, KubectlFailed, StartFailed) as failure:
        _say(f"error: {failure}")
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
        "--audit", action="store_true", help="if it starts now: log each request to audit.log in the folder"
    )
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
        _say(f"No control plane runs in {folder}.")
        return 0
    plane.stop()
    _say(f"Stopped the control plane in {folder}. Its logs are in {folder / 'logs'}.")
    return 0


def _start(folder: Path, *, audit: bool) -> int:
    plane = ControlPlane.find(folder)
    if plane is not None and plane.whole:
        _say(f"The control plane in {folder} runs already.")
    else:
        if plane is not None:
            _say(f"A part of the control plane in {folder} has ended. Starting an empty one.")
            plane.stop()
        plane = ControlPlane.start(folder, audit=audit, detached=True)
        _say(f"Started a control plane in {folder}.")
    _tell(plane)
    return 0


def _tell(plane: ControlPlane) -> None:
    _say(f"Stop it with: {_stop_command(plane.folder)}")
    print(f"export KUBECONFIG={shlex.quote(str(plane.kubeconfig))}")
    print(f'export PATH="$PATH":{shlex.quote(str(plane.site.binaries.kubectl.parent))}')


def _stop_command(folder: Path) -> str:
    arguments = [sys.executable, "-m", "control_plane", "--stop", f"--folder={folder}"]
    return shlex.join(["env", f"PYTHONPATH={TOOLS}", *arguments])


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
