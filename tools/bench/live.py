"""`python -m bench.live` measures `check --live -A` on a cluster with many workloads, beside the API server."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.field import Field, prepared
from bench.options import scaled
from control_plane.patience import insist
from control_plane.session import carry_out, say
from testbed.tables import Table

AIM_SECONDS, AIM_MEGABYTES = 60, 400
COMMAND = (sys.executable, "-m", "productionpolicy", "check", "--live", "-A", "-o", "json")


def _run(folder: Path, options: argparse.Namespace) -> None:
    with prepared(folder, scale=options.scale) as field:
        say(f"creating {field.size} workloads on a fresh API server")
        asyncio.run(field.seed())
        _tell(field, *_checked(field, folder / "report.json"))


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
    ended = f"the check ended with {process.returncode} after {judged} of {field.size} workloads"
    insist(process.returncode == 1 and judged >= field.size, ended)
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _tell(field: Field, seconds: float, cpu_seconds: float, peak: int) -> None:
    columns = ("WORKLOADS", "SECONDS", "CPU SECONDS", "PEAK MEMORY", "AIM")
    aim = f"{AIM_SECONDS} s, {AIM_MEGABYTES} MB"
    Table(columns, [(str(field.size), f"{seconds:.1f}", f"{cpu_seconds:.1f}", f"{peak / 1e6:.0f} MB", aim)]).show()


if __name__ == "__main__":
    carry_out(scaled("bench.live", "Measure the check of a live cluster.", scale=10_000), _run)
