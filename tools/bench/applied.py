"""`python -m bench.applied` measures what a policy costs whoever applies many Deployments at once.

The same Deployments are applied by kubectl, with all controllers at work, into one namespace after another: one that is
not governed; one in which the API server repairs at admission, while no operator runs; and one in which an operator
runs beside it. So the parts of admission and of the operator can be told apart.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench import workloads
from bench.admission import admit
from bench.load import Meter
from bench.options import scaled
from control_plane.installation import install
from control_plane.nodes import Node
from control_plane.operator_process import OperatorProcess
from control_plane.patience import eventually
from control_plane.plane import ControlPlane
from control_plane.session import carry_out
from owners.manifests import namespace
from owners.rollouts import is_rolled_out
from testbed.client import Client
from testbed.tables import Table

PLAIN, ADMISSION, OPERATOR = "plain", "admission", "admission and operator"
BOUND_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Phase:
    """What applying took."""

    seconds: float
    """Until kubectl came back."""
    settled: float
    """Until all Deployments had come to the end of their rollout, and, where an operator runs, had their budgets."""
    work: float
    """CPU time of the API server, its store and the controllers for each Deployment, in milliseconds."""
    operator: float
    """The same of the operator."""


def _run(folder: Path, options: argparse.Namespace) -> None:
    scale: int = options.scale
    phases: dict[str, Phase] = {}
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane.start(folder, nodes=_nodes(scale)))
        kubeconfig = install(plane)
        _applied(plane, "warm-up", policy=None, scale=scale, operator=None)
        phases[PLAIN] = _applied(plane, "plain", policy=None, scale=scale, operator=None)
        admit(plane, "probe")
        phases[ADMISSION] = _applied(plane, "admitted", policy=workloads.POLICY, scale=scale, operator=None)
        operator = stack.enter_context(OperatorProcess(kubeconfig, log=folder / "operator.log"))
        operator.wait_ready(BOUND_SECONDS)
        _wait(plane, "admitted", scale=scale, budgets=True)
        phases[OPERATOR] = _applied(plane, "operated", policy=workloads.POLICY, scale=scale, operator=operator)
    _tell(phases, scale)


def _nodes(scale: int) -> list[Node]:
    """Return nodes that have room for the Deployments of all phases."""
    room = {"cpus": scale, "memory_gib": scale, "pods": 4 * scale}
    return [Node(f"node-{number}", zone=f"zone-{number % 2}", **room) for number in range(4)]


def _applied(
    plane: ControlPlane, name: str, *, policy: str | None, scale: int, operator: OperatorProcess | None
) -> Phase:
    """Apply the Deployments into a namespace of their own."""
    Client(plane).create(namespace(name, policy=policy))
    manifests = [workloads.deployment(f"app-{number}", namespace=name) for number in range(scale)]
    text = yaml.safe_dump_all(manifests)
    meter = Meter(plane.pids)
    beside = Meter([operator.pid] if operator else [])
    started = time.monotonic()
    plane.kubectl("apply", "-f", "-", stdin=text)
    seconds = time.monotonic() - started
    _wait(plane, name, scale=scale, budgets=operator is not None)
    settled = time.monotonic() - started
    each = 1000 / scale
    return Phase(seconds, settled, work=meter.read().ours * each, operator=beside.read().ours * each)


def _wait(plane: ControlPlane, name: str, *, scale: int, budgets: bool) -> None:
    """Wait until all Deployments of a namespace are rolled out, and have their budgets."""

    client = Client(plane)

    def is_whole() -> bool:
        done = sum(map(is_rolled_out, client.all("deployment", name)))
        return done == scale and (not budgets or len(client.budgets(name)) == scale)

    eventually(is_whole, within=600.0)


def _tell(phases: dict[str, Phase], scale: int) -> None:
    columns = (f"{scale} DEPLOYMENTS", "KUBECTL APPLY", "UNTIL SETTLED", "CPU CONTROL PLANE", "CPU OPERATOR")
    rows = [
        (name, f"{each.seconds:.1f} s", f"{each.settled:.1f} s", f"{each.work:.1f} ms", f"{each.operator:.1f} ms")
        for name, each in phases.items()
    ]
    Table(columns, rows).show()


if __name__ == "__main__":
    told = "Measure what many Deployments take."
    carry_out(scaled("bench.applied", told, scale=200, what="Deployments that are applied at once"), _run)
