"""`python -m bench.admission` measures what repairs at admission cost, in Deployments created in a second.

One API server, two namespaces: one is governed by a policy, so that each Deployment in it gets all its repairs while it
is created; the other is not. They take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bench import workloads
from bench.client import Api, RequestFailed, connected, spread
from bench.field import NAMESPACES, POLICIES, SEEDERS, NotExact
from bench.load import Meter
from control_plane.credentials import ADMIN
from control_plane.installation import REPOSITORY, install
from control_plane.patience import eventually
from control_plane.plane import ControlPlane
from control_plane.session import console, in_folder_of_its_own
from owners.manifests import namespace
from productionpolicy.controller.admission_policies import REPAIR, binding
from productionpolicy.kube.identity import REPAIRS_POLICY

GOVERNED, PLAIN = "governed", "plain"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings"
LEAST_SHARE = 0.5
WIDTH = 120
BOUND_SECONDS = 60.0
NOTE = REPAIRS_POLICY
FAILURES = (NotExact, RequestFailed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    return in_folder_of_its_own("bench-admission", lambda folder: _run(folder, options), failures=FAILURES)


def _run(folder: Path, options: argparse.Namespace) -> int:
    _tell(asyncio.run(_measured(folder, rounds=options.rounds, scale=options.scale)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.admission", description="Measure what repairs at admission cost the API server."
    )
    parser.add_argument("--rounds", type=int, default=6, help="how often each takes its turn (default: 6)")
    parser.add_argument("--scale", type=int, default=600, help="Deployments in a turn (default: 600)")
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
        plane.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "admission"))
        async with connected(plane.site, user=ADMIN) as api:
            await api.create(NAMESPACES, namespace(GOVERNED, policy=workloads.POLICY))
            await api.create(NAMESPACES, namespace(PLAIN))
            await api.create(POLICIES, workloads.policy())
            uid = (await api.get(f"{POLICIES}/{workloads.POLICY}"))["metadata"]["uid"]
            await api.create(BINDINGS, binding(REPAIR, to=workloads.POLICY, uid=uid))
            await _bound(api)
            yield api, plane.pids


async def _bound(api: Api) -> None:
    """Wait until the API server repairs."""
    names = (f"probe-{number}" for number in itertools.count())

    async def look() -> tuple[bool, str]:
        name = next(names)
        await api.create(_path(GOVERNED), workloads.deployment(name, namespace=GOVERNED))
        return _is_repaired(await api.get(f"{_path(GOVERNED)}/{name}")), f"{name} is not repaired"

    await eventually(look, seconds=BOUND_SECONDS)


async def _turn(api: Api, pids: tuple[int, ...], namespace: str, *, number: int, scale: int) -> Turn:
    """Create Deployments, as many as there are to be."""
    path, names = _path(namespace), [f"app-{number}-{each}" for each in range(scale)]
    manifests = [workloads.deployment(each, namespace=namespace) for each in names]
    meter = Meter(pids)
    await spread(manifests, lambda each: api.create(path, each), workers=SEEDERS)
    load = meter.read()
    last = await api.get(f"{path}/{names[-1]}")
    if _is_repaired(last) is not (namespace == GOVERNED):
        raise NotExact(f"{namespace}/{names[-1]} has the annotations {last['metadata'].get('annotations')}")
    return Turn(rate=scale / load.seconds, work=load.ours / scale * 1000)


def _is_repaired(raw: dict[str, Any]) -> bool:
    return NOTE in raw["metadata"].get("annotations", {})


def _path(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def _tell(rounds: Sequence[tuple[Turn, Turn]]) -> None:
    out = console(width=WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in ("ROUND", "WITHOUT", "REPAIRED AT ADMISSION", "SHARE", "CPU WITHOUT", "CPU REPAIRED"):
        table.add_column(column, justify="right", no_wrap=True)
    for number, (bare, repaired) in enumerate(rounds, start=1):
        table.add_row(str(number), *_row(bare, repaired))
    table.add_row("median", *_row(*(_median(each) for each in zip(*rounds, strict=True))))
    out.print(table)
    share = statistics.median(repaired.rate / bare.rate for bare, repaired in rounds)
    verdict = "met" if share >= LEAST_SHARE else "missed"
    out.print(f"median share: {share:.0%}; the aim, at least {LEAST_SHARE:.0%}, is {verdict}")


def _row(bare: Turn, repaired: Turn) -> tuple[str, ...]:
    share = f"{repaired.rate / bare.rate:.0%}"
    return f"{bare.rate:.0f}/s", f"{repaired.rate:.0f}/s", share, f"{bare.work:.1f} ms", f"{repaired.work:.1f} ms"


def _median(turns: Sequence[Turn]) -> Turn:
    return Turn(statistics.median(each.rate for each in turns), statistics.median(each.work for each in turns))


if __name__ == "__main__":
    sys.exit(main())
