"""Where the matrix is run: a control plane, the operator in it, and policies that take turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control_plane.installation import install, install_admission, start_admitting
from control_plane.operator_process import at_work
from control_plane.patience import eventually
from control_plane.plane import ControlPlane
from matrix.manifests import base, deployment
from testbed.client import Client, journal

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.3
"""Some twenty workloads are waited for at the same time."""


@dataclass(slots=True)
class Testbed(Client):
    """A running control plane."""

    folder: Path
    admits: bool
    """Whether the admission policy is installed."""

    def working_policy(self) -> str:
        """Create a policy, and return its name once the API server repairs by it."""
        name = self.policy()
        if self.admits:
            namespace, probe = self.namespace(name), deployment(base())
            eventually(lambda: journal(self.tried(probe, namespace)), within=PATIENCE_SECONDS)
        return name

    def tear_down(self, namespace: str, *, policy: str | None) -> None:
        """Give a policy free: let the namespace go, and wait until the policy governs nothing."""
        if policy:
            self.govern(namespace, None)
            self.settled(policy, total=0, within=PATIENCE_SECONDS)
        self.delete("namespace", namespace)


@contextmanager
def running_testbed(folder: Path, *, admits: bool) -> Iterator[Testbed]:
    """Yield a fresh control plane with everything installed, and the operator at work."""
    with (start_admitting if admits else ControlPlane.start)(folder / "plane") as plane:
        kubeconfig = install(plane)
        if admits:
            install_admission(plane)
        with at_work(kubeconfig, log=plane.log("operator")):
            yield Testbed(plane, folder, admits)
