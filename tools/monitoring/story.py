"""What happens in a cluster while its metrics are recorded: repairs, a failed rollout, a contested repair, a fix."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from control_plane.installation import REPOSITORY
from control_plane.patience import eventually
from owners.manifests import container, deployment, namespace, policy
from prometheus.server import Server
from testbed.client import Client, pod_spec

QUIET_SECONDS = 20
"""How long nothing happens after each chapter, so that graphs show one after the other."""

PATIENCE_SECONDS = 90.0
STOCK, TICKETS = "stock", "tickets"


@dataclass(frozen=True, slots=True)
class Story:
    """The story, played on a control plane; the metrics of the operator show that it goes on."""

    client: Client
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
        self.client.kubectl("apply", "-k", str(REPOSITORY / "examples" / "shop"))
        self.client.kubectl("apply", "-f", str(REPOSITORY / "examples" / "policy.yaml"))
        self.client.govern("shop", "default")
        self._shows("sum(productionpolicy_repairs_total) > 0")
        self._shows('productionpolicy_workloads{state="repairing"} == 0')

    def drain_audit(self) -> None:
        """The policy asks for audits of drains."""
        self.client.kubectl("apply", "-k", str(REPOSITORY / "manifests" / "drain-audit"))
        self.client.change_policy("default", drainAudit={"mode": "Enabled"})
        self._shows("productionpolicy_drain_blocked_nodes")

    def failed_rollout(self) -> None:
        """A quota leaves no room for the rollout of a repair, which is put back."""
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}}
        ledger = deployment("ledger", containers=[container("ledger")], spec={"progressDeadlineSeconds": 10})
        self.client.create(namespace(STOCK))
        self.client.create({**quota, "spec": {"hard": {"pods": ledger["spec"]["replicas"]}}}, STOCK)
        self.client.create(ledger, STOCK)
        self.client.kubectl("rollout", "status", "deployment/ledger", "-n", STOCK)
        self.client.create(policy("stock"))
        self.client.govern(STOCK, "stock")
        self._shows("productionpolicy_failed_rollouts_total > 0")

    def another_namespace(self) -> None:
        """One more namespace gets the first policy. One of its workloads has a finding that only its owner can fix."""
        self.client.create(namespace(TICKETS, policy="default"))
        for name, replicas in (("desk", 3), ("mail", 1), ("web", 3)):
            self.client.create(deployment(name, replicas=replicas, containers=[container(name)]), TICKETS)
        self._shows(f'productionpolicy_namespace_workloads{{workload_namespace="{TICKETS}"}} == 3')
        self._shows('productionpolicy_workloads{policy="default",state="repairing"} == 0')

    def contest(self) -> None:
        """Another writer removes a repair twice."""
        removal = json.dumps([{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}])
        for _ in range(2):
            self._until(self._desk_is_repaired, otherwise="desk was not repaired")
            self.client.kubectl("rollout", "status", "deployment/desk", "-n", TICKETS)
            self.client.kubectl("patch", "deployment", "desk", "-n", TICKETS, "--type=json", "-p", removal)
        self._shows('productionpolicy_workloads{state="contested"} > 0')

    def fix(self) -> None:
        """The owner adds the missing replica."""
        violating = f'productionpolicy_namespace_violating_workloads{{workload_namespace="{TICKETS}"}}'
        before = float(self.server.latest(violating, time=time.time())[0]["value"][1])
        self.client.kubectl("scale", "deployment", "mail", "-n", TICKETS, "--replicas=2")
        self._shows(f"{violating} < {before}")

    def _shows(self, expression: str) -> None:
        """Wait until an expression has a result."""
        self._until(
            lambda: bool(self.server.latest(expression, time=time.time())),
            otherwise=f"the metrics did not show {expression}",
        )

    def _until(self, true: Callable[[], bool], *, otherwise: str) -> None:
        eventually(true, within=PATIENCE_SECONDS, otherwise=otherwise, poll_seconds=0.5)

    def _desk_is_repaired(self) -> bool:
        return "lifecycle" in pod_spec(self.client.get("deployment", "desk", TICKETS))["containers"][0]
