"""`python -m bench.pages`: how fast pages about many workloads come, and what clients cost the operator's work."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from bench import workloads
from bench.options import scaled
from control_plane import probe
from productionpolicy.controller.pages import SNAPSHOT_SECONDS, Pages
from productionpolicy.controller.reconciler import CHUNK
from productionpolicy.kube.workloads import read_workload
from productionpolicy.overview.cluster import Known, KnownPolicy, Snapshot
from productionpolicy.policy import read_policy
from productionpolicy.verdict import Inputs, evaluate

SCALE = 5000
TURNS, TURN_SECONDS, SETTLING_SECONDS = 10, 1.5, 0.5
"""How often and how long the work of the operator is measured, alone and beside clients, and the time in between."""
CLIENTS = 20
"""Clients that ask for one page after the other, each for another one."""
TARGETS = ("/", "/namespaces", "/workloads", "/workloads?page=40", "/api/v1/workloads?limit=200")


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
    with closing(probe.connection(port)) as opened:
        begun = time.perf_counter()
        opened.request("GET", target)
        opened.getresponse()
        return time.perf_counter() - begun


class Pace:
    """How fast workloads are evaluated as the operator does it, over several turns."""

    def __init__(self, inputs: list[Inputs]) -> None:
        self._inputs = itertools.cycle(inputs)
        self.evaluated = 0
        self.seconds = 0.0
        self.pauses: list[float] = []
        """How long each pause was in which other tasks had their turn."""

    async def take_turn(self) -> None:
        """Evaluate for a while."""
        begun = now = time.perf_counter()
        while now - begun < TURN_SECONDS:
            for each in itertools.islice(self._inputs, CHUNK):
                evaluate(Inputs(each.workload, policy=each.policy))
            paused = time.perf_counter()
            await asyncio.sleep(0)
            now = time.perf_counter()
            self.pauses.append(now - paused)
            self.evaluated += CHUNK
        self.seconds += now - begun

    @property
    def per_second(self) -> float:
        """How many workloads are evaluated per second."""
        return self.evaluated / self.seconds

    def __str__(self) -> str:
        pauses = sorted(self.pauses)
        most, longest = pauses[len(pauses) * 99 // 100] * 1000, pauses[-1] * 1000
        return f"{self.per_second:.0f}/s, 99% of the pauses within {most:.1f} ms, all within {longest:.0f} ms"


async def compared(inputs: list[Inputs], port: int) -> tuple[Pace, Pace]:
    """Return the pace alone, and beside clients; in turns, because other programs on this machine come and go."""
    alone, beside = Pace(inputs), Pace(inputs)
    with clients(port) as asking:
        for _ in range(TURNS):
            asking.send_signal(signal.SIGSTOP)
            await asyncio.sleep(SETTLING_SECONDS)
            await alone.take_turn()
            asking.send_signal(signal.SIGCONT)
            await asyncio.sleep(SETTLING_SECONDS)
            await beside.take_turn()
    return alone, beside


@contextmanager
def clients(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Have clients of another process ask for as many different pages as they can."""
    command = [sys.executable, "-m", "bench.pages", "--ask", str(port)]
    with subprocess.Popen(command) as asking:
        try:
            yield asking
        finally:
            asking.kill()


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
        alone, beside = await compared(inputs, port)
    print(f"evaluations alone: {alone}")
    print(f"evaluations beside {CLIENTS} clients: {beside}")
    print(f"ratio: {beside.per_second / alone.per_second:.2f}")


def main() -> None:
    """Measure, or ask."""
    parser = scaled("bench.pages", "Measure how fast pages come, and what clients cost the operator.", scale=SCALE)
    parser.add_argument("--ask", type=int, metavar="PORT", help="only be the clients of a server")
    options = parser.parse_args()
    asyncio.run(ask(options.ask) if options.ask else measure(options.scale))


if __name__ == "__main__":
    main()
