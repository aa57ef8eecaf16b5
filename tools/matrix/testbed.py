"""Where the matrix is run: a control plane, the operator in it, and policies that take turns."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bench.client import Api, connected
from bench.field import NAMESPACES, POLICIES
from control_plane.credentials import ADMIN
from control_plane.installation import install, install_admission, start_admitting
from control_plane.operator_process import OperatorProcess
from control_plane.patience import eventually
from control_plane.plane import ControlPlane
from matrix.manifests import NAME, base, deployment
from owners import manifests
from owners.manifests import GOVERNED, Raw
from owners.rollouts import is_rolled_out
from productionpolicy.kube.identity import REPAIRS

PATIENCE_SECONDS = 60.0
JOURNAL = REPAIRS


@dataclass(slots=True)
class Testbed:
    """A running control plane."""

    plane: ControlPlane
    api: Api
    folder: Path
    admits: bool
    """Whether the admission policy is installed."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def policy(self) -> str:
        """Create a policy, and return its name once the API server repairs by it."""
        name = f"policy-{next(self._numbers)}"
        await self.api.create(POLICIES, manifests.policy(name))
        if self.admits:
            await self._admitted(await self.namespace(policy=name))
        return name

    async def namespace(self, *, policy: str | None) -> str:
        """Create a namespace that names a policy, or none."""
        name = f"matrix-{next(self._numbers)}"
        await self.api.create(NAMESPACES, manifests.namespace(name, policy=policy))
        return name

    async def govern(self, namespace: str, *, policy: str | None) -> None:
        """Label a namespace with a policy, or take the label away."""
        await self.api.merge(f"{NAMESPACES}/{namespace}", {"metadata": {"labels": {GOVERNED: policy}}})

    async def tear_down(self, namespace: str, *, policy: str | None) -> None:
        """Give a policy free: let the namespace go, and wait until the policy governs nothing."""
        if policy:
            await self.govern(namespace, policy=None)
            await eventually(lambda: self._counted(policy, total=0), seconds=PATIENCE_SECONDS)
        await self.api.send("DELETE", f"{NAMESPACES}/{namespace}")

    async def status(self, policy: str) -> Raw:
        """Return the status of a policy; empty where it has none that speaks of the policy as it is."""
        found = await self.api.get(f"{POLICIES}/{policy}")
        status: Raw = found.get("status", {})
        return status if status.get("observedGeneration") == found["metadata"]["generation"] else {}

    async def deployment(self, namespace: str) -> Raw:
        """Return the Deployment that all of this is about."""
        found: Raw = await self.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{NAME}")
        return found

    async def items(self, namespace: str, version: str, kind: str) -> list[Raw]:
        """Return all objects of a kind."""
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        found = await self.api.items(f"{root}/namespaces/{namespace}/{kind.lower()}s")
        return [{"apiVersion": version, "kind": kind, **each} for each in found]

    async def rolled_out(self, namespace: str) -> Raw:
        """Return the Deployment once all its pods are new and available."""

        async def look() -> tuple[bool, Raw]:
            found = await self.deployment(namespace)
            return is_rolled_out(found), found

        return dict(await eventually(look, seconds=PATIENCE_SECONDS))

    async def _counted(self, policy: str, **counts: int) -> tuple[bool, Any]:
        workloads = (await self.status(policy)).get("workloads", {})
        return bool(workloads) and all(workloads.get(name) == count for name, count in counts.items()), workloads

    async def _admitted(self, namespace: str) -> None:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All"

        async def look() -> tuple[bool, Raw]:
            created = msgspec.json.decode(await self.api.send("POST", path, msgspec.json.encode(deployment(base()))))
            return bool(journal(created)), journal(created)

        await eventually(look, seconds=PATIENCE_SECONDS)


@asynccontextmanager
async def running_testbed(folder: Path, *, admits: bool) -> AsyncIterator[Testbed]:
    """Yield a fresh control plane with everything installed, and the operator at work."""
    with (start_admitting if admits else ControlPlane.start)(folder / "plane") as plane:
        kubeconfig = install(plane)
        if admits:
            install_admission(plane)
        with OperatorProcess(kubeconfig, log=plane.log("operator")) as operator:
            operator.wait_ready(60)
            async with connected(plane.site, user=ADMIN) as api:
                yield Testbed(plane, api, folder, admits)


def journal(workload: Raw) -> dict[str, str]:
    """Return our notes on a workload, by expectation."""
    annotations = workload["metadata"].get("annotations", {})
    return {key.removeprefix(JOURNAL): text for key, text in annotations.items() if key.startswith(JOURNAL)}
