"""Hypothesis strategies: workloads as owners write them, and objects with nonsense in them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from support.manifests import Raw, anti_affinity, constraint, container, deployment, on_nodes, sidecar, stateful_set
from support.server import client_side_applied, defaulted, server_side_applied, updated


def _having(key: str, operator: str, *values: str) -> Raw:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


NONSENSE: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["25%", "-1%", "1e3", "Always", "Recreate", "web", "sleep " + "9" * 400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)

LABELS = st.dictionaries(st.sampled_from(["app", "tier", "track"]), st.sampled_from(["web", "api", ""]), max_size=3)

_HOOKS: list[Raw] = [
    {},
    {"lifecycle": {}},
    {"lifecycle": {"postStart": {"exec": {"command": ["warm-up"]}}}},
    {"lifecycle": {"stopSignal": "SIGUSR1"}},
    {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "7"]}}}},
    {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}},
    {"lifecycle": {"preStop": {"sleep": {"seconds": 0}}}},
    {"lifecycle": {"preStop": {"tcpSocket": {"port": 8080}}}},
    {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo 'sleep 50'; ping -n 9 host; sleep 3"]}}}},
    {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "infinity"]}}}},
    {"ports": []},
    {"ports": [{"name": "healthz", "containerPort": 8081}]},
    {"ports": [{"name": "probes", "containerPort": 8081}], "readinessProbe": {"httpGet": {"port": "probes"}}},
    {"readinessProbe": {"httpGet": {"port": 8080}}},
    {"livenessProbe": {"tcpSocket": {"port": 8080}, "initialDelaySeconds": 60}},
    {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "500m"}}},
    {"resources": {"limits": {"nvidia.com/gpu": 1}}},
    {"terminationMessagePolicy": "File", "securityContext": {}},
    {"terminationMessagePath": "/run/reason", "terminationMessagePolicy": "File", "imagePullPolicy": "Never"},
]
_COMMAND_LINES: list[Raw] = [
    {},
    {"command": ["sh", "-c", "apk add curl && exec web"]},
    {"command": ["npm", "run", "dev"], "args": ["--port=80"]},
    {"args": ["--leader-elect"]},
    {"args": ["first: 1\nsecond: 2", "https://shop:hunter2@shop.example"]},
]
_ENVIRONMENTS: list[Raw] = [
    {},
    {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LOG_LEVEL"}]},
    {"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]},
    {"env": [{"name": f"V{index}", "value": "x"} for index in range(25)]},
]
_IMAGES: list[Raw] = [
    {},
    {"image": "postgres:17"},
    {"image": "golang"},
    {"image": "cloud-sql-proxy:2"},
    {"image": "gcr.io/distroless/base"},
]
_VOLUMES: list[Raw] = [
    {},
    {"volumes": [{"name": "work", "emptyDir": {}}]},
    {"volumes": [{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}]},
    {"volumes": [{"name": "work", "configMap": {"name": "web"}}], "imagePullSecrets": [{"name": "registry"}]},
]
_MOUNTS: list[Raw] = [{}, {"volumeMounts": [{"name": "work", "mountPath": "/work"}]}]
_CLAIMS: list[Raw] = [{}, {"volumeClaimTemplates": [{"metadata": {"name": "work"}, "spec": {}}]}]
_AFFINITIES: list[Raw] = [
    {},
    {"affinity": {}},
    {"affinity": {"podAntiAffinity": {}}},
    {"affinity": {"nodeAffinity": {}}},
    {"affinity": anti_affinity()},
    {"affinity": anti_affinity(required=True)},
    {"affinity": anti_affinity(required=True, key="example.com/rack", namespaces=["other"])},
    {"affinity": anti_affinity(required=True, mismatchLabelKeys=["pod-template-hash"])},
    {"affinity": anti_affinity(required=True, mismatchLabelKeys=["controller-revision-hash"])},
    {"affinity": anti_affinity(required=True, matchLabelKeys=["apps.kubernetes.io/pod-index"])},
    {"affinity": anti_affinity(required=True, labelSelector=_having("pod-template-hash", "Exists"))},
    {"affinity": anti_affinity(required=True, labelSelector=_having("pod-template-hash", "DoesNotExist"))},
    {"affinity": anti_affinity(labelSelector=_having("statefulset.kubernetes.io/pod-name", "NotIn", "web-0"))},
    {"topologySpreadConstraints": [constraint(matchLabelKeys=["statefulset.kubernetes.io/pod-name"])]},
    {"affinity": {"nodeAffinity": on_nodes("n1")}},
    {"affinity": {"nodeAffinity": on_nodes("n1", "n2")}},
    {"topologySpreadConstraints": [constraint(maxSkew=2)]},
    {"topologySpreadConstraints": [constraint(topologyKey="example.com/rack")]},
    {"topologySpreadConstraints": [constraint(topologyKey="example.com/rack", whenUnsatisfiable="ScheduleAnyway")]},
]
_STRATEGIES: list[Raw] = [
    {},
    {"strategy": {"type": "Recreate"}},
    {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2, "maxSurge": 0}}},
    {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
]
_GRACES: list[Raw] = [{}, {"terminationGracePeriodSeconds": 5}, {"terminationGracePeriodSeconds": 90}]


@st.composite
def workloads(draw: st.DrawFn) -> Raw:
    """Return a workload of some owner, as the API server holds it."""
    containers = [container(name, **draw(_container_fields())) for name in draw(_names("web", "api", "istio-proxy"))]
    sidecars = [sidecar(name, **draw(_container_fields())) for name in draw(_names("proxy", most=1, least=0))]
    pod: Raw = {"containers": containers, **draw(_merged(_AFFINITIES, _GRACES, _VOLUMES))}
    if sidecars:
        pod["initContainers"] = sidecars
    replicas = draw(st.integers(0, 5))
    if draw(st.booleans()):
        claims = deepcopy(draw(st.sampled_from(_CLAIMS)))
        return draw(_recorded(defaulted(stateful_set(pod=pod, replicas=replicas, **claims))))
    strategy = draw(st.sampled_from(_STRATEGIES))
    return draw(_recorded(defaulted(deployment(pod=pod, replicas=replicas, **deepcopy(strategy)))))


def _container_fields() -> st.SearchStrategy[Raw]:
    return _merged(_HOOKS, _COMMAND_LINES, _ENVIRONMENTS, _IMAGES, _MOUNTS)


@st.composite
def _merged(draw: st.DrawFn, *choices: list[Raw]) -> Raw:
    """Return the fields of one of each kind of choice."""
    fields: Raw = {}
    for each in choices:
        fields |= deepcopy(draw(st.sampled_from(each)))
    return fields


def _names(*names: str, least: int = 1, most: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=least, max_size=min(most, len(names)), unique=True)


def _recorded(raw: Raw) -> st.SearchStrategy[Raw]:
    """Return the object with the record of its writer that an API server keeps."""
    return st.sampled_from([updated(raw), server_side_applied(raw), client_side_applied(updated(raw))])


@st.composite
def mangled(draw: st.DrawFn, raw: Raw) -> Raw:
    """Return the object with nonsense in one to four places."""
    after = deepcopy(raw)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(list(_places(after))))
        _put(after, place, draw(NONSENSE))
    return after


def _places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """Return the path of everything in an object but its kind."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in inner:
        if (*above, name) != ("kind",):
            yield (*above, name)
        yield from _places(below, *above, name)


def _put(value: Any, place: tuple[Any, ...], nonsense: Any) -> None:
    *above, last = place
    for name in above:
        value = value[name]
    value[last] = nonsense
