"""The programs of a control plane in the order they start, and the command line of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from control_plane.ports import LOOPBACK
from control_plane.site import Site

ISSUER = "https://kubernetes.default.svc"
STORE = "etcd"
APISERVER = "kube-apiserver"
FAKE_NODES = "kwok"
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", FAKE_NODES)


def command(component: str, site: Site) -> list[str]:
    """Return the command line of a component."""
    return [*map(str, _COMMANDS[component](site)), *site.flags.get(component, ())]


def _etcd(site: Site) -> list[str | Path]:
    clients = f"http://{LOOPBACK}:{site.etcd_port}"
    peers = f"http://{LOOPBACK}:{site.etcd_peer_port}"
    return [
        site.binaries.etcd,
        "--name=local",
        f"--data-dir={site.folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=local={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(site: Site) -> list[str | Path]:
    audit = [
        f"--audit-policy-file={site.audit_policy}",
        f"--audit-log-path={site.audit_log}",
        "--audit-log-maxsize=4096",  # MB; the default of 100 would rotate in the midst of a test
    ]
    return [
        site.binaries.kube_apiserver,
        f"--etcd-servers=http://{LOOPBACK}:{site.etcd_port}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={site.apiserver_port}",
        "--endpoint-reconciler-type=none",  # the others refuse a loopback address
        f"--cert-dir={site.certificates}",
        f"--token-auth-file={site.tokens}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={site.signing_key}",
        f"--service-account-signing-key-file={site.signing_key}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000",
        "--profiling=false",
        "--shutdown-watch-termination-grace-period=1s",  # at 0, the default, an open watch delays the end by a minute
        *(audit if site.audit else []),
    ]


def _controller_manager(site: Site) -> list[str | Path]:
    return [
        site.binaries.kube_controller_manager,
        *_client_flags(site, "kube-controller-manager"),
        "--use-service-account-credentials=true",  # its own user may do little more than make these tokens
        f"--service-account-private-key-file={site.signing_key}",
        f"--root-ca-file={site.certificate_authority}",
        f"--flex-volume-plugin-dir={site.folder / 'flex-volumes'}",  # it makes this folder; the default is in /usr
        "--node-monitor-grace-period=1h",  # kwok makes the pods of a node that was found dead never ready again
        "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20",
    ]


def _scheduler(site: Site) -> list[str | Path]:
    return [site.binaries.kube_scheduler, *_client_flags(site, "kube-scheduler")]


def _client_flags(site: Site, component: str) -> list[str]:
    return [
        f"--kubeconfig={site.kubeconfig(component)}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        "--profiling=false",
    ]


def _kwok(site: Site) -> list[str | Path]:
    return [
        site.binaries.kwok,
        f"--kubeconfig={site.kubeconfig('kwok')}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=40",  # as kubelets do; without leases all nodes are found dead after 50 s
        *(f"--config={stage}" for stage in site.binaries.stages),
    ]


_COMMANDS: dict[str, Callable[[Site], list[str | Path]]] = {
    STORE: _etcd,
    APISERVER: _apiserver,
    "kube-controller-manager": _controller_manager,
    "kube-scheduler": _scheduler,
    FAKE_NODES: _kwok,
}
