"""A control plane whose pods are local processes, reached through EndpointSlices as kube-proxy reads them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from control_plane.nodes import DEFAULT_NODES, manifest
from control_plane.plane import ControlPlane
from control_plane.process import Guard
from owners.manifests import Raw
from proof import programs
from proof.agent import Agent
from proof.connection import Address
from proof.load import Target
from proof.testbed import NAMESPACE
from testbed.api import Api
from testbed.client import path

NODES = DEFAULT_NODES[:3]
SYNC_SECONDS = 1.0
"""How long kube-proxy may take until it writes what it has learned."""

LEASE_SECONDS = 10.0
LEASE_NAMESPACE = "kube-node-lease"
LEASES = path("lease", LEASE_NAMESPACE)
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"


@dataclass(slots=True)
class Balancer:
    """Chooses a pod for each connection, by what the EndpointSlices said a moment ago."""

    api: Api
    agent: Agent
    _slices: list[Raw] = field(default_factory=list)

    def target(self, service: Raw) -> Target:
        """Return what chooses among the pods of a Service."""
        name = service["metadata"]["name"]
        return lambda: self._choose(name)

    async def run(self) -> None:
        """Read the EndpointSlices now and then, until cancelled."""
        while True:
            self._slices = await self.api.items(SLICES)
            await asyncio.sleep(SYNC_SECONDS)

    def _choose(self, service: str) -> Address | None:
        slices = [each for each in self._slices if each["metadata"]["labels"]["kubernetes.io/service-name"] == service]
        serving = serving_addresses([endpoint for each in slices for endpoint in each["endpoints"] or ()])
        return self.agent.addresses[random.choice(serving)] if serving else None


@asynccontextmanager
async def simulated(plane: ControlPlane, api: Api) -> AsyncIterator[Balancer]:
    """Let local processes be the pods of a control plane; yield what leads to them."""
    guard = Guard.post()
    agent = Agent(api, program=programs.service() / "web", guard=guard)
    balancer = Balancer(api, agent)
    _create_nodes(plane)
    tasks = [asyncio.create_task(each) for each in (agent.run(), balancer.run(), _renew(api))]
    try:
        yield balancer
    finally:
        await _end(tasks)
        guard.dismiss()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks; one that has failed by itself tells why all else went wrong."""
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


def serving_addresses(endpoints: Sequence[Raw]) -> list[str]:
    """Return the addresses that kube-proxy would use: the ready ones, or else those that serve while they end."""
    ready = [each for each in endpoints if each["conditions"].get("ready")]
    serving = [each for each in endpoints if each["conditions"].get("serving")]
    return [each["addresses"][0] for each in ready or serving]


def _create_nodes(plane: ControlPlane) -> None:
    for node in NODES:
        created = manifest(node)
        created["status"] = {**dict(created["status"]), "conditions": [{"type": "Ready", "status": "True"}]}  # type: ignore[call-overload]
        plane.kubectl("create", "-f", "-", stdin=json.dumps(created))


async def _renew(api: Api) -> None:
    """Renew the leases of the nodes; without, they are found dead after less than a minute."""
    for node in NODES:
        lease = {"kind": "Lease", "metadata": {"name": node.name}, "spec": {"holderIdentity": node.name}}
        await api.create(lease, LEASE_NAMESPACE)
    while True:
        renewal = {"spec": {"renewTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}}
        for node in NODES:
            await api.merge(f"{LEASES}/{node.name}", renewal)
        await asyncio.sleep(LEASE_SECONDS)
