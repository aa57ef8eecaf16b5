"""Audits of drains in a cluster: what blocks a node is told until it is mended, and without them no pod is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster.conftest import ROOT
from cluster.world import World, deployment, eventually
from owners.manifests import budget
from productionpolicy.controller.resources import DRAINED
from productionpolicy.kube.identity import AUDIT_DRAINS

USER = "system:serviceaccount:productionpolicy-system:productionpolicy"
COMPONENT = str(ROOT / "manifests" / "drain-audit")
ENABLED = {"mode": "Enabled"}


class Requests:
    """What the operator has asked the API server for since a moment."""

    def __init__(self, world: World) -> None:
        self._log = world.plane.site.audit_log
        self._begin = len(self._log.read_bytes())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        text = self._log.read_bytes()[self._begin :]
        for line in text[: text.rfind(b"\n") + 1].splitlines():
            entry = json.loads(line)
            if entry["user"]["username"] == USER:
                yield entry

    def lists_of_all(self) -> set[str]:
        """Return the kinds of which all objects were listed, in all namespaces."""
        asked = (each for each in self if each["verb"] == "list" and "namespace" not in each["objectRef"])
        return {each["objectRef"]["resource"] for each in asked}

    def statuses(self, policy: str) -> int:
        """Return how often the status of a policy was written."""
        references = (each["objectRef"] for each in self if each["verb"] == "patch")
        return sum((each["name"], each.get("subresource")) == (policy, "status") for each in references)


@contextmanager
def component(world: World) -> Iterator[None]:
    """Install the rights for audits, and take them away at the end."""
    world.kubectl("apply", "-k", COMPONENT)
    try:
        yield
    finally:
        world.kubectl("delete", "-k", COMPONENT)


def reason(world: World, policy: str) -> str:
    return world.told(policy, "NodesDrainable")[1]


def audited(world: World, policy: str, *, request: str) -> None:
    """Request an audit, and wait until it has ended."""
    world.kubectl("annotate", "--overwrite", "productionpolicy", policy, f"{AUDIT_DRAINS}={request}")
    eventually(lambda: world.status(policy)["drainAudit"]["handledRequest"] == request)


def blocked_nodes(world: World, policy: str) -> float | None:
    return world.operator.metric("productionpolicy_drain_blocked_nodes", policy=policy)


def blocking(world: World) -> tuple[str, str]:
    """Create a workload of two pods whose budget never allows an eviction; return its policy and namespace."""
    policy, namespace = world.governed(deployment(replicas=2), budget("web", maxUnavailable=0), mode="Audit")
    world.rolled_out("web", namespace)
    eventually(lambda: world.get("pdb", "web", namespace).get("status", {}).get("currentHealthy") == 2)
    return policy, namespace


def test_a_blocked_node_is_told_until_the_budget_is_mended(world: World) -> None:
    policy, namespace = blocking(world)
    nodes = {each["spec"]["nodeName"] for each in world.all("pod", namespace)}
    with component(world):
        world.change_policy(policy, drainAudit=ENABLED)
        eventually(lambda: reason(world, policy) == "NodesBlocked")
        told = world.status(policy)["drainAudit"]
        assert {each["node"] for each in told["blocked"]} == nodes
        assert {(each["namespace"], each["name"], *each["budgets"]) for each in told["blocked"]} == {
            (namespace, "web", f"{namespace}/web")
        }
        assert eventually(lambda: blocked_nodes(world, policy)) == told["blockedNodes"] == len(nodes)

        world.kubectl("patch", "pdb", "web", "-n", namespace, "--type=merge", "-p", '{"spec":{"maxUnavailable":1}}')
        eventually(lambda: world.get("pdb", "web", namespace)["status"]["disruptionsAllowed"] == 1)
        audited(world, policy, request="mended")
        assert reason(world, policy) == "AllNodesDrain"
        assert eventually(lambda: blocked_nodes(world, policy) == 0)

        world.fixed(lambda: None)
        requests = Requests(world)
        audited(world, policy, request="again")
        world.fixed(lambda: None)
        assert requests.lists_of_all() >= {each.plural for each in DRAINED}
        assert requests.statuses(policy) == 1

    world.change_policy(policy, drainAudit={"mode": "Disabled"})
    eventually(lambda: "drainAudit" not in world.status(policy))
    assert reason(world, policy) == ""
    assert eventually(lambda: blocked_nodes(world, policy) is None)


def test_missing_rights_are_told_with_the_remedy_and_a_restart_repeats_no_audit(world: World) -> None:
    policy, namespace = world.governed(deployment(replicas=2), mode="Audit")
    world.rolled_out("web", namespace)
    world.change_policy(policy, drainAudit=ENABLED)
    eventually(lambda: reason(world, policy) == "NotAllRead")
    told = world.condition(policy, "NodesDrainable")
    assert told["status"] == "Unknown"
    assert "(persistent volumes, storage classes, attach limits of nodes): forbidden" in told["message"]
    assert "kubectl apply -k manifests/drain-audit" in told["message"]

    with component(world):
        audited(world, policy, request="with-rights")
        assert reason(world, policy) == "AllNodesDrain"
        before = world.status(policy)["drainAudit"]
        requests = Requests(world)
        assert world.operator.stop(timeout=10) == 0
        world.operator.start()
        world.operator.wait_ready(30)
        assert world.fixed(lambda: world.status(policy)["drainAudit"]) == before
        assert "pods" not in requests.lists_of_all()


def test_without_audits_no_pod_is_listed_beyond_the_governed_namespaces(world: World) -> None:
    requests = Requests(world)
    policy, _ = blocking(world)
    eventually(lambda: world.status(policy).get("workloads", {}).get("total") == 1)
    world.fixed(lambda: None)
    assert "pods" not in requests.lists_of_all()
    assert reason(world, policy) == ""
    assert blocked_nodes(world, policy) is None
