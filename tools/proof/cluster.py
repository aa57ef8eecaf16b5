"""A control plane with real nodes, inside the enclosure. What is started here ends with its namespaces."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from control_plane.plane import ControlPlane
from control_plane.process import Guard, Process
from demo.waiting import NotShown, until
from proof import images
from proof.enclosure import STATE, enclose, make_groups
from proof.load import Target
from proof.node import Node, proxy_configuration
from proof.programs import Programs, ensure
from proof.stage import Raw, is_ready

START_SECONDS = 60.0
NODES = 3


@contextmanager
def cluster(folder: Path) -> Iterator[ControlPlane]:
    """Yield a control plane whose nodes are ready; the logs of the nodes are in `logs` in the folder."""
    programs = ensure()
    nodes = [Node(number, programs) for number in range(1, NODES + 1)]
    enclose(NODES)
    guard = Guard.post()
    try:
        with ControlPlane.start(folder / "plane", nodes=()) as plane:
            _start(nodes, programs, plane=plane, logs=folder / "logs", guard=guard)
            yield plane
    finally:
        guard.dismiss()


def target(service: Raw) -> Target:
    """Return where requests to a Service go: to its address, from where kube-proxy's rules take them on."""
    address = (service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"])
    return lambda: address


def _start(nodes: Sequence[Node], programs: Programs, *, plane: ControlPlane, logs: Path, guard: Guard) -> None:
    logs.mkdir()
    path = {"PATH": f"{programs.nft.parent}:{programs.containerd}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}

    def spawn(name: str, command: Sequence[str]) -> Process:
        return Process.spawn(command, log=logs / f"{name}.log", guard=guard, environment=path)

    started = []
    for node in nodes:
        make_groups(node.name)
        node.prepare()
        started.append(spawn(f"{node.name}.containerd", node.containerd_command()))
    _load_images(nodes, programs, started)
    started += [spawn(f"{node.name}.kubelet", node.kubelet_command(plane.kubeconfig)) for node in nodes]
    configuration = STATE / "kube-proxy.yaml"
    configuration.write_text(json.dumps(proxy_configuration(kubeconfig=plane.kubeconfig, node=nodes[0].name)))
    started.append(spawn("kube-proxy", [str(programs.node / "kube-proxy"), f"--config={configuration}"]))
    _await(lambda: _ready_nodes(plane) == len(nodes), started, otherwise="the nodes did not become ready")


def _load_images(nodes: Sequence[Node], programs: Programs, started: Sequence[Process]) -> None:
    _await(lambda: all(map(_listens, nodes)), started, otherwise="containerd did not start")
    for tag, name in ((images.PAUSE, "pause"), (images.WEB, "web")):
        archive = STATE / f"{name}.tar"
        images.write_archive(archive, program=programs.service / name, tag=tag)
        for node in nodes:
            node.load(archive)


def _ready_nodes(plane: ControlPlane) -> int:
    return sum(map(is_ready, json.loads(plane.kubectl("get", "nodes", "-o", "json"))["items"]))


def _listens(node: Node) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(node.socket)) == 0


def _await(true: Callable[[], bool], started: Sequence[Process], *, otherwise: str) -> None:
    """Wait until something is true, but not for a program that has ended."""

    def look() -> bool:
        for process in started:
            if not process.alive:
                raise NotShown(f"{process.log.stem} ended with exit code {process.exit_code}.\n{process.tail()}")
        return true()

    until(look, seconds=START_SECONDS, otherwise=otherwise)
