"""Where it runs: a control plane, the operator in it, and between them what can be made to fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from bench.client import Api, RequestFailed, connected
from bench.field import NAMESPACES, POLICIES
from chaos.supervisor import Supervisor
from chaos.workloads import collection, deployment
from control_plane import patience
from control_plane.credentials import ADMIN
from control_plane.installation import apply, install
from control_plane.operator_process import PROGRAM, OperatorProcess
from control_plane.patience import NeverHappened
from control_plane.plane import ControlPlane
from faults.proxy import Proxy
from faults.wire import Wire
from owners import manifests
from owners.manifests import GOVERNED, Raw

SOON_SECONDS = 0.002
PULSE = "pulse"
NOT_NOW = (RequestFailed, aiohttp.ClientError, TimeoutError, OSError)
"""What a look at a cluster may come to while its API server is away."""

eventually = partial(patience.eventually, not_now=NOT_NOW)


async def until(true: Callable[[], bool], *, seconds: float) -> None:
    """Wait until something is true that is known in this process.

    Raises:
        NeverHappened: it is not true in time.
    """

    async def look() -> tuple[bool, None]:
        return true(), None

    await eventually(look, seconds=seconds, poll_seconds=SOON_SECONDS)


@dataclass(slots=True)
class Testbed:
    """A running control plane, with a path to it that can fail."""

    plane: ControlPlane
    api: Api
    proxy: Proxy
    wire: Wire
    operator: Supervisor
    kubeconfig: Path
    folder: Path
    span_seconds: float = 15.0
    """How long it takes without any fault, as seen last: moments are chosen within it."""
    calm: dict[str, Any] = field(default_factory=dict)
    """The pictures of the baselines, by what their owners did."""
    _beats: int = 0

    async def moment(self, random: Random) -> None:
        """Wait for a random moment of the work that goes on: by the clock, or by how much has been written."""
        if random.random() < 1 / 2:
            await asyncio.sleep(random.uniform(0, self.span_seconds / 4))
            return
        aim = self.proxy.writes + random.randint(1, 20)
        with suppress(NeverHappened):
            await until(lambda: self.proxy.writes >= aim, seconds=self.span_seconds / 4)

    async def kubectl(self, *arguments: str, stdin: Raw | None = None) -> str:
        """Run kubectl as an administrator."""
        return await asyncio.to_thread(self.plane.kubectl, *arguments, stdin=json.dumps(stdin) if stdin else None)

    async def install(self) -> None:
        """Install everything again that has been taken away."""
        await asyncio.to_thread(apply, self.plane)

    async def policy(self, name: str, **spec: Any) -> None:
        """Create a policy, unless it is there."""
        await self.kubectl("apply", "-f", "-", stdin=manifests.policy(name, **spec))

    async def govern(self, namespace: str, *, policy: str | None) -> None:
        """Label a namespace with a policy, or take the label away."""
        await self.api.merge(f"{NAMESPACES}/{namespace}", {"metadata": {"labels": {GOVERNED: policy}}})

    async def gone(self, path: str) -> None:
        """Delete an object."""
        await self.api.send("DELETE", path)

    async def pulse(self, *, seconds: float) -> None:
        """Return when the operator has certainly looked around: it tells of a change in a workload of no importance.

        Raises:
            NeverHappened: it does not tell in time.
        """
        pulses = collection("Deployment", namespace=PULSE)
        if not self._beats:
            await self.api.create(NAMESPACES, manifests.namespace(PULSE, policy=PULSE))
            await self.api.create(pulses, deployment(PULSE, replicas=2))
        await self.policy(PULSE, mode="Audit")
        for failing in (1, 0):
            self._beats += 1
            await self.api.merge(f"{pulses}/{PULSE}", {"spec": {"replicas": 2 - failing}})
            await eventually(partial(self._too_few_replicas, failing), seconds=seconds)

    async def _too_few_replicas(self, failing: int) -> tuple[bool, Any]:
        status = (await self.api.get(f"{POLICIES}/{PULSE}")).get("status", {})
        rows = {each["name"]: each["failed"] for each in status.get("expectations", [])}
        return rows.get("replicas") == failing, status

    @asynccontextmanager
    async def another_operator(
        self, log: str, *, program: Sequence[str] = PROGRAM, environment: Mapping[str, str] | None = None
    ) -> AsyncIterator[Supervisor]:
        """Run one more operator until the end of the block."""
        file = self.plane.log(log)
        another = Supervisor(OperatorProcess(self.kubeconfig, log=file, program=program, environment=environment or {}))
        async with another.running():
            yield another
        self.operator.ended += another.ended


@asynccontextmanager
async def running_testbed(folder: Path) -> AsyncIterator[Testbed]:
    """Yield a fresh control plane with everything installed, and the operator at work behind what may fail."""
    with ControlPlane.start(folder / "plane") as plane, Proxy(plane).running() as proxy:
        direct = install(plane)
        async with Wire(proxy.port).running() as wire, connected(plane.site, user=ADMIN) as api:
            kubeconfig = proxy.kubeconfig(direct, folder, port=wire.port)
            async with Supervisor(OperatorProcess(kubeconfig, log=plane.log("operator"))).running() as operator:
                reviving = asyncio.create_task(_revive(plane))
                try:
                    yield Testbed(plane, api, proxy, wire, operator, kubeconfig, folder)
                finally:
                    reviving.cancel()
                    await asyncio.gather(reviving, return_exceptions=True)


async def _revive(plane: ControlPlane) -> None:
    """Keep the controllers of the control plane running, which are not what is tried here."""
    while True:
        await asyncio.sleep(patience.POLL_SECONDS)
        plane.revive()
