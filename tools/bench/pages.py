"""`python -m bench.pages`: how fast pages about many workloads come, and what clients cost the operator's work."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from bench import workloads
from control_plane import probe
from productionpolicy.controller.pages import SNAPSHOT_SECONDS, Pages
from productionpolicy.controller.reconciler import CHUNK
from productionpolicy.kube.workloads import read_workload
from productionpolicy.overview.cluster import Known, KnownPolicy, Snapshot
from productionpolicy.policy import read_policy
from productionpolicy.verdict import Inputs, evaluate

SCALE = 5000
SECONDS = 10.0
"""How long the work of the operator is measured, alone and beside clients."""
CLIENTS = 20
"""Clients that ask for one page after the other, each for another one."""
TARGETS = ("/", "/namespaces", "/workloads", "/workloads?page=40", "/api/v1/workloads?limit=500")


def judged(scale: int) -> tuple[list[Inputs], Snapshot]:
    """Return so many Deployments, and what the operator knows of them."""
    policy = read_policy(workloads.policy())
    raw = itertools.islice(workloads.seeds(scale), scale)
    inputs = [Inputs(read_workload(each), policy=policy) for each in raw]
    reports = [(each, evaluate(each).report) for each in inputs]
    known = tuple(Known(report, each.workload) for each, report in reports if report is not None)
    return inputs, Snapshot(datetime.now(UTC), (KnownPolicy(policy.name, policy),), known)


async def first_bytes(port: int) -> dict[str, float]:
    """Return after how many seconds the first byte of each page comes, each of another state of the cluster."""
    found = {}
    for target in TARGETS:
        await asyncio.sleep(SNAPSHOT_SECONDS + 0.1)
        found[target] = await asyncio.to_thread(_first_byte, port, target)
    return found


def _first_byte(port: int, target: str) -> float:
    with closing(probe.connection(port, authority=None)) as opened:
        begun = time.perf_counter()
        opened.request("GET", target)
        opened.getresponse()
        return time.perf_counter() - begun


async def pace(inputs: list[Inputs]) -> tuple[float, float]:
    """Evaluate for a while, as the operator does; return how many per second, and the longest pause in between."""
    begun, longest = time.perf_counter(), 0.0
    for number, each in enumerate(itertools.cycle(inputs), start=1):
        evaluate(Inputs(each.workload, policy=each.policy))
        if number % CHUNK == 0:
            paused = time.perf_counter()
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest = max(longest, now - paused)
            if now - begun > SECONDS:
                return number / (now - begun), longest
    raise AssertionError("there is nothing to evaluate")


@contextmanager
def clients(port: int) -> Iterator[None]:
    """Have clients of another process ask for as many different pages as they can."""
    command = [sys.executable, "-m", "bench.pages", "--ask", str(port)]
    with subprocess.Popen(command) as asking:
        try:
            yield
        finally:
            asking.terminate()


async def ask(port: int) -> None:
    """Ask for one page after the other, until this process ends."""
    await asyncio.gather(*(asyncio.to_thread(_ask, port, number) for number in range(CLIENTS)))


def _ask(port: int, client: int) -> None:
    for number in itertools.count():
        probe.body(port, f"/workloads?page={number * CLIENTS + client + 1}")


async def measure(scale: int) -> None:
    """Measure, and print the figures."""
    inputs, snapshot = judged(scale)
    async with Pages(("127.0.0.1", 0), look=lambda: snapshot) as pages:
        port = pages.addresses[0][1]
        for target, seconds in (await first_bytes(port)).items():
            print(f"first byte of {target}: {seconds * 1000:.0f} ms")
        alone, longest = await pace(inputs)
        print(f"evaluations alone: {alone:.0f}/s, longest pause {longest * 1000:.0f} ms")
        with clients(port):
            beside, longest = await pace(inputs)
        print(f"evaluations beside {CLIENTS} clients: {beside:.0f}/s, longest pause {longest * 1000:.0f} ms")
        print(f"ratio: {beside / alone:.2f}")


def main() -> None:
    """Measure, or ask."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--scale", type=int, default=SCALE, help="how many Deployments")
    parser.add_argument("--ask", type=int, metavar="PORT", help="only be the clients of a server")
    options = parser.parse_args()
    asyncio.run(ask(options.ask) if options.ask else measure(options.scale))


if __name__ == "__main__":
    main()
