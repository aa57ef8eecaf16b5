"""The objects that are tried in a dry run, and what their fate tells. The API server never stores them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from productionpolicy.doctor.facts import Raw, Trial, known
from productionpolicy.expectations import Action
from productionpolicy.kube.identity import NAME
from productionpolicy.kube.workloads import read_workload
from productionpolicy.policy import Policy
from productionpolicy.repairs import Amendment
from productionpolicy.verdict import Inputs, Outcome, audit, plan
from productionpolicy.verdict.arrival import Arrival, arrival
from productionpolicy.verdict.journal import read_journal

TRIED = f"{NAME}-doctor"
"""The name of the objects."""

_BEFORE = datetime.min.replace(tzinfo=UTC)


def bare(namespace: str, *, image: str) -> dict[str, Any]:
    """Return a Deployment that lacks what the operator can add, and nothing that only its owner can add.

    So policies of others have no reason to refuse it.

    Args:
        namespace: where it is tried.
        image: the image of its container; that of the operator is known to be allowed in the cluster.
    """
    labels = {"app.kubernetes.io/name": TRIED}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": TRIED, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _pod(image)},
        },
    }


def _pod(image: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/", "port": "http"}}
    container = {
        "name": "web",
        "image": image,
        "ports": [{"name": "http", "containerPort": 8080}],
        "startupProbe": probe,
        "readinessProbe": probe,
        "livenessProbe": probe,
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "16Mi"},
            "limits": {"cpu": "100m", "memory": "16Mi", "ephemeral-storage": "16Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    context = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"automountServiceAccountToken": False, "securityContext": context, "containers": [container]}


def violating(namespace: str, *, image: str) -> dict[str, Any]:
    """Return a Deployment that lacks much of what a policy may require, but nothing that is a matter of security."""
    found = bare(namespace, image=image)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    kept = {name: container[name] for name in ("name", "ports", "securityContext")}
    found["spec"]["template"]["spec"]["containers"] = [{**kept, "image": _untagged(image)}]
    return found


def _untagged(image: str) -> str:
    path, slash, name = image.partition("@")[0].rpartition("/")
    return f"{path}{slash}{name.partition(':')[0]}"


def denied(deployment: Raw, policy: Policy, *, today: date) -> list[str]:
    """Return the expectations that a Deployment violates and for which the policy says Deny."""
    inputs = Inputs(read_workload(deployment), policy=policy, today=today)
    failed = {each.expectation for each in audit(inputs) if each.outcome is Outcome.FAILED}
    return [each for each in policy.acting(Action.DENY) if each in failed]


def repaired(deployment: Mapping[str, Any], policy: Policy, *, today: date) -> dict[str, Any]:
    """Return a Deployment with the repairs that the operator would write under a policy."""
    planned = plan(Inputs(read_workload(deployment), policy=policy, today=today), restarting=True)
    found: dict[str, Any] = _merged(deployment, planned.patch)
    return found


def pod_of(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod from the template of a Deployment."""
    template, namespace = deployment["spec"]["template"], deployment["metadata"]["namespace"]
    metadata = {**template["metadata"], "name": TRIED, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def effect(trial: Trial, policy: Policy, *, today: date) -> Arrival | None:
    """Return what the admitted Deployment tells of repairs at admission.

    Raises:
        NotSeen: it could not be tried.
    """
    inputs = Inputs(read_workload(known(trial.admitted)), policy=policy, today=today)
    return arrival(inputs, None, active=_BEFORE)


def undone(trial: Trial) -> tuple[list[str], list[str]]:
    """Return the expectations whose repair was undone in the Deployment, and in a pod of it.

    Raises:
        NotSeen: one of them could not be tried.
    """
    sent = trial.sent
    in_deployment = _lost(sent, known(trial.kept))
    template = {**sent["spec"]["template"], "spec": known(trial.pod)["spec"]}
    in_pod = _lost(sent, {**sent, "spec": {**sent["spec"], "template": template}})
    return in_deployment, [each for each in in_pod if each not in in_deployment]


def _lost(sent: Raw, kept: Raw) -> list[str]:
    before, after = _repairs(sent), _repairs(kept)
    return sorted(name for name, repair in before.items() if after.get(name) != repair)


def _repairs(deployment: Raw) -> Mapping[str, Amendment]:
    # All values count as written by the owner in an object without a uid, which comes from a file, and those that were
    # applied in one with managedFields. Here, they are the operator's.
    metadata = {name: each for name, each in deployment["metadata"].items() if name != "managedFields"} | {"uid": TRIED}
    return read_journal(read_workload({**deployment, "metadata": metadata})).repairs


def _merged(before: Any, patch: Any) -> Any:
    """Return a value with a patch; the items of a list are those with the same name."""
    if isinstance(before, Mapping) and isinstance(patch, Mapping):
        changed = {name: _merged(before.get(name), each) for name, each in patch.items()}
        return {name: each for name, each in {**before, **changed}.items() if each is not None}
    if isinstance(before, list) and isinstance(patch, list) and all("name" in each for each in (*before, *patch)):
        by_name = {each["name"]: each for each in patch}
        return [_merged(each, by_name.get(each["name"], {})) for each in before]
    return patch
