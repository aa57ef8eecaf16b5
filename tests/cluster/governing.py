"""Policies that govern at admission alone, in a control plane without an operator and without controllers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from control_plane.installation import (
    MUTATING,
    NotServedError,
    admission_version,
    apply,
    install_admission,
    start_admitting,
)
from control_plane.plane import ControlPlane
from owners import manifests
from owners.manifests import Raw
from productionpolicy.controller.admission_policies import REPAIR, AdmissionPolicy
from testbed.admission import bind
from testbed.client import Client

Try = tuple[Raw, Sequence[str]]
"""A workload, and the policies under which it is tried."""


def under_all(raws: Iterable[Raw], policies: Iterable[str]) -> list[Try]:
    """Return each workload with all policies."""
    names = tuple(policies)
    return [(raw, names) for raw in raws]


def under_one_each(raws: Iterable[Raw], policies: Iterable[str]) -> list[Try]:
    """Return each workload with one policy; the policies take turns."""
    return [(raw, (name,)) for raw, name in zip(raws, itertools.cycle(policies), strict=False)]


def govern(plane: ControlPlane, policy: Raw, *admission: AdmissionPolicy, version: str = "v1") -> None:
    """Create a policy, its bindings as the operator makes them, and a namespace of its own name that it governs."""
    client, name = Client(plane), policy["metadata"]["name"]
    bind(client, policy, *(admission or (REPAIR,)), version=version)
    client.create(manifests.namespace(name, policy=name))


@contextmanager
def admitting(folder: Path, *policies: Raw) -> Iterator[Client]:
    """Yield a control plane without controllers that repairs at admission by policies, each as `govern` creates it."""
    with start_admitting(folder, controllers=False) as plane:
        apply(plane)
        install_admission(plane)
        version = admission_version(plane)
        assert version is not None
        for each in policies:
            govern(plane, each, version=version)
        yield Client(plane)


@contextmanager
def meddling(
    client: Client, name: str, expression: str, *, resource: Raw, labels: Raw, when: str = ""
) -> Iterator[None]:
    """Have another policy at admission change new objects with these labels, until the end of the block.

    Raises:
        NotServedError: the API server cannot do that.
    """
    version = admission_version(client.plane)
    if version is None:
        raise NotServedError(MUTATING)
    kind = {"apiVersion": f"admissionregistration.k8s.io/{version}", "metadata": {"name": name}}
    rule = {"apiVersions": ["v1"], "operations": ["CREATE"], **resource}
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [rule], "objectSelector": {"matchLabels": labels}},
        "matchConditions": [{"name": "when", "expression": when}] if when else [],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    }
    made = manifests.listed(
        {**kind, "kind": "MutatingAdmissionPolicy", "spec": spec},
        {**kind, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": name}},
    )
    client.kubectl("apply", "-f", "-", stdin=made)
    yield
    client.kubectl("delete", "-f", "-", stdin=made)


def as_written(raw: Raw, namespace: str) -> Raw:
    """Return an object as its owner would write it into a namespace: without what a server adds to its metadata."""
    kept = {key: value for key, value in raw["metadata"].items() if key in {"name", "labels", "annotations"}}
    return {**raw, "metadata": {**kept, "namespace": namespace}}
