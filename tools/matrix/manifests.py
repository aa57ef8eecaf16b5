"""What the owner keeps in a repository: a Deployment that needs every repair, and its Service."""

from __future__ import annotations

import copy

from owners.manifests import Raw, container

Manifests = tuple[Raw, ...]

NAME = "web"
REPLICAS = 4
"""From here on a rollout setting is repaired, too."""

LABELS = {"app": NAME, "tier": "front"}


def base() -> Manifests:
    """Return what the owner begins with."""
    template = {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [container(NAME, port=8080), container("side", port=9090)]},
    }
    spec = {"replicas": REPLICAS, "selector": {"matchLabels": {"app": NAME}}, "template": template}
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]
    return (
        copy.deepcopy({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"ports": ports, "selector": {"app": NAME}},
        },
    )


def identity(raw: Raw) -> tuple[str, str]:
    """Return kind and name."""
    return raw["kind"], raw["metadata"]["name"]


def deployment(manifests: Manifests) -> Raw:
    """Return the Deployment among them."""
    return next(each for each in manifests if each["kind"] == "Deployment")
