"""The pod template of a workload, with the fields that are judged or repaired."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import chain
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.images import is_one_of, is_written, lacks_shell
from productionpolicy.kube.ownership import FieldOwnership
from productionpolicy.kube.programs.commands import is_shell
from productionpolicy.kube.programs.hooks import longest_wait, may_stop
from productionpolicy.kube.programs.success import always_succeeds
from productionpolicy.kube.repairable import (
    GRACE,
    MESSAGE_POLICY,
    OF_CONTAINERS,
    OF_PODS,
    PREFERRED_TERMS,
    REQUIRED_TERMS,
    SPREAD_CONSTRAINTS,
    declared,
    shared_parents,
)
from productionpolicy.kube.resources import NO_RESOURCES, Resources, read_resources
from productionpolicy.kube.selectors import Labels, Operator, Requirement, Selector
from productionpolicy.kube.waits import ENDLESS

DEFAULT_GRACE_SECONDS = 30
"""The default of the API for terminationGracePeriodSeconds (core/v1 PodSpec)."""

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
POD_TEMPLATE_HASH = "pod-template-hash"
"""The label that distinguishes the pods of one template from those of the next."""

NODE_NAME = "metadata.name"
"""The field of a node with its name, by which a required node affinity can choose it."""

EVERY_NODE = (Selector(),)
"""Selects all nodes."""

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label of each namespace with its name."""

_OF_CONSTRAINTS = frozenset(
    {"topologyKey", "labelSelector", "whenUnsatisfiable", "maxSkew", "minDomains", "matchLabelKeys"}
)
"""The fields of a topologySpreadConstraint that are read individually."""

_AUXILIARY_PORT = re.compile(
    r"(?:^|[^a-z])(?:metrics?|prom|prometheus|telemetry|profil(?:e|er|ing)|debug|health(?:z|checks?)?|probes?"
    r"|live(?:z|ness)?|ready(?:z)?|readiness|admin|jmx|pprof)(?:[^a-z]|$)",
    re.IGNORECASE,
)
"""Matches the name of a port without client requests: it contains one of these words."""

_ELECTION = re.compile(r"(?:^|\s)--?[a-z.-]*leader-?elect", re.IGNORECASE)
_NO_ELECTION = re.compile(
    r"--?(?:no|disable)-?leader-?elect|leader-?elect(?:ion|ion-enabled)?=(?:false|f|0|no|off)\b", re.IGNORECASE
)
_ELECTION_VARIABLE = re.compile(r"leader_?elect", re.IGNORECASE)
_YES = re.compile(r"true|1|yes|on|enabled", re.IGNORECASE)
_OF_A_SHELL = re.compile(r"(?:(?:/usr(?:/local)?)?/bin/|/busybox/)?(?:sh|ash|bash|dash|ksh|mksh|zsh|sleep|busybox|env)")
"""Matches a program that an image without a shell does not contain."""

_PERIOD, _TIMEOUT, _FAILURE_THRESHOLD = 10, 1, 3
_OPERATING_SYSTEM = ("kubernetes.io/os", "beta.kubernetes.io/os")
"""The node labels for the operating system."""
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")

_NOTHING = re.compile(
    r"(?:[A-Za-z0-9_/.-]*/)?(?:(?:ba|da|a)?sh -[elux]*c )?(?:[A-Za-z0-9_/.-]*/)?"
    r"(?:true|:|exit 0|echo(?: [A-Za-z0-9 _.!-]*)?);?"
)
"""Commands that always succeed, alone or in a shell. The admission policy has this pattern, but reads no scripts."""

_PORT_NAME = re.compile(r"[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*")
"""A name, not a placeholder such as `${PORT}` or `HTTP_PORT`. The API server refuses capital letters."""

EMPTY_DIR = "emptyDir"
"""The source that the API server assumes for a volume without one (core/v1)."""

DEFAULT_SERVICE_ACCOUNT = "default"
DEFAULT_MESSAGE_PATH = "/dev/termination-log"
DEFAULT_MESSAGE_POLICY = "File"


class HandlerKind(StrEnum):
    """The kinds of handlers of lifecycle hooks and probes, with the names of the API."""

    SLEEP = "sleep"
    EXEC = "exec"
    HTTP_GET = "httpGet"
    TCP_SOCKET = "tcpSocket"
    GRPC = "grpc"
    NONE = "none"


class Handler(Struct, frozen=True):
    """The handler of a lifecycle hook or a probe."""

    kind: HandlerKind
    seconds: int = 0
    command: tuple[str, ...] = ()

    @property
    def duration(self) -> int:
        """Seconds that it is known to take: a native sleep, or the waits in a command, rounded up; at most ENDLESS."""
        if self.kind is HandlerKind.SLEEP:
            return self.seconds
        return ceil(min(longest_wait(self.command), ENDLESS))

    @property
    def acts(self) -> bool:
        """Whether a kubelet acts on it as a hook: it ignores a sleep of 0 seconds and a tcpSocket."""
        if self.kind is HandlerKind.SLEEP:
            return self.seconds > 0
        return self.kind in {HandlerKind.EXEC, HandlerKind.HTTP_GET}


class Probe(Struct, frozen=True):
    """A probe, with the API's defaults for fields that are not set (core/v1)."""

    kind: HandlerKind
    action: tuple[str, ...] = ()
    """The command, or the target of the request. Equal for probes that check the same."""
    initial_delay: int = 0
    period: int = _PERIOD
    timeout: int = _TIMEOUT
    failure_threshold: int = _FAILURE_THRESHOLD
    missing_port: str = ""
    """The name of a port that its container does not have, so that the probe always fails; empty if there is none."""
    legible: bool = True
    """Whether all fields could be read."""

    @property
    def always_succeeds(self) -> bool:
        """Whether it runs a command that succeeds whatever it finds, and so checks nothing."""
        if self.kind is not HandlerKind.EXEC:
            return False
        return _NOTHING.fullmatch(" ".join(self.action)) is not None or always_succeeds(self.action)

    @property
    def patience(self) -> int:
        """Seconds of failure until the probe takes effect: failureThreshold times periodSeconds."""
        return self.period * self.failure_threshold

    @property
    def pipeline(self) -> bool:
        """Whether it is a pipeline in a shell, so that what it checks cannot be determined."""
        runs_shell = self.kind is HandlerKind.EXEC and bool(self.action) and is_shell(self.action[0])
        return runs_shell and any(_PIPE.search(each) for each in self.action[1:])

    def asks_like(self, other: Probe) -> bool:
        """Return whether both probes check the same."""
        return (self.kind, self.action) == (other.kind, other.action)


class Variable(Struct, frozen=True):
    """An environment variable of a container."""

    name: str
    path: str
    value: str | None = None
    """The literal value; None if the value comes from elsewhere. It may be secret: never show it."""

    def __repr__(self) -> str:
        return f"Variable(name={self.name!r}, path={self.path!r})"


class Word(Struct, frozen=True):
    """A word of the command line of a container."""

    path: str
    text: str
    """It may be secret: never show it."""

    def __repr__(self) -> str:
        return f"Word(path={self.path!r})"


class Mount(Struct, frozen=True):
    """A volume in the filesystem of a container."""

    volume: str
    path: str
    """The mount path in the container."""
    read_only: bool = False


class Volume(Struct, frozen=True):
    """A volume of a pod."""

    name: str
    path: str
    """The path of the volume in the object."""
    source: str = EMPTY_DIR
    """The kind of volume: the name of its source field."""
    claim: str | None = None
    """The persistent volume claim that it mounts."""
    read_only: bool = False
    """Whether no container can write to it."""
    host_path: str | None = None
    host_path_type: str = ""
    driver: str = ""
    """The CSI driver of an inline volume."""


class Container(Struct, frozen=True):
    """A container or init container, with its path."""

    name: str
    path: str
    image: str | None = None
    """The image; None if it is absent, or if another program fills it in."""
    command: tuple[str, ...] = ()
    """The command; empty if the image decides, or if a part of the command line cannot be read."""
    args: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    variables_from: bool = False
    """Whether it also has the variables of a ConfigMap or a Secret (envFrom), whose names are not known."""
    mounts: tuple[Mount, ...] = ()
    init: bool = False
    sidecar: bool = False
    ports: tuple[str, ...] = ()
    """The names of the declared ports; a port without a name is an empty string."""
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None
    resources: Resources = NO_RESOURCES
    pull_policy: str | None = None
    read_only: bool = False
    """Whether its root filesystem is read-only."""
    message_policy: str = DEFAULT_MESSAGE_POLICY
    message_written: bool = False
    """Whether it may write a termination message: it has its own terminationMessagePath, its command mentions the
    path, or its command cannot be read."""
    pre_stop: Handler | None = None
    written: frozenset[str] = frozenset()
    """The fields that repairs write and that its owner has declared."""
    shared: frozenset[str] = frozenset()
    """The parents of these fields that must stay without them: they have other fields, or the owner declared them."""

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of its command and arguments, except those that the image decides."""
        command = (Word(f"{self.path}.command[{index}]", each) for index, each in enumerate(self.command))
        args = (Word(f"{self.path}.args[{index}]", each) for index, each in enumerate(self.args))
        return (*command, *args)

    def has_image_of(self, patterns: tuple[str, ...]) -> bool:
        """Return whether one of the globs matches its image; an unknown image matches none."""
        return self.image is not None and is_one_of(self.image, patterns)

    @property
    def long_running(self) -> bool:
        """Whether it keeps running with the others, as ordinary containers and native sidecars do."""
        return self.sidecar or not self.init

    @property
    def serving(self) -> bool:
        """Whether it serves requests: it has a readiness probe, or a port that is not merely auxiliary.

        The readiness probe does not count for a controller with leader election and only auxiliary ports.
        """
        if any(not _AUXILIARY_PORT.search(port) for port in self.ports):
            return True
        return self.readiness is not None and not (self.ports and self.leader_elected)

    @property
    def leader_elected(self) -> bool:
        """Whether its options or variables show that its replicas elect a leader."""
        line = " ".join((*self.command, *self.args))
        if _ELECTION.search(line):
            return _NO_ELECTION.search(line) is None
        return any(_YES.fullmatch(each.value or "") for each in self.election_variables)

    @property
    def election_variables(self) -> tuple[Variable, ...]:
        """The variables whose value may say that its replicas elect a leader."""
        return tuple(each for each in self.variables if _ELECTION_VARIABLE.search(each.name))

    @property
    def lacks_shell(self) -> bool:
        """Whether its image is known to have neither a shell nor a sleep command."""
        return self.image is not None and lacks_shell(self.image)

    @property
    def pre_stop_fails(self) -> bool:
        """Whether its preStop hook runs a shell or sleep that its image does not contain."""
        program = self.pre_stop.command[0] if self.pre_stop and self.pre_stop.command else ""
        return _OF_A_SHELL.fullmatch(program) is not None and self.lacks_shell

    @property
    def stops_itself(self) -> bool:
        """Whether its preStop hook does more than wait, so that it may stop the process without a signal."""
        hook = self.pre_stop
        return hook is not None and (
            hook.kind is HandlerKind.HTTP_GET or (hook.kind is HandlerKind.EXEC and may_stop(hook.command))
        )


class PodLabels(Struct, frozen=True):
    """The labels of the pods of a workload, with those that its controller sets, whose values are not known."""

    labels: Labels
    of_revision: frozenset[str] = frozenset()
    """The labels that its controller sets to one value for all pods of a revision."""
    of_pod: frozenset[str] = frozenset()
    """The labels that its controller sets to another value for each pod."""

    def may_match(self, selector: Selector | None) -> bool:
        """Return whether a selector matches the pods, or does with some values of the labels that are not known."""
        return selector is not None and selector.without_values(self.of_revision | self.of_pod).matches(self.labels)

    def singling_out(self, keys: Iterable[str]) -> str | None:
        """Return the key in matchLabelKeys by which each pod matches only itself.

        The API server ignores keys that a pod does not have, here and in mismatchLabelKeys.
        """
        return next((key for key in keys if key in self.of_pod), None)

    def in_common(self, keys: Iterable[str]) -> str | None:
        """Return the key in mismatchLabelKeys whose value all pods of a revision share, so that none matches."""
        return next((key for key in keys if key in self.labels and key not in self.of_pod), None)


class AffinityTerm(Struct, frozen=True):
    """A pod (anti-)affinity term."""

    topology_key: str
    selector: Selector | None
    required: bool
    weight: int = 0
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    """The namespaces of the pods that it counts; without these and a namespaceSelector, the pod's own namespace."""
    namespace_selector: Selector | None = None

    def counts(self, pods: PodLabels, *, namespace: str) -> bool:
        """Return whether the term of a pod counts other pods of its workload, including those of other revisions."""
        if not pods.may_match(self.selector) or pods.singling_out(self.match_label_keys):
            return False
        lasting = (key for key in self.mismatch_label_keys if key not in pods.of_revision)
        return self.covers(namespace) and pods.in_common(lasting) is None

    def covers(self, namespace: str) -> bool:
        """Return whether the term counts pods in this namespace.

        Of the labels of namespaces, only the one with the name is known; requirements on others may be met.
        """
        if not namespace or namespace in self.namespaces:
            return True
        if self.namespace_selector is None:
            return not self.namespaces
        return self.namespace_selector.limited_to(NAMESPACE_NAME).matches({NAMESPACE_NAME: namespace})


class SpreadConstraint(Struct, frozen=True):
    """A topologySpreadConstraint."""

    topology_key: str
    selector: Selector | None
    required: bool
    max_skew: int = 1
    min_domains: int = 1
    """With fewer domains, each of them takes at most `max_skew` pods."""
    match_label_keys: tuple[str, ...] = ()
    others: str = ""
    """The other fields, as text; empty if there are none."""
    declared: bool = False
    """Whether its owner has declared it."""

    def counts(self, pods: PodLabels) -> bool:
        """Return whether the constraint of a pod counts other pods of its workload."""
        return pods.may_match(self.selector) and pods.singling_out(self.match_label_keys) is None


class PodTemplate(Struct, frozen=True):
    """A pod template, with the path of its pod spec."""

    path: str
    labels: Labels = {}
    containers: tuple[Container, ...] = ()
    """Containers and init containers, in the order of the object."""
    grace_seconds: int = DEFAULT_GRACE_SECONDS
    anti_affinity: tuple[AffinityTerm, ...] = ()
    spread_constraints: tuple[SpreadConstraint, ...] = ()
    written: frozenset[str] = frozenset()
    """Which of the fields that repairs write its owner declared."""
    shared: frozenset[str] = frozenset()
    """Which parents of these fields hold more, or were written by its owner, empty or not."""
    pinned: bool = False
    """Whether the pods can run only on one node, which the template names."""
    nodes: tuple[Selector, ...] | None = EVERY_NODE
    """Selectors of the nodes for its pods, by labels and NODE_NAME: one of them must match. None if not known."""
    tolerates_taints: bool = False
    """Whether its pods may also run on nodes with taints."""
    resources: Resources = NO_RESOURCES
    """The resources of the pod as a whole, on servers that support them."""
    resource_claims: bool = False
    """Whether the pods claim devices (resource.k8s.io)."""
    scarce_resource: str | None = None
    """A requested resource of which a node has only a few units, such as a GPU or huge pages."""
    host_ports: bool = False
    """Whether the pods use ports of their node, so that each needs a different node."""
    windows: bool = False
    """Whether it declares that it runs on Windows nodes."""
    volumes: tuple[Volume, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    """Its imagePullSecrets."""
    service_account: str = DEFAULT_SERVICE_ACCOUNT
    shares_processes: bool = False
    """Whether its containers share one process namespace, or use the node's, whose first process reaps all others."""
    restarts: bool = True
    """Whether its containers are restarted when they end."""
    deadline: int | None = None
    """The activeDeadlineSeconds of a pod."""

    @property
    def asked_constraints(self) -> tuple[SpreadConstraint, ...]:
        """The topologySpreadConstraints, without the record of who declared them."""
        return tuple(replace(each, declared=False) for each in self.spread_constraints)

    @property
    def long_running(self) -> tuple[Container, ...]:
        """The ordinary containers and native sidecars."""
        return tuple(each for each in self.containers if each.long_running)

    @property
    def serving(self) -> bool:
        """Whether a container or a native sidecar serves requests."""
        return any(each.serving for each in self.long_running)

    @property
    def claims(self) -> tuple[str, ...]:
        """The persistent volume claims that it mounts."""
        return tuple(each.claim for each in self.volumes if each.claim is not None)

    @property
    def application(self) -> Container | None:
        """The container that is certainly the application: the only ordinary one, unless a program fills it in."""
        ordinary = [each for each in self.containers if not each.init]
        return ordinary[0] if len(ordinary) == 1 and ordinary[0].image is not None else None

    @property
    def needs_places(self) -> bool:
        """Whether the pods must run on different nodes, because of a required rule or host ports."""
        required = (each.required for rules in (self.anti_affinity, self.spread_constraints) for each in rules)
        return self.host_ports or any(required)

    def container(self, name: str) -> Container | None:
        """Return the container with this name."""
        return next((each for each in self.containers if each.name == name), None)

    def with_containers(self, names: Iterable[str], change: Callable[[Container], Container]) -> PodTemplate:
        """Return the template with the named containers changed."""
        chosen = frozenset(names)
        changed = (change(each) if each.name in chosen else each for each in self.containers)
        return replace(self, containers=tuple(changed))

    def without_containers(self, unwanted: Callable[[str], bool]) -> PodTemplate:
        """Return the template without the containers with an unwanted name."""
        kept = tuple(each for each in self.containers if not unwanted(each.name))
        return self if len(kept) == len(self.containers) else replace(self, containers=kept)

    @property
    def sleep_exceeds_grace(self) -> bool:
        """Whether a native sleep is not shorter than the grace period, which the API server refuses."""
        hooks = (each.pre_stop for each in self.containers if each.pre_stop)
        return any(each.kind is HandlerKind.SLEEP and each.seconds >= self.grace_seconds for each in hooks)

    @property
    def longest_pre_stop(self) -> int:
        """Seconds that the slowest preStop hook is known to take, or 0."""
        return max((each.pre_stop.duration for each in self.containers if each.pre_stop), default=0)


def read_pod_template(
    fields: Fields,
    *,
    record: FieldOwnership = FieldOwnership(),  # noqa: B008  # immutable
    triggers: str = "",
) -> PodTemplate:
    """Return the template in `fields` (a PodTemplateSpec, or a Pod).

    Args:
        fields: the template.
        record: the writers of the fields of the pod spec. An empty `lifecycle` or `affinity` that its owner declared
            must stay when a repair is withdrawn, because otherwise the hash of the template would change.
        triggers: the annotation with which OpenShift fills in the images of image streams.
    """
    triggers = triggers.replace("\\", "").replace("'", '"')
    spec = fields.mapping("spec")
    affinity, resources = spec.mapping("affinity"), read_resources(spec)
    containers = (
        *_read_containers(spec, "initContainers", record, triggers),
        *_read_containers(spec, "containers", record, triggers),
    )
    return PodTemplate(
        path=spec.path,
        labels=fields.mapping("metadata").label_map("labels"),
        containers=containers,
        grace_seconds=_or(spec.integer(GRACE.name), DEFAULT_GRACE_SECONDS),
        anti_affinity=tuple(_read_anti_affinity(affinity.mapping("podAntiAffinity"))),
        spread_constraints=tuple(_read_spread(each, record) for each in spec.items(SPREAD_CONSTRAINTS.name)),
        written=declared(OF_PODS, record),
        shared=shared_parents(OF_PODS, spec, record),
        pinned=_is_pinned(spec),
        nodes=_read_nodes(spec),
        tolerates_taints=any(spec.items("tolerations")),
        resources=resources,
        resource_claims=any(spec.items("resourceClaims")),
        scarce_resource=next(chain(resources.scarce, *(each.resources.scarce for each in containers)), None),
        host_ports=_takes_host_ports(spec),
        windows=_wants_windows(spec),
        volumes=tuple(_read_volume(each) for each in spec.items("volumes")),
        pull_secrets=tuple(each.text("name") or "" for each in spec.items("imagePullSecrets")),
        service_account=spec.text("serviceAccountName") or spec.text("serviceAccount") or DEFAULT_SERVICE_ACCOUNT,
        shares_processes=spec.boolean("shareProcessNamespace") or spec.boolean("hostPID"),
        restarts=spec.text("restartPolicy") in {None, "Always"},
        deadline=spec.integer("activeDeadlineSeconds"),
    )


def _read_containers(spec: Fields, name: str, record: FieldOwnership, triggers: str) -> Iterable[Container]:
    read = [_read_container(each, record, field_name=name) for each in spec.items(name)]
    return [
        replace(each, image=None)
        if _is_triggered(triggers, f"{name}[{index}]", f'{name}[?(@.name=="{each.name}")]')
        else each
        for index, each in enumerate(read)
    ]


def _is_triggered(triggers: str, *places: str) -> bool:
    """Return whether an image stream fills in the image of the container at one of the paths."""
    return any(f".{place}.image" in triggers for place in places)


def _known_image(reference: str | None) -> str | None:
    """Return an image, or None if another program fills it in, such as `${IMAGE}` or `{{ .Values.image }}`."""
    return reference.strip() if reference and is_written(reference) else None


def _read_container(fields: Fields, record: FieldOwnership, *, field_name: str) -> Container:
    name, init = fields.text("name") or "", field_name == "initContainers"
    of_container = record.below(field_name, f"name={name}")
    lifecycle = fields.mapping("lifecycle")
    noted = len(fields.problems)
    command, args = fields.texts("command"), fields.texts("args")
    legible = len(fields.problems) == noted
    return Container(
        name=name,
        path=fields.path,
        image=_known_image(fields.text("image")),
        command=command if legible else (),
        args=args if legible else (),
        variables=tuple(_read_variable(each) for each in fields.items("env")),
        variables_from=any(fields.items("envFrom")),
        mounts=tuple(_read_mount(each) for each in fields.items("volumeMounts")),
        init=init,
        sidecar=init and fields.text("restartPolicy") == "Always",
        ports=tuple(port.text("name") or "" for port in fields.items("ports")),
        readiness=_read_probe(fields, "readinessProbe"),
        liveness=_read_probe(fields, "livenessProbe"),
        startup=_read_probe(fields, "startupProbe"),
        resources=read_resources(fields),
        pull_policy=fields.text("imagePullPolicy"),
        read_only=fields.mapping("securityContext").boolean("readOnlyRootFilesystem"),
        message_policy=fields.text(MESSAGE_POLICY.name) or DEFAULT_MESSAGE_POLICY,
        message_written=not legible or _writes_message(fields, (*command, *args)),
        pre_stop=_read_handler(lifecycle, "preStop"),
        written=declared(OF_CONTAINERS, of_container),
        shared=shared_parents(OF_CONTAINERS, fields, of_container),
    )


def _read_handler(owner: Fields, name: str) -> Handler | None:
    if name not in owner:
        return None
    noted = len(owner.problems)
    fields = owner.mapping(name)
    kind = _read_kind(owner, name)
    command = fields.mapping("exec").texts("command")
    empty = kind is HandlerKind.EXEC and not command and len(owner.problems) == noted
    return Handler(
        kind=HandlerKind.NONE if empty else kind,
        seconds=_or(fields.mapping("sleep").integer("seconds"), 0),
        command=command,
    )


def _read_kind(owner: Fields, name: str) -> HandlerKind:
    """Return the kind of the handler in a hook or a probe. The API server refuses a second one (validateHandler)."""
    fields = owner.mapping(name)
    kinds = [each for each in HandlerKind if each in fields]
    if len(kinds) > 1:
        owner.reject_surplus(name, found=kinds)
    return kinds[0] if kinds else HandlerKind.NONE


def _read_probe(owner: Fields, name: str) -> Probe | None:
    if name not in owner:
        return None
    noted = len(owner.problems)
    fields = owner.mapping(name)
    kind = _read_kind(owner, name)
    if kind is HandlerKind.NONE and len(owner.problems) == noted:
        return None  # The API server refuses a probe without a handler.
    probe = Probe(
        kind=kind,
        action=_read_action(fields.mapping(kind), kind, owner),
        initial_delay=fields.integer("initialDelaySeconds") or 0,
        period=fields.integer("periodSeconds") or _PERIOD,
        timeout=fields.integer("timeoutSeconds") or _TIMEOUT,
        failure_threshold=fields.integer("failureThreshold") or _FAILURE_THRESHOLD,
        missing_port=_missing_port(fields.mapping(kind), kind, owner),
    )
    return probe if len(owner.problems) == noted else replace(probe, legible=False)


def _read_action(fields: Fields, kind: HandlerKind, container: Fields) -> tuple[str, ...]:
    match kind:
        case HandlerKind.EXEC:
            return fields.texts("command")
        case HandlerKind.HTTP_GET:
            place = (fields.text("scheme") or "HTTP", fields.text("host") or "", _read_port(fields, container))
            headers = (f"{each.text('name')}: {each.text('value')}" for each in fields.items("httpHeaders"))
            return (*place, fields.text("path") or "/", *sorted(headers))
        case HandlerKind.TCP_SOCKET:
            return (fields.text("host") or "", _read_port(fields, container))
        case HandlerKind.GRPC:
            return (_read_port(fields, container), fields.text("service") or "")
        case _:
            return ()


def _read_port(fields: Fields, container: Fields) -> str:
    """Return the number of a port that is referenced by number or name."""
    given = fields.int_or_text("port", expected="a number or a name")
    ports = container.items("ports") if isinstance(given, str) else ()
    named = (each.integer("containerPort") for each in ports if each.text("name") == given)
    return str(next(named, given))


def _missing_port(fields: Fields, kind: HandlerKind, container: Fields) -> str:
    given = fields.raw("port")
    if (
        kind not in {HandlerKind.HTTP_GET, HandlerKind.TCP_SOCKET}
        or not isinstance(given, str)
        or not _PORT_NAME.fullmatch(given)
    ):
        return ""
    known = any(port.text("name") == given for port in container.items("ports"))
    ports = container.path_of("ports")
    legible = not any(each.path.startswith(ports) for each in container.problems)
    return "" if known or not legible else given


def _writes_message(container: Fields, words: Iterable[str]) -> bool:
    path = container.text("terminationMessagePath") or DEFAULT_MESSAGE_PATH
    return path != DEFAULT_MESSAGE_PATH or any(path in each for each in words)


def _read_anti_affinity(fields: Fields) -> Iterable[AffinityTerm]:
    for term in fields.items(REQUIRED_TERMS):
        yield read_term(term, required=True, weight=0)
    for weighted in fields.items(PREFERRED_TERMS):
        weight = _or(weighted.integer("weight"), 0)
        yield read_term(weighted.mapping("podAffinityTerm"), required=False, weight=weight)


def read_term(fields: Fields, *, required: bool, weight: int) -> AffinityTerm:
    """Return a PodAffinityTerm."""
    return AffinityTerm(
        topology_key=fields.text("topologyKey") or "",
        selector=Selector.read(fields, "labelSelector"),
        required=required,
        weight=weight,
        match_label_keys=fields.texts("matchLabelKeys"),
        mismatch_label_keys=fields.texts("mismatchLabelKeys"),
        namespaces=fields.texts("namespaces"),
        namespace_selector=Selector.read(fields, "namespaceSelector"),
    )


def _read_spread(fields: Fields, record: FieldOwnership) -> SpreadConstraint:
    topology_key, unsatisfiable = fields.text("topologyKey") or "", fields.text("whenUnsatisfiable") or ""
    others = {name: fields.raw(name) for name in sorted(fields.names() - _OF_CONSTRAINTS)}
    return SpreadConstraint(
        topology_key=topology_key,
        selector=Selector.read(fields, "labelSelector"),
        required=unsatisfiable != "ScheduleAnyway",
        max_skew=_positive(fields, "maxSkew"),
        min_domains=_positive(fields, "minDomains"),
        match_label_keys=fields.texts("matchLabelKeys"),
        others=repr(others) if others else "",
        declared=record.declared(
            SPREAD_CONSTRAINTS.name, f"topologyKey={topology_key},whenUnsatisfiable={unsatisfiable}"
        ),
    )


def _read_nodes(spec: Fields) -> tuple[Selector, ...] | None:
    """Return the selectors of which a node must match one: the nodeSelector with each term of the required affinity."""
    chosen = Selector.of_labels(spec.label_map("nodeSelector"))
    required = spec.mapping("affinity").mapping("nodeAffinity").mapping(REQUIRED_TERMS)
    terms = [_read_node_requirements(each) for each in required.items("nodeSelectorTerms")]
    if not terms:
        return (chosen,)
    known = [each for each in terms if each is not None]
    return tuple(replace(chosen, match_expressions=each) for each in known) if len(known) == len(terms) else None


def _read_node_requirements(term: Fields) -> tuple[Requirement, ...] | None:
    """Return the requirements of a term of node affinity; None if it has none, or one that cannot be compared."""
    rules = [*term.items("matchExpressions"), *term.items("matchFields")]
    if not rules or any(each.text("operator") not in set(Operator) for each in rules):
        return None
    return tuple(
        Requirement(each.text("key") or "", Operator(each.text("operator") or ""), each.texts("values"))
        for each in rules
    )


def _is_pinned(spec: Fields) -> bool:
    """Return whether the pods can run only on one node, by its name or its host name label."""
    if spec.text("nodeName") or spec.mapping("nodeSelector").text(HOSTNAME):
        return True
    required = spec.mapping("affinity").mapping("nodeAffinity").mapping(REQUIRED_TERMS)
    hosts = [_only_host(term) for term in required.items("nodeSelectorTerms")]
    return hosts[:1] not in ([], [None]) and len(set(hosts)) == 1


def _only_host(term: Fields) -> str | None:
    """Return the only node that a term of node affinity allows; None if it allows others."""
    labels = (each for each in term.items("matchExpressions") if each.text("key") == HOSTNAME)
    names = (each for each in term.items("matchFields") if each.text("key") == "metadata.name")
    chosen = (each.texts("values") for each in (*labels, *names) if each.text("operator") == "In")
    return next((values[0] for values in chosen if len(values) == 1), None)


def _wants_windows(spec: Fields) -> bool:
    chosen = spec.mapping("nodeSelector")
    named = (spec.mapping("os").text("name"), *(chosen.text(label) for label in _OPERATING_SYSTEM))
    return "windows" in named


def _takes_host_ports(spec: Fields) -> bool:
    """Return whether containers or native sidecars use host ports; init containers release theirs.

    With hostNetwork, all container ports are host ports.
    """
    sidecars = [each for each in spec.items("initContainers") if each.text("restartPolicy") == "Always"]
    if spec.boolean("hostNetwork") and any(any(each.items("ports")) for each in (*spec.items("containers"), *sidecars)):
        return True
    return any(
        port.integer("hostPort") for each in (*spec.items("containers"), *sidecars) for port in each.items("ports")
    )


def _read_variable(fields: Fields) -> Variable:
    given = None if "valueFrom" in fields else fields.text("value") or ""
    return Variable(name=fields.text("name") or "", path=fields.path, value=given)


def _read_mount(fields: Fields) -> Mount:
    return Mount(
        volume=fields.text("name") or "",
        path=fields.text("mountPath") or "",
        read_only=fields.boolean("readOnly"),
    )


def _read_volume(fields: Fields) -> Volume:
    source, host = min(fields.names() - {"name"}, default=EMPTY_DIR), fields.mapping("hostPath")
    return Volume(
        name=fields.text("name") or "",
        path=fields.path,
        source=source,
        claim=fields.mapping("persistentVolumeClaim").text("claimName"),
        read_only=fields.mapping(source).boolean("readOnly"),
        host_path=host.text("path"),
        host_path_type=host.text("type") or "",
        driver=fields.mapping("csi").text("driver") or "",
    )


def _positive(fields: Fields, name: str) -> int:
    """Return a number that the API server refuses below 1 (validateTopologySpreadConstraints); by default 1."""
    return _or(fields.natural(name, least=1), 1)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
