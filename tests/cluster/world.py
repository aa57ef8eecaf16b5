"""A cluster as the tests see it: objects go in as their owners write them, and come out as they are."""

from __future__ import annotations

import contextlib
import copy
import http.client
import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from control_plane.credentials import ADMIN, token_of
from control_plane.operator_process import OperatorProcess
from control_plane.plane import ControlPlane
from control_plane.probe import connection
from owners.rollouts import is_rolled_out
from productionpolicy.kube.identity import API_VERSION, POLICY_LABEL, REPAIRS

Raw = dict[str, Any]

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.1
JOURNAL = REPAIRS

RESOURCES = {
    "configmap": ("/api/v1", "configmaps"),
    "crd": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    "cronjob": ("/apis/batch/v1", "cronjobs"),
    "daemonset": ("/apis/apps/v1", "daemonsets"),
    "deployment": ("/apis/apps/v1", "deployments"),
    "event": ("/api/v1", "events"),
    "job": ("/apis/batch/v1", "jobs"),
    "namespace": ("/api/v1", "namespaces"),
    "pdb": ("/apis/policy/v1", "poddisruptionbudgets"),
    "pod": ("/api/v1", "pods"),
    "pp": (f"/apis/{API_VERSION}", "productionpolicies"),
    "replicaset": ("/apis/apps/v1", "replicasets"),
    "replicationcontroller": ("/api/v1", "replicationcontrollers"),
    "statefulset": ("/apis/apps/v1", "statefulsets"),
}

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which kubectl keeps what its user applied last."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

_names = itertools.count(1)


class NeverHappened(AssertionError):
    """What was waited for did not come true."""


class NotDone(Exception):
    """The API server answered with an error."""


class _Connections(threading.local):
    """The open connections of a thread, by API server: a handshake costs more than a request."""

    def __init__(self) -> None:
        self._known: dict[Path, http.client.HTTPConnection] = {}

    def to(self, plane: ControlPlane) -> http.client.HTTPConnection:
        """Return the connection to an API server."""
        authority = plane.certificate_authority
        if authority not in self._known:
            self._known[authority] = connection(plane.site.apiserver_port, authority=authority, seconds=10)
        return self._known[authority]


_connections = _Connections()


def eventually(happens: Callable[[], Any], *, within: float = PATIENCE_SECONDS) -> Any:
    """Return the first truthy value; fail with the last one if there is none in time."""
    deadline = time.monotonic() + within
    while True:
        seen = happens()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise NeverHappened(f"not within {within} s: {happens.__doc__ or happens}, last seen: {seen!r}")
        time.sleep(POLL_SECONDS)


def deployment(name: str = "web", *, replicas: int = 3, containers: list[Raw] | None = None, **pod: Any) -> Raw:
    """Return a Deployment that needs every repair: it serves, and has nothing of what the policy expects."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": containers or [container()], **pod},
            },
        },
    }


def stateful_set(name: str = "db", *, replicas: int = 2, **pod: Any) -> Raw:
    """Return a StatefulSet like that, with a volume that outlives its pods and needs nobody to provision it."""
    files = {"name": "files", "nfs": {"server": "files.example", "path": "/"}}
    raw = deployment(name, replicas=replicas, **{"volumes": [files], **pod})
    return {**raw, "kind": "StatefulSet", "spec": {**raw["spec"], "serviceName": name}}


def container(name: str = "web", **fields: Any) -> Raw:
    """Return a container that serves, and lacks nothing that only its owner can add."""
    return {
        "name": name,
        "image": f"example/{name}:1.2.3",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
        "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "16Mi"}},
        "securityContext": {"readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **fields,
    }


@dataclass(slots=True)
class World:
    """The control plane and the operator in it."""

    plane: ControlPlane
    operator: OperatorProcess
    _made: list[tuple[str, str]] = field(default_factory=list)

    def kubectl(self, *arguments: str, stdin: Raw | None = None, check: bool = True) -> str:
        """Run kubectl as an administrator."""
        return self.plane.kubectl(*arguments, stdin=json.dumps(stdin) if stdin else None, check=check)

    def policy(self, name: str | None = None, **spec: Any) -> str:
        """Create or change a policy; return its name."""
        name = name or f"policy-{next(_names)}"
        spec = {"mode": "Enforce", **spec}
        metadata = {"name": name}
        body = {"apiVersion": API_VERSION, "kind": "ProductionPolicy", "metadata": metadata}
        self._apply("pp", {**body, "spec": spec})
        self._made.append(("pp", name))
        return name

    def change_policy(self, name: str, **spec: Any) -> None:
        """Change some fields of a policy's spec."""
        self._send("PATCH", f"{_path('pp')}/{name}", {"spec": spec}, MERGE)

    def namespace(self, policy: str | None = None, **labels: str) -> str:
        """Create a namespace that names a policy, or none; return its name."""
        name = f"test-{next(_names)}"
        marked = {POLICY_LABEL: policy} if policy else {}
        metadata = {"name": name, "labels": {**marked, **labels}}
        self._send("POST", _path("namespace"), {"metadata": metadata})
        self._made.append(("namespace", name))
        return name

    def label(self, namespace: str, *labels: str) -> None:
        """Label a namespace as `kubectl label` does: `name=value`, or `name-` to take one away."""
        changes = {name.removesuffix("-"): value or None for name, _, value in (each.partition("=") for each in labels)}
        self._send("PATCH", f"{_path('namespace')}/{namespace}", {"metadata": {"labels": changes}}, MERGE)

    def apply(self, namespace: str, *objects: Raw) -> str:
        """Apply objects as their owner does, client-side; return what kubectl said, nothing where all are new.

        Those that do not exist yet are created as kubectl creates them; from the first one on that cannot be, kubectl
        itself does it.
        """
        for number, each in enumerate(objects):
            try:
                self._create_as_kubectl_applies(namespace, each)
            except NotDone:
                return self.kubectl("apply", "-n", namespace, "-f", "-", stdin=_listed(objects[number:]))
        return ""

    def _create_as_kubectl_applies(self, namespace: str, raw: Raw) -> None:
        kind = {"PodDisruptionBudget": "pdb"}.get(raw["kind"], raw["kind"].lower())
        if kind not in RESOURCES:
            raise NotDone(f"kubectl has to find out where a {raw['kind']} is served")
        metadata = {"namespace": namespace, "annotations": {}, **raw["metadata"]}
        given = json.dumps({**raw, "metadata": metadata}, separators=(",", ":"), sort_keys=True) + "\n"
        annotations = {**metadata["annotations"], LAST_APPLIED: given}
        path = f"{_path(kind, namespace)}?fieldManager=kubectl-client-side-apply&fieldValidation=Strict"
        self._send("POST", path, {**raw, "metadata": {**metadata, "annotations": annotations}})

    def apply_server_side(self, namespace: str, *objects: Raw) -> str:
        """Apply objects as their owner does, server-side; return what kubectl said."""
        return self.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=_listed(objects))

    def get(self, kind: str, name: str, namespace: str | None = None) -> Raw:
        """Return an object as the API server gives it."""
        return self._read(kind, namespace, f"/{name}")

    def all(self, kind: str, namespace: str | None = None) -> list[Raw]:
        """Return all objects of a kind."""
        return list(self._read(kind, namespace, "")["items"])

    def _read(self, kind: str, namespace: str | None, rest: str) -> Raw:
        return self._send("GET", _path(kind, namespace) + rest)

    def _apply(self, kind: str, raw: Raw) -> None:
        name = raw["metadata"]["name"]
        self._send("PATCH", f"{_path(kind)}/{name}?fieldManager=administrator&force=true", raw, APPLY)

    def _send(self, method: str, path: str, body: Raw | None = None, content_type: str = "application/json") -> Raw:
        """Ask the API server without kubectl, which takes a hundred times as long to start."""
        headers = {"Authorization": f"Bearer {token_of(self.plane.site, user=ADMIN)}", "Content-Type": content_type}
        content = None if body is None else json.dumps(body).encode()
        for again in (True, False):
            opened = _connections.to(self.plane)
            try:
                opened.request(method, path, content, headers)
                answer = opened.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, ConnectionError, ssl.SSLError):
                opened.close()  # the API server closes what is idle, or was started anew
                if not again:
                    raise
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise NotDone(f"{method} {path}: {answer.status} {text.decode(errors='replace')[:300]}")
        found: Raw = json.loads(text)
        return found

    def budgets(self, namespace: str) -> list[str]:
        """Return the names of the budgets in a namespace."""
        return [each["metadata"]["name"] for each in self.all("pdb", namespace)]

    def status(self, policy: str) -> Raw:
        """Return the status of a policy; empty where it has none yet."""
        return dict(self.get("pp", policy).get("status", {}))

    def settled(self, policy: str, **counts: int) -> Raw:
        """Return the status once it speaks of the policy's generation, nothing is pending, and the counts are so."""

        def is_settled() -> Raw | None:
            found = self.get("pp", policy)
            status = found.get("status", {})
            seen = status.get("observedGeneration") == found["metadata"]["generation"]
            workloads = status.get("workloads", {})
            still = not workloads.get("repairing") and not status.get("pending", {}).get("repairs")
            right = all(workloads.get(name) == count for name, count in counts.items())
            return status if seen and still and right else None

        return dict(eventually(is_settled))

    def repaired(self, name: str, namespace: str, kind: str = "deployment") -> Raw:
        """Return a workload once its template is repaired and all of its pods run with that."""

        def is_repaired() -> Raw | None:
            found = self.get(kind, name, namespace)
            return found if journal(found) and is_rolled_out(found) else None

        return dict(eventually(is_repaired))

    def rolled_out(self, name: str, namespace: str, kind: str = "deployment") -> Raw:
        """Return a workload once all of its pods are available."""

        def is_out() -> Raw | None:
            found = self.get(kind, name, namespace)
            return found if is_rolled_out(found) else None

        return dict(eventually(is_out))

    def events(self, namespace: str, reason: str) -> list[Raw]:
        """Return the Events with a reason."""
        return [each for each in self.all("event", namespace) if each["reason"] == reason]

    def running_hashes(self, namespace: str) -> set[str]:
        """Return the template hashes of the ReplicaSets that have pods."""
        found = self.all("replicaset", namespace)
        return {each["metadata"]["labels"]["pod-template-hash"] for each in found if each["spec"]["replicas"]}

    def clean_up(self) -> None:
        """Delete what a test has made, and do not wait for it."""
        for kind, name in reversed(self._made):
            with contextlib.suppress(NotDone):  # a test may have deleted it, or the kind
                self._send("DELETE", f"{_path(kind)}/{name}", {"propagationPolicy": "Background"})
        self._made.clear()

    def fixed(self, look: Callable[[], Any]) -> Any:
        """Return what `look` sees after the operator has certainly looked, too.

        A canary is scaled twice meanwhile, and the operator tells of it: what was to be done before had its turn.
        """
        metadata = {"name": "canary", "labels": {POLICY_LABEL: "canary"}}
        self._apply("namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        policy = {"apiVersion": API_VERSION, "kind": "ProductionPolicy", "spec": {"mode": "Audit"}}
        self._apply("pp", {**policy, "metadata": {"name": "canary"}})
        self.apply("canary", deployment("canary", replicas=2))
        for replicas, failing in ((1, 1), (2, 0)):
            self._send(
                "PATCH", f"{_path('deployment', 'canary')}/canary/scale", {"spec": {"replicas": replicas}}, MERGE
            )
            eventually(lambda failing=failing: self._too_few_replicas("canary") == failing)  # type: ignore[misc]  # bound
        return look()

    def _too_few_replicas(self, policy: str) -> int | None:
        rows = self.status(policy).get("expectations", [])
        return next((int(each["failed"]) for each in rows if each["name"] == "replicas"), None)


def journal(workload: Mapping[str, Any]) -> dict[str, str]:
    """Return the notes of ours on a workload, by expectation."""
    annotations = workload["metadata"].get("annotations", {})
    return {key.removeprefix(JOURNAL): text for key, text in annotations.items() if key.startswith(JOURNAL)}


def pod_spec(workload: Mapping[str, Any]) -> Raw:
    """Return the pod spec of a workload."""
    return dict(workload["spec"]["template"]["spec"])


def changed(raw: Raw, **fields: Any) -> Raw:
    """Return an object with some fields of its first container changed; None removes one."""
    copied = copy.deepcopy(raw)
    first = copied["spec"]["template"]["spec"]["containers"][0]
    first.update({name: value for name, value in fields.items() if value is not None})
    for name in [name for name, value in fields.items() if value is None]:
        first.pop(name, None)
    return copied


def _path(kind: str, namespace: str | None = None) -> str:
    root, plural = RESOURCES[kind]
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def _listed(objects: tuple[Raw, ...]) -> Raw:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
