"""Manifests as teams keep them: rendered charts, single objects, and much that no check of workloads looks at.

They are the same in every run. Of 100 files 40 hold a rendered chart of about ten objects, 20 a single Deployment, 28 a
small object of another kind, 7 a ConfigMap with a dashboard, and 5 a CustomResourceDefinition; the last two are most of
all bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from productionpolicy.kube.identity import MANAGED_BY

Raw = dict[str, Any]

PER_NAMESPACE = 20
_FEW, _MANY = 5, 42


def generate(*, into: Path, files: int) -> None:
    """Write so many files."""
    for number in range(files):
        folder = into / f"team-{number // PER_NAMESPACE:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"app-{number:04}.yaml").write_text(_content(number, Random(number)))


def _content(number: int, chance: Random) -> str:
    kinds: dict[Callable[[int, Random], str], int] = {_chart: 40, _single: 20, _other: 28, _dashboard: 7, _crd: 5}
    slots = [each for each, share in kinds.items() for _ in range(share)]
    return slots[number * 37 % len(slots)](number, chance)  # 37 and 100 have no common factor: all slots, well mixed


def _chart(number: int, chance: Random) -> str:
    return "---\n" + "---\n".join(_written(each) for each in _release(number, chance))


def _single(number: int, chance: Random) -> str:
    return _written(_deployment(number, chance))


def _release(number: int, chance: Random) -> Iterator[Raw]:
    workload = _deployment(number, chance)
    yield _object("v1", "ServiceAccount", number, automountServiceAccountToken=False)
    yield _object("v1", "ConfigMap", number, data={"config.yaml": _settings(chance, lines=_MANY)})
    yield _object("v1", "Secret", number, type="Opaque", stringData={"token": "not-a-token"})
    yield from (_role(number, kind) for kind in ("Role", "ClusterRole"))
    yield _binding(number)
    yield _service(number)
    yield workload
    yield _budget(number)
    yield _network_policy(number)


def _other(number: int, _chance: Random) -> str:
    makers = (_service, _binding, _network_policy, lambda number: _role(number, "ClusterRole"))
    return _written(makers[number % len(makers)](number))


def _dashboard(number: int, chance: Random) -> str:
    panels = [_panel(index, chance) for index in range(_MANY)]
    text = json.dumps({"title": _name(number), "schemaVersion": 39, "panels": panels}, indent=2)
    return _written(_object("v1", "ConfigMap", number, data={"dashboard.json": f"{text}\n"}))


def _crd(number: int, _chance: Random) -> str:
    group, kind = f"group{number:04}.example.com", f"Widget{number:04}"
    names = {"kind": kind, "listKind": f"{kind}List", "plural": kind.lower() + "s", "singular": kind.lower()}
    definition = _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", number)
    definition["metadata"] = {"name": f"{names['plural']}.{group}"}
    definition["spec"] = {"group": group, "names": names, "scope": "Namespaced"}
    return _written(definition) + _versions()


@cache
def _versions() -> str:
    """Return the schema that all the definitions share: writing it is slow."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": _schema(depth=4)}}
    return "".join(f"  {line}\n" for line in _written({"versions": [version]}).splitlines())


def _schema(*, depth: int) -> Raw:
    description = (
        "Kind is the kind of what this field refers to, such as kind: Deployment. The controller reads it again "
        "whenever the Pod, the Deployment or the Job behind the widget is made anew."
    )
    if depth == 0:
        return {"type": "string", "description": description, "maxLength": 253}
    inner = {f"{name}Ref": _schema(depth=depth - 1) for name in ("secret", "claim", "class", "node")}
    return {"type": "object", "description": description, "properties": inner, "required": sorted(inner)[:1]}


def _panel(index: int, chance: Random) -> Raw:
    expression = f'sum by (kind) (rate(http_requests_total{{kind: "Deployment", job="app-{index}"}}[5m]))'
    targets = [{"expr": expression, "legendFormat": "{{kind}}", "refId": letter} for letter in "ABC"]
    place = {"x": index % 2 * 12, "y": index * 8, "w": 12, "h": 8}
    options = {"legend": {"displayMode": "list", "showLegend": True}, "tooltip": {"mode": "single"}}
    return {"id": index, "type": "timeseries", "gridPos": place, "targets": targets, "options": options} | {
        "thresholds": [{"color": "red", "value": chance.random()} for _ in range(_FEW)]
    }


def _deployment(number: int, chance: Random) -> Raw:
    sidecars = chance.randrange(3)
    containers = [_container(f"c{index}", chance) for index in range(1 + sidecars)]
    pod = {"serviceAccountName": _name(number), "containers": containers, "terminationGracePeriodSeconds": 45}
    template = {"metadata": {"labels": _labels(number)}, "spec": pod}
    spec = {"replicas": chance.randrange(1, 4), "selector": {"matchLabels": _labels(number)}, "template": template}
    if chance.random() < 1 / _FEW:
        return _object("apps/v1", "StatefulSet", number, spec={**spec, "serviceName": _name(number)})
    return _object("apps/v1", "Deployment", number, spec=spec)


def _container(name: str, chance: Random) -> Raw:
    variables = [{"name": f"SETTING_{index}", "value": str(chance.random())} for index in range(chance.randrange(25))]
    probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5}
    container = {
        "name": name,
        "image": f"registry.example/{name}:1.{chance.randrange(30)}",
        "args": ["--listen=:8080", "--log-format=json", "--verbose"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [*variables, {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": chance.random() < 1 / 2},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    return container | ({"readinessProbe": probe} if chance.random() < 1 / 2 else {})


def _service(number: int) -> Raw:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return _object("v1", "Service", number, spec={"selector": _labels(number), "ports": ports})


def _budget(number: int) -> Raw:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": _labels(number)}}
    return _object("policy/v1", "PodDisruptionBudget", number, spec=spec)


def _network_policy(number: int) -> Raw:
    rule = {"from": [{"podSelector": {"matchLabels": _labels(number)}}], "ports": [{"port": 8080, "protocol": "TCP"}]}
    spec = {"podSelector": {"matchLabels": _labels(number)}, "policyTypes": ["Ingress"], "ingress": [rule]}
    return _object("networking.k8s.io/v1", "NetworkPolicy", number, spec=spec)


def _role(number: int, kind: str) -> Raw:
    resources = (["pods", "services"], ["deployments", "statefulsets"], ["configmaps"], ["events"], ["leases"])
    verbs = ["get", "list", "watch", "create", "update", "patch"]
    rules = [{"apiGroups": ["", "apps"], "resources": names, "verbs": verbs} for names in resources]
    return _object("rbac.authorization.k8s.io/v1", kind, number, rules=rules)


def _binding(number: int) -> Raw:
    subject = {"kind": "ServiceAccount", "name": _name(number), "namespace": _namespace(number)}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": _name(number)}
    return _object("rbac.authorization.k8s.io/v1", "RoleBinding", number, roleRef=role, subjects=[subject])


def _settings(chance: Random, *, lines: int) -> str:
    return "".join(f"setting-{index}: {chance.random()}\n" for index in range(lines))


def _object(version: str, kind: str, number: int, **fields: Any) -> Raw:
    metadata = {"name": _name(number), "namespace": _namespace(number), "labels": _labels(number)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _labels(number: int) -> dict[str, str]:
    return {"app.kubernetes.io/name": _name(number), MANAGED_BY: "Helm"}


def _name(number: int) -> str:
    return f"app-{number:04}"


def _namespace(number: int) -> str:
    return f"team-{number // PER_NAMESPACE:03}"


class _Dumper(yaml.CSafeDumper):
    """Writes objects in the order in which they are made, and nothing by reference."""

    def ignore_aliases(self, _value: Any) -> bool:
        """Write every value out."""
        return True


def _written(raw: Raw) -> str:
    return yaml.dump(raw, Dumper=_Dumper, sort_keys=False, width=1_000)
