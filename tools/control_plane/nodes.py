"""The fake nodes of a control plane, which kwok keeps Ready and whose pods it starts and ends at once."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the scheduler sees it."""

    name: str
    _: KW_ONLY
    zone: str
    cpus: int = 32
    memory_gib: int = 128
    pods: int = 500


DEFAULT_NODES = (
    Node("node-1", zone="zone-a"),
    Node("node-2", zone="zone-b"),
    Node("node-3", zone="zone-a"),
    Node("node-4", zone="zone-b"),
)


def manifest(node: Node) -> dict[str, object]:
    """Return the Node object to create."""
    room = {"cpu": str(node.cpus), "memory": f"{node.memory_gib}Gi", "pods": str(node.pods)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": node.name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": node.zone,
            },
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "status": {"allocatable": room, "capacity": room},
    }
