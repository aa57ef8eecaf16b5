"""`python -m bench.applied` measures what a policy costs whoever applies many Deployments at once.

The same Deployments are applied by kubectl, with all controllers at work, into one namespace after another: one that is
not governed; one in which the API server repairs at admission, while no operator runs; and one in which an operator
runs beside it. So the parts of admission and of the operator can be told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.table import Table

from bench import workloads
from bench.load import Meter
from control_plane.installation import REPOSITORY, install
from control_plane.nodes import Node
from control_plane.operator_process import OperatorProcess
from control_plane.patience import eventually
from control_plane.plane import ControlPlane, KubectlFailed
from control_plane.session import console, in_folder_of_its_own
from owners.manifests import namespace
from productionpolicy.controller.admission_policies import REPAIR, binding
from productionpolicy.kube.identity import REPAIRS_POLICY

PLAIN, ADMISSION, OPERATOR = "plain", "admission", "admission and operator"
NOTE = REPAIRS_POLICY
WIDTH = 120
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.applied", description="Measure what many Deployments take.")
    parser.add_argument("--scale", type=int, default=200, help="Deployments that are applied at once (default: 200)")
    options = parser.parse_args(arguments)
    return in_folder_of_its_own("bench-applied", lambda folder: _run(folder, options.scale), failures=(KubectlFailed,))


def _run(folder: Path, scale: int) -> int:
    phases: dict[str, Phase] = {}
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane.start(folder, nodes=_nodes(scale)))
        kubeconfig = install(plane)
        _applied(plane, "warm-up", policy=None, scale=scale, operator=None)
        phases[PLAIN] = _applied(plane, "plain", policy=None, scale=scale, operator=None)
        _admit(plane)
        phases[ADMISSION] = _applied(plane, "admitted", policy=workloads.POLICY, scale=scale, operator=None)
        operator = stack.enter_context(OperatorProcess(kubeconfig, log=folder / "operator.log"))
        operator.wait_ready(BOUND_SECONDS)
        _wait(plane, "admitted", scale=scale, budgets=True)
        phases[OPERATOR] = _applied(plane, "operated", policy=workloads.POLICY, scale=scale, operator=operator)
    _tell(phases, scale)
    return 0


def _nodes(scale: int) -> list[Node]:
    """Return nodes that have room for the Deployments of all phases."""
    room = {"cpus": scale, "memory_gib": scale, "pods": 4 * scale}
    return [Node(f"node-{number}", zone=f"zone-{number % 2}", **room) for number in range(4)]


def _admit(plane: ControlPlane) -> None:
    """Let the API server repair by the policy, and wait until it does."""
    plane.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "admission"))
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(workloads.policy()))
    uid = plane.kubectl("get", "productionpolicy", workloads.POLICY, "-o", "jsonpath={.metadata.uid}")
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(binding(REPAIR, to=workloads.POLICY, uid=uid)))
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(namespace("probe", policy=workloads.POLICY)))
    probe = yaml.safe_dump(workloads.deployment("probe", namespace="probe"))

    async def look() -> tuple[bool, str]:
        made = plane.kubectl("create", "--dry-run=server", "-f", "-", "-o", "yaml", stdin=probe)
        return NOTE in made, "the API server does not repair"

    asyncio.run(eventually(look, seconds=BOUND_SECONDS))


def _applied(
    plane: ControlPlane, name: str, *, policy: str | None, scale: int, operator: OperatorProcess | None
) -> Phase:
    """Apply the Deployments into a namespace of their own."""
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(namespace(name, policy=policy)))
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

    async def look() -> tuple[bool, str]:
        found = json.loads(plane.kubectl("get", "deployments", "-n", name, "-o", "json"))["items"]
        done = sum(each["status"].get("availableReplicas") == each["spec"]["replicas"] for each in found)
        protected = plane.kubectl("get", "poddisruptionbudgets", "-n", name, "-o", "name").split() if budgets else ()
        whole = done == scale and (not budgets or len(protected) == scale)
        return whole, f"{name}: {done} of {scale} are rolled out, {len(protected)} have a budget"

    asyncio.run(eventually(look, seconds=600.0))


def _tell(phases: dict[str, Phase], scale: int) -> None:
    out = console(width=WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in (f"{scale} DEPLOYMENTS", "KUBECTL APPLY", "UNTIL SETTLED", "CPU CONTROL PLANE", "CPU OPERATOR"):
        table.add_column(column, no_wrap=True)
    for name, each in phases.items():
        times = f"{each.seconds:.1f} s", f"{each.settled:.1f} s", f"{each.work:.1f} ms", f"{each.operator:.1f} ms"
        table.add_row(name, *times)
    out.print(table)


if __name__ == "__main__":
    sys.exit(main())
