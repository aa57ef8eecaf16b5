"""A drain, as `productionpolicy drain` predicts it and as it happens."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

from control_plane.plane import RequestFailed
from owners.rollouts import is_ready
from productionpolicy.drain import Result
from proof.record import Drain
from testbed.client import Client

COMMAND = (sys.executable, "-m", "productionpolicy", "drain", "--no-repairs", "-o", "json")
FLAGS = ("--ignore-daemonsets",)
LOOK_SECONDS = 0.1
"""Between two looks at the pods. No pod becomes ready in less, so that no service without a ready pod is missed."""

UNREADABLE = 2
"""The exit code of the command if it cannot read the cluster."""


def predicted(client: Client, node: str) -> Drain:
    """Return what the command of the operator says of the drain of a node, which is still to come.

    Raises:
        RequestFailed: the command could not read the cluster.
    """
    command = [*COMMAND, *FLAGS, f"--kubeconfig={client.plane.kubeconfig}", node]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == UNREADABLE or not done.stdout:
        raise RequestFailed(f"{' '.join(command)}: {done.stderr}")
    [run] = json.loads(done.stdout)["now"]
    return Drain(run["nodes"][0]["result"], frozenset(each["workload"]["name"] for each in run["dark"]))


def carried_out(client: Client, node: str, *, namespace: str, seconds: float) -> Drain:
    """Drain a node, and return what happened to the Deployments of a namespace.

    Raises:
        RequestFailed: kubectl did not drain it in so many seconds.
    """
    dark: set[str] = set()
    with ThreadPoolExecutor(1) as threads:
        drain = threads.submit(client.kubectl, "drain", node, *FLAGS, f"--timeout={seconds:.0f}s")
        while not drain.done():
            dark.update(_without_a_ready_pod(client, namespace))
            wait([drain], timeout=LOOK_SECONDS)
        drain.result()
    return Drain(Result.DRAINS, frozenset(dark))


def _without_a_ready_pod(client: Client, namespace: str) -> Iterator[str]:
    ready = {each["metadata"]["labels"]["app"] for each in client.all("pod", namespace) if is_ready(each)}
    names = (each["metadata"]["name"] for each in client.all("deployment", namespace))
    yield from (each for each in names if each not in ready)
