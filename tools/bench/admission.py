"""`python -m bench.admission` measures what repairs at admission cost, in Deployments created in a second.

One API server, two namespaces: one is governed by a policy, so that each Deployment in it gets all its repairs while it
is created; the other is not. They take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import workloads
from bench.client import Api, connected, spread
from bench.field import NAMESPACES, POLICIES, SEEDERS
from control_plane.credentials import ADMIN
from control_plane.installation import REPOSITORY, install
from control_plane.plane import ControlPlane
from productionpolicy.controller.admission import binding
from productionpolicy.controller.store import NAMESPACE_POLICY, StoredPolicy

GOVERNED, PLAIN = "governed", "plain"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings"
LEAST_SHARE = 0.5
POLL_SECONDS = 0.1
NOTE = "repairs.productionpolicy.dev/policy"


class NotAsTold(Exception):
    """What was created is not what should have been measured; the message says what."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.admission", description="Measure what repairs at admission cost the API server."
    )
    parser.add_argument("--rounds", type=int, default=6, help="how often each takes its turn (default: 6)")
    parser.add_argument("--scale", type=int, default=600, help="Deployments in a turn (default: 600)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="productionpolicy-bench-") as folder:
        rates = asyncio.run(_measured(Path(folder), rounds=options.rounds, scale=options.scale))
    _tell(rates)
    return 0


async def _measured(folder: Path, *, rounds: int, scale: int) -> list[tuple[float, float]]:
    """Return the rates of each round: without and with repairs."""
    async with _prepared(folder) as api:
        for namespace in (PLAIN, GOVERNED):  # whatever is done for the first time is done here
            await _rate(api, namespace, turn="warm", scale=scale)
        rates = []
        for number in range(rounds):
            first, second = (PLAIN, GOVERNED) if number % 2 else (GOVERNED, PLAIN)
            found = {each: await _rate(api, each, turn=str(number), scale=scale) for each in (first, second)}
            rates.append((found[PLAIN], found[GOVERNED]))
        return rates


@asynccontextmanager
async def _prepared(folder: Path) -> AsyncIterator[Api]:
    """Yield an API server which repairs in one of two namespaces."""
    with ControlPlane.start(folder, controllers=False) as plane:
        install(plane)
        plane.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "admission"))
        async with connected(plane.site, user=ADMIN) as api:
            for name, labels in ((GOVERNED, {NAMESPACE_POLICY: workloads.POLICY}), (PLAIN, {})):
                await api.create(NAMESPACES, {"metadata": {"name": name, "labels": labels}})
            await api.create(POLICIES, workloads.policy())
            uid = (await api.get(f"{POLICIES}/{workloads.POLICY}"))["metadata"]["uid"]
            stored = StoredPolicy(name=workloads.POLICY, uid=uid, resource_version="", generation=1, policy=None)
            await api.create(BINDINGS, binding(stored))
            await _bound(api)
            yield api


async def _bound(api: Api) -> None:
    """Wait until the API server repairs."""
    async with asyncio.timeout(60):
        for number in range(10_000):
            await api.create(_path(GOVERNED), _deployment(f"probe-{number}", namespace=GOVERNED))
            born = await api.get(f"{_path(GOVERNED)}/probe-{number}")
            if NOTE in born["metadata"].get("annotations", {}):
                return
            await asyncio.sleep(POLL_SECONDS)


async def _rate(api: Api, namespace: str, *, turn: str, scale: int) -> float:
    """Create Deployments and return how many that were in a second."""
    path, names = _path(namespace), [f"{turn}-{number}" for number in range(scale)]
    manifests = [_deployment(each, namespace=namespace) for each in names]
    started = time.monotonic()
    await spread(manifests, lambda each: api.create(path, each), workers=SEEDERS)
    seconds = time.monotonic() - started
    last = await api.get(f"{path}/{names[-1]}")
    if (NOTE in last["metadata"].get("annotations", {})) is not (namespace == GOVERNED):
        raise NotAsTold(f"{namespace}/{names[-1]} has the annotations {last['metadata'].get('annotations')}")
    return scale / seconds


def _deployment(name: str, *, namespace: str) -> dict[str, Any]:
    return workloads.deployment(f"app-{name}", namespace=namespace)


def _path(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def _tell(rates: Sequence[tuple[float, float]]) -> None:
    console = Console(highlight=False, markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in ("ROUND", "WITHOUT", "REPAIRED AT ADMISSION", "SHARE"):
        table.add_column(column, justify="right", no_wrap=True)
    rows = [*((str(number), *each) for number, each in enumerate(rates, start=1)), ("median", *_medians(rates))]
    for name, bare, repaired in rows:
        table.add_row(name, f"{bare:.0f}/s", f"{repaired:.0f}/s", f"{repaired / bare:.0%}")
    console.print(table)
    share = statistics.median(repaired / bare for bare, repaired in rates)
    console.print(f"median share: {share:.0%}; the aim, at least {LEAST_SHARE:.0%}, is {_met(share)}")


def _medians(rates: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(bare for bare, _ in rates), statistics.median(repaired for _, repaired in rates)


def _met(share: float) -> str:
    return "met" if share >= LEAST_SHARE else "missed"


if __name__ == "__main__":
    sys.exit(main())
