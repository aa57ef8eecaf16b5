"""Whether the parts of an installation are there: a server that is tested, the API, the operator, its rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from productionpolicy.controller.rights import RIGHTS
from productionpolicy.controller.versions import tested, untested
from productionpolicy.doctor.diagnosis import Finding, State
from productionpolicy.doctor.facts import Facts, Raw, account_of, known, name_of, namespace_of
from productionpolicy.doctor.words import listed
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import API_VERSION, NAME
from productionpolicy.policy.schema import custom_resource_definition

OPERATOR_LABEL = "app.kubernetes.io/name"
CHART_LABEL = "helm.sh/chart"
INSTALL = "kubectl apply -k manifests/, or helm upgrade --install, as docs/operations.md describes"
DEFINE = "kubectl apply --server-side -f crds/productionpolicies.yaml, or helm upgrade with crds.enabled=true"


def server(facts: Facts) -> Finding:
    """Judge the version of Kubernetes."""
    version = known(facts.version)
    caveat = untested(version[:2])
    if caveat:
        return Finding(State.HINT, caveat, "use a release of the operator that is tested with this version")
    told = ".".join(map(str, version))
    return Finding(State.OK, f"Kubernetes {told} is among the tested versions, {tested()}")


def definition(facts: Facts) -> Finding:
    """Judge whether the CustomResourceDefinition is that of this release."""
    live, wanted = known(facts.definition), msgspec.json.decode(msgspec.json.encode(custom_resource_definition()))
    if live is None:
        return Finding(State.WRONG, f"the CustomResourceDefinition {wanted['metadata']['name']} is missing", DEFINE)
    if not _established(live):
        return Finding(State.WRONG, "the API server does not accept the CustomResourceDefinition", DEFINE)
    path = next(_differences(wanted["spec"], live.get("spec"), path="spec"), None)
    if path is not None:
        message = f"the CustomResourceDefinition is not that of this release: {path} differs"
        return Finding(State.WRONG, message, DEFINE)
    return Finding(State.OK, f"the CustomResourceDefinition serves {API_VERSION} as this release declares it")


def _established(live: Raw) -> bool:
    conditions = Fields(live).mapping("status").items("conditions")
    return any((each.text("type"), each.text("status")) == ("Established", "True") for each in conditions)


def _differences(wanted: Any, live: Any, *, path: str, exact: bool = False) -> Iterator[str]:
    """Yield the paths that differ.

    The API server adds defaults to a definition, but none to its schema, in which more fields would mean more API.
    """
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name in sorted({*wanted, *(live if exact else ())}):
            below = exact or name == "openAPIV3Schema"
            yield from _differences(wanted.get(name), live.get(name), path=f"{path}.{name}", exact=below)
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for number, (one, other) in enumerate(zip(wanted, live, strict=True)):
            yield from _differences(one, other, path=f"{path}[{number}]", exact=exact)
    elif wanted != live:
        yield path


def operator(facts: Facts) -> Finding:
    """Judge whether one operator runs and is ready."""
    found = known(facts.deployments)
    if not found:
        where = f"no Deployment with the label {OPERATOR_LABEL}={NAME} or {CHART_LABEL}={NAME}-<version> exists"
        return Finding(State.WRONG, f"the operator is not installed: {where}", INSTALL)
    if len(found) > 1:
        names = listed(_title(each) for each in found)
        return Finding(State.WRONG, f"{len(found)} operators are installed: {names}", "remove all but one of them")
    return _one(found[0], known(facts.pods))


def _one(deployment: Raw, pods: Sequence[Raw]) -> Finding:
    title, replicas = _title(deployment), Fields(deployment).mapping("spec").integer("replicas")
    if replicas == 0:
        scale = f"kubectl -n {namespace_of(deployment)} scale deployment {name_of(deployment)} --replicas=1"
        return Finding(State.WRONG, f"the operator {title} is scaled to 0", scale)
    ready = [each for each in pods if _is_ready(each)]
    if not ready:
        reason = next(filter(None, map(_reason, pods)), "it has no pod" if not pods else "its pod is not ready")
        look = f"kubectl -n {namespace_of(deployment)} describe pods -l {_selector(deployment)}"
        return Finding(State.WRONG, f"the operator {title} is not ready: {reason}", f"look at {look}, and at its log")
    if (replicas or 1) > 1:
        message = f"the operator {title} has {replicas} replicas; one is enough, and more do the same work twice"
        return Finding(
            State.HINT,
            message,
            f"kubectl -n {namespace_of(deployment)} scale deployment {name_of(deployment)} --replicas=1",
        )
    return Finding(State.OK, f"the operator {title} is ready: pod {name_of(ready[0])}")


def _title(deployment: Raw) -> str:
    return f"{namespace_of(deployment)}/{name_of(deployment)}"


def _selector(deployment: Raw) -> str:
    labels = Fields(deployment).below("spec", "selector").text_map("matchLabels")
    return ",".join(f"{name}={value}" for name, value in labels.items())


def _is_ready(pod: Raw) -> bool:
    conditions = Fields(pod).mapping("status").items("conditions")
    return any((each.text("type"), each.text("status")) == ("Ready", "True") for each in conditions)


def _reason(pod: Raw) -> str:
    """Return why a pod is not ready, as far as its status says it: what its container waits for, or a condition."""
    status = Fields(pod).mapping("status")
    for each in status.items("containerStatuses"):
        waiting = each.below("state", "waiting")
        if waiting.text("reason"):
            return f"{waiting.text('reason')} {waiting.text('message') or ''}".strip()
    told = (each.text("message") for each in status.items("conditions") if each.text("status") == "False")
    return next(filter(None, told), "")


def permissions(facts: Facts) -> Finding:
    """Judge whether the service account of the operator has all rights that it needs."""
    accounts = sorted({account_of(each) for each in known(facts.deployments)})
    if not accounts:
        return Finding(State.HINT, "not checked: without the operator, its service account is not known", INSTALL)
    lacking = known(facts.lacking)
    names = " and ".join(f"{namespace}/{name}" for namespace, name in accounts)
    if lacking:
        message = (
            f"the service account {names} lacks {len(lacking)} of {len(RIGHTS)} rights: {listed(map(str, lacking))}"
        )
        remedy = "kubectl apply -k manifests/, or helm upgrade with rbac.create=true"
        return Finding(State.WRONG, message, remedy)
    return Finding(State.OK, f"the service account {names} has all {len(RIGHTS)} rights that the operator needs")
