"""`python -m bench.admission` measures what repairs at admission cost, in Deployments created in a second.

One API server, three namespaces: one is governed by a policy, so that each Deployment in it gets all its repairs while
it is created. In another, a policy with the same conditions and parameters only writes an annotation, which shows the
cost that such a policy has before it repairs anything. No policy applies in the third. They take turns, so that other
load on the machine affects all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
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
from owners.manifests import Raw, namespace
from productionpolicy.controller.admission_policies import REPAIR
from testbed.admission import bind
from testbed.api import Api, connected, spread
from testbed.client import Client, journal, path
from testbed.tables import Table

PLAIN, ANNOTATED, GOVERNED = "plain", "annotated", "governed"
MEANINGS = {
    PLAIN: "no policy at admission",
    ANNOTATED: "a policy that writes one annotation",
    GOVERNED: "repaired at admission",
}
LEAST_SHARE = 0.5
NOTE = "example.com/noted"
SPENT = "CPU time: of the API server and etcd"
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


Round = dict[str, Turn]
"""The turn of each namespace."""


async def _measured(folder: Path, *, rounds: int, scale: int) -> list[Round]:
    async with _prepared(folder) as (api, pids):
        found: list[Round] = []
        for number in range(rounds + 1):
            first = number % len(MEANINGS)
            order = [*MEANINGS][first:] + [*MEANINGS][:first]
            found.append({each: await _turn(api, pids, each, number=number, scale=scale) for each in order})
        return found[1:]  # the first round warms up


@asynccontextmanager
async def _prepared(folder: Path) -> AsyncIterator[tuple[Api, tuple[int, ...]]]:
    """Yield an API server with the three namespaces, and the ids of its processes."""
    with ControlPlane.start(folder, controllers=False) as plane:
        install(plane)
        async with connected(plane.site, user=ADMIN) as api:
            Client(plane).create(namespace(PLAIN))
            admit(plane, GOVERNED)
            _annotate(plane)
            yield api, plane.pids


def admit(plane: ControlPlane, governed: str) -> None:
    """Let the API server repair in a namespace by the policy, without an operator, and wait until it does."""
    client = Client(plane)
    plane.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "admission"))
    bind(client, workloads.policy(), REPAIR)
    client.create(namespace(governed, policy=workloads.POLICY))
    probe = workloads.deployment("probe", namespace=governed)
    eventually(lambda: journal(client.tried(probe)), within=BOUND_SECONDS)


def _annotate(plane: ControlPlane) -> None:
    """Let a policy like the one that repairs write an annotation in a namespace that names no ProductionPolicy."""
    client = Client(plane)
    live = json.loads(plane.kubectl("get", REPAIR.kind.kind, REPAIR.name, "-o", "json"))
    expression = f'[JSONPatch{{op: "add", path: "/metadata/annotations", value: {{"{NOTE}": "yes"}}}}]'
    mutations = [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}]
    spec = {**live["spec"], "variables": [], "mutations": mutations}
    policy = {**live, "metadata": {"name": ANNOTATED}, "spec": spec}
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ANNOTATED}}}
    binding = {
        "apiVersion": live["apiVersion"],
        "kind": f"{live['kind']}Binding",
        "metadata": {"name": ANNOTATED},
        "spec": {
            "policyName": ANNOTATED,
            "paramRef": {"name": workloads.POLICY, "parameterNotFoundAction": "Deny"},
            "matchResources": selector,
        },
    }
    for each in (policy, binding):
        client.kubectl("create", "-f", "-", stdin=each)
    client.create(namespace(ANNOTATED))
    probe = workloads.deployment("probe", namespace=ANNOTATED)
    eventually(lambda: _annotations(client.tried(probe)), within=BOUND_SECONDS)


def _annotations(workload: Raw) -> Raw:
    found: Raw = workload["metadata"].get("annotations", {})
    return found


async def _turn(api: Api, pids: tuple[int, ...], namespace: str, *, number: int, scale: int) -> Turn:
    """Create Deployments, as many as there are to be."""
    where, names = path("deployment", namespace), [f"app-{number}-{each}" for each in range(scale)]
    manifests = [workloads.deployment(each, namespace=namespace) for each in names]
    meter = Meter(pids)
    await spread(manifests, api.create, workers=SEEDERS)
    load = meter.read()
    last = await api.get(f"{where}/{names[-1]}")
    came = PLAIN if not _annotations(last) else ANNOTATED if not journal(last) else GOVERNED
    insist(came == namespace, f"{namespace}/{names[-1]} has the annotations {_annotations(last)}")
    return Turn(rate=scale / load.seconds, work=load.ours / scale * 1000)


def _tell(rounds: Sequence[Round]) -> None:
    shares = {each: [round_[each].rate / round_[PLAIN].rate for round_ in rounds] for each in MEANINGS}
    rows = [_row(name, [each[name] for each in rounds], shares[name]) for name in MEANINGS]
    share = statistics.median(shares[GOVERNED])
    verdict = "met" if share >= LEAST_SHARE else "missed"
    aim = f"median share: {share:.0%}; the aim, at least {LEAST_SHARE:.0%}, is {verdict}"
    columns = ("", "DEPLOYMENTS", "SHARE", "IN ALL ROUNDS", "CPU TIME PER DEPLOYMENT")
    Table(columns, rows, title=f"median of {len(rounds)} rounds").show(notes=[SPENT, aim])


def _row(name: str, turns: Sequence[Turn], shares: Sequence[float]) -> tuple[str, ...]:
    rate, work = statistics.median(each.rate for each in turns), statistics.median(each.work for each in turns)
    within = f"{min(shares):.0%} to {max(shares):.0%}"
    return MEANINGS[name], f"{rate:,.0f}/s", f"{statistics.median(shares):.0%}", within, f"{work:.1f} ms"


if __name__ == "__main__":
    carry_out(_parser(), _run)
