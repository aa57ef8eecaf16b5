"""`python -m bench.live` measures `check --live -A` on a cluster with many workloads, beside the API server."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from bench.field import Field, NotExact, prepared
from control_plane.session import console, in_folder_of_its_own, say

AIM_SECONDS, AIM_MEGABYTES = 60, 400
COMMAND = (sys.executable, "-m", "productionpolicy", "check", "--live", "-A", "-o", "json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description="Measure the check of a live cluster.")
    parser.add_argument("--scale", type=int, default=10_000, help="how many Deployments (default: 10000)")
    options = parser.parse_args(arguments)
    return in_folder_of_its_own("bench-live", lambda folder: _run(folder, options.scale), failures=(NotExact,))


def _run(folder: Path, scale: int) -> int:
    with prepared(folder, scale=scale) as field:
        say(f"creating {field.size} workloads on a fresh API server")
        asyncio.run(field.seed())
        _tell(field, *_checked(field, folder / "report.json"))
    return 0


def _checked(field: Field, report: Path) -> tuple[float, float, int]:
    """Check the cluster; return seconds, CPU time in seconds, and the peak memory in bytes."""
    with report.open("wb") as out:
        started = time.monotonic()
        environment = {**os.environ, "KUBECONFIG": str(field.plane.kubeconfig)}
        process = subprocess.Popen(COMMAND, stdout=out, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # it is waited for; Popen need not
    judged = report.read_bytes().count(b'"verdicts"')
    if process.returncode != 1 or judged < field.size:
        raise NotExact(f"the check ended with {process.returncode} after {judged} of {field.size} workloads")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _tell(field: Field, seconds: float, cpu_seconds: float, peak: int) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in ("WORKLOADS", "SECONDS", "CPU SECONDS", "PEAK MEMORY", "AIM"):
        table.add_column(column, no_wrap=True)
    aim = f"{AIM_SECONDS} s, {AIM_MEGABYTES} MB"
    table.add_row(str(field.size), f"{seconds:.1f}", f"{cpu_seconds:.1f}", f"{peak / 1e6:.0f} MB", aim)
    console(width=100).print(table)


if __name__ == "__main__":
    sys.exit(main())
