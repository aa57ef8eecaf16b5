"""Policies at admission without an operator, which would create their bindings."""

from __future__ import annotations

from owners.manifests import Raw
from productionpolicy.controller.admission_policies import AdmissionPolicy, binding
from testbed.client import Client


def bind(client: Client, policy: Raw, *admission: AdmissionPolicy, version: str = "v1") -> None:
    """Create a policy, and its bindings as the operator makes them."""
    name, uid = policy["metadata"]["name"], client.create(policy)["metadata"]["uid"]
    for each in admission:
        client.kubectl("create", "-f", "-", stdin=binding(each, to=name, uid=uid, version=version))
