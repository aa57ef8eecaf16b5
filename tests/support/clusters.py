"""Small clusters whose objects have much to do with each other, and hypothesis strategies that choose among them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from hypothesis import strategies as st

from productionpolicy.kube.identity import MANAGED_BY
from productionpolicy.kube.kinds import GroupKind
from support.manifests import Raw, autoscaler, budget, deployment, job, node, pod, stateful_set

NAMESPACE, OTHER, WITHOUT = "shop", "bank", "anywhere"
"""Where most objects are, where some are, and what stands for a namespace that is not given."""

Identity = tuple[GroupKind, str, str]
"""Kind, namespace and name."""

_TEAM = {"team": "shop"}
_MOUNTING = {
    "volumes": [{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}],
    "serviceAccountName": "puller",
}
_DELETED_ON_SUCCESS = {"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "hook-succeeded"}


def identity(raw: Raw) -> Identity:
    """Return what names an object."""
    return GroupKind.of(raw), raw["metadata"].get("namespace", ""), raw["metadata"]["name"]


def clusters(*namespaces: str) -> st.SearchStrategy[list[Raw]]:
    """Return a list of objects, no two of one name."""
    return st.lists(objects(*namespaces), min_size=1, max_size=16, unique_by=identity)


def objects(*namespaces: str) -> st.SearchStrategy[Raw]:
    """Return one object of those that may be there."""
    everything = list(_objects())
    where = st.sampled_from([NAMESPACE, NAMESPACE, NAMESPACE, *namespaces])
    return st.tuples(st.sampled_from(everything), where).map(lambda pair: _placed(*pair))


def _objects() -> Iterator[Raw]:
    yield from _workloads()
    yield from _budgets()
    for (minimum, target), name in product([(1, "web"), (3, "web"), ("3", "web"), (3, "api")], ["first", "second"]):
        scaler = autoscaler(minimum, 9, target=target)  # type: ignore[arg-type]  # what a file may hold
        yield {**scaler, "metadata": {**scaler["metadata"], "name": name}}
    misdirected = autoscaler(5, 9, version="extensions/v1beta1")
    yield from ({**misdirected, "metadata": {**misdirected["metadata"], "name": name}} for name in ("first", "second"))
    for mode in ("ReadWriteOnce", "ReadWriteMany"):
        yield _core("PersistentVolumeClaim", "work", spec={"accessModes": [mode]})
    for secrets in ([], [{"name": "registry"}]):
        yield _core("ServiceAccount", "puller", imagePullSecrets=secrets)
    for memory, name in product(["1Gi", "2Gi"], ["first", "second"]):
        limits = [{"type": "Container", "default": {"memory": memory}}]
        yield _core("LimitRange", name, spec={"limits": limits})
    yield from (node(name, zone="x", unschedulable=barred) for name, barred in product("ab", [True, False]))


def _workloads() -> Iterator[Raw]:
    for name, labels, selector, replicas in product(["web", "api"], [{}, _TEAM], [{}, _TEAM], [2, 4]):
        yield _labelled(deployment(name, replicas=replicas), {"app": name, **labels}, selector or {"app": name})
    yield _labelled(deployment(pod=_MOUNTING), {"app": "web"}, {"app": "web"})
    yield _labelled(deployment("sidekick"), {"app": "web", "track": "canary"}, {"track": "canary"})
    yield _labelled(stateful_set(), {"app": "web", **_TEAM}, {"app": "web"})
    for labels, hook in product([{"app": "web"}, _TEAM], [{}, _DELETED_ON_SUCCESS]):
        yield job(labels=labels, annotations=hook)
    made_by = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "controller": True}
    yield job(labels={"app": "web"}, ownerReferences=[made_by])
    yield pod("debug", labels={"app": "web", **_TEAM})


def _budgets() -> Iterator[Raw]:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    operators: Raw = {"ownerReferences": [owner], "labels": {MANAGED_BY: "productionpolicy"}}
    selectors: list[Raw] = [
        {"matchLabels": {"app": "web"}},
        {"matchLabels": _TEAM},
        {"matchLabels": {"app": "none"}},
        {},
    ]
    for selector, least in product(selectors, [1, 3, "3"]):
        yield budget("team", selector=selector, minAvailable=least)
    for selector, metadata in product(selectors, [{"ownerReferences": [owner]}, operators]):
        for name in ("team", "web-deployment-productionpolicy"):
            yield budget(name, selector=selector, metadata=metadata, maxUnavailable=1)
    nothing = budget("nothing", maxUnavailable=1)
    del nothing["spec"]["selector"]
    yield nothing
    for version in "12":
        yield budget("team", selector={"matchLabels": _TEAM}, metadata={"resourceVersion": version}, minAvailable=3)


def _labelled(raw: Raw, labels: dict[str, str], selector: dict[str, str]) -> Raw:
    template = {**raw["spec"]["template"], "metadata": {"labels": labels}}
    return {**raw, "spec": {**raw["spec"], "template": template, "selector": {"matchLabels": selector}}}


def _core(kind: str, name: str, **fields: Any) -> Raw:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}


def _placed(raw: Raw, namespace: str) -> Raw:
    """Return an object in a namespace, with a uid as an API server gives it, in references to owners, too."""
    metadata = {**raw["metadata"], "namespace": namespace}
    if namespace == WITHOUT or raw["kind"] == "Node":
        del metadata["namespace"]
    if "uid" in metadata:
        metadata["uid"] = _uid(raw["kind"], metadata["name"], namespace)
    if "ownerReferences" in metadata:
        owners = metadata["ownerReferences"]
        metadata["ownerReferences"] = [{**each, "uid": _uid(each["kind"], each["name"], namespace)} for each in owners]
    return {**raw, "metadata": metadata}


def _uid(kind: str, name: str, namespace: str) -> str:
    return f"{kind}-{name}-of-{namespace}".lower()
