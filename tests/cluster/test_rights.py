"""The rights of the operator are exactly those that it uses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import yaml

from cluster.conftest import ROOT
from cluster.world import NeverHappened, World, deployment, eventually, stateful_set
from owners.manifests import pod, replica_set, replication_controller

Right = tuple[str, str, str]
ASKED_FOR_US = {("get", "productionpolicy.dev", "productionpolicies")}
"""Whoever binds an admission policy must be allowed to read its parameters, which the API server asks itself."""

USER = "system:serviceaccount:productionpolicy-system:productionpolicy"


def granted() -> set[Right]:
    """Return verb, group and resource of everything that the manifests grant."""
    role = yaml.safe_load((ROOT / "manifests" / "base" / "clusterrole.yaml").read_text())
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def used(world: World) -> set[Right]:
    """Return verb, group and resource of everything that the operator has asked for."""
    return set(_used(world.plane.site.audit_log.read_text()))


def _used(log: str) -> Iterator[Right]:
    for line in log.splitlines():
        entry: dict[str, Any] = json.loads(line)
        reference = entry.get("objectRef")
        if entry["user"]["username"] == USER and reference and "resource" in reference:
            resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
            yield entry["verb"], reference.get("apiGroup", ""), resource


def test_the_granted_rights_are_the_used_ones(admitting_world: World) -> None:
    world = admitting_world
    policy = world.policy(onRemoval="Revert")
    namespace = world.namespace(policy)
    world.apply(namespace, deployment(), stateful_set(), pod("bare"), replica_set(), replication_controller())
    world.settled(policy, total=5)
    name = "web-deployment-productionpolicy"
    world.kubectl("patch", "pdb", name, "-n", namespace, "--type=merge", "-p", '{"spec":{"maxUnavailable":0}}')
    eventually(lambda: world.get("pdb", name, namespace)["spec"]["maxUnavailable"] == "25%")
    for kind in ("deployment/web", "statefulset/db"):
        world.operator.kill()
        patch = json.dumps({"spec": {"template": {"spec": {"hostname": "cut-off"}}}})
        world.kubectl("patch", kind, "-n", namespace, "-p", patch, "--field-manager=productionpolicy")
        world.operator.start().wait_ready(60)
    world.settled(policy, total=5)
    world.kubectl("delete", "productionpolicy", policy, "--timeout=60s")
    eventually(lambda: not world.budgets(namespace))

    with suppress(NeverHappened):
        eventually(lambda: not granted() - used(world) - ASKED_FOR_US)
    assert granted() - used(world) == ASKED_FOR_US
    assert used(world) - granted() == set()
