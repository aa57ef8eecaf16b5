"""A cluster as its owners and administrators see it: objects go in as they write them, and come out as they are."""

from __future__ import annotations

import http.client
import itertools
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from control_plane.credentials import ADMIN, token_of
from control_plane.patience import PATIENCE_SECONDS, NotYet, eventually
from control_plane.plane import ControlPlane, RequestFailed
from control_plane.probe import connection
from control_plane.site import Site
from owners import manifests
from owners.manifests import GOVERNED, Raw
from owners.rollouts import conditions, is_rolled_out, is_settled
from productionpolicy.kube.identity import API_VERSION, REPAIRS

ROOTS = {
    "/api/v1": (
        "configmap",
        "event",
        "namespace",
        "node",
        "pod",
        "replicationcontroller",
        "resourcequota",
        "secret",
        "service",
        "serviceaccount",
        "persistentvolume",
        "persistentvolumeclaim",
        "limitrange",
    ),
    "/apis/apiextensions.k8s.io/v1": ("customresourcedefinition",),
    "/apis/apps/v1": ("controllerrevision", "daemonset", "deployment", "replicaset", "statefulset"),
    "/apis/autoscaling/v2": ("horizontalpodautoscaler",),
    "/apis/batch/v1": ("cronjob", "job"),
    "/apis/coordination.k8s.io/v1": ("lease",),
    "/apis/policy/v1": ("poddisruptionbudget",),
    "/apis/rbac.authorization.k8s.io/v1": ("clusterrole", "clusterrolebinding"),
    "/apis/scheduling.k8s.io/v1": ("priorityclass",),
    "/apis/storage.k8s.io/v1": ("csinode", "storageclass"),
    "/apis/openreports.io/v1alpha1": ("report",),
    "/apis/wgpolicyk8s.io/v1alpha2": ("policyreport",),
    f"/apis/{API_VERSION}": ("productionpolicy",),
}
ROOT_OF = {kind: root for root, kinds in ROOTS.items() for kind in kinds}
SHORT = {"crd": "customresourcedefinition", "pdb": "poddisruptionbudget", "pp": "productionpolicy"}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which kubectl keeps what its user applied last."""

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
CANARY = "canary"

AGAIN_SECONDS = 1.0
"""How long to wait before asking again: what an API server says in `Retry-After` where it refuses for being busy."""

_names = itertools.count(1)


class NotFound(RequestFailed):
    """The API server answered that there is no such object."""


class AskAgain(RequestFailed):
    """The API server did nothing, and asks to be asked again: it is busy, or has just begun to serve the kind."""


class _Connections(threading.local):
    """The open connections of a thread, by API server: a handshake costs more than a request."""

    def __init__(self) -> None:
        self._known: dict[Path, http.client.HTTPConnection] = {}

    def to(self, plane: ControlPlane) -> http.client.HTTPConnection:
        """Return the connection to an API server."""
        authority = plane.site.certificate_authority
        if authority not in self._known:
            self._known[authority] = connection(plane.site.apiserver_port, authority=authority, seconds=10)
        return self._known[authority]


_connections = _Connections()


def _error(answer: http.client.HTTPResponse) -> type[RequestFailed]:
    """Return what a refusal means; an eviction that a budget refuses has status 429 too, but no `Retry-After`."""
    if answer.status == http.HTTPStatus.TOO_MANY_REQUESTS and answer.headers.get("Retry-After"):
        return AskAgain
    return NotFound if answer.status == http.HTTPStatus.NOT_FOUND else RequestFailed


@cache
def _authorization(site: Site) -> str:
    return f"Bearer {token_of(site, user=ADMIN)}"


def path(kind: str, namespace: str | None = None) -> str:
    """Return the path of all objects of a kind, in a namespace or in the cluster."""
    known = SHORT.get(kind.lower(), kind.lower())
    endings = {"y": f"{known[:-1]}ies", "s": f"{known}es"}
    plural = endings.get(known[-1], f"{known}s")
    return "/".join(filter(None, (ROOT_OF[known], namespace and f"namespaces/{namespace}", plural)))


@dataclass(slots=True)
class Client:
    """A control plane, used by an administrator. Threads may share it."""

    plane: ControlPlane

    def kubectl(self, *arguments: str, stdin: Raw | None = None, check: bool = True) -> str:
        """Run kubectl."""
        return self.plane.kubectl(*arguments, stdin=json.dumps(stdin) if stdin else None, check=check)

    def send(self, method: str, where: str, body: Raw | None = None, content_type: str = JSON) -> Raw:
        """Ask the API server without kubectl, which takes a hundred times as long to start.

        Raises:
            RequestFailed: it answered with an error.
            NeverHappened: all the time it asked to be asked again.
        """

        def answered() -> list[Raw]:
            return [self._send(method, where, body, content_type)]

        found: Raw = eventually(answered, poll_seconds=AGAIN_SECONDS, not_now=(AskAgain,))[0]
        return found

    def _send(self, method: str, where: str, body: Raw | None, content_type: str) -> Raw:
        headers = {"Authorization": _authorization(self.plane.site), "Content-Type": content_type}
        content = None if body is None else json.dumps(body).encode()
        for again in (True, False):
            opened = _connections.to(self.plane)
            try:
                opened.request(method, where, content, headers)
                answer = opened.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, ConnectionError, ssl.SSLError):
                opened.close()  # the API server closes what is idle, or was restarted
                if not again:
                    raise
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise _error(answer)(f"{method} {where}: {answer.status} {text.decode(errors='replace')[:300]}")
        found: Raw = json.loads(text)
        return found

    def get(self, kind: str, name: str, namespace: str | None = None) -> Raw:
        """Return an object as the API server gives it."""
        return self.send("GET", f"{path(kind, namespace)}/{name}")

    def find(self, kind: str, name: str, namespace: str | None = None) -> Raw:
        """Return an object as the API server gives it; empty if there is none."""
        try:
            return self.get(kind, name, namespace)
        except NotFound:
            return {}

    def all(self, kind: str, namespace: str | None = None, *, labelled: str = "") -> list[Raw]:
        """Return all objects of a kind, or those that a label selector selects; each tells its kind, as `get` does."""
        selected = f"?labelSelector={urllib.parse.quote(labelled)}" if labelled else ""
        found = self.send("GET", path(kind, namespace) + selected)
        head = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
        return [{**head, **each} for each in found["items"]]

    def create(self, raw: Raw, namespace: str | None = None) -> Raw:
        """Create an object, and return it."""
        return self.send("POST", path(raw["kind"], namespace), raw)

    def merge(self, kind: str, name: str, patch: Raw, namespace: str | None = None) -> Raw:
        """Change an object by a JSON merge patch, and return it."""
        return self.send("PATCH", f"{path(kind, namespace)}/{name}", patch, MERGE)

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object, and do not wait for it."""
        self.send("DELETE", f"{path(kind, namespace)}/{name}", {"propagationPolicy": "Background"})

    def policy(self, name: str | None = None, **spec: Any) -> str:
        """Create or change a policy; return its name."""
        name = name or f"policy-{next(_names)}"
        self._put(manifests.policy(name, **spec))
        return name

    def change_policy(self, name: str, **spec: Any) -> None:
        """Change some fields of a policy's spec."""
        self.merge("pp", name, {"spec": spec})

    def namespace(self, policy: str | None = None, **labels: str) -> str:
        """Create a namespace that names a policy, or none; return its name."""
        name = f"test-{next(_names)}"
        self.create(manifests.namespace(name, policy=policy, **labels))
        return name

    def applied(self, *objects: Raw, policy: str | None = None) -> str:
        """Create a namespace that names a policy, or none, and apply objects into it; return its name."""
        name = self.namespace(policy)
        self.apply(name, *objects)
        return name

    def running(self, *workloads: Raw, policy: str | None = None) -> str:
        """Create a namespace, and let workloads run in it; only then a policy governs it, if any. Return its name."""
        name = self.applied(*workloads)
        for each in workloads:
            self.rolled_out(each["metadata"]["name"], name, each["kind"].lower())
        if policy:
            self.govern(name, policy)
        return name

    def governed_later(self, *workloads: Raw, **spec: Any) -> tuple[str, str]:
        """Create a policy, and a namespace that it governs once these workloads run in it; return the names of both."""
        name = self.policy(**spec)
        return name, self.running(*workloads, policy=name)

    def governed(self, *objects: Raw, **spec: Any) -> tuple[str, str]:
        """Create a policy, and a namespace that names it with these objects in it; return the names of both."""
        name = self.policy(**spec)
        return name, self.applied(*objects, policy=name)

    def govern(self, namespace: str, policy: str | None) -> None:
        """Label a namespace with a policy, or take the label away."""
        self.merge("namespace", namespace, {"metadata": {"labels": {GOVERNED: policy}}})

    def label(self, namespace: str, *labels: str) -> None:
        """Label a namespace as `kubectl label` does: `name=value`, or `name-` to take one away."""
        changes = {name.removesuffix("-"): value or None for name, _, value in (each.partition("=") for each in labels)}
        self.merge("namespace", namespace, {"metadata": {"labels": changes}})

    def apply(self, namespace: str, *objects: Raw) -> str:
        """Apply objects as their owner does, client-side; return what kubectl said, nothing where all are new.

        Those that do not exist yet are created as kubectl creates them; from the first one on that cannot be, kubectl
        itself does it.
        """
        for number, each in enumerate(objects):
            try:
                self._create_as_kubectl_applies(namespace, each)
            except (KeyError, RequestFailed):  # kubectl finds out where a kind is served
                return self.kubectl("apply", "-n", namespace, "-f", "-", stdin=manifests.listed(*objects[number:]))
        return ""

    def apply_server_side(self, namespace: str, *objects: Raw) -> str:
        """Apply objects as their owner does, server-side; return what kubectl said."""
        return self.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=manifests.listed(*objects))

    def tried(self, raw: Raw, namespace: str | None = None) -> Raw:
        """Return what the API server would make of a new object; empty if it would refuse it."""
        where = ["-n", namespace] if namespace else []
        made = self.kubectl("create", "--dry-run=server", *where, "-o", "json", "-f", "-", stdin=raw, check=False)
        return dict(json.loads(made or "{}"))

    def budgets(self, namespace: str) -> list[str]:
        """Return the names of the budgets in a namespace."""
        return [each["metadata"]["name"] for each in self.all("pdb", namespace)]

    def status(self, policy: str) -> Raw:
        """Return the status of a policy; empty where it has none yet."""
        return dict(self.get("pp", policy).get("status", {}))

    def condition(self, policy: str, kind: str) -> Raw:
        """Return a condition of a policy; with empty texts where it has none of that type."""
        found = conditions(self.get("pp", policy)).get(kind)
        return found or {"status": "", "reason": "", "message": ""}

    def told(self, policy: str, kind: str) -> tuple[str, str]:
        """Return status and reason of a condition of a policy; empty where it has none of that type."""
        found = self.condition(policy, kind)
        return found["status"], found["reason"]

    def messages(self, policy: str, expectation: str) -> list[str]:
        """Return what the status of a policy says of workloads that fail an expectation."""
        found = self.status(policy).get("violations", [])
        return [each["message"] for each in found if each["expectation"] == expectation]

    def settled(self, policy: str, *, within: float = PATIENCE_SECONDS, **counts: int) -> Raw:
        """Return the status of a policy once `is_settled`."""

        def look() -> Raw:
            found = self.get("pp", policy)
            if not is_settled(found, **counts):
                raise NotYet(f"the policy {policy} has not settled with {counts}: {found.get('status')}")
            return dict(found["status"])

        return dict(eventually(look, within=within))

    def rolled_out(self, name: str, namespace: str, kind: str = "deployment", *, repaired: bool = False) -> Raw:
        """Return a workload once all of its pods are new and available and, if asked for, it carries a repair."""

        def look() -> Raw:
            found = self.get(kind, name, namespace)
            if not is_rolled_out(found) or (repaired and not journal(found)):
                raise NotYet(f"{kind} {name} is not {'repaired' if repaired else 'rolled out'}: {found.get('status')}")
            return found

        return dict(eventually(look))

    def repaired(self, name: str, namespace: str, kind: str = "deployment") -> Raw:
        """Return a workload once its template is repaired and all of its pods run with that."""
        return self.rolled_out(name, namespace, kind, repaired=True)

    def events(self, namespace: str, reason: str) -> list[Raw]:
        """Return the Events with a reason."""
        return [each for each in self.all("event", namespace) if each["reason"] == reason]

    def running_hashes(self, namespace: str) -> set[str]:
        """Return the template hashes of the ReplicaSets that have pods."""
        found = self.all("replicaset", namespace)
        return {each["metadata"]["labels"]["pod-template-hash"] for each in found if each["spec"]["replicas"]}

    def fixed(self, look: Callable[[], Any], *, within: float = PATIENCE_SECONDS) -> Any:
        """Return what `look` sees after the operator has certainly looked, too.

        A canary is scaled twice meanwhile, and the operator tells of it: what was to be done before had its turn.
        """
        self._put(manifests.namespace(CANARY, policy=CANARY))
        self._put(manifests.policy(CANARY, mode="Audit"))
        self.apply(CANARY, manifests.deployment(CANARY, replicas=2))
        for replicas, failing in ((1, 1), (2, 0)):
            self.merge("deployment", f"{CANARY}/scale", {"spec": {"replicas": replicas}}, CANARY)
            eventually(lambda failing=failing: self._too_few_replicas() == failing, within=within)  # type: ignore[misc]  # bound
        return look()

    def _too_few_replicas(self) -> int | None:
        rows = self.status(CANARY).get("expectations", [])
        return next((int(each["failed"]) for each in rows if each["name"] == "replicas"), None)

    def _put(self, raw: Raw) -> None:
        """Create an object of the cluster, or change it."""
        where = f"{path(raw['kind'])}/{raw['metadata']['name']}?fieldManager=administrator&force=true"
        self.send("PATCH", where, raw, APPLY)

    def _create_as_kubectl_applies(self, namespace: str, raw: Raw) -> None:
        metadata = {"namespace": namespace, "annotations": {}, **raw["metadata"]}
        given = json.dumps({**raw, "metadata": metadata}, separators=(",", ":"), sort_keys=True) + "\n"
        annotations = {**metadata["annotations"], LAST_APPLIED: given}
        where = f"{path(raw['kind'], namespace)}?fieldManager=kubectl-client-side-apply&fieldValidation=Strict"
        self.send("POST", where, {**raw, "metadata": {**metadata, "annotations": annotations}})


def journal(workload: Mapping[str, Any]) -> dict[str, str]:
    """Return the operator's notes of its repairs on a workload, by expectation."""
    annotations = workload["metadata"].get("annotations", {})
    return {key.removeprefix(REPAIRS): text for key, text in annotations.items() if key.startswith(REPAIRS)}


def pod_spec(workload: Mapping[str, Any]) -> Raw:
    """Return the pod spec of a workload."""
    return dict(workload["spec"]["template"]["spec"])
