"""Real nodes on which pods reach the API server, as an administrator sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from control_plane.installation import SYSTEM_NAMESPACE
from control_plane.patience import NeverHappened, eventually
from control_plane.plane import KubectlFailed
from faults.wire import Wire
from owners.manifests import Raw
from proof.cluster import Nodes, machines
from proof.enclosure import node_address
from testbed.client import Client

OPERATOR = "app.kubernetes.io/name=productionpolicy"
DEPLOYMENT = "deployment/productionpolicy"
ENTRANCE = (node_address(1), 6443)
"""Where pods reach the API server, by the Service kubernetes."""

FLAGS = {
    "kube-apiserver": ("--kubelet-preferred-address-types=InternalIP",),  # no name service knows the nodes
    "kube-controller-manager": ("--node-monitor-grace-period=50s",),  # the default of Kubernetes
}

T = TypeVar("T")

POLL_SECONDS = 0.2
VOLATILE = ("endpointslices", "events", "leases", "pods", "replicasets", "controllerrevisions", "componentstatuses")
"""Kinds of objects that come and go by themselves."""


@dataclass(slots=True)
class Cluster(Client):
    """A control plane with three real nodes."""

    nodes: Nodes

    def pods(self, selector: str, namespace: str = SYSTEM_NAMESPACE) -> list[Raw]:
        """Return the pods that are not being deleted."""
        found = self.all("pod", namespace, labelled=selector)
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def operator(self) -> Raw:
        """Return the only pod of the operator.

        Raises:
            NeverHappened: there is none, or more than one.
        """
        found = self.pods(OPERATOR)
        if len(found) != 1:
            raise NeverHappened(f"there are {len(found)} pods of the operator instead of one")
        return found[0]

    def until(self, true: Callable[[], bool], *, within: float, otherwise: str) -> float:
        """Wait until something is true, as `found` does, and return the seconds that it took."""
        started = time.monotonic()
        self.found(true, within=within, otherwise=otherwise)
        return time.monotonic() - started

    def found(self, look: Callable[[], T], *, within: float, otherwise: str) -> T:
        """Return the first truthy value that `look` returns.

        Raises:
            NeverHappened: there is none in time; the message contains what the cluster says of the operator.
        """
        try:
            return cast("T", eventually(look, within=within, otherwise=otherwise, poll_seconds=POLL_SECONDS))
        except NeverHappened as failure:
            raise NeverHappened(f"{failure}\n{self.evidence()}") from failure

    def evidence(self) -> str:
        """Return what an administrator would look at first."""
        commands = (
            ("get", "nodes,pods,deployments", "-A", "-o", "wide"),
            ("describe", "pods", "-n", SYSTEM_NAMESPACE, "-l", OPERATOR),
            ("logs", "-n", SYSTEM_NAMESPACE, "-l", OPERATOR, "--tail=30"),
        )
        return "\n".join(f"$ kubectl {' '.join(each)}\n{self._tried(*each)}" for each in commands)

    def names(self) -> set[str]:
        """Return the kind, namespace and name of all objects that do not come and go by themselves."""
        kinds = self.kubectl("api-resources", "--verbs=list", "-o", "name").split()
        listed = ",".join(each for each in kinds if each.partition(".")[0] not in VOLATILE)
        template = '{range .items[*]}{.kind}{" "}{.metadata.namespace}{"/"}{.metadata.name}{"\\n"}{end}'
        return set(self.kubectl("get", listed, "-A", "-o", f"jsonpath={template}").splitlines())

    def _tried(self, *arguments: str) -> str:
        try:
            return self.kubectl(*arguments)
        except KubectlFailed as failure:
            return str(failure)


@contextmanager
def running(folder: Path, *, archives: list[Path]) -> Iterator[Cluster]:
    """Yield a cluster whose nodes have the images of these archives."""
    with machines(folder, archives=archives, flags=FLAGS) as nodes:
        cluster = Cluster(nodes.plane, nodes)
        with Wire(nodes.plane.site.apiserver_port, at=ENTRANCE).running():
            _let_pods_in(cluster)
            yield cluster


def _let_pods_in(cluster: Cluster) -> None:
    """Give the Service kubernetes an endpoint, which the API server does not do itself, as it listens on loopback."""
    address, port = ENTRANCE
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }
    cluster.kubectl("create", "-f", "-", stdin=endpoints)
