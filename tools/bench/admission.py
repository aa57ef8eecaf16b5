"""`python -m bench.admission` measures what repairs at admission cost, in Deployments created in a second.

One API server, two namespaces: one is governed by a policy, so that each Deployment in it gets all its repairs while it
is created; the other is not. They take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import workloads
from bench.field import SEEDERS
from bench.load import Meter
from bench.options import scaled
from control_plane.credentials import ADMIN
from control_plane.installation import REPOSITORY, install
from control_plane.patience import eventually, insist
from control_plane.plane import ControlPlane
from control_plane.session import carry_out
from owners.manifests import namespace
from productionpolicy.controller.admission_policies import REPAIR
from testbed.admission import bind
from testbed.api import Api, connected, spread
from testbed.client import Client, journal, path
from testbed.tables import Table

GOVERNED, PLAIN = "governed", "plain"
LEAST_SHARE = 0.5
BOUND_SECONDS = 60.0


def _run(folder: Path, options: argparse.Namespace) -> None:
    _tell(asyncio.run(_measured(folder, rounds=options.rounds, scale=options.scale)))


def _parser() -> argparse.ArgumentParser:
    told = "Measure what repairs at admission cost the API server."
    parser = scaled("bench.admission", told, scale=600, what="Deployments in a turn")
    parser.add_argument("--rounds", type=int, default=6, help="how often each takes its turn (default: 6)")
    return parser


@dataclass(frozen=True, slots=True)
class Turn:
    """Some Deployments, created as fast as it goes."""

    rate: float
    """Deployments in a second."""
    work: float
    """Milliseconds of CPU time for each, of the API server and its store."""


async def _measured(folder: Path, *, rounds: int, scale: int) -> list[tuple[Turn, Turn]]:
    """Return the turns of each round: without and with repairs."""
    async with _prepared(folder) as (api, pids):
        found: dict[str, list[Turn]] = {PLAIN: [], GOVERNED: []}
        for number in range(rounds + 1):
            for namespace in (PLAIN, GOVERNED) if number % 2 else (GOVERNED, PLAIN):
                found[namespace].append(await _turn(api, pids, namespace, number=number, scale=scale))
        # The first round is left out: whatever is done for the first time is done there.
        return list(zip(found[PLAIN][1:], found[GOVERNED][1:], strict=True))


@asynccontextmanager
async def _prepared(folder: Path) -> AsyncIterator[tuple[Api, tuple[int, ...]]]:
    """Yield an API server, and the ids of its processes, which repairs in one of two namespaces."""
    with ControlPlane.start(folder, controllers=False) as plane:
        install(plane)
        async with connected(plane.site, user=ADMIN) as api:
            Client(plane).create(namespace(PLAIN))
            admit(plane, GOVERNED)
            yield api, plane.pids


def admit(plane: ControlPlane, governed: str) -> None:
    """Let the API server repair in a namespace by the policy, without an operator, and wait until it does."""
    client = Client(plane)
    plane.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "admission"))
    bind(client, workloads.policy(), REPAIR)
    client.create(namespace(governed, policy=workloads.POLICY))
    probe = workloads.deployment("probe", namespace=governed)
    eventually(lambda: journal(client.tried(probe)), within=BOUND_SECONDS)


async def _turn(api: Api, pids: tuple[int, ...], namespace: str, *, number: int, scale: int) -> Turn:
    """Create Deployments, as many as there are to be."""
    where, names = path("deployment", namespace), [f"app-{number}-{each}" for each in range(scale)]
    manifests = [workloads.deployment(each, namespace=namespace) for each in names]
    meter = Meter(pids)
    await spread(manifests, api.create, workers=SEEDERS)
    load = meter.read()
    last = await api.get(f"{where}/{names[-1]}")
    insist(
        bool(journal(last)) is (namespace == GOVERNED),
        f"{namespace}/{names[-1]} has the annotations {last['metadata'].get('annotations')}",
    )
    return Turn(rate=scale / load.seconds, work=load.ours / scale * 1000)


def _tell(rounds: Sequence[tuple[Turn, Turn]]) -> None:
    columns = ("ROUND", "WITHOUT", "REPAIRED AT ADMISSION", "SHARE", "CPU WITHOUT", "CPU REPAIRED")
    rows = [(str(number), *_row(*each)) for number, each in enumerate(rounds, start=1)]
    median = ("median", *_row(*(_median(each) for each in zip(*rounds, strict=True))))
    share = statistics.median(repaired.rate / bare.rate for bare, repaired in rounds)
    verdict = "met" if share >= LEAST_SHARE else "missed"
    aim = f"median share: {share:.0%}; the aim, at least {LEAST_SHARE:.0%}, is {verdict}"
    Table(columns, [*rows, median]).show(notes=[aim])


def _row(bare: Turn, repaired: Turn) -> tuple[str, ...]:
    share = f"{repaired.rate / bare.rate:.0%}"
    return f"{bare.rate:.0f}/s", f"{repaired.rate:.0f}/s", share, f"{bare.work:.1f} ms", f"{repaired.work:.1f} ms"


def _median(turns: Sequence[Turn]) -> Turn:
    return Turn(statistics.median(each.rate for each in turns), statistics.median(each.work for each in turns))


if __name__ == "__main__":
    carry_out(_parser(), _run)
