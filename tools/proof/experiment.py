"""One run from an empty control plane to the published result, on whichever nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from control_plane.credentials import ADMIN
from control_plane.installation import SYSTEM_NAMESPACE, install
from control_plane.operator_process import at_work
from control_plane.plane import ControlPlane
from proof import cluster, enclosure
from proof.outcome import Figures, Outcome
from proof.portable import simulated
from proof.publication import publish
from proof.scenarios import Scenario
from proof.story import Story
from proof.teller import Teller
from proof.testbed import Testbed
from testbed.api import connected

REAL = "real nodes: kubelet, containerd, runc, kube-proxy"
SIMULATED = "PORTABLE: no real nodes; local processes as pods, a client-side balancer for kube-proxy"


@dataclass(frozen=True, slots=True)
class Experiment:
    """What a person asked for.

    Attributes:
        portable: simulates the nodes.
        scenarios: in their order.
        tries: as in `Story`.
        sleep_seconds: as in `Testbed`.
        folder: for state and logs.
        output: for the result and the picture.
    """

    portable: bool
    scenarios: Sequence[Scenario]
    tries: int
    sleep_seconds: int | None
    folder: Path
    output: Path

    @property
    def nodes(self) -> str:
        """What the nodes are, for the result and the person who reads it."""
        return SIMULATED if self.portable else REAL

    def carried_out(self, teller: Teller) -> list[Figures]:
        """Carry it out and return the figures, which are published by then."""
        with ExitStack() as stack:
            with teller.waiting("starting the control plane and its nodes"):
                plane = stack.enter_context(self._control_plane())
            teller.say(f"started a control plane, with {self.nodes}")
            outcomes = asyncio.run(self._told(plane, teller))
        return publish(outcomes, into=self.output, nodes=self.nodes)

    def _control_plane(self) -> AbstractContextManager[ControlPlane]:
        return ControlPlane.start(self.folder / "plane", nodes=()) if self.portable else cluster.cluster(self.folder)

    async def _told(self, plane: ControlPlane, teller: Teller) -> list[Outcome]:
        kubeconfig = _installed(plane)
        with at_work(kubeconfig, log=plane.log("operator")):
            async with self._testbed(plane) as testbed:
                return await Story(testbed, teller, self.scenarios, tries=self.tries).told()

    @asynccontextmanager
    async def _testbed(self, plane: ControlPlane) -> AsyncIterator[Testbed]:
        if not self.portable:
            forget, sources = enclosure.forget_connections, enclosure.CLIENTS
            yield Testbed(plane, cluster.target, forget, sources, self.sleep_seconds)
            return
        async with connected(plane.site, user=ADMIN) as api, simulated(plane, api) as balancer:
            yield Testbed(plane, balancer.target, lambda: None, {}, self.sleep_seconds)


def _installed(plane: ControlPlane) -> Path:
    """Install the operator, which then runs here as a process, since no registry has its image."""
    kubeconfig = install(plane)
    plane.kubectl("scale", "deployment", "--all", "--replicas=0", f"--namespace={SYSTEM_NAMESPACE}")
    return kubeconfig
