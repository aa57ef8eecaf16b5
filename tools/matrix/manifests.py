"""What the owner keeps in a repository: a Deployment that needs every repair, and its Service."""

from __future__ import annotations

from owners import manifests
from owners.manifests import Raw, container

Manifests = tuple[Raw, ...]

NAME = "web"
REPLICAS = 4
"""From here on a rollout setting is repaired, too."""

LABELS = {"app": NAME, "tier": "front"}


def base() -> Manifests:
    """Return what the owner begins with."""
    web = manifests.deployment(NAME, replicas=REPLICAS, containers=[container(NAME), container("side", port=9090)])
    web["spec"]["template"]["metadata"]["labels"] = {**LABELS}
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}}
    return web, {**service, "spec": {"ports": ports, "selector": {"app": NAME}}}


def identity(raw: Raw) -> tuple[str, str]:
    """Return kind and name."""
    return raw["kind"], raw["metadata"]["name"]


def deployment(manifests: Manifests) -> Raw:
    """Return the Deployment among them."""
    return next(each for each in manifests if each["kind"] == "Deployment")
