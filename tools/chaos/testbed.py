"""Where it runs: a control plane, the operator in it, and between them what can be made to fail."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from chaos.supervisor import Supervisor
from control_plane.installation import install
from control_plane.operator_process import PROGRAM, OperatorProcess
from control_plane.patience import NeverHappened, eventually, repeating
from control_plane.plane import ControlPlane, RequestFailed
from faults.proxy import Proxy
from faults.wire import Wire
from reports.served import serve
from testbed.client import Client

SOON_SECONDS = 0.002
REVIVE_SECONDS = 0.2
NOT_NOW = (RequestFailed, OSError, http.client.HTTPException)
"""What a look at a cluster may come to while its API server is away."""


@dataclass(slots=True)
class Testbed(Client):
    """A running control plane, with a path to it that can fail."""

    proxy: Proxy
    wire: Wire
    operator: Supervisor
    kubeconfig: Path
    folder: Path
    span_seconds: float = 15.0
    """How long it takes without any fault, as seen last: moments are chosen within it."""
    calm: dict[str, Any] = field(default_factory=dict)
    """The pictures of the baselines, by what their owners did."""

    def moment(self, random: Random) -> None:
        """Wait for a random moment of the work that goes on: by the clock, or by how much has been written."""
        if random.random() < 1 / 2:
            time.sleep(random.uniform(0, self.span_seconds / 4))
            return
        aim = self.proxy.writes + random.randint(1, 20)
        with suppress(NeverHappened):
            eventually(lambda: self.proxy.writes >= aim, within=self.span_seconds / 4, poll_seconds=SOON_SECONDS)

    @contextmanager
    def another_operator(
        self, log: str, *, program: Sequence[str] = PROGRAM, environment: Mapping[str, str] | None = None
    ) -> Iterator[Supervisor]:
        """Run one more operator until the end of the block."""
        file = self.plane.log(log)
        another = Supervisor(OperatorProcess(self.kubeconfig, log=file, program=program, environment=environment or {}))
        with another.running():
            yield another
        self.operator.ended += another.ended


@contextmanager
def running_testbed(folder: Path) -> Iterator[Testbed]:
    """Yield a fresh control plane with everything installed, and the operator at work behind what may fail.

    It serves pages and writes reports.
    """
    with ControlPlane.start(folder / "plane") as plane, Proxy(plane).running() as proxy:
        serve(plane)
        direct = install(plane)
        with Wire(proxy.port).running() as wire:
            kubeconfig = proxy.kubeconfig(direct, folder, port=wire.port)
            process = OperatorProcess(kubeconfig, log=plane.log("operator"), arguments=("--page=0",))
            supervisor = Supervisor(process)
            # The controllers of the control plane are not what is tried here, so they are kept running.
            with supervisor.running() as operator, repeating(plane.revive, seconds=REVIVE_SECONDS):
                yield Testbed(plane, proxy, wire, operator, kubeconfig, folder)
