"""With the operator's own token, at a real API server: whoever steals it can do no more than the role says."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cluster.world import eventually
from control_plane import probe
from control_plane.installation import SERVICE_ACCOUNT, SYSTEM_NAMESPACE
from control_plane.plane import ControlPlane
from productionpolicy.kube.identity import GROUP

CORE, APPS, BATCH, RBAC = "/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/rbac.authorization.k8s.io/v1"
ADMISSION, POLICIES = "/apis/admissionregistration.k8s.io/v1", f"/apis/{GROUP}/v1alpha1/productionpolicies"
HERE = "/namespaces/kube-system"
BINDING = {
    "metadata": {"name": "mine"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "ServiceAccount", "namespace": SYSTEM_NAMESPACE, "name": SERVICE_ACCOUNT}],
}
FORBIDDEN = {
    "read the secrets of all": ("GET", f"{CORE}/secrets"),
    "read a secret": ("GET", f"{CORE}{HERE}/secrets/x"),
    "watch secrets": ("GET", f"{CORE}/secrets?watch=true"),
    "read configuration": ("GET", f"{CORE}{HERE}/configmaps/x"),
    "make itself a token": ("POST", f"{CORE}/namespaces/{SYSTEM_NAMESPACE}/serviceaccounts/{SERVICE_ACCOUNT}/token"),
    "make a token of another": ("POST", f"{CORE}{HERE}/serviceaccounts/default/token"),
    "create a pod": ("POST", f"{CORE}{HERE}/pods"),
    "delete a pod": ("DELETE", f"{CORE}{HERE}/pods/x"),
    "change a pod": ("PATCH", f"{CORE}{HERE}/pods/x"),
    "watch pods": ("GET", f"{CORE}/pods?watch=true"),
    "run something in a pod": ("POST", f"{CORE}{HERE}/pods/x/exec?command=sh"),
    "read the logs of a pod": ("GET", f"{CORE}{HERE}/pods/x/log"),
    "add a container to a pod": ("PATCH", f"{CORE}{HERE}/pods/x/ephemeralcontainers"),
    "forward a port": ("POST", f"{CORE}{HERE}/pods/x/portforward"),
    "evict a pod": ("POST", f"{CORE}{HERE}/pods/x/eviction"),
    "place a pod": ("POST", f"{CORE}{HERE}/pods/x/binding"),
    "create a Deployment": ("POST", f"{APPS}{HERE}/deployments"),
    "delete a Deployment": ("DELETE", f"{APPS}{HERE}/deployments/x"),
    "delete all Deployments": ("DELETE", f"{APPS}{HERE}/deployments"),
    "replace a Deployment": ("PUT", f"{APPS}{HERE}/deployments/x"),
    "scale a Deployment": ("PATCH", f"{APPS}{HERE}/deployments/x/scale"),
    "forge the status of a Deployment": ("PATCH", f"{APPS}{HERE}/deployments/x/status"),
    "delete a StatefulSet": ("DELETE", f"{APPS}{HERE}/statefulsets/x"),
    "create a StatefulSet": ("POST", f"{APPS}{HERE}/statefulsets"),
    "change a DaemonSet": ("PATCH", f"{APPS}{HERE}/daemonsets/x"),
    "watch ReplicaSets": ("GET", f"{APPS}/replicasets?watch=true"),
    "change a ReplicaSet": ("PATCH", f"{APPS}{HERE}/replicasets/x"),
    "change a ReplicationController": ("PATCH", f"{CORE}{HERE}/replicationcontrollers/x"),
    "create a Job": ("POST", f"{BATCH}{HERE}/jobs"),
    "change a CronJob": ("PATCH", f"{BATCH}{HERE}/cronjobs/x"),
    "label a namespace": ("PATCH", f"{CORE}/namespaces/default"),
    "create a namespace": ("POST", f"{CORE}/namespaces"),
    "delete a namespace": ("DELETE", f"{CORE}/namespaces/default"),
    "taint a node": ("PATCH", f"{CORE}/nodes/node-1"),
    "delete a node": ("DELETE", f"{CORE}/nodes/node-1"),
    "reach into a node": ("GET", f"{CORE}/nodes/node-1/proxy/pods"),
    "create a service": ("POST", f"{CORE}{HERE}/services"),
    "delete a claim": ("DELETE", f"{CORE}{HERE}/persistentvolumeclaims/x"),
    "change a service account": ("PATCH", f"{CORE}{HERE}/serviceaccounts/default"),
    "read events": ("GET", f"{CORE}/events"),
    "delete an event": ("DELETE", f"{CORE}{HERE}/events/x"),
    "delete all budgets": ("DELETE", f"/apis/policy/v1{HERE}/poddisruptionbudgets"),
    "change an autoscaler": ("PATCH", f"/apis/autoscaling/v2{HERE}/horizontalpodautoscalers/x"),
    "take a lease": ("PATCH", f"/apis/coordination.k8s.io/v1{HERE}/leases/x"),
    "create a policy": ("POST", POLICIES),
    "replace a policy": ("PUT", f"{POLICIES}/x"),
    "delete a policy": ("DELETE", f"{POLICIES}/x"),
    "change its own role": ("PATCH", f"{RBAC}/clusterroles/{SERVICE_ACCOUNT}"),
    "create a role": ("POST", f"{RBAC}/clusterroles"),
    "bind itself to a role": ("POST", f"{RBAC}/clusterrolebindings"),
    "bind itself to a role in a namespace": ("POST", f"{RBAC}{HERE}/rolebindings"),
    "change an admission policy": ("PATCH", f"{ADMISSION}/mutatingadmissionpolicies/productionpolicy"),
    "create an admission policy": ("POST", f"{ADMISSION}/validatingadmissionpolicies"),
    **{
        f"{told} the binding of a {kind} admission policy": (method, f"{ADMISSION}/{kind}admissionpolicybindings/x")
        for kind in ("mutating", "validating")
        for told, method in (("change", "PATCH"), ("replace", "PUT"), ("delete", "DELETE"))
    },
    "delete all bindings of admission policies": ("DELETE", f"{ADMISSION}/validatingadmissionpolicybindings"),
    "create a webhook": ("POST", f"{ADMISSION}/mutatingwebhookconfigurations"),
    "change the definition of a kind": ("PATCH", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x.{GROUP}"),
    "ask for a certificate": ("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests"),
    "ask what others may do": ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
    "read the metrics of the API server": ("GET", "/metrics"),
}
ALLOWED = {
    "read Deployments": ("GET", f"{APPS}/deployments"),
    "read namespaces": ("GET", f"{CORE}/namespaces"),
    "read policies": ("GET", POLICIES),
}


@pytest.fixture(scope="module")
def token(kubeconfig: Path) -> str:
    return str(json.loads(kubeconfig.read_text())["users"][0]["user"]["token"])


def answered(plane: ControlPlane, token: str, method: str, path: str, **headers: str) -> int:
    """Return the status with which a request is answered."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body: dict[str, Any] = BINDING if path.endswith("bindings") else {"metadata": {"name": "x"}}
    content = None if method in ("GET", "DELETE") else json.dumps(body).encode()
    sent = {"Authorization": f"Bearer {token}", "Content-Type": kind, **headers}
    site = plane.site
    with closing(probe.connection(site.apiserver_port, authority=site.certificate_authority)) as opened:
        opened.request(method, path, content, sent)
        return opened.getresponse().status


@pytest.mark.parametrize(("method", "path"), ALLOWED.values(), ids=ALLOWED)
def test_it_may(plane: ControlPlane, token: str, method: str, path: str) -> None:
    eventually(lambda: answered(plane, token, method, path) == 200)  # a kind that is quite new is answered with 429


@pytest.mark.parametrize(("method", "path"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_it_must_not(plane: ControlPlane, token: str, method: str, path: str) -> None:
    assert answered(plane, token, method, path) == 403


@pytest.mark.parametrize("whom", ["admin", "system:admin", "system:serviceaccount:kube-system:default"])
def test_it_must_not_act_for_another(plane: ControlPlane, token: str, whom: str) -> None:
    headers = {"Impersonate-User": whom}
    assert answered(plane, token, "GET", f"{APPS}/deployments", **headers) == 403
    assert answered(plane, token, "GET", f"{CORE}/secrets", **{**headers, "Impersonate-Group": "system:masters"}) == 403
