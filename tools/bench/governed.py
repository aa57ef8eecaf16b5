"""`python -m bench.governed`: a cluster in which only a few namespaces are governed, as it is when people begin."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from bench import workloads
from bench.field import prepared
from bench.options import scaled
from control_plane.operator_process import OperatorProcess
from control_plane.session import carry_out, say
from testbed.client import Client
from testbed.tables import megabytes

PATIENCE_SECONDS = 600.0


def _parser() -> argparse.ArgumentParser:
    told = "Measure the operator where it governs a few of many workloads: start, repair, and peak of memory."
    parser = scaled("bench.governed", told, scale=10_000)
    parser.add_argument("--governed", type=int, default=500, metavar="N", help="how many are governed (default: 500)")
    return parser


def _run(folder: Path, options: argparse.Namespace) -> None:
    scale, governed = options.scale, options.governed
    with prepared(folder, scale=scale) as field:
        say(f"creating {field.size} workloads on a fresh API server")
        asyncio.run(field.seed(governed=governed))
        say("the operator starts, and repairs those that are governed")
        started = time.monotonic()
        with OperatorProcess(field.kubeconfig, log=field.plane.log("operator")) as operator:
            operator.wait_ready(PATIENCE_SECONDS)
            ready, cpu = time.monotonic() - started, operator.cpu_seconds
            count = governed + workloads.stateful_sets_at(governed)
            Client(field.plane).settled(workloads.POLICY, repaired=count, within=PATIENCE_SECONDS)
            repaired, peak = time.monotonic() - started, operator.rss_peak_bytes
            operator.stop()
    print(f"{governed} of {scale} Deployments governed")
    print(f"ready after        {ready:.1f} s, {cpu:.1f} s of CPU time")
    print(f"all repaired after {repaired:.1f} s")
    print(f"peak of memory     {megabytes(peak)}")


if __name__ == "__main__":
    carry_out(_parser(), _run)
