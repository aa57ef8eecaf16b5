"""What commands that run for minutes on a control plane of their own have in common."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from rich.console import Console

from control_plane.binaries import BuildFailed
from control_plane.operator_process import OperatorFailed
from control_plane.patience import NeverHappened
from control_plane.plane import KubectlFailed, StartFailed

FAILURES = (BuildFailed, KubectlFailed, NeverHappened, OperatorFailed, StartFailed)
"""What may go wrong with any control plane, and is told without a traceback."""

INTERRUPTED = 130
"""As shells count: 128 + SIGINT."""


def in_folder_of_its_own(name: str, work: Callable[[Path], int], *, failures: tuple[type[Exception], ...]) -> int:
    """Do the work in a folder of its own and return its exit code. The folder, with its logs, stays if that is not 0.

    Args:
        name: part of the name of the folder.
        work: takes the folder and returns an exit code.
        failures: what to tell without a traceback, beside what may go wrong with any control plane.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"productionpolicy-{name}-"))
    try:
        code = work(folder)
    except FAILURES + failures as failure:
        say(f"error: {failure}.")
        code = 1
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code in (0, INTERRUPTED):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"The logs are in {folder}.")
    return code


def interrupt_once() -> None:
    """Have SIGTERM and SIGINT raise KeyboardInterrupt, but only once: another one must not interrupt the cleanup."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def console(*, width: int) -> Console:
    """Return what prints tables on standard output, so wide where that is no terminal."""
    terminal = Console(highlight=False, markup=False)
    return terminal if terminal.is_terminal else Console(width=width, highlight=False, markup=False)


def say(message: str) -> None:
    """Tell on standard error how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)
