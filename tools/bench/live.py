"""`python -m bench.live` measures `check --live -A` on a cluster with many workloads, beside the API server."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from pathlib import Path

from bench.field import Field, prepared
from bench.options import scaled
from bench_check.measurement import Measurement, measured
from control_plane.patience import insist
from control_plane.session import carry_out, say
from testbed.tables import Table, megabytes

AIM_SECONDS, AIM_MEGABYTES = 60, 400
COMMAND = (sys.executable, "-m", "productionpolicy", "check", "--live", "-A", "-o", "json")


def _run(folder: Path, options: argparse.Namespace) -> None:
    with prepared(folder, scale=options.scale) as field:
        say(f"creating {field.size} workloads on a fresh API server")
        asyncio.run(field.seed())
        _tell(field, _checked(field, folder / "report.json"))


def _checked(field: Field, report: Path) -> Measurement:
    """Check the cluster, and return what it took."""
    with report.open("wb") as out:
        environment = {**os.environ, "KUBECONFIG": str(field.plane.kubeconfig)}
        taken, code = measured(COMMAND, stdout=out, stderr=subprocess.DEVNULL, env=environment)
    judged = report.read_bytes().count(b'"verdicts"')
    ended = f"the check ended with {code} after {judged} of {field.size} workloads"
    insist(code == 1 and judged >= field.size, ended)
    return taken


def _tell(field: Field, taken: Measurement) -> None:
    columns = ("WORKLOADS", "SECONDS", "CPU SECONDS", "PEAK MEMORY", "AIM")
    aim, memory = f"{AIM_SECONDS} s, {AIM_MEGABYTES} MB", megabytes(taken.rss_peak_bytes)
    Table(columns, [(str(field.size), f"{taken.seconds:.1f}", f"{taken.cpu_seconds:.1f}", memory, aim)]).show()


if __name__ == "__main__":
    carry_out(scaled("bench.live", "Measure the check of a live cluster.", scale=10_000), _run)
