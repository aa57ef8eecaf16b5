"""With the operator's own token, and every right that RBAC can give it: it can write what repairs need, and no more."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cluster.conftest import ROOT
from cluster.world import Raw, eventually
from control_plane.installation import SERVICE_ACCOUNT, SYSTEM_NAMESPACE, install, operators_kubeconfig
from control_plane.plane import ControlPlane, KubectlFailed
from owners import manifests
from productionpolicy import repairs
from productionpolicy.controller.cluster import Cluster, RequestFailed
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.resources import BUDGETS
from productionpolicy.kube.budgets import read_budget
from productionpolicy.kube.counts import Count
from productionpolicy.kube.identity import FINALIZER
from productionpolicy.kube.workloads import Workload, read_workload
from productionpolicy.repairs import (
    Amendment,
    AntiAffinity,
    BudgetTerms,
    Grace,
    MaxUnavailable,
    MessagePolicy,
    Patch,
    Sleep,
    TopologySpread,
    merged,
)
from testbed.client import Client

POLICY = ROOT / "manifests" / "admission" / "restraint" / "policy.yaml"
SHOP = "shop"
ACCOUNT = f"system:serviceaccount:{SYSTEM_NAMESPACE}:{SERVICE_ACCOUNT}"
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
OTHERS = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": HOSTNAME}
"""A term of the owner: not near another workload."""

OWN_CONSTRAINT = {
    "labelSelector": {"matchLabels": {"app": "web"}},
    "maxSkew": 1,
    "topologyKey": ZONE,
    "whenUnsatisfiable": "DoNotSchedule",
}
QUIT = {"exec": {"command": ["nginx", "-s", "quit"]}}
WEB: Raw = {
    "name": "web",
    "image": "example/web:1.2.3",
    "command": ["web"],
    "args": ["--port=8080"],
    "env": [{"name": "LEVEL", "value": "info"}],
    "ports": [{"name": "http", "containerPort": 8080}],
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
    "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "16Mi"}},
    "securityContext": {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
    "volumeMounts": [{"name": "files", "mountPath": "/files"}],
}
CONTAINERS: list[Raw] = [
    WEB,
    {"name": "proxy", "image": "example/proxy:1", "lifecycle": {"preStop": QUIT}},
    {"name": "agent", "image": "example/agent:1", "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}},
]
POD: Raw = {
    "containers": CONTAINERS,
    "initContainers": [{"name": "setup", "image": "example/setup:1"}],
    "volumes": [{"name": "files", "emptyDir": {}}],
    "serviceAccountName": "web",
    "securityContext": {"runAsNonRoot": True},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "special", "operator": "Exists"}],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [OTHERS],
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": OTHERS}],
        }
    },
    "topologySpreadConstraints": [OWN_CONSTRAINT],
}


def workload(kind: str, name: str, spec: Raw, pod: Raw) -> Raw:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels, "annotations": {"checksum": "1"}}, "spec": pod}
    metadata = {"name": name, "namespace": SHOP, "labels": labels, "annotations": {"team": "shop"}}
    shared = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {**shared, **spec}}


def budget(name: str, **fields: Any) -> Raw:
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    metadata = {"name": name, "namespace": SHOP, **fields.pop("metadata", {})}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": {**spec, **fields}}


KIND = {"apiVersion": "productionpolicy.dev/v1alpha1", "kind": "ProductionPolicy"}
EXISTING: list[Raw] = [
    manifests.namespace(SHOP),
    workload("Deployment", "web", {}, POD),
    workload("StatefulSet", "db", {"serviceName": "db"}, POD),
    budget("owners"),
    {**KIND, "metadata": {"name": "default", "labels": {"team": "platform"}}, "spec": {"mode": "Enforce"}},
]


_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane whose operator's account may do everything, as far as RBAC is concerned."""
    with ControlPlane.start(tmp_path_factory.mktemp("restrained"), controllers=False) as started:
        install(started)
        account = f"--serviceaccount={SYSTEM_NAMESPACE}:{SERVICE_ACCOUNT}"
        started.kubectl("create", "clusterrolebinding", "all", "--clusterrole=cluster-admin", account)
        started.kubectl("create", "-f", "-", stdin=json.dumps(manifests.listed(*EXISTING)))
        yield started


@pytest.fixture(scope="module")
def stolen(plane: ControlPlane) -> Path:
    """The operator's credentials."""
    return operators_kubeconfig(plane)


@pytest.fixture(scope="module", autouse=True)
def _restrained(plane: ControlPlane, stolen: Path) -> None:
    """Wait until the API server restrains the account."""
    scale = ("patch", "deployment", "web", "-n", SHOP, "-p", json.dumps(of_spec(replicas=9)), "--dry-run=server")

    def refused() -> bool:
        try:
            plane.kubectl(f"--kubeconfig={stolen}", *scale)
        except KubectlFailed as failure:
            return "may not change spec.replicas" in str(failure)
        return False

    eventually(refused, within=60)


@pytest.fixture
async def thief(stolen: Path) -> AsyncIterator[Cluster]:
    """The API server as somebody sees it who has stolen the operator's token."""
    client = (await Connection.load(stolen)).client()
    cluster = Cluster(client)

    yield cluster
    await client.close()


@pytest.fixture
async def administrator(plane: ControlPlane) -> AsyncIterator[Cluster]:
    client = (await Connection.load(plane.kubeconfig)).client()
    yield Cluster(client)
    await client.close()


def path(plural: str, name: str = "", subresource: str = "") -> str:
    """Return where something is served."""
    group = "policy/v1" if plural == "poddisruptionbudgets" else "apps/v1"
    root = f"/apis/{group}/namespaces/{SHOP}/{plural}"
    if plural == "productionpolicies":
        root = f"/apis/productionpolicy.dev/v1alpha1/{plural}"
    return "/".join(filter(None, (root, name, subresource)))


async def attempt(cluster: Cluster, method: str, where: str, body: Raw | None = None, kind: str = "") -> str:
    """Try a request without any effect; return what the API server has against it, nothing if it would do it."""
    merging = "merge-patch" if "productionpolicies" in where or where.endswith("/scale") else "strategic-merge-patch"
    content = kind or (f"application/{merging}+json" if method == "PATCH" else "application/json")
    try:
        await cluster._request(method, where, query={"dryRun": "All"}, body=body, content_type=content)
    except RequestFailed as error:
        return f"{type(error).__name__}: {error}"
    return ""


def of_spec(**fields: Any) -> Raw:
    return {"spec": fields}


def of_template(**metadata: Any) -> Raw:
    return of_spec(template={"metadata": metadata})


def of_pod(**fields: Any) -> Raw:
    return of_spec(template={"spec": fields})


def of_web(**fields: Any) -> Raw:
    return of_pod(containers=[{"name": "web", **fields}])


def pre_stop(container: str, **hook: Any) -> Raw:
    return of_pod(containers=[{"name": container, "lifecycle": {"preStop": hook}}])


def of_metadata(**fields: Any) -> Raw:
    return {"metadata": fields}


REQUIRED, PREFERRED = (f"{each}DuringSchedulingIgnoredDuringExecution" for each in ("required", "preferred"))
EVERYBODY = {"labelSelector": {}, "topologyKey": HOSTNAME}
ELSEWHERE = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": HOSTNAME, "namespaces": ["other"]}
TEMPLATE, AFFINITY = "spec.template.spec.", "spec.template.spec.affinity."
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "00000000-0000-0000-0000-000000000000"}
ANYWHERE = {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["x"]}]}]}
CLAIMS = {"whenScaled": "Delete", "whenDeleted": "Delete"}

OF_THE_FIRST_CONTAINER: Mapping[str, Raw] = {
    "image": {"image": "evil/web:1.2.3"},
    "image pull policy": {"imagePullPolicy": "Always"},
    "command": {"command": ["sh", "-c", "evil"]},
    "command removed": {"command": None},
    "arguments": {"args": ["--evil"]},
    "working directory": {"workingDir": "/tmp"},
    "variable": {"env": [{"name": "LD_PRELOAD", "value": "/evil.so"}]},
    "variable changed": {"env": [{"name": "LEVEL", "value": "debug"}]},
    "variables from a Secret": {"envFrom": [{"secretRef": {"name": "all"}}]},
    "mount": {"volumeMounts": [{"name": "files", "mountPath": "/bin"}]},
    "port": {"ports": [{"containerPort": 22}]},
    "port of the host": {"ports": [{"containerPort": 8080, "hostPort": 8080}]},
    "resources": {"resources": {"limits": {"memory": "64Gi"}}},
    "readiness probe": {"readinessProbe": None},
    "liveness probe": {"livenessProbe": {"exec": {"command": ["evil"]}}},
    "startup probe": {"startupProbe": {"exec": {"command": ["evil"]}}},
    "privileged container": {"securityContext": {"privileged": True, "allowPrivilegeEscalation": True}},
    "security context of a container removed": {"securityContext": None},
    "terminal": {"stdin": True},
    "termination message path": {"terminationMessagePath": "/etc/passwd"},
}
"""Each names the field that it is refused for."""

OF_THE_POD: Mapping[str, Raw] = {
    "container added": {"containers": [{"name": "evil", "image": "evil:1"}]},
    "container removed": {"containers": [{"name": "agent", "$patch": "delete"}]},
    "container renamed": {
        "containers": [{"name": "agent", "$patch": "delete"}, {"name": "agent-2", "image": "example/agent:1"}]
    },
    "order of containers": {"$setElementOrder/containers": [{"name": name} for name in ("agent", "proxy", "web")]},
    "init container added": {"initContainers": [{"name": "evil", "image": "evil:1"}]},
    "init container removed": {"initContainers": [{"name": "setup", "$patch": "delete"}]},
    "volume": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
    "volume changed": {"volumes": [{"name": "files", "emptyDir": None, "secret": {"secretName": "x"}}]},
    "service account": {"serviceAccountName": "admin"},
    "token of the service account": {"automountServiceAccountToken": True},
    "secrets for images": {"imagePullSecrets": [{"name": "x"}]},
    "security context of the pod": {"securityContext": {"runAsNonRoot": False, "runAsUser": 0}},
    "network of the host": {
        "hostNetwork": True,
        "containers": [{"name": "web", "ports": [{"containerPort": 8080, "hostPort": 8080}]}],
    },
    "processes of the host": {"hostPID": True},
    "IPC of the host": {"hostIPC": True},
    "processes of all containers": {"shareProcessNamespace": True},
    "addresses of hosts": {"hostAliases": [{"ip": "1.2.3.4", "hostnames": ["api"]}]},
    "DNS": {"dnsConfig": {"nameservers": ["1.2.3.4"]}},
    "host name": {"hostname": "evil"},
    "node": {"nodeName": "node-1"},
    "node selector": {"nodeSelector": {"disk": None}},
    "tolerations": {"tolerations": [{"operator": "Exists"}]},
    "priority": {"priorityClassName": "system-cluster-critical"},
    "runtime": {"runtimeClassName": "runc"},
    "scheduler": {"schedulerName": "evil"},
    "scheduling gates": {"schedulingGates": [{"name": "example/never"}]},
    "readiness gates": {"readinessGates": [{"conditionType": "never"}]},
    "links to services": {"enableServiceLinks": False},
    "topology constraint of the owner changed": {"topologySpreadConstraints": [{**OWN_CONSTRAINT, "maxSkew": 5}]},
    "topology constraint of the owner removed": {"topologySpreadConstraints": None},
    "topology constraint that keeps pods from nodes": {
        "topologySpreadConstraints": [{**OWN_CONSTRAINT, "topologyKey": HOSTNAME}]
    },
}
OF_HOOKS: Mapping[str, tuple[str, Raw]] = {
    "preStop, another command": ("web", {"exec": {"command": ["evil"]}}),
    "preStop, a shell that sleeps": ("web", {"exec": {"command": ["sh", "-c", "sleep 5"]}}),
    "preStop, sleep with more arguments": ("web", {"exec": {"command": ["sleep", "5", "6"]}}),
    "preStop, sleep for ever": ("web", {"exec": {"command": ["sleep", "infinity"]}}),
    "preStop, sleep by another path": ("web", {"exec": {"command": ["/tmp/sleep", "5"]}}),
    "preStop, sleep and a line more": ("web", {"exec": {"command": ["sleep", "5\nevil"]}}),
    "preStop, httpGet": ("web", {"httpGet": {"port": 80, "host": "evil.example"}}),
    "preStop of the owner replaced": ("proxy", {"$patch": "replace", "sleep": {"seconds": 5}}),
    "preStop of the owner changed": ("proxy", {"exec": {"command": ["sleep", "5"]}}),
    "sleep turned into a command": ("agent", {"$patch": "replace", "exec": {"command": ["evil"]}}),
}
OF_THE_SPEC: Mapping[str, Raw] = {"replicas": {"replicas": 0}, "seconds until ready": {"minReadySeconds": 60}}
OF_DEPLOYMENTS: Mapping[str, Raw] = {
    "paused": {"paused": True},
    "history": {"revisionHistoryLimit": 0},
    "progress deadline": {"progressDeadlineSeconds": 1},
}
OF_STRATEGIES: Mapping[str, tuple[Raw, str]] = {
    "type of the strategy": (of_spec(strategy={"type": "Recreate", "rollingUpdate": None}), "spec.strategy.type"),
    "surge": (of_spec(strategy={"rollingUpdate": {"maxSurge": "100%"}}), "spec.strategy.rollingUpdate.maxSurge"),
}
OF_SETS: Mapping[str, Raw] = {
    "type of the update": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}},
    "partition": {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
    "numbers of the pods": {"ordinals": {"start": 5}},
    "claims deleted with the pods": {"persistentVolumeClaimRetentionPolicy": CLAIMS},
}
ELSEWHERE_IN_BOTH: Mapping[str, tuple[Raw, str]] = {
    "image of an init container": (
        of_pod(initContainers=[{"name": "setup", "image": "evil:1"}]),
        "container setup: image",
    ),
    "postStart": (
        of_web(lifecycle={"postStart": {"exec": {"command": ["evil"]}}}),
        "container web: lifecycle.postStart",
    ),
    "preStop of the owner removed": (
        of_pod(containers=[{"name": "proxy", "lifecycle": None}]),
        "container proxy: lifecycle.preStop",
    ),
    "affinity to nodes": (of_pod(affinity={"nodeAffinity": {REQUIRED: ANYWHERE}}), f"{AFFINITY}nodeAffinity"),
    "affinity to pods": (of_pod(affinity={"podAffinity": {REQUIRED: [OTHERS]}}), f"{AFFINITY}podAffinity"),
    "anti-affinity against other pods": (
        of_pod(affinity={"podAntiAffinity": {REQUIRED: [OTHERS, EVERYBODY]}}),
        f"{AFFINITY}podAntiAffinity.{REQUIRED}",
    ),
    "anti-affinity in other namespaces": (
        of_pod(affinity={"podAntiAffinity": {REQUIRED: [OTHERS, ELSEWHERE]}}),
        f"{AFFINITY}podAntiAffinity.{REQUIRED}",
    ),
    "required anti-affinity of the owner removed": (
        of_pod(affinity={"podAntiAffinity": {REQUIRED: None}}),
        f"{AFFINITY}podAntiAffinity.{REQUIRED}",
    ),
    "preferred anti-affinity of the owner changed": (
        of_pod(affinity={"podAntiAffinity": {PREFERRED: [{"weight": 100, "podAffinityTerm": OTHERS}]}}),
        f"{AFFINITY}podAntiAffinity.{PREFERRED}",
    ),
    "preferred anti-affinity of the owner removed": (of_pod(affinity=None), f"{AFFINITY}podAntiAffinity.{PREFERRED}"),
    "label of the pods": (of_template(labels={"role": "evil"}), "spec.template.metadata"),
    "annotation of the pods": (of_template(annotations={"checksum": "2"}), "spec.template.metadata"),
    "annotation of the pods in our words": (
        of_template(annotations={"repairs.productionpolicy.dev/preStop": "x"}),
        "spec.template.metadata",
    ),
    "label": (of_metadata(labels={"app": "evil"}), "metadata.labels"),
    "owner": (of_metadata(ownerReferences=[OWNER]), "metadata.ownerReferences"),
    "finalizer": (of_metadata(finalizers=["example.com/never"]), "metadata.finalizers"),
}
OF_ANNOTATIONS: Mapping[str, tuple[str, str | None]] = {
    "annotation": ("evil", "1"),
    "annotation changed": ("team", "evil"),
    "annotation removed": ("team", None),
    "exemption": ("exempt.productionpolicy.dev/all", "no need"),
    "annotation that looks like ours": ("repairs.productionpolicy.dev.evil.example/x", "1"),
}


def named(fields: Raw) -> str:
    """Return the first field of a patch."""
    return str(next(iter(fields))).removeprefix("$setElementOrder/")


def of_spec_of_kind(given: Mapping[str, Raw]) -> dict[str, tuple[Raw, str]]:
    return {name: (of_spec(**fields), f"spec.{named(fields)}") for name, fields in given.items()}


OF_BOTH_KINDS: Mapping[str, tuple[Raw, str]] = {
    **{name: (of_web(**fields), f"container web: {named(fields)}") for name, fields in OF_THE_FIRST_CONTAINER.items()},
    **{name: (of_pod(**fields), f"{TEMPLATE}{named(fields)}") for name, fields in OF_THE_POD.items()},
    **{
        name: (pre_stop(container, **hook), f"container {container}: lifecycle.preStop")
        for name, (container, hook) in OF_HOOKS.items()
    },
    **{
        name: (of_metadata(annotations={key: text}), f"metadata.annotations.{key}")
        for name, (key, text) in OF_ANNOTATIONS.items()
    },
    **of_spec_of_kind(OF_THE_SPEC),
    **ELSEWHERE_IN_BOTH,
}
CHANGES = [
    pytest.param(plural, name, *change, id=f"{kind}: {told}")
    for kind, plural, name, of_kind in (
        ("Deployment", "deployments", "web", {**of_spec_of_kind(OF_DEPLOYMENTS), **OF_STRATEGIES}),
        ("StatefulSet", "statefulsets", "db", of_spec_of_kind(OF_SETS)),
    )
    for told, change in {**OF_BOTH_KINDS, **of_kind}.items()
]


@pytest.mark.parametrize(("plural", "name", "patch", "field"), CHANGES)
async def test_a_stolen_token_cannot_change_a_workload(
    thief: Cluster, administrator: Cluster, plural: str, name: str, patch: Raw, field: str
) -> None:
    where = path(plural, name)
    assert await attempt(administrator, "PATCH", where, patch) == ""

    answer = await attempt(thief, "PATCH", where, patch)
    assert answer.startswith("Forbidden: ")
    assert f"the operator's account {ACCOUNT} may not change " in answer
    assert field in answer.partition(" may not change ")[2].partition(f" of {plural} {SHOP}/{name}")[0]


SCALE: Raw = {"spec": {"replicas": 0}}
EVERYTHING_ELSE: Mapping[str, tuple[str, tuple[str, ...], Raw | None]] = {
    f"{told} of a {plural[:-1]}": (method, (plural, name, *rest), body)
    for plural, name in (("deployments", "web"), ("statefulsets", "db"))
    for told, method, rest, body in (
        ("scale", "PATCH", ["scale"], SCALE),
        ("status", "PATCH", ["status"], {"status": {"observedGeneration": 9}}),
        ("deletion", "DELETE", [], None),
    )
}


@pytest.mark.parametrize(("method", "what", "body"), EVERYTHING_ELSE.values(), ids=EVERYTHING_ELSE)
async def test_a_stolen_token_cannot_delete_scale_or_report(
    thief: Cluster, administrator: Cluster, method: str, what: tuple[str, ...], body: Raw | None
) -> None:
    assert await attempt(administrator, method, path(*what), body) == ""

    plural, name, *rest = what
    refused = f"may not {'update' if method == 'PATCH' else 'delete'} {'/'.join((plural, *rest))} {SHOP}/{name}"
    assert f"{ACCOUNT} {refused}" in await attempt(thief, method, path(*what), body)


@pytest.mark.parametrize("raw", EXISTING[1:3], ids=lambda raw: str(raw["kind"]))
async def test_a_stolen_token_cannot_create_a_workload(thief: Cluster, administrator: Cluster, raw: Raw) -> None:
    body, plural = {**raw, "metadata": {"name": "new"}}, f"{raw['kind'].lower()}s"
    assert await attempt(administrator, "POST", path(plural), body) == ""

    assert f"{ACCOUNT} may not create {plural} {SHOP}/new" in await attempt(thief, "POST", path(plural), body)


OF_SHOP = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
NOT_OURS = "a budget of the operator has its label and its name, and the workload as owner"
BLOCKS = "a budget of the operator has a selector and allows evictions of healthy and unhealthy pods"


def own_budget(name: str = "web-deployment-productionpolicy", **fields: Any) -> Raw:
    """Return a budget as the operator makes it beside a workload."""
    metadata = {
        "labels": {"app.kubernetes.io/managed-by": "productionpolicy", "productionpolicy.dev/policy": "default"},
        "ownerReferences": [{**OF_SHOP, "uid": "00000000-0000-0000-0000-000000000000"}],
        **fields.pop("metadata", {}),
    }
    return budget(name, metadata=metadata, **fields)


WRONG_BUDGETS: Mapping[str, tuple[Raw, str]] = {
    "without label": (own_budget(metadata={"labels": {}}), NOT_OURS),
    "without owner": (own_budget(metadata={"ownerReferences": []}), NOT_OURS),
    "of another kind of owner": (
        own_budget(
            metadata={"ownerReferences": [{**OWNER, "kind": "DaemonSet", "apiVersion": "apps/v1", "name": "web"}]}
        ),
        NOT_OURS,
    ),
    "of another name": (own_budget("everything"), NOT_OURS),
    "of the name of another workload": (own_budget("db-statefulset-productionpolicy"), NOT_OURS),
    "that selects all pods": (own_budget(selector={}), BLOCKS),
    "that selects nothing": (own_budget(selector=None), BLOCKS),
    "that allows no eviction": (own_budget(maxUnavailable=0), BLOCKS),
    "that allows no eviction, in percent": (own_budget(maxUnavailable="0%"), BLOCKS),
    "that asks for all pods": (own_budget(maxUnavailable=None, minAvailable="100%"), BLOCKS),
    "that keeps broken pods": (own_budget(unhealthyPodEvictionPolicy="IfHealthyBudget"), BLOCKS),
    "that cannot be deleted": (own_budget(metadata={"finalizers": ["example.com/never"]}), BLOCKS),
}


@pytest.mark.parametrize(("raw", "told"), WRONG_BUDGETS.values(), ids=WRONG_BUDGETS)
async def test_a_stolen_token_cannot_create_a_budget(
    thief: Cluster, administrator: Cluster, raw: Raw, told: str
) -> None:
    where = path("poddisruptionbudgets")
    assert await attempt(administrator, "POST", where, raw) == ""

    answer = await attempt(thief, "POST", where, raw)
    assert answer.startswith("Forbidden: ")
    assert f"{ACCOUNT} may not create poddisruptionbudgets {SHOP}/{raw['metadata']['name']}: {told}" in answer


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        pytest.param("PATCH", "", of_spec(maxUnavailable=2), id="changed"),
        pytest.param("PATCH", "", {"metadata": own_budget()["metadata"] | {"name": "owners"}}, id="made its own"),
        pytest.param("DELETE", "", None, id="deleted"),
        pytest.param("PATCH", "status", {"status": {"disruptionsAllowed": 9}}, id="status"),
    ],
)
async def test_a_stolen_token_cannot_touch_the_budget_of_somebody_else(
    thief: Cluster, administrator: Cluster, method: str, rest: str, body: Raw | None
) -> None:
    where = path("poddisruptionbudgets", "owners", rest)
    assert await attempt(administrator, method, where, body) == ""

    verb = "delete" if method == "DELETE" else "update"
    subresource = f"/{rest}" if rest else ""
    answer = await attempt(thief, method, where, body)
    assert f"{ACCOUNT} may not {verb} poddisruptionbudgets{subresource} {SHOP}/owners: " in answer


OF_POLICY: Mapping[str, tuple[Raw, str]] = {
    "mode": (of_spec(mode="Audit"), "spec"),
    "paused": (of_spec(paused=True), "spec"),
    "pace": (of_spec(rollout={"maxConcurrent": 100}), "spec"),
    "expectations": (of_spec(expectations={"preStop": {"action": "Ignore"}}), "spec"),
    "label": (of_metadata(labels={"team": "evil"}), "metadata.labels"),
    "annotation": (of_metadata(annotations={"productionpolicy.dev/resume": "1"}), "metadata.annotations"),
    "owner": (of_metadata(ownerReferences=[OWNER]), "metadata.ownerReferences"),
    "finalizer": (of_metadata(finalizers=["example.com/never"]), "metadata.finalizers"),
}


@pytest.mark.parametrize(("patch", "field"), OF_POLICY.values(), ids=OF_POLICY)
async def test_a_stolen_token_cannot_change_a_policy(
    thief: Cluster, administrator: Cluster, patch: Raw, field: str
) -> None:
    where = path("productionpolicies", "default")
    assert await attempt(administrator, "PATCH", where, patch) == ""

    answer = await attempt(thief, "PATCH", where, patch)
    assert answer.startswith("Forbidden: ")
    assert f"{ACCOUNT} may not change {field} of productionpolicies default" in answer


async def test_a_stolen_token_cannot_create_or_delete_a_policy(thief: Cluster, administrator: Cluster) -> None:
    new = {**KIND, "metadata": {"name": "mine"}, "spec": {"mode": "Enforce"}}
    for method, where, verb in (
        ("POST", path("productionpolicies"), "create productionpolicies mine"),
        ("DELETE", path("productionpolicies", "default"), "delete productionpolicies default"),
    ):
        body = new if method == "POST" else None
        assert await attempt(administrator, method, where, body) == ""
        assert f"{ACCOUNT} may not {verb}" in await attempt(thief, method, where, body)


PLAIN: Raw = {"containers": [WEB, {"name": "idle", "image": "example/idle:1"}], "volumes": POD["volumes"]}
NAMED = ("web", "idle")
REPAIRS: Mapping[str, tuple[Amendment, ...]] = {
    "native sleep": (Sleep(10, NAMED),),
    "sleep by a command": (Sleep(10, NAMED, by_command=True),),
    "another sleep": (Sleep(10, NAMED), Sleep(15, ("web",), by_command=True)),
    "native sleep in place of a command": (Sleep(10, NAMED, by_command=True), Sleep(20, NAMED)),
    "grace period": (Grace(30, 60),),
    "message policy": (MessagePolicy(NAMED),),
    "preferred anti-affinity": (AntiAffinity(preferred=(HOSTNAME, ZONE)),),
    "required anti-affinity": (AntiAffinity(required=(HOSTNAME,), preferred=(ZONE,)),),
    "required anti-affinity per rollout": (AntiAffinity(required=(HOSTNAME,), per_rollout=True),),
    "topology spread": (TopologySpread((HOSTNAME, ZONE)),),
    "topology spread per rollout": (TopologySpread((HOSTNAME,), per_rollout=True),),
    "topology spread in place of anti-affinity": (AntiAffinity(preferred=(HOSTNAME,)), TopologySpread((HOSTNAME,))),
}
SELECTORS: Mapping[str, Raw] = {
    "labels": {"matchLabels": {"app": "web"}},
    "expressions": {
        "matchExpressions": [
            {"key": "app", "operator": "In", "values": ["web", "api"]},
            {"key": "canary", "operator": "DoesNotExist"},
        ]
    },
}


def test_every_kind_of_repair_is_tried() -> None:
    exported = [getattr(repairs, name) for name in repairs.__all__]
    kinds = {each for each in exported if hasattr(each, "withdrawal") and each is not Amendment}
    assert {type(each) for made in REPAIRS.values() for each in made} | {MaxUnavailable} == kinds


@pytest.mark.parametrize("selector", SELECTORS.values(), ids=SELECTORS)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize("amendments", REPAIRS.values(), ids=REPAIRS)
async def test_every_repair_can_be_made_replaced_and_taken_back(
    thief: Cluster, plane: ControlPlane, kind: str, selector: Raw, amendments: tuple[Amendment, ...]
) -> None:
    before = owned(plane, kind, pod=PLAIN, selector=selector)
    live, current = before, None
    for each in amendments:
        taken_back: Patch = current.withdrawal(read(live)) if current else {}
        live = await written(thief, live, merged(taken_back, each.patch(read(live))), note=each.note())
        current = each
        assert each.drift(read(live)).kept == each
    assert current is not None
    live = await written(thief, live, current.withdrawal(read(live)), note=None)
    assert live["spec"] == before["spec"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_every_repair_can_be_made_at_once_beside_what_its_owner_has(
    thief: Cluster, plane: ControlPlane, kind: str
) -> None:
    before = owned(plane, kind, pod=POD, selector=SELECTORS["labels"])
    made = (
        Sleep(10, ("web",)),
        Grace(30, 60),
        MessagePolicy(("web", "proxy", "setup")),
        TopologySpread((HOSTNAME,)),
    )
    live = before
    for undo in (False, True):
        patch: Patch = {}
        for each in made:
            patch = merged(patch, each.withdrawal(read(live)) if undo else each.patch(read(live)))
        live = await written(thief, live, patch, note=None if undo else "x")
    assert live["spec"] == before["spec"]


async def test_a_workload_with_five_hundred_containers_is_not_too_much_to_compare(
    thief: Cluster, plane: ControlPlane
) -> None:
    crowd = [{**WEB, "name": f"c-{number}", "ports": []} for number in range(500)]
    before = owned(plane, "Deployment", pod={**PLAIN, "containers": crowd}, selector=SELECTORS["labels"])
    sleep = Sleep(10, tuple(each["name"] for each in crowd))
    live = await written(thief, before, sleep.patch(read(before)), note=sleep.note())
    assert sleep.drift(read(live)).kept == sleep
    change = of_pod(containers=[{"name": "c-499", "image": "evil:1"}])
    answer = await attempt(thief, "PATCH", path("deployments", live["metadata"]["name"]), change)
    assert "may not change container c-499: image of" in answer


async def test_the_setting_of_a_rollout_can_be_made_and_taken_back(thief: Cluster, plane: ControlPlane) -> None:
    before = owned(plane, "Deployment", pod=PLAIN, selector=SELECTORS["labels"])
    change = MaxUnavailable(Count(25, percent=True), Count(0))
    live = await written(thief, before, change.patch(read(before)), note=change.note())
    assert live["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    live = await written(thief, live, change.withdrawal(read(live)), note=None)
    assert live["spec"] == before["spec"]


async def test_its_own_entry_can_be_taken_out_of_the_managed_fields(thief: Cluster, plane: ControlPlane) -> None:
    before = owned(plane, "Deployment", pod=PLAIN, selector=SELECTORS["labels"])
    live = await written(thief, before, Grace(30, 60).patch(read(before)), note="30 -> 60")
    managers = [each["manager"] for each in live["metadata"]["managedFields"]]
    assert "productionpolicy" in managers
    await thief.release(read(live).key, live)
    after = await thief.workload(read(live).key)
    assert [each["manager"] for each in after["metadata"]["managedFields"]] == [
        each for each in managers if each != "productionpolicy"
    ]


async def test_its_own_budget_can_be_made_put_right_and_deleted(thief: Cluster, plane: ControlPlane) -> None:
    for kind, name in (("Deployment", None), ("StatefulSet", None), ("Deployment", ".".join(["w" * 61] * 4))):
        workload = read(owned(plane, kind, pod=PLAIN, selector=SELECTORS["labels"], name=name))
        manifest = BudgetTerms(max_unavailable=Count(1)).manifest(workload, policy="default")
        made = read_budget(await thief.create(BUDGETS, manifest))
        other = BudgetTerms(min_available=Count(50, percent=True)).manifest(workload, policy="default")
        replaced = read_budget(await thief.replace(BUDGETS, made, other))
        assert replaced.terms == "minAvailable 50%"
        await thief.delete(BUDGETS, replaced)


async def test_its_finalizer_and_the_status_of_a_policy_can_be_written(thief: Cluster, plane: ControlPlane) -> None:
    where = path("productionpolicies", "default")
    Client(plane).merge("pp", "default", of_metadata(finalizers=["example.com/x"]))
    for finalizers in (["example.com/x", FINALIZER], ["example.com/x"]):
        found = await thief._request("GET", where)
        await thief.set_finalizers("default", finalizers, resource_version=found["metadata"]["resourceVersion"])
        found = await thief._request("GET", where)
        assert found["metadata"]["finalizers"] == finalizers
    await thief.set_status("default", {"observedGeneration": 7})
    assert (await thief._request("GET", where))["status"]["observedGeneration"] == 7


def test_nobody_else_is_restrained(plane: ControlPlane) -> None:
    for other in (f"{SHOP}:{SERVICE_ACCOUNT}", f"{SYSTEM_NAMESPACE}:default"):
        somebody = (f"--as=system:serviceaccount:{other}", "--as-group=system:masters")
        plane.kubectl(*somebody, "scale", "deployment", "web", "-n", SHOP, "--replicas=5", "--dry-run=server")


def test_what_may_change_is_what_kubernetes_calls_so(plane: ControlPlane) -> None:
    """A name that is misspelt in the policy would restrain nothing less, but keep the operator from its work."""
    fields = set[str]()
    for group in ("apis/apps/v1", "apis/policy/v1"):
        schemas = json.loads(plane.kubectl("get", "--raw", f"/openapi/v3/{group}"))["components"]["schemas"]
        fields |= {name for each in schemas.values() for name in each.get("properties", {})}
    text = POLICY.read_text()
    named = {name for each in re.findall(r'"free": dyn\(\[([^\]]*)\]', text) for name in re.findall(r'"(\w+)"', each)}
    assert {"affinity", "lifecycle", "managedFields", "maxUnavailable", "strategy"} < named
    assert named - fields == set()


def read(raw: Raw) -> Workload:
    return read_workload(raw)


def owned(plane: ControlPlane, kind: str, *, pod: Raw, selector: Raw, name: str | None = None) -> Raw:
    """Create a workload as its owner does; return it with all defaults."""
    name = name or f"made-{next(_numbers)}"
    raw = workload(kind, name, {"serviceName": name} if kind == "StatefulSet" else {}, pod)
    raw["spec"]["selector"] = selector
    return Client(plane).create(raw, SHOP)


async def written(cluster: Cluster, live: Raw, patch: Patch, *, note: str | None) -> Raw:
    """Write a patch as the operator writes it, with a note of each kind; return the workload."""
    notes = {f"{each}.productionpolicy.dev/x": note for each in ("repairs", "contested", "before", "rollout")}
    answer = await cluster.patch_workload(read(live), merged({"metadata": {"annotations": notes}}, patch))
    return {**answer, "kind": live["kind"]}
