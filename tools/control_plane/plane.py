"""A real Kubernetes control plane on this machine, with fake nodes: start it, use it, stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from control_plane import binaries, probe
from control_plane.components import APISERVER, CONTROLLERS, FAKE_NODES, STORE, command
from control_plane.credentials import ADMIN, token_of, write_credentials, write_kubeconfig
from control_plane.nodes import DEFAULT_NODES, Node, manifest
from control_plane.ports import free_ports
from control_plane.process import Guard, Process
from control_plane.site import Site, clear, is_free

START_SECONDS = 60
STOP_SECONDS = 5
POLL_SECONDS = 0.05
YEAR = "8760h"
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "Panic"],  # leaves ResponseComplete and, for watches, ResponseStarted
    "rules": [{"level": "Metadata"}],
}
NO_FLAGS: Mapping[str, Sequence[str]] = MappingProxyType({})


class StartFailed(Exception):
    """The control plane did not become ready; the message holds the end of the log that tells why."""


class KubectlFailed(Exception):
    """kubectl ended with an error; the message is what it wrote to stderr."""


class RequestFailed(Exception):
    """The API server answered a request with an error; the message is its own."""


@dataclass(slots=True)
class ControlPlane:
    """A control plane in a folder of its own; as a context manager it stops at the end.

    Its processes end with this Python process, even if that is killed, unless it was started with `detached`.
    """

    site: Site
    _guard: Guard | None = field(default=None, repr=False)
    _processes: dict[str, Process] = field(default_factory=dict, repr=False)

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        controllers: bool = True,
        nodes: Sequence[Node] = DEFAULT_NODES,
        audit: bool = False,
        flags: Mapping[str, Sequence[str]] = NO_FLAGS,
        detached: bool = False,
    ) -> ControlPlane:
        """Start an empty control plane and return when it is ready; what an earlier one left in the folder goes.

        Args:
            folder: holds the state, the logs and the credentials; made if missing.
            controllers: False leaves out all but etcd and the API server, so that nothing else takes CPU time;
                Deployments then have no pods, namespaces no default service account, and there are no nodes.
            nodes: fake nodes, on which pods become Ready and end at once; without any, kwok is left out, which would
                take real nodes for its own.
            audit: writes `audit.log`, one event a line.
            flags: further flags by component, for instance of `kube-apiserver`; of a flag that is given twice the
                last one counts.
            detached: lets it outlive this Python process; `find` and `stop` end it then.

        Raises:
            BuildFailed: a program is missing and could not be built.
            StartFailed: a program ended or did not become ready in time, or the folder is taken.
        """
        found = cls.find(folder)
        if found is not None:
            raise StartFailed(f"A control plane runs in {found.site.folder} already. Stop it first.")
        site = _prepared_site(folder, audit=audit, flags=flags)
        plane = cls(site, _guard=None if detached else Guard.post())
        try:
            plane._start(nodes, components=_components(controllers=controllers, nodes=nodes))
        except BaseException:
            plane.stop()
            raise
        return plane

    @classmethod
    def find(cls, folder: Path) -> ControlPlane | None:
        """Return the control plane that runs in this folder, or what still runs of it; None if nothing does."""
        file = folder.absolute() / "state.json"
        if not file.is_file():
            return None
        state = json.loads(file.read_text())
        site = Site(folder.absolute(), binaries=binaries.located(), **state["site"])
        processes = {name: Process(pid, log=site.log(name)) for name, pid in state["pids"].items()}
        return cls(site, _processes=processes) if any(each.alive for each in processes.values()) else None

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of an administrator."""
        return self.site.kubeconfig(ADMIN)

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of its processes."""
        return tuple(process.pid for process in self._processes.values())

    def pid(self, component: str) -> int:
        """Return the id of the process of a component, for instance `kube-scheduler`."""
        return self._processes[component].pid

    @property
    def whole(self) -> bool:
        """Whether all that was started still runs."""
        return all(process.alive for process in self._processes.values())

    def log(self, component: str) -> Path:
        """Return the log file of a component, for instance `kube-apiserver`."""
        return self.site.log(component)

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl as administrator and return what it printed.

        Raises:
            KubectlFailed: it ended with an error and `check` is true.
        """
        line = [str(self.site.binaries.kubectl), f"--kubeconfig={self.kubeconfig}", *arguments]
        # Neither the cache nor the preferences of the home folder play a part.
        environment = {**os.environ, "KUBECACHEDIR": str(self.site.folder / "kubectl-cache"), "KUBERC": "off"}
        done = subprocess.run(line, input=stdin or "", env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def kubeconfig_of_service_account(self, namespace: str, name: str) -> Path:
        """Return the kubeconfig of an existing service account, with a token for a year."""
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", f"--duration={YEAR}")
        return write_kubeconfig(self.site, user=f"{namespace}.{name}", token=token.strip())

    def stop_apiserver(self, *, kill: bool = False) -> None:
        """End the API server, by SIGKILL or in peace."""
        process = self._processes[APISERVER]
        if kill:
            process.kill()
        process.stop(seconds=STOP_SECONDS)

    def start_apiserver(self) -> None:
        """Start the API server after `stop_apiserver` and wait until it is ready."""
        self._spawn(APISERVER)
        self._until(self._serves, "The API server did not become ready", component=APISERVER, needed=(APISERVER,))

    def revive(self) -> list[str]:
        """Start those of the controllers again that have ended, as a kubelet does, and return which.

        The scheduler, for one, ends by itself when it has missed too much while there was no API server.
        """
        ended = [name for name in CONTROLLERS if name in self._processes and not self._processes[name].alive]
        for name in ended:
            self._spawn(name)
        return ended

    def compact_store(self, revision: int) -> None:
        """Have etcd forget what was before a revision, which is a resource version of the API."""
        body = json.dumps({"revision": str(revision), "physical": True})
        probe.post(self.site.etcd_port, "/v3/kv/compaction", body)

    def stop(self) -> None:
        """End everything: the clients first, then the API server, then its store. Does nothing the second time."""
        for group in (CONTROLLERS, (APISERVER,), (STORE,)):
            self._stop(group)
        if self._guard is not None:
            self._guard.dismiss()
        self.site.state.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return itself, started already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _start(self, nodes: Sequence[Node], *, components: Sequence[str]) -> None:
        for component in (STORE, APISERVER):
            self._spawn(component)
        self._until(self._serves, "The API server did not become ready", component=APISERVER)
        for component in components:
            self._spawn(component)
        if FAKE_NODES in components:
            items = [manifest(node) for node in nodes]
            self.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
            self._until(self._schedulable, "The nodes did not become ready", component=FAKE_NODES)
        if components:
            complaint = "The default service account did not appear"
            self._until(self._has_default_service_account, complaint, component="kube-controller-manager")

    def _spawn(self, component: str) -> None:
        log = self.site.log(component)
        self._processes[component] = Process.spawn(command(component, self.site), log=log, guard=self._guard)
        self._write_state()

    def _write_state(self) -> None:
        site = {key: value for key, value in asdict(self.site).items() if key not in ("folder", "binaries")}
        pids = {name: process.pid for name, process in self._processes.items()}
        self.site.state.write_text(json.dumps({"pids": pids, "site": site}, indent=2))

    def _stop(self, components: Sequence[str]) -> None:
        """Ask all of them to end before waiting for any."""
        processes = [self._processes[component] for component in components if component in self._processes]
        for process in processes:
            process.send(signal.SIGTERM)
        for process in processes:
            process.end_within(STOP_SECONDS)

    def _until(
        self, condition: Callable[[], bool], complaint: str, *, component: str, needed: Sequence[str] = ()
    ) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            self._fail_if_ended(needed)
            if time.monotonic() > deadline:
                raise StartFailed(f"{complaint} in {START_SECONDS} s.\n{self._processes[component].tail()}")
            time.sleep(POLL_SECONDS)

    def _fail_if_ended(self, needed: Sequence[str]) -> None:
        for name, process in self._processes.items():
            if not process.alive and name in (needed or self._processes):
                raise StartFailed(f"{name} ended with exit code {process.exit_code}.\n{process.tail()}")

    def _serves(self) -> bool:
        return self._get("/readyz") is not None

    def _schedulable(self) -> bool:
        """Tell whether the taint that each node is born with has gone from all of them."""
        nodes = self._get("/api/v1/nodes")
        return nodes is not None and not any("taints" in node["spec"] for node in json.loads(nodes)["items"])

    def _has_default_service_account(self) -> bool:
        return self._get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def _get(self, path: str) -> bytes | None:
        token = token_of(self.site, user=ADMIN)
        return probe.body(self.site.apiserver_port, path, authority=self.site.certificate_authority, token=token)


def _components(*, controllers: bool, nodes: Sequence[Node]) -> tuple[str, ...]:
    if not controllers:
        return ()
    return CONTROLLERS if nodes else tuple(each for each in CONTROLLERS if each != FAKE_NODES)


def _prepared_site(folder: Path, *, audit: bool, flags: Mapping[str, Sequence[str]]) -> Site:
    """Empty the folder of what an earlier control plane left, and write what the programs read."""
    programs = binaries.ensure()
    if not is_free(folder):
        raise StartFailed(f"{folder} holds something else. Choose an empty folder.")
    clear(folder)
    apiserver, etcd, peers = free_ports(3)
    site = Site(
        folder.absolute(),
        binaries=programs,
        apiserver_port=apiserver,
        etcd_port=etcd,
        etcd_peer_port=peers,
        audit=audit,
        flags=dict(flags),
    )
    site.folder.mkdir(parents=True, exist_ok=True)
    write_credentials(site)
    (site.folder / "logs").mkdir()
    site.audit_policy.write_text(json.dumps(AUDIT_POLICY, indent=2))
    return site
