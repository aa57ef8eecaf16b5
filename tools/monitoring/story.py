"""What happens in a cluster while its metrics are recorded: repairs, a failed rollout, a contested repair, a fix."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from control_plane.installation import REPOSITORY
from control_plane.patience import eventually
from control_plane.plane import ControlPlane
from owners.manifests import Raw, container, namespace, policy
from productionpolicy.kube.identity import POLICY_LABEL
from prometheus.server import Server

QUIET_SECONDS = 20
"""How long nothing happens after each chapter, so that graphs show one after the other."""

PATIENCE_SECONDS = 90.0
STOCK, TICKETS = "stock", "tickets"
REPLICAS = 3


@dataclass(frozen=True, slots=True)
class Story:
    """The story, played on a control plane; the metrics of the operator show that it goes on."""

    plane: ControlPlane
    server: Server

    def play(self) -> None:
        """Play it from the beginning to the end.

        Raises:
            NeverHappened: the metrics do not show what should have happened.
        """
        for chapter in (
            self.repairs,
            self.drain_audit,
            self.failed_rollout,
            self.another_namespace,
            self.contest,
            self.fix,
        ):
            chapter()
            time.sleep(QUIET_SECONDS)

    def repairs(self) -> None:
        """A shop gets a policy, which repairs its workloads."""
        self._apply("-k", str(REPOSITORY / "examples" / "shop"))
        self._apply("-f", str(REPOSITORY / "examples" / "policy.yaml"))
        self._kubectl("label", "namespace", "shop", f"{POLICY_LABEL}=default")
        self._shows("sum(productionpolicy_repairs_total) > 0")
        self._shows('productionpolicy_workloads{state="repairing"} == 0')

    def drain_audit(self) -> None:
        """The policy asks for audits of drains."""
        self._apply("-k", str(REPOSITORY / "manifests" / "drain-audit"))
        patch = json.dumps({"spec": {"drainAudit": {"mode": "Enabled"}}})
        self._kubectl("patch", "productionpolicy", "default", "--type=merge", "-p", patch)
        self._shows("productionpolicy_drain_blocked_nodes")

    def failed_rollout(self) -> None:
        """A quota leaves no room for the rollout of a repair, which is put back."""
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}}
        self._create(namespace(STOCK))
        self._create({**quota, "spec": {"hard": {"pods": str(REPLICAS)}}}, within=STOCK)
        self._create(_deployment("ledger", progressDeadlineSeconds=10), within=STOCK)
        self._kubectl("rollout", "status", "deployment/ledger", "-n", STOCK)
        self._create(policy("stock"))
        self._kubectl("label", "namespace", STOCK, f"{POLICY_LABEL}=stock")
        self._shows("productionpolicy_failed_rollouts_total > 0")

    def another_namespace(self) -> None:
        """One more namespace gets the first policy. One of its workloads has a finding that only its owner can fix."""
        self._create(namespace(TICKETS, policy="default"))
        for name, replicas in (("desk", REPLICAS), ("mail", 1), ("web", REPLICAS)):
            self._create(_deployment(name, replicas=replicas), within=TICKETS)
        self._shows(f'productionpolicy_namespace_workloads{{workload_namespace="{TICKETS}"}} == 3')
        self._shows('productionpolicy_workloads{policy="default",state="repairing"} == 0')

    def contest(self) -> None:
        """Another writer removes a repair twice."""
        removal = json.dumps([{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}])
        for _ in range(2):
            self._until(lambda: "lifecycle" in self._container("desk"), otherwise="desk was not repaired")
            self._kubectl("rollout", "status", "deployment/desk", "-n", TICKETS)
            self._kubectl("patch", "deployment", "desk", "-n", TICKETS, "--type=json", "-p", removal)
        self._shows('productionpolicy_workloads{state="contested"} > 0')

    def fix(self) -> None:
        """The owner adds the missing replica."""
        violating = f'productionpolicy_namespace_violating_workloads{{workload_namespace="{TICKETS}"}}'
        before = float(self.server.latest(violating, time=time.time())[0]["value"][1])
        self._kubectl("scale", "deployment", "mail", "-n", TICKETS, "--replicas=2")
        self._shows(f"{violating} < {before}")

    def _shows(self, expression: str) -> None:
        """Wait until an expression has a result."""
        self._until(
            lambda: bool(self.server.latest(expression, time=time.time())),
            otherwise=f"the metrics did not show {expression}",
        )

    def _until(self, true: Callable[[], bool], *, otherwise: str) -> None:
        eventually(true, within=PATIENCE_SECONDS, otherwise=otherwise, poll_seconds=0.5)

    def _container(self, name: str) -> Raw:
        live = json.loads(self._kubectl("get", "deployment", name, "-n", TICKETS, "-o", "json"))
        found: Raw = live["spec"]["template"]["spec"]["containers"][0]
        return found

    def _create(self, raw: Raw, *, within: str = "default") -> None:
        self.plane.kubectl("apply", "-n", within, "-f", "-", stdin=json.dumps(raw))

    def _apply(self, *arguments: str) -> None:
        self._kubectl("apply", *arguments)

    def _kubectl(self, *arguments: str) -> str:
        return self.plane.kubectl(*arguments)


def _deployment(name: str, *, replicas: int = REPLICAS, **spec: Any) -> Raw:
    """Return a Deployment that needs repairs."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container(name, port=8080)]}}
    whole = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": whole}
