"""Policies that govern at admission alone, in a control plane without an operator and without controllers."""

from __future__ import annotations

from control_plane.plane import ControlPlane
from owners import manifests
from owners.manifests import Raw
from productionpolicy.controller.admission import REPAIR, AdmissionPolicy, binding
from productionpolicy.controller.store import StoredPolicy
from testbed.client import Client


def govern(plane: ControlPlane, policy: Raw, *admission: AdmissionPolicy, version: str = "v1") -> None:
    """Create a policy, its bindings as the operator makes them, and a namespace of its own name that it governs."""
    client, name = Client(plane), policy["metadata"]["name"]
    uid = client.create(policy)["metadata"]["uid"]
    stored = StoredPolicy(name=name, uid=uid, resource_version="", generation=1, policy=None)
    for each in admission or (REPAIR,):
        client.kubectl("create", "-f", "-", stdin=binding(stored, each, version=version))
    client.create(manifests.namespace(name, policy=name))


def as_written(raw: Raw, namespace: str) -> Raw:
    """Return an object as its owner would write it into a namespace: without what a server adds to its metadata."""
    kept = {key: value for key, value in raw["metadata"].items() if key in {"name", "labels", "annotations"}}
    return {**raw, "metadata": {**kept, "namespace": namespace}}
