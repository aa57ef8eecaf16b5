"""Inside: the mounts and the network that the nodes see. What is done here ends with the namespaces."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

from proof.isolation import Hierarchy, hierarchies, make_group
from proof.record import Manner

STATE = Path("/run/proof")
COVERED = ("/run", "/var/lib", "/var/log")
"""Where kubelets and containerd leave things that no setting puts elsewhere."""

CONTROL_GROUPS = Path("/sys/fs/cgroup")
TUNED = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}
"""What a kubelet sets for the whole machine, unless it finds it so."""

DEVICE = "nodes"
SERVICE_RANGE = "10.96.0.0/16"
CLIENTS = {Manner.NEW: "192.168.77.101", Manner.KEPT: "192.168.77.102"}
"""Where requests come from: two clients have two addresses. With one, a port from which a kept connection came to a pod
that has died since could serve a new connection, which the kernel then takes to that pod."""

_CONNTRACK_DELETE = 1 << 8 | 2
_REQUEST_AND_ACKNOWLEDGE = 1 | 4
_NETFILTER = 12


def node_address(number: int) -> str:
    """Return the address of a node."""
    return f"192.168.77.{number}"


def enclose(nodes: int) -> None:
    """Make the namespaces of this process a place where nodes can live."""
    groups = hierarchies()
    _run("mount", "--make-rshared", "/")
    for folder in COVERED:
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "proof", folder)
    STATE.mkdir()
    _mount_control_groups(groups)
    _cover_tunables()
    _make_network(nodes)


def make_groups(name: str) -> None:
    """Make a control group in each hierarchy."""
    unified = (CONTROL_GROUPS / "cgroup.controllers").exists()
    for root in [CONTROL_GROUPS] if unified else sorted(CONTROL_GROUPS.iterdir()):
        make_group(root / name)


def kill_group(name: str) -> None:
    """Kill all processes in a control group that `make_groups` made, and in those below it."""
    unified = (CONTROL_GROUPS / "cgroup.controllers").exists()
    for root in [CONTROL_GROUPS] if unified else sorted(CONTROL_GROUPS.iterdir()):
        for members in sorted((root / name).rglob("cgroup.procs")):
            for process in members.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)


def forget_connections() -> None:
    """Empty the kernel's table of connections of this network namespace.

    A connection attempt whose pod has died stays in it for two minutes, and takes along new ones from the same port.
    """
    header = struct.pack("=IHHII", 20, _CONNTRACK_DELETE, _REQUEST_AND_ACKNOWLEDGE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as netlink:
        netlink.send(header + struct.pack("=BBH", socket.AF_UNSPEC, 0, 0))
        answer = netlink.recv(4096)
    error = -int(struct.unpack_from("=i", answer, 16)[0])
    if error:
        raise OSError(error, os.strerror(error))


def _mount_control_groups(groups: list[Hierarchy]) -> None:
    """Mount them again, since what is mounted shows those of the whole machine."""
    _run("mount", "-t", "sysfs", "proof", "/sys")
    if not groups[0].controllers:
        _run("mount", "-t", "cgroup2", "proof", str(CONTROL_GROUPS))
        controllers = (CONTROL_GROUPS / "cgroup.controllers").read_text().split()
        (CONTROL_GROUPS / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in controllers))
        return
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "proof", str(CONTROL_GROUPS))
    for each in groups:
        where = CONTROL_GROUPS / each.mount.name
        where.mkdir()
        _run("mount", "-t", "cgroup", "-o", each.controllers, "proof", str(where))


def _cover_tunables() -> None:
    for name, value in TUNED.items():
        file = STATE / "tuned" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
        _run("mount", "--bind", str(file), f"/proc/sys/{name}")


def _make_network(nodes: int) -> None:
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", DEVICE, "type", "bridge")
    for address in (*map(node_address, range(1, nodes + 1)), *CLIENTS.values()):
        _run("ip", "address", "add", f"{address}/24", "dev", DEVICE)
    _run("ip", "link", "set", DEVICE, "up")
    _run("ip", "route", "add", SERVICE_RANGE, "dev", DEVICE)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("10000 65000")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
