"""A control plane with real nodes, inside the enclosure. What is started here ends with its namespaces."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.patience import eventually
from control_plane.plane import NO_FLAGS, ControlPlane, StartFailed
from control_plane.process import Guard, Process
from owners.manifests import Raw
from owners.rollouts import is_ready
from proof import images
from proof.enclosure import STATE, enclose, kill_group, make_groups
from proof.load import Target
from proof.node import Node, proxy_configuration
from proof.programs import Programs, ensure
from testbed.client import Client

START_SECONDS = 60.0
NODES = 3
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


@contextmanager
def cluster(folder: Path) -> Iterator[ControlPlane]:
    """Yield a control plane whose nodes are ready; the logs of the nodes are in `logs` in the folder."""
    with machines(folder) as nodes:
        yield nodes.plane


@contextmanager
def machines(
    folder: Path, *, archives: Sequence[Path] = (), flags: Mapping[str, Sequence[str]] = NO_FLAGS
) -> Iterator[Nodes]:
    """Yield the nodes of a control plane, which are ready.

    Args:
        folder: its `logs` holds the logs of the nodes.
        archives: further images for each node.
        flags: as of `ControlPlane.start`.
    """
    programs = ensure()
    enclose(NODES)
    guard = Guard.post()
    try:
        with ControlPlane.start(folder / "plane", nodes=(), flags=flags) as plane:
            nodes = Nodes(programs, plane, folder / "logs", guard, archives)
            nodes.start()
            yield nodes
    finally:
        guard.dismiss()


def target(service: Raw) -> Target:
    """Return where requests to a Service go: to its address, from where kube-proxy's rules take them on."""
    address = (service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"])
    return lambda: address


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a control plane, and what has been started for them."""

    programs: Programs
    plane: ControlPlane
    logs: Path
    guard: Guard
    archives: Sequence[Path] = ()
    started: list[Process] = field(default_factory=list)

    def start(self) -> None:
        """Start all of them and wait until they are ready."""
        self.logs.mkdir()
        nodes = [Node(number, self.programs) for number in range(1, NODES + 1)]
        for node in nodes:
            make_groups(node.name)
            node.prepare()
            self._spawn(f"{node.name}.containerd", node.containerd_command())
        self._await(lambda: all(map(_listens, nodes)))
        self._load_images(nodes)
        for node in nodes:
            self._spawn(f"{node.name}.kubelet", node.kubelet_command(self.plane.kubeconfig))
        self._start_proxy(nodes[0])
        self._await(lambda: sum(map(is_ready, Client(self.plane).all("node"))) == NODES)

    def kill(self, name: str) -> None:
        """End a node as a power failure does: its kubelet, containerd and all its containers, at once."""
        for process in self.started:
            if process.log.stem in (f"{name}.kubelet", f"{name}.containerd"):
                process.kill()
        kill_group(name)

    def _load_images(self, nodes: Sequence[Node]) -> None:
        for tag, name in ((images.PAUSE, "pause"), (images.WEB, "web")):
            archive = STATE / f"{name}.tar"
            images.write_archive(archive, program=self.programs.service / name, tag=tag)
            for node in nodes:
                node.load(archive)
        for archive in self.archives:
            for node in nodes:
                node.load(archive)

    def _start_proxy(self, node: Node) -> None:
        """Start kube-proxy: once, since the nodes share a network namespace and so the rules in it."""
        configuration = STATE / "kube-proxy.yaml"
        configuration.write_text(json.dumps(proxy_configuration(kubeconfig=self.plane.kubeconfig, node=node.name)))
        self._spawn("kube-proxy", [str(self.programs.node / "kube-proxy"), f"--config={configuration}"])

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        path = {"PATH": f"{self.programs.nft.parent}:{self.programs.containerd}:{SYSTEM_PATH}"}
        log = self.logs / f"{name}.log"
        self.started.append(Process.spawn(command, log=log, guard=self.guard, environment=path))

    def _await(self, true: Callable[[], bool]) -> None:
        """Wait until something is true, but not for a program that has ended."""

        def look() -> bool:
            """The nodes start."""
            for process in self.started:
                if not process.alive:
                    raise StartFailed(f"{process.log.stem} ended with exit code {process.exit_code}.\n{process.tail()}")
            return true()

        eventually(look, within=START_SECONDS)


def _listens(node: Node) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(node.socket)) == 0
