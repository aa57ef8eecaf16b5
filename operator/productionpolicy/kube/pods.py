"""The pod template of a workload, as far as it is judged or repaired."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.ownership import Part
from productionpolicy.kube.selectors import Labels, Selector

DEFAULT_GRACE_SECONDS = 30
"""What the API server fills in for terminationGracePeriodSeconds (core/v1 PodSpec)."""

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
POD_TEMPLATE_HASH = "pod-template-hash"
"""The label by which the pods of one template differ from those of the next."""

REQUIRED_TERMS = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED_TERMS = "preferredDuringSchedulingIgnoredDuringExecution"
_TERMS = (REQUIRED_TERMS, PREFERRED_TERMS)

_AUXILIARY_PORT = re.compile(r"metrics|prometheus|debug|health|admin|pprof", re.IGNORECASE)
_SLEEP = re.compile(r"(?:^|[\s;&|/(])sleep\s+(\d+(?:\.\d+)?)(s|m|h)?(?=$|[\s;&|)])")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}
_LONGEST = 10**9


class HandlerKind(StrEnum):
    """What a lifecycle hook or a probe does; the names are the API's."""

    SLEEP = "sleep"
    EXEC = "exec"
    HTTP_GET = "httpGet"
    TCP_SOCKET = "tcpSocket"
    GRPC = "grpc"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Handler:
    """A lifecycle hook or the action of a probe."""

    kind: HandlerKind
    seconds: int = 0
    command: tuple[str, ...] = ()

    @property
    def duration(self) -> int:
        """Seconds that it is known to take: a native sleep, or the sleeps in a command, rounded up."""
        if self.kind is HandlerKind.SLEEP:
            return self.seconds
        spent = sum(float(found[0]) * _SECONDS[found[1] or None] for found in _SLEEP.findall(" ".join(self.command)))
        return ceil(min(spent, _LONGEST))


@dataclass(frozen=True, slots=True)
class Container:
    """A container, or an init container, with the path at which it stands."""

    name: str
    path: str
    image: str | None = None
    init: bool = False
    sidecar: bool = False
    ports: tuple[str, ...] = ()
    """The names of the declared ports; a port without a name is an empty string."""
    readiness: Handler | None = None
    pre_stop: Handler | None = None
    pre_stop_declared: bool = False
    """Whether its owner's declared configuration holds the preStop hook."""
    lifecycle_shared: bool = False
    """Whether `lifecycle` holds more than the preStop hook, or was written by its owner, empty or not."""

    @property
    def long_running(self) -> bool:
        """Whether it runs beside the others; a native sidecar is an init container that does."""
        return self.sidecar or not self.init

    @property
    def serving(self) -> bool:
        """Whether it takes requests: it has a readiness probe, or a port that is not merely auxiliary."""
        return self.readiness is not None or any(not _AUXILIARY_PORT.search(port) for port in self.ports)


@dataclass(frozen=True, slots=True)
class AffinityTerm:
    """A pod (anti-)affinity term."""

    topology_key: str
    selector: Selector | None
    required: bool
    weight: int = 0
    match_label_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """A topologySpreadConstraint."""

    topology_key: str
    selector: Selector | None
    required: bool


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """A pod template with the path of its pod spec."""

    path: str
    labels: Labels = field(default_factory=dict)
    containers: tuple[Container, ...] = ()
    """Containers and init containers, in the order of the object."""
    grace_seconds: int = DEFAULT_GRACE_SECONDS
    anti_affinity: tuple[AffinityTerm, ...] = ()
    anti_affinity_declared: bool = False
    """Whether its owner's declared configuration holds anti-affinity terms."""
    anti_affinity_shared: bool = False
    """Whether `podAntiAffinity` itself, empty or not, was written by its owner."""
    affinity_shared: bool = False
    """Whether `affinity` holds more than podAntiAffinity, or was written by its owner, empty or not."""
    spread_constraints: tuple[SpreadConstraint, ...] = ()
    host_network: bool = False
    host_ports: bool = False
    claims: tuple[str, ...] = ()
    """The persistent volume claims that it mounts."""

    @property
    def long_running(self) -> tuple[Container, ...]:
        """The containers that run beside each other, native sidecars among them."""
        return tuple(each for each in self.containers if each.long_running)

    def container(self, name: str) -> Container | None:
        """Return the container of that name."""
        return next((each for each in self.containers if each.name == name), None)

    def with_containers(self, names: Iterable[str], change: Callable[[Container], Container]) -> PodTemplate:
        """Return the template with the named containers changed."""
        chosen = frozenset(names)
        changed = (change(each) if each.name in chosen else each for each in self.containers)
        return replace(self, containers=tuple(changed))

    def without_containers(self, unwanted: Callable[[str], bool]) -> PodTemplate:
        """Return the template less the containers whose name is unwanted."""
        kept = tuple(each for each in self.containers if not unwanted(each.name))
        return self if len(kept) == len(self.containers) else replace(self, containers=kept)

    @property
    def sleep_exceeds_grace(self) -> bool:
        """Whether a native sleep is not shorter than the grace period, which the API server refuses."""
        hooks = (each.pre_stop for each in self.containers if each.pre_stop)
        return any(each.kind is HandlerKind.SLEEP and each.seconds >= self.grace_seconds for each in hooks)

    @property
    def longest_pre_stop(self) -> int:
        """Seconds that the slowest preStop hook is known to take."""
        return max((each.pre_stop.duration for each in self.containers if each.pre_stop), default=0)


def read_pod_template(fields: Fields, *, record: Part = Part()) -> PodTemplate:  # noqa: B008  # immutable
    """Return the template that `fields` (a PodTemplateSpec, or a Pod) hold.

    Args:
        fields: the template.
        record: who wrote the fields of the pod spec. An empty `lifecycle` or `affinity` that its owner wrote must
            outlive our repair, or the hash of the template would change.
    """
    spec = fields.mapping("spec")
    affinity = spec.mapping("affinity")
    return PodTemplate(
        path=spec.path,
        labels=fields.mapping("metadata").text_map("labels"),
        containers=(*_read_containers(spec, "initContainers", record), *_read_containers(spec, "containers", record)),
        grace_seconds=_or(spec.integer("terminationGracePeriodSeconds"), DEFAULT_GRACE_SECONDS),
        anti_affinity=tuple(_read_anti_affinity(affinity.mapping("podAntiAffinity"))),
        anti_affinity_declared=any(record.declared("affinity", "podAntiAffinity", each) for each in _TERMS),
        anti_affinity_shared=record.listed("affinity", "podAntiAffinity"),
        affinity_shared=bool(affinity.names() - {"podAntiAffinity"}) or record.listed("affinity"),
        spread_constraints=tuple(_read_spread(each) for each in spec.items("topologySpreadConstraints")),
        host_network=spec.boolean("hostNetwork"),
        host_ports=_takes_host_ports(spec),
        claims=tuple(_read_claims(spec)),
    )


def _read_containers(spec: Fields, name: str, record: Part) -> Iterable[Container]:
    return [_read_container(each, record, field_name=name) for each in spec.items(name)]


def _read_container(fields: Fields, record: Part, *, field_name: str) -> Container:
    name, init = fields.text("name") or "", field_name == "initContainers"
    place = (field_name, f"name={name}", "lifecycle")
    lifecycle = fields.mapping("lifecycle")
    return Container(
        name=name,
        path=fields.path,
        image=fields.text("image"),
        init=init,
        sidecar=init and fields.text("restartPolicy") == "Always",
        ports=tuple(port.text("name") or "" for port in fields.items("ports")),
        readiness=_read_handler(fields, "readinessProbe"),
        pre_stop=_read_handler(lifecycle, "preStop"),
        pre_stop_declared=record.declared(*place, "preStop"),
        lifecycle_shared=bool(lifecycle.names() - {"preStop"}) or record.listed(*place),
    )


def _read_handler(owner: Fields, name: str) -> Handler | None:
    if name not in owner:
        return None
    fields = owner.mapping(name)
    kind = next((each for each in HandlerKind if each in fields), HandlerKind.NONE)
    return Handler(
        kind=kind,
        seconds=_or(fields.mapping("sleep").integer("seconds"), 0),
        command=fields.mapping("exec").texts("command"),
    )


def _read_anti_affinity(fields: Fields) -> Iterable[AffinityTerm]:
    for term in fields.items(REQUIRED_TERMS):
        yield _read_term(term, required=True, weight=0)
    for weighted in fields.items(PREFERRED_TERMS):
        weight = _or(weighted.integer("weight"), 0)
        yield _read_term(weighted.mapping("podAffinityTerm"), required=False, weight=weight)


def _read_term(fields: Fields, *, required: bool, weight: int) -> AffinityTerm:
    return AffinityTerm(
        topology_key=fields.text("topologyKey") or "",
        selector=Selector.read(fields, "labelSelector"),
        required=required,
        weight=weight,
        match_label_keys=fields.texts("matchLabelKeys"),
    )


def _read_spread(fields: Fields) -> SpreadConstraint:
    return SpreadConstraint(
        topology_key=fields.text("topologyKey") or "",
        selector=Selector.read(fields, "labelSelector"),
        required=fields.text("whenUnsatisfiable") != "ScheduleAnyway",
    )


def _takes_host_ports(spec: Fields) -> bool:
    """Say whether containers or native sidecars take ports of the host; those of init containers are free again."""
    sidecars = (each for each in spec.items("initContainers") if each.text("restartPolicy") == "Always")
    return any(
        port.integer("hostPort") for each in (*spec.items("containers"), *sidecars) for port in each.items("ports")
    )


def _read_claims(spec: Fields) -> Iterable[str]:
    for volume in spec.items("volumes"):
        claim = volume.mapping("persistentVolumeClaim").text("claimName")
        if claim is not None:
            yield claim


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
