"""What commands that run for minutes on a control plane of their own have in common."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from control_plane.binaries import BuildFailed
from control_plane.locks import locked
from control_plane.operator_process import OperatorFailed
from control_plane.patience import NeverHappened
from control_plane.plane import ControlPlane, KubectlFailed, RequestFailed, StartFailed

FAILURES = (BuildFailed, KubectlFailed, NeverHappened, OperatorFailed, RequestFailed, StartFailed)
"""What may go wrong with any control plane, and is told without a traceback."""

LOGS = ("logs", "plane")
SIGNALS = (signal.SIGTERM, signal.SIGINT)
INTERRUPTED = 130
"""As shells count: 128 + SIGINT."""


def carry_out(parser: argparse.ArgumentParser, work: Callable[[Path, argparse.Namespace], int | None]) -> NoReturn:
    """Do the work of a program in a folder of its own, and end with its exit code.

    The folder, with its logs, stays if that is not 0. A second interruption does not disturb the cleanup.

    Args:
        parser: of its options; its name is part of the name of the folder.
        work: takes the folder and the options, and returns an exit code; None is 0.
    """
    options, started = parser.parse_args(), time.monotonic()
    interrupt_once()
    folder = Path(tempfile.mkdtemp(prefix=f"productionpolicy-{parser.prog.rpartition(' ')[2]}-"))
    try:
        code = work(folder, options) or 0
        say(f"finished in {time.monotonic() - started:.0f} s")
    except FAILURES as failure:
        say(f"error: {failure}.")
        code = 1
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code in (0, INTERRUPTED):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"The logs are in {folder}.")
    sys.exit(code)


def in_folder(folder: Path, work: Callable[[], int]) -> int:
    """Do the work in a folder that one process uses at a time, and return its exit code.

    Logs stay there only if something went wrong. A second interruption does not disturb the cleanup.
    """
    interrupt_once()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):
        clear_logs(folder)
        try:
            code = told(folder, work)
        except KeyboardInterrupt:
            complain("interrupted; nothing is left running")
            code = INTERRUPTED
        if code in (0, INTERRUPTED):
            clear_logs(folder)
    return code


def told(folder: Path, work: Callable[[], int]) -> int:
    """Return the exit code of the work: 1 after a failure, which is told, with where the logs are."""
    try:
        return work()
    except FAILURES as failure:
        logs = f"\nThe logs are in {folder}." if any((folder / each).exists() for each in LOGS) else ""
        complain(f"error: {failure}{logs}")
        return 1


def clear_logs(folder: Path) -> None:
    """Remove what nodes and control plane have left in a folder."""
    for each in LOGS:
        shutil.rmtree(folder / each, ignore_errors=True)


def console(*, width: int) -> Console:
    """Return what prints tables on standard output, so wide where that is no terminal."""
    terminal = Console(highlight=False, markup=False)
    return terminal if terminal.is_terminal else Console(width=width, highlight=False, markup=False)


def interrupt_once() -> None:
    """Let SIGTERM and SIGINT interrupt this program, even where a shell has it ignore one of them, but only once.

    Another one must not interrupt the cleanup.
    """
    for each in SIGNALS:
        signal.signal(each, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(message: str) -> None:
    """Tell on standard error how far it is."""
    complain(f"{time.strftime('%H:%M:%S')} {message}")


def complain(message: str) -> None:
    """Tell on standard error what a person should know, and nobody else."""
    print(message, file=sys.stderr, flush=True)


def stop_command(program: str, folder: Path) -> str:
    """Return the shell command that stops what a program has left running in a folder."""
    command = [sys.executable, "-m", program, "--stop", f"--folder={folder}"]
    return shlex.join(["env", f"PYTHONPATH={Path(__file__).parents[1]}", *command])


def shell_settings(plane: ControlPlane) -> tuple[str, str]:
    """Return the shell commands that let a person look around in a control plane."""
    kubeconfig, programs = str(plane.kubeconfig), str(plane.site.binaries.kubectl.parent)
    return f"export KUBECONFIG={shlex.quote(kubeconfig)}", f'export PATH="$PATH":{shlex.quote(programs)}'
