"""`python -m bench.scheduler` measures what rules that keep pods apart cost kube-scheduler, for each method.

For each method there is a control plane of its own with fake nodes, on which Deployments of twenty pods are created at
once. What counts is the CPU time of kube-scheduler until all pods have their node.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.client import Api, RequestFailed, connected, spread
from bench.field import NAMESPACES, SEEDERS
from bench.load import Meter
from control_plane.credentials import ADMIN
from control_plane.nodes import Node
from control_plane.patience import NeverHappened, eventually
from control_plane.plane import ControlPlane
from control_plane.session import console, in_folder_of_its_own
from owners.manifests import Raw, namespace
from productionpolicy.expectations.spread import Method, SpreadParameters
from productionpolicy.kube.workloads import read_workload
from productionpolicy.repairs import Amendment, AntiAffinity, TopologySpread

NAMESPACE = "bench"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
WITHOUT_NODE = f"/api/v1/namespaces/{NAMESPACE}/pods?fieldSelector=spec.nodeName=&limit=1"
PODS_OF_A_DEPLOYMENT = 20
NODES, ZONES = 300, 3
SECONDS_PER_POD = 0.1
LEAST_SECONDS = 300.0
WIDTH = 120

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.scheduler", description="Measure what rules that keep pods apart cost kube-scheduler."
    )
    parser.add_argument("--scale", type=int, default=2000, help="pods that are created at once (default: 2000)")
    options = parser.parse_args(arguments)
    failures = (RequestFailed, NeverHappened)
    return in_folder_of_its_own("bench-scheduler", lambda folder: _run(folder, options.scale), failures=failures)


def _run(folder: Path, scale: int) -> int:
    found = {
        name: asyncio.run(_scheduled(folder / name.lower(), amendment, scale)) for name, amendment in METHODS.items()
    }
    _tell(found, scale)
    return 0


async def _scheduled(folder: Path, amendment: Amendment | None, scale: int) -> Scheduled:
    nodes = [Node(f"node-{number}", zone=f"zone-{number % ZONES}") for number in range(NODES)]
    with ControlPlane.start(folder, nodes=nodes) as plane:
        async with connected(plane.site, user=ADMIN) as api:
            await api.create(NAMESPACES, namespace(NAMESPACE))
            manifests = [_deployment(number, amendment) for number in range(scale // PODS_OF_A_DEPLOYMENT)]
            meter, started = Meter([plane.pid("kube-scheduler")]), time.monotonic()
            await spread(manifests, lambda each: api.create(DEPLOYMENTS, each), workers=SEEDERS)
            await _all_have_nodes(api, len(manifests) * PODS_OF_A_DEPLOYMENT)
            load, seconds = meter.read(), time.monotonic() - started
    pods = len(manifests) * PODS_OF_A_DEPLOYMENT
    return Scheduled(seconds, work=load.ours * 1000 / pods, others=load.others_share)


async def _all_have_nodes(api: Api, pods: int) -> None:
    async def look() -> tuple[bool, str]:
        made = sum(each.get("status", {}).get("replicas", 0) for each in await api.items(DEPLOYMENTS))
        waiting = (await api.get(WITHOUT_NODE))["items"]
        return made == pods and not waiting, f"{made} of {pods} pods are there, and some have no node"

    await eventually(look, seconds=max(LEAST_SECONDS, pods * SECONDS_PER_POD))


def _deployment(number: int, amendment: Amendment | None) -> Raw:
    """Return a Deployment with the rules that the operator would add."""
    labels = {"app.kubernetes.io/name": f"app-{number:05}"}
    container = {"name": "app", "image": "registry.example/app:1.0", "resources": {"requests": {"cpu": "10m"}}}
    pod: Raw = {"containers": [container]}
    raw: Raw = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"app-{number:05}", "namespace": NAMESPACE},
        "spec": {
            "replicas": PODS_OF_A_DEPLOYMENT,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    if amendment is not None:
        rules: dict[str, Any] = amendment.patch(read_workload(raw))
        pod |= rules["spec"]["template"]["spec"]
    return raw


def _tell(found: dict[str, Scheduled], scale: int) -> None:
    out = console(width=WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in (f"{scale} PODS", "CPU FOR EACH POD", "RATIO", "UNTIL ALL HAVE A NODE", "OTHER PROGRAMS"):
        table.add_column(column, no_wrap=True)
    bare = found["none"]
    for name, each in found.items():
        ratio = each.work / bare.work
        row = f"{each.work:.2f} ms", f"{ratio:.2f}", f"{each.seconds:.1f} s", f"{each.others:.0%} of the machine"
        table.add_row(name, *row)
    out.print(table)


if __name__ == "__main__":
    sys.exit(main())
