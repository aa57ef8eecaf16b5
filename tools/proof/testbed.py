"""Where it plays: a cluster with the service in it, as the scenarios see it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.installation import REPOSITORY
from control_plane.patience import eventually
from owners.manifests import Raw
from owners.rollouts import is_ready, is_rolled_out
from proof import drain
from proof.load import Sources, Target
from proof.record import Drain
from testbed.client import Client

NAMESPACE = "shop"
SERVICES = ("abrupt", "graceful", "helped")
REPLICAS = 4
MANIFEST = Path(__file__).with_name("service.yaml")
POLICY = REPOSITORY / "examples" / "policy.yaml"
SETTLE_SECONDS = 180.0
SYNC_SECONDS = 2.0
"""By then what routes requests knows of the last change: kube-proxy writes its rules at most once a second."""


@dataclass(slots=True)
class Testbed(Client):
    """A cluster in which pods serve requests, and the operator runs.

    Attributes:
        target: returns where the requests to a Service go.
        forget: makes the network forget earlier connections.
        sources: the addresses of clients.
        sleep_seconds: how long the added preStop hooks sleep; None leaves it to the policy.
    """

    target: Callable[[Raw], Target]
    forget: Callable[[], None]
    sources: Sources
    sleep_seconds: int | None = None
    _releases: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self) -> Mapping[str, Target]:
        """Create the service as it was written, and return where it is reached."""
        self.kubectl("apply", "-f", str(MANIFEST))
        self.available()
        return {each["metadata"]["name"]: self.target(each) for each in self.all("service", NAMESPACE)}

    def release(self) -> None:
        """Deploy something new."""
        self.kubectl("set", "env", "deployment", "--all", f"RELEASE={next(self._releases)}", "-n", NAMESPACE)

    def scale(self, replicas: int) -> None:
        """Let each Deployment have so many pods."""
        self.kubectl("scale", "deployment", "--all", f"--replicas={replicas}", "-n", NAMESPACE)

    def busiest_node(self) -> str:
        """Return the node with the most pods of the service."""
        counts = Counter(each["spec"]["nodeName"] for each in self.all("pod", NAMESPACE))
        return str(max(sorted(counts), key=lambda name: counts[name]))

    def predicted_drain(self) -> Drain:
        """Return what is predicted of a drain of the node with the most pods."""
        return drain.predicted(self, self.busiest_node())

    def drain(self, node: str) -> Drain:
        """Drain a node, as before its maintenance, and return what happened to the services."""
        return drain.carried_out(self, node, namespace=NAMESPACE, seconds=SETTLE_SECONDS)

    def restore(self) -> None:
        """Open all nodes and let all pods be there again."""
        for node in self.all("node"):
            self.kubectl("uncordon", node["metadata"]["name"])
        self.scale(REPLICAS)
        self.available()

    def repair(self) -> None:
        """Let a policy govern the service, and wait until the operator has come to rest."""
        self.kubectl("apply", "-f", str(POLICY))
        if self.sleep_seconds is not None:
            patch = {"spec": {"expectations": {"preStop": {"sleepSeconds": self.sleep_seconds}}}}
            self.merge("pp", "default", patch)
        self.govern(NAMESPACE, "default")
        self.settled("default", repaired=len(SERVICES), within=SETTLE_SECONDS)
        self.available()

    def available(self) -> None:
        """Wait until all pods that should be there are ready, and no others are left."""

        def is_available() -> bool:
            """All pods of the service are ready, and no others are left."""
            deployments, pods = self.all("deployment", NAMESPACE), self.all("pod", NAMESPACE)
            wanted = sum(each["spec"]["replicas"] for each in deployments)
            return len(pods) == wanted and all(map(is_ready, pods)) and all(map(is_rolled_out, deployments))

        eventually(is_available, within=SETTLE_SECONDS)
