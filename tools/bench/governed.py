"""`python -m bench.governed`: a cluster in which only a few namespaces are governed, as it is when people begin."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import workloads
from bench.client import RequestFailed, connected
from bench.field import POLICIES, Field, NotExact, prepared
from control_plane.credentials import ADMIN
from control_plane.operator_process import OperatorProcess
from control_plane.patience import eventually
from control_plane.session import console, in_folder_of_its_own, say

PATIENCE_SECONDS = 600.0
MEGABYTE = 1e6
WIDTH = 120
FAILURES = (NotExact, RequestFailed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.governed",
        description="Measure the operator where it governs a few of many workloads: start, repair, and peak of memory.",
    )
    parser.add_argument("--scale", type=int, default=10000, metavar="N", help="how many Deployments (default: 10000)")
    parser.add_argument("--governed", type=int, default=500, metavar="N", help="how many are governed (default: 500)")
    options = parser.parse_args(arguments)
    return in_folder_of_its_own(
        "bench-governed", lambda folder: _run(folder, options.scale, options.governed), failures=FAILURES
    )


def _run(folder: Path, scale: int, governed: int) -> int:
    asyncio.run(_measured(folder, scale, governed))
    return 0


async def _measured(folder: Path, scale: int, governed: int) -> None:
    with prepared(folder, scale=scale) as field:
        say(f"creating {field.size} workloads on a fresh API server")
        await field.seed(governed=governed)
        say("the operator starts, and repairs those that are governed")
        started = time.monotonic()
        with OperatorProcess(field.kubeconfig, log=field.plane.log("operator")) as operator:
            await asyncio.to_thread(operator.wait_ready, timeout=PATIENCE_SECONDS)
            ready, cpu = time.monotonic() - started, operator.cpu_seconds
            await _repaired(field, governed + workloads.stateful_sets_at(governed))
            repaired, peak = time.monotonic() - started, operator.rss_peak_bytes
            operator.stop()
    out = console(width=WIDTH)
    out.print(f"{governed} of {scale} Deployments governed")
    out.print(f"ready after        {ready:.1f} s, {cpu:.1f} s of CPU time")
    out.print(f"all repaired after {repaired:.1f} s")
    out.print(f"peak of memory     {peak / MEGABYTE:.0f} MB")


async def _repaired(field: Field, count: int) -> None:
    async with connected(field.plane.site, user=ADMIN) as api:

        async def look() -> tuple[bool, Any]:
            status = (await api.get(f"{POLICIES}/{workloads.POLICY}")).get("status", {})
            told = status.get("repaired"), status.get("pending", {}).get("repairs")
            return told == (count, 0), f"the status tells {told} of {count} repaired and pending"

        await eventually(look, seconds=PATIENCE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
