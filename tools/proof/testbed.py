"""Where it plays: a cluster with the service in it, as the scenarios see it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.client import Api
from control_plane.installation import REPOSITORY
from control_plane.patience import eventually
from control_plane.plane import ControlPlane
from demo.policy import Verdict
from owners.rollouts import is_rolled_out
from productionpolicy.kube.identity import POLICY_LABEL
from proof.load import Sources, Target

Raw = dict[str, Any]

NAMESPACE = "shop"
SERVICES = ("abrupt", "graceful", "helped")
REPLICAS = 4
MANIFEST = Path(__file__).with_name("service.yaml")
POLICY = REPOSITORY / "examples" / "policy.yaml"
SETTLE_SECONDS = 180.0
SYNC_SECONDS = 2.0
"""By then what routes requests knows of the last change: kube-proxy writes its rules at most once a second."""


@dataclass(slots=True)
class Testbed:
    """A cluster in which pods serve requests, and the operator runs.

    Attributes:
        target: returns where the requests to a Service go.
        forget: makes the network forget earlier connections.
        sources: the addresses of clients.
        sleep_seconds: how long the added preStop hooks sleep; None leaves it to the policy.
    """

    plane: ControlPlane
    api: Api
    target: Callable[[Raw], Target]
    forget: Callable[[], None]
    sources: Sources
    sleep_seconds: int | None = None
    _releases: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def kubectl(self, *arguments: str) -> str:
        """Run kubectl while the load goes on."""
        return await asyncio.to_thread(self.plane.kubectl, *arguments)

    async def open(self) -> Mapping[str, Target]:
        """Create the service as it was written, and return where it is reached."""
        await self.kubectl("apply", "-f", str(MANIFEST))
        await self.settled()
        return {each["metadata"]["name"]: self.target(each) for each in await self.items("services")}

    async def release(self) -> None:
        """Deploy something new."""
        await self.kubectl("set", "env", "deployment", "--all", f"RELEASE={next(self._releases)}", "-n", NAMESPACE)

    async def scale(self, replicas: int) -> None:
        """Let each Deployment have so many pods."""
        await self.kubectl("scale", "deployment", "--all", f"--replicas={replicas}", "-n", NAMESPACE)

    async def busiest_node(self) -> str:
        """Return the node with the most pods of the service."""
        counts = Counter(each["spec"]["nodeName"] for each in await self.items("pods"))
        return str(max(sorted(counts), key=lambda name: counts[name]))

    async def drain(self, node: str) -> None:
        """Drain a node, as before its maintenance."""
        await self.kubectl("drain", node, "--ignore-daemonsets", f"--timeout={SETTLE_SECONDS:.0f}s")

    async def restore(self) -> None:
        """Open all nodes and let all pods be there again."""
        for node in await self.api.items("/api/v1/nodes"):
            await self.kubectl("uncordon", node["metadata"]["name"])
        await self.scale(REPLICAS)
        await self.settled()

    async def repair(self) -> None:
        """Let a policy govern the service, and wait until the operator has come to rest."""
        await self.kubectl("apply", "-f", str(POLICY))
        if self.sleep_seconds is not None:
            patch = {"spec": {"expectations": {"preStop": {"sleepSeconds": self.sleep_seconds}}}}
            await self.kubectl("patch", "productionpolicy", "default", "--type=merge", "-p", json.dumps(patch))
        await self.kubectl("label", "namespace", NAMESPACE, f"{POLICY_LABEL}=default")
        await self._until(self._repaired, "the operator did not come to rest")
        await self.settled()

    async def settled(self) -> None:
        """Wait until all pods that should be there are ready, and no others are left."""
        await self._until(self._is_settled, "the service did not become available")

    async def items(self, kind: str) -> list[Raw]:
        """Return the objects of a kind that the service is made of."""
        group = "/apis/apps/v1" if kind == "deployments" else "/api/v1"
        return await self.api.items(f"{group}/namespaces/{NAMESPACE}/{kind}")

    async def _is_settled(self) -> bool:
        deployments = await self.items("deployments")
        pods = await self.items("pods")
        wanted = sum(each["spec"]["replicas"] for each in deployments)
        return len(pods) == wanted and all(map(is_ready, pods)) and all(map(is_rolled_out, deployments))

    async def _repaired(self) -> bool:
        found = await self.kubectl("get", "productionpolicy", "default", "-o", "json")
        verdict = Verdict(json.loads(found))
        return verdict.settled and verdict.repaired == len(SERVICES)

    async def _until(self, true: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        async def look() -> tuple[bool, str]:
            return await true(), f"{otherwise} within {SETTLE_SECONDS:g} s"

        await eventually(look, seconds=SETTLE_SECONDS)


def is_ready(pod: Raw) -> bool:
    """Say whether a pod serves, and is not on its way out."""
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
