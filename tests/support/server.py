"""What an API server makes of an object, as far as it matters here; the real one proves it in tests/cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from productionpolicy.kube.images import Image
from support.manifests import Raw

_MERGED_BY_NAME = {"containers", "initContainers"}
_KEYED = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_NOT_OWNED = {"apiVersion", "kind", "metadata"}


def patched(raw: Mapping[str, Any], patch: Mapping[str, Any]) -> Raw:
    """Return the object after a strategic merge patch. A patch that would add a container is a mistake of ours."""
    after = _merged(raw, patch)
    if not after["metadata"].get("annotations"):
        after["metadata"].pop("annotations", None)
    return after


def _merged(raw: Mapping[str, Any], patch: Mapping[str, Any]) -> Raw:
    after = dict(raw)
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, Mapping):
            after[name] = _merged(after.get(name) or {}, value)
        elif name in _MERGED_BY_NAME:
            after[name] = _merged_by_name(after[name], value)
        elif name == "topologySpreadConstraints":
            merged = _merged_by_topology_key(after.pop(name, []), value)
            after |= {name: merged} if merged else {}
        else:
            after[name] = deepcopy(value)
    return after


def _merged_by_name(items: Sequence[Raw], patches: Sequence[Raw]) -> list[Raw]:
    changes = {each["name"]: each for each in patches}
    unknown = changes.keys() - {each["name"] for each in items}
    assert not unknown, f"the patch would add containers {unknown}"
    order = [each["name"] for each in items if each["name"] in changes]
    assert list(changes) == order, f"the patch would put containers into another order: {list(changes)}"
    return [_merged(each, changes.get(each["name"], {})) for each in items]


def _merged_by_topology_key(items: Sequence[Raw], patches: Sequence[Raw]) -> list[Raw]:
    """Merge constraints as a strategic merge patch does, whatever their whenUnsatisfiable is."""
    deleted = {each["topologyKey"] for each in patches if each.get("$patch") == "delete"}
    changes = {each["topologyKey"]: each for each in patches if "$patch" not in each}
    there = [each for each in items if each["topologyKey"] not in deleted]
    merged = [_merged(each, changes.pop(each["topologyKey"], {})) for each in there]
    return [*merged, *deepcopy(list(changes.values()))]


def defaulted(raw: Mapping[str, Any]) -> Raw:
    """Return a workload with the defaults of its API filled in."""
    after = deepcopy(dict(raw))
    spec = after["spec"]
    match raw["kind"]:
        case "Deployment":
            spec.setdefault("replicas", 1)
            _default_strategy(spec.setdefault("strategy", {}))
        case "ReplicaSet":
            spec.setdefault("replicas", 1)
        case "ReplicationController":
            spec.setdefault("replicas", 1)
            spec.setdefault("selector", dict(spec["template"]["metadata"]["labels"]))
        case "StatefulSet":
            spec.setdefault("replicas", 1)
            strategy = spec.setdefault("updateStrategy", {})
            if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
                strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    _default_pod(_pod_of(after))
    return after


def _pod_of(raw: Raw) -> Raw:
    """Return the pod spec of a workload."""
    spec = raw["spec"]
    jobs = spec["jobTemplate"]["spec"] if raw["kind"] == "CronJob" else spec
    pod: Raw = spec if raw["kind"] == "Pod" else jobs["template"]["spec"]
    return pod


def _default_strategy(strategy: Raw) -> None:
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")


def _default_pod(pod: Raw) -> None:
    pod.setdefault("terminationGracePeriodSeconds", 30)
    pod.setdefault("restartPolicy", "Always")
    for container in (*pod.get("containers", ()), *pod.get("initContainers", ())):
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")
            if pod.get("hostNetwork"):
                port.setdefault("hostPort", port["containerPort"])
        _default_container(container)


def _default_container(container: Raw) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if isinstance(container.get("image"), str):
        container.setdefault("imagePullPolicy", Image.parse(container["image"]).default_pull_policy)
    for probe in (container.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")):
        if isinstance(probe, dict):
            _default_probe(probe)


def _default_probe(probe: Raw) -> None:
    for name, value in {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}.items():
        probe.setdefault(name, value)
    if isinstance(probe.get("httpGet"), dict):
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")
    if isinstance(probe.get("grpc"), dict):
        probe["grpc"].setdefault("service", "")


def managed(raw: Mapping[str, Any], manager: str, operation: str, *, time: str = "2026-01-01T00:00:00Z") -> Raw:
    """Return the entry of managedFields of a writer who wrote the whole spec as it is."""
    owned = fields_v1({name: value for name, value in raw.items() if name not in _NOT_OWNED})
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": raw.get("apiVersion", "apps/v1"),
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    }


def fields_v1(value: Any, *, name: str = "") -> Raw:
    """Return the trie of the fields that a value holds."""
    if isinstance(value, Mapping):
        below = {f"f:{key}": fields_v1(each, name=str(key)) for key, each in value.items()}
        return {".": {}, **below} if name else below
    if isinstance(value, list) and name in _KEYED:
        keys = _KEYED[name]
        items = {f"k:{_compact({key: each[key] for key in keys})}": fields_v1(each, name="item") for each in value}
        return {".": {}, **items}
    return {}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def server_side_applied(raw: Raw, *, manager: str = "kubectl") -> Raw:
    """Return the object with its spec recorded as applied by its owner, server-side."""
    return _with_metadata(raw, managedFields=[managed(raw, manager, "Apply")])


def updated(raw: Raw, *, manager: str = "helm") -> Raw:
    """Return the object with its spec recorded as written by a plain create or update."""
    return _with_metadata(raw, managedFields=[managed(raw, manager, "Update")])


def client_side_applied(raw: Raw, *, manifest: Raw | None = None) -> Raw:
    """Return the object with kubectl's record of the manifest from which it was applied; by default itself."""
    text = json.dumps(raw if manifest is None else manifest)
    annotations = {**raw["metadata"].get("annotations", {}), "kubectl.kubernetes.io/last-applied-configuration": text}
    return _with_metadata(raw, annotations=annotations)


def _with_metadata(raw: Raw, **metadata: Any) -> Raw:
    return {**raw, "metadata": {**raw["metadata"], **metadata}}
