"""`python -m bench.scheduler` measures what rules that keep pods apart cost kube-scheduler, for each method.

For each method there is a control plane of its own with fake nodes, on which Deployments of twenty pods are created at
once. What counts is the CPU time of kube-scheduler until all pods have their node. Where that would take hours, most of
the pods are created with their node, and only the last ones are left to kube-scheduler.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.field import SEEDERS
from bench.load import Meter
from bench.options import scaled
from control_plane.credentials import ADMIN
from control_plane.nodes import Node
from control_plane.patience import eventually
from control_plane.plane import ControlPlane
from control_plane.session import carry_out, say
from owners.manifests import Raw, deployment, namespace
from productionpolicy.expectations.spread import Method, SpreadParameters
from productionpolicy.kube.workloads import read_workload
from productionpolicy.repairs import Amendment, AntiAffinity, TopologySpread
from testbed.api import connected, spread
from testbed.client import Client
from testbed.tables import Table

NAMESPACE = "bench"
WITHOUT_NODE = f"/api/v1/namespaces/{NAMESPACE}/pods?fieldSelector=spec.nodeName=&limit=1"
PENDING = f"/api/v1/namespaces/{NAMESPACE}/pods?fieldSelector=status.phase=Pending&limit=1"
PODS_OF_A_DEPLOYMENT = 20
NODES, ZONES = 300, 3
SECONDS_PER_POD = 0.1
LEAST_SECONDS = 300.0
POLL_SECONDS = 0.2

_KEYS = SpreadParameters().topology_keys
METHODS: dict[str, Amendment | None] = {
    "none": None,
    Method.ANTI_AFFINITY: AntiAffinity(preferred=_KEYS),
    Method.TOPOLOGY_SPREAD: TopologySpread(_KEYS, per_rollout=True),
}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What it took to find a node for each pod."""

    seconds: float
    work: float
    """CPU time of kube-scheduler for each pod, in milliseconds."""
    others: float
    """The share of the machine that all other programs took."""


def _run(folder: Path, options: argparse.Namespace) -> None:
    last: int = options.scale if options.last is None else min(options.last, options.scale)
    found = dict[str, Scheduled]()
    for name, amendment in METHODS.items():
        say(f"{name}: {options.scale - last} pods get their node beforehand, and {last} from kube-scheduler")
        found[name] = asyncio.run(_scheduled(folder / name.lower(), amendment, options.scale - last, last))
    _tell(found, options.scale, last)


def _parser() -> argparse.ArgumentParser:
    told = "Measure what rules that keep pods apart cost kube-scheduler."
    parser = scaled("bench.scheduler", told, scale=2000, what="pods")
    parser.add_argument("--last", type=int, metavar="N", help="leave only the last N pods to kube-scheduler")
    return parser


async def _scheduled(folder: Path, amendment: Amendment | None, before: int, last: int) -> Scheduled:
    """Measure the last pods, beside those that have had their node before; all are in Deployments of twenty."""
    nodes = [Node(f"node-{number}", zone=f"zone-{number % ZONES}") for number in range(NODES)]
    with ControlPlane.start(folder, nodes=nodes) as plane:
        async with connected(plane.site, user=ADMIN) as api:
            Client(plane).create(namespace(NAMESPACE))
            apart = before // PODS_OF_A_DEPLOYMENT
            placed = (each for number in range(apart) for each in _placed(_deployment(number, amendment), number))
            await spread(placed, api.create, workers=SEEDERS)
            _all_run(Client(plane), before)
            manifests = [_deployment(apart + number, amendment) for number in range(last // PODS_OF_A_DEPLOYMENT)]
            meter, started = Meter([plane.pid("kube-scheduler")]), time.monotonic()
            await spread(manifests, api.create, workers=SEEDERS)
            _all_have_nodes(Client(plane), len(manifests) * PODS_OF_A_DEPLOYMENT)
            load, seconds = meter.read(), time.monotonic() - started
    pods = len(manifests) * PODS_OF_A_DEPLOYMENT
    return Scheduled(seconds, work=load.ours * 1000 / pods, others=load.others_share)


def _all_run(client: Client, pods: int) -> None:
    """Wait until those that have a node run, so that kube-scheduler has seen all that happens to them."""

    def running() -> bool:
        """No pod is pending."""
        return not client.send("GET", PENDING)["items"]

    eventually(running, within=max(LEAST_SECONDS, pods * SECONDS_PER_POD))


def _all_have_nodes(client: Client, pods: int) -> None:
    def placed() -> bool:
        """All pods are there, and have a node."""
        made = sum(each.get("status", {}).get("replicas", 0) for each in client.all("deployment", NAMESPACE))
        return made == pods and not client.send("GET", WITHOUT_NODE)["items"]

    eventually(placed, within=max(LEAST_SECONDS, pods * SECONDS_PER_POD), poll_seconds=POLL_SECONDS)


def _deployment(number: int, amendment: Amendment | None) -> Raw:
    """Return a Deployment with the rules that the operator would add."""
    container = {"name": "app", "image": "registry.example/app:1.0", "resources": {"requests": {"cpu": "10m"}}}
    metadata = {"namespace": NAMESPACE}
    raw = deployment(f"app-{number:05}", replicas=PODS_OF_A_DEPLOYMENT, containers=[container], metadata=metadata)
    if amendment is not None:
        rules: dict[str, Any] = amendment.patch(read_workload(raw))
        raw["spec"]["template"]["spec"] |= rules["spec"]["template"]["spec"]
    return raw


def _placed(workload: Raw, number: int) -> Iterator[Raw]:
    """Yield the pods of a Deployment, one a node, with the label by which each rollout counts only its own pods."""
    template = workload["spec"]["template"]
    for index in range(PODS_OF_A_DEPLOYMENT):
        node = (number * PODS_OF_A_DEPLOYMENT + index) % NODES
        labels = template["metadata"]["labels"] | {"pod-template-hash": "placed"}
        metadata = {"name": f"{workload['metadata']['name']}-{index}", "namespace": NAMESPACE, "labels": labels}
        spec = template["spec"] | {"nodeName": f"node-{node}"}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _tell(found: dict[str, Scheduled], scale: int, last: int) -> None:
    pods = f"LAST {last} OF {scale} PODS" if last < scale else f"{scale} PODS"
    columns = (pods, "CPU FOR EACH POD", "RATIO", "UNTIL ALL HAVE A NODE", "OTHER PROGRAMS")
    bare = found["none"]
    rows = [
        (
            name,
            f"{each.work:.2f} ms",
            f"{each.work / bare.work:.2f}",
            f"{each.seconds:.1f} s",
            f"{each.others:.0%} of the machine",
        )
        for name, each in found.items()
    ]
    Table(columns, rows).show()


if __name__ == "__main__":
    carry_out(_parser(), _run)
