"""One run of a program, measured."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class RunFailed(Exception):
    """A program did not do what is measured; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run took."""

    seconds: float
    cpu_seconds: float
    """What other programs disturb less."""
    rss_peak_bytes: int
    """Not below what this process held before, for Linux counts the moment before the program is loaded."""


def run(command: Sequence[str | Path], *, folder: Path, environment: dict[str, str]) -> Measurement:
    """Run a program to its end; findings are none of our business.

    Raises:
        RunFailed: it could not read what it was given, or crashed.
    """
    with tempfile.TemporaryFile() as errors:
        taken, code = measured(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
    if said or code not in (0, 1):
        raise RunFailed(f"{Path(command[0]).name} ended with {code}: {said[-500:]}")
    return taken


def measured(command: Sequence[str | Path], **how: Any) -> tuple[Measurement, int]:
    """Run a program to its end, and return what it took and its exit code; `how` is as of `subprocess.Popen`."""
    started = time.perf_counter()
    process = subprocess.Popen(command, **how)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)  # it is waited for; Popen need not
    return Measurement(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024), process.returncode
