"""A workload, with all fields that decisions about it need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from productionpolicy.kube.counts import Count
from productionpolicy.kube.fields import Fields, Unreadable
from productionpolicy.kube.identity import DOMAIN, EXEMPT, FIELD_MANAGER
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.ownership import NO_UPDATE, FieldOwnership, LastUpdate, Ownership
from productionpolicy.kube.pods import (
    DEFAULT_GRACE_SECONDS,
    POD_TEMPLATE_HASH,
    PodLabels,
    PodTemplate,
    read_pod_template,
)
from productionpolicy.kube.repairable import GRACE, OF_CONTAINERS, OF_PODS, OF_WORKLOADS, declared, values, without
from productionpolicy.kube.selectors import Labels, Selector

DEFAULT_MAX_UNAVAILABLE = Count(25, percent=True)
"""The default of the API for a Deployment's rollingUpdate.maxUnavailable (apps/v1)."""

DEFAULT_PROGRESS_DEADLINE = 600
"""The default of the API for a Deployment's progressDeadlineSeconds."""

DEFAULT_MAX_SURGE = Count(25, percent=True)
NUMBER_OF_PODS = "replicas"


class Kind(StrEnum):
    """The kinds whose pods are judged."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    REPLICA_SET = "ReplicaSet"
    """A ReplicaSet without an owner."""
    REPLICATION_CONTROLLER = "ReplicationController"
    JOB = "Job"
    CRON_JOB = "CronJob"
    POD = "Pod"
    """A pod without an owner."""


_KINDS = {each.value: each for each in Kind}

_GROUPS: Mapping[str, str] = {Kind.POD: "", Kind.REPLICATION_CONTROLLER: "", Kind.JOB: "batch", Kind.CRON_JOB: "batch"}
WORKLOADS = frozenset(GroupKind(_GROUPS.get(each, "apps"), each.value) for each in Kind)
"""The kinds of workloads, with their groups."""

REPAIRED = frozenset({Kind.DEPLOYMENT, Kind.STATEFUL_SET})
"""The kinds that are repaired; all others are only judged."""

UNSCALED = frozenset({Kind.DAEMON_SET, Kind.JOB, Kind.CRON_JOB})
"""The kinds without a scale, so that a disruption budget cannot compute their expected number of pods."""
UNSCALED_KINDS = frozenset(each for each in WORKLOADS if each.kind in UNSCALED)
"""The same, with their groups."""
INTERCHANGEABLE = frozenset({Kind.DEPLOYMENT, Kind.REPLICA_SET, Kind.REPLICATION_CONTROLLER})
"""The kinds whose pods are interchangeable: they share their claims, and have no stable names."""

REPLICATED = REPAIRED | INTERCHANGEABLE
"""The kinds with a number of replicas."""

LONG_RUNNING = REPLICATED | {Kind.DAEMON_SET}
"""The kinds whose pods are replaced when they end."""

_JOBS = {Kind.JOB: ("spec",), Kind.CRON_JOB: ("spec", "jobTemplate", "spec")}
"""The path of the Job spec, by kind."""

_TEMPLATES = {Kind.POD: (), **{kind: (*path, "template") for kind, path in _JOBS.items()}}
"""The path of the pod template, by kind, if it is not spec.template."""

_LABELS_OF_JOBS = frozenset(
    {"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"}
)
_LABELS_OF_REVISIONS: Mapping[Kind, frozenset[str]] = {
    Kind.DEPLOYMENT: frozenset({POD_TEMPLATE_HASH}),
    Kind.STATEFUL_SET: frozenset({"controller-revision-hash"}),
    Kind.DAEMON_SET: frozenset({"controller-revision-hash", "pod-template-generation"}),
    Kind.JOB: _LABELS_OF_JOBS,
    Kind.CRON_JOB: _LABELS_OF_JOBS,
}
"""The labels that the controller of a kind sets to one value for all pods of a revision. A ReplicaSet without owner
sets none: the Deployment controller writes pod-template-hash into the ReplicaSets that it makes."""

_LABELS_OF_SINGLE_PODS: Mapping[Kind, frozenset[str]] = {
    Kind.STATEFUL_SET: frozenset({"apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name"}),
}
"""The labels that the controller of a kind sets to another value for each pod."""

_MADE = {Kind.REPLICA_SET, Kind.REPLICATION_CONTROLLER}
"""The kinds that are judged only without a controller; otherwise the controller is judged."""

_HOOKS = {
    "helm.sh/hook": "helm.sh/hook-delete-policy",
    "argocd.argoproj.io/hook": "argocd.argoproj.io/hook-delete-policy",
}
"""The annotations of hooks of Helm and Argo CD, each with the annotation for the deletion of the hook."""

_DELETED_ON_SUCCESS = frozenset({"hook-succeeded", "HookSucceeded"})

IMAGE_TRIGGERS = "image.openshift.io/triggers"
"""The annotation with which OpenShift fills in images from image streams."""

_MIRROR = "kubernetes.io/config.mirror"
"""The annotation of the mirror pod of a static pod, which a kubelet creates from a file on its node."""

_REVISION = "deployment.kubernetes.io/revision"
"""The annotation with the revision of a Deployment, which its controller increments for each template."""

_DIGESTED_APART = frozenset({"replicas", "updateStrategy", "template"})
"""The fields of a spec that the digest handles separately, in addition to those that repairs write."""

_ENDED = frozenset({"Succeeded", "Failed"})
"""The phases of a pod that has terminated."""


ROLLING_UPDATE = "RollingUpdate"
_STRATEGIES: Mapping[Kind, tuple[str, ...]] = {
    Kind.DEPLOYMENT: (ROLLING_UPDATE, "Recreate"),
    Kind.STATEFUL_SET: (ROLLING_UPDATE, "OnDelete", "Recreate"),
    Kind.DAEMON_SET: (ROLLING_UPDATE, "OnDelete"),
}
"""The types of rollout strategies. The third, Recreate for StatefulSets, is alpha in Kubernetes 1.37."""


def api_version_of(kind: str) -> str:
    """Return the `apiVersion` of a kind of workloads."""
    group = _GROUPS.get(kind, "apps")
    return f"{group}/v1" if group else "v1"


class WorkloadKey(Struct, frozen=True, order=True):
    """The identity of a workload in a cluster."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """The name for people, such as `Deployment shop/web`; a manifest may lack the namespace, or the name."""
        name = self.name or "(no name)"
        return f"{self.kind} {self.namespace}/{name}" if self.namespace else f"{self.kind} {name}"

    @property
    def api_version(self) -> str:
        """The `apiVersion` in which the API server is asked for workloads of this kind."""
        return api_version_of(self.kind)


class Controller(Struct, frozen=True):
    """The owner of an object that manages it, as its owner reference says."""

    kind: GroupKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.name}"


class Hook(Struct, frozen=True):
    """A hook that Helm or Argo CD runs at a point of a release, and that is meant to end."""

    stays: bool
    """Whether it stays after it has succeeded, until the next run."""


class Strategy(Struct, frozen=True):
    """The rollout strategy of a workload."""

    type: str = ROLLING_UPDATE
    max_unavailable: Count | None = None
    max_surge: Count | None = None
    partition: int = 0

    @property
    def unavailable(self) -> Count:
        """How many pods a Deployment's rollout may make unavailable; 25% if not set (apps/v1)."""
        return self.max_unavailable or DEFAULT_MAX_UNAVAILABLE

    @property
    def surge(self) -> Count:
        """How many extra pods a Deployment's rollout may start; 25% if not set (apps/v1)."""
        return self.max_surge or DEFAULT_MAX_SURGE


class Progress(Struct, frozen=True):
    """The progress of a workload's rollout, from its status."""

    observed_generation: int = 0
    replicas: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    terminating: int = 0
    """The terminating pods of a Deployment; 0 if the server does not report them (before 1.35)."""
    stalled: bool = False
    """Whether a Deployment exceeded its progress deadline."""
    reported_complete: bool = False
    """Whether the latest condition of a Deployment reports a complete rollout."""
    refusal: str = ""
    """Why a Deployment cannot create a pod, in the API server's words."""
    revision: str = ""
    """The revision of the newest template whose rollout is complete: currentRevision of a StatefulSet. For a
    Deployment, the number of its newest template."""
    newest: str = ""
    """The revision of the newest template of a StatefulSet."""

    @property
    def quota_exceeded(self) -> bool:
        """Whether a quota prevents a Deployment from creating a pod."""
        return "exceeded quota" in self.refusal

    @property
    def complete(self) -> bool:
        """Whether the newest rollout of a Deployment is complete, regardless of pods that are lost later.

        The controller may still report the previous rollout if it missed the start of the newest one.
        """
        return self.reported_complete and self.replicas == self.updated


class Workload(Struct, frozen=True):
    """An object that creates pods, or a pod without an owner."""

    key: WorkloadKey
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    created: str = ""
    """The creation time, by the API server's clock."""
    notes: Mapping[str, str] = {}
    """Its annotations of the productionpolicy.dev domain: exemptions, and the journal of repairs."""
    misplaced: tuple[str, ...] = ()
    """The paths of exemptions that have no effect: labels, and annotations of the pod template."""
    owned_notes: frozenset[str] = frozenset()
    """Those annotations that belong to another writer according to managed fields. Admission's belong to nobody."""
    controller: Controller | None = None
    deleting: bool = False
    owned: bool = False
    """Whether it has an owner, or is a static pod."""
    ended: bool = False
    """Whether it is a pod that has terminated."""
    hook: Hook | None = None
    """The hook, if it is a Pod or a Job; other kinds keep running, even as hooks."""
    replicas: int = 1
    selector: Selector | None = None
    template: PodTemplate = field(default_factory=lambda: PodTemplate(path="spec.template.spec"))
    strategy: Strategy = Strategy()
    paused: bool = False
    claim_templates: tuple[str, ...] = ()
    """The names of the volumeClaimTemplates of a StatefulSet."""
    deadline: int | None = None
    """The activeDeadlineSeconds of a Job."""
    progress_deadline: int = DEFAULT_PROGRESS_DEADLINE
    """Seconds without progress after which the rollout of a Deployment has failed."""
    min_ready_seconds: int = 0
    first_ordinal: int = 0
    """The ordinal of a StatefulSet's first pod."""
    progress: Progress = Progress()
    written: frozenset[str] = frozenset()
    """The fields that repairs write in its spec or its pods' spec and that its owner declared; and NUMBER_OF_PODS."""
    holds_fields: bool = False
    """Whether its managed fields still have an entry of the operator, because a repair was interrupted."""
    left_at: str = ""
    """The time of this entry, by the API server's clock."""
    last_update: LastUpdate = NO_UPDATE
    rest: str = ""
    """A digest of everything that no repair touches, without the number of replicas."""
    rest_of_template: str = ""
    """The same for the pod template alone."""
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def kind(self) -> Kind:
        """The kind of the workload."""
        return _KINDS[self.key.kind]

    @property
    def known_labels(self) -> PodLabels:
        """What is known of the labels of its pods."""
        of_revision = _LABELS_OF_REVISIONS.get(self.kind, frozenset())
        return PodLabels(self.pod_labels, of_revision, _LABELS_OF_SINGLE_PODS.get(self.kind, frozenset()))

    @property
    def pod_labels(self) -> Labels:
        """The labels of its pods; those that its controller sets are empty, because their values are not known."""
        kinds = (_LABELS_OF_REVISIONS, _LABELS_OF_SINGLE_PODS)
        added = chain.from_iterable(each.get(self.kind, ()) for each in kinds)
        return {**dict.fromkeys(sorted(added), ""), **self.template.labels}

    @property
    def selects_its_pods(self) -> bool:
        """Whether it has a selector that matches its pods. The API server rejects a Deployment without one."""
        return self.selector is not None and self.selector.matches(self.pod_labels)

    @property
    def derived(self) -> bool:
        """Whether it is not judged itself: it has an owner, or is a pod that has terminated."""
        if self.kind is Kind.POD:
            return self.owned or self.ended
        if self.kind in _MADE:
            return self.controller is not None
        return self.kind is Kind.JOB and self.controller is not None and self.controller.kind.kind == Kind.CRON_JOB

    @property
    def passing(self) -> bool:
        """Whether it is a Job that exists only for a short time: a hook that is deleted after it has succeeded."""
        return self.kind is Kind.JOB and self.hook is not None and not self.hook.stays

    @property
    def job_path(self) -> str:
        """The path of its Job spec; empty if it has none."""
        return ".".join(_JOBS.get(self.kind, ()))

    @property
    def strategy_path(self) -> str:
        """The path of the strategy, whose name differs between Deployments and StatefulSets."""
        return "spec.strategy" if self.kind is Kind.DEPLOYMENT else "spec.updateStrategy"

    def legible(self, path: str) -> bool:
        """Return whether everything at a path and below could be read."""
        return not any(each.path == path or each.path.startswith((f"{path}.", f"{path}[")) for each in self.unreadable)

    def like(self, other: Workload) -> bool:
        """Return whether the two differ only in resource version and in the time of the operator's entry."""
        return replace(self, resource_version="", left_at="") == replace(other, resource_version="", left_at="")

    def without_containers(self, unwanted: Any) -> Workload:
        """Return the workload without the containers with an unwanted name."""
        template = self.template.without_containers(unwanted)
        return self if template is self.template else replace(self, template=template)

    @property
    def digest(self) -> str:
        """A short digest of the owner's intent, without the number of replicas."""
        return digest(f"{self.rest} {(*self._repairable_in_pods, *values(OF_WORKLOADS, self))!r}")

    @property
    def template_digest(self) -> str:
        """A short digest of the owner's pod template."""
        return digest(f"{self.rest_of_template} {self._repairable_in_pods!r}")

    @property
    def _repairable_in_pods(self) -> tuple[object, ...]:
        """The values of the fields of the pod template that repairs write."""
        containers = [(each.name, *values(OF_CONTAINERS, each)) for each in self.template.containers]
        return containers, *values(OF_PODS, self.template)

    @property
    def grace_may_rise(self) -> bool:
        """Whether nobody declared the grace period: it is the API's default, and not in declared configuration."""
        return GRACE.name not in self.written and self.template.grace_seconds == DEFAULT_GRACE_SECONDS

    @property
    def runs_no_pod(self) -> bool:
        """Whether it has no pods that a change of the template could restart."""
        return self.progress.replicas == 0 and self.progress.observed_generation in (0, self.generation)

    @property
    def holds_back(self) -> bool:
        """Whether a change of its template waits for a person before it reaches all pods."""
        return self.paused or self.strategy.type == "OnDelete" or self.strategy.partition > 0

    @property
    def observed(self) -> bool:
        """Whether its status is about the current generation."""
        return self.progress.observed_generation >= self.generation

    @property
    def stalled(self) -> bool:
        """Whether a Deployment exceeded its progress deadline with the current generation."""
        return self.observed and self.progress.stalled

    @property
    def settled(self) -> bool:
        """Whether all of its pods are available and, unless the rollout is held back, of the newest template."""
        progress = self.progress
        updated = self.holds_back or progress.updated == self.replicas
        return self.observed and updated and progress.replicas == progress.available == self.replicas


def template_of(raw: Mapping[str, Any]) -> Fields:
    """Return the pod template in a raw workload; for a Pod, the Pod itself."""
    return Fields(raw).below(*_template_path(raw))


def read_workload(raw: Mapping[str, Any]) -> Workload:
    """Return the workload in a raw object; never fails on unexpected content."""
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    kind = Kind(str(raw.get("kind")))
    template = _template_path(raw)
    served = "uid" in metadata or bool(raw.get("status"))
    ownership = Ownership(metadata, ours=FIELD_MANAGER, manifest=None if served else raw)
    annotations = metadata.text_map("annotations")
    notes = {key: value for key, value in annotations.items() if _domain(key).endswith(DOMAIN)}
    rest, rest_of_template = _rest(raw.get("spec")) if kind in REPAIRED else ("", "")
    return Workload(
        key=WorkloadKey(namespace=metadata.text("namespace") or "", kind=str(kind), name=name_of(metadata)),
        uid=metadata.text("uid") or "",
        resource_version=metadata.text("resourceVersion") or "",
        generation=metadata.integer("generation") or 0,
        created=_text(metadata.raw("creationTimestamp")),
        notes=notes,
        owned_notes=frozenset(each for each in notes if ownership.listed("metadata", "annotations", each)),
        misplaced=tuple(_misplaced(fields, kind, template)),
        controller=read_controller(metadata),
        deleting="deletionTimestamp" in metadata,
        owned=_owned(metadata),
        ended=kind is Kind.POD and fields.mapping("status").text("phase") in _ENDED,
        hook=_read_hook(annotations) if kind in {Kind.POD, Kind.JOB} else None,
        replicas=_replicas(spec),
        selector=_read_selector(spec, kind),
        template=(
            pods := read_pod_template(
                fields.below(*template),
                record=FieldOwnership(ownership, (*template, "spec")),
                triggers=annotations.get(IMAGE_TRIGGERS, ""),
            )
        ),
        strategy=_read_strategy(spec.mapping("strategy" if kind is Kind.DEPLOYMENT else "updateStrategy"), kind),
        paused=spec.boolean("paused"),
        claim_templates=tuple(_names(spec.items("volumeClaimTemplates"))),
        deadline=fields.below(*_JOBS[kind]).integer("activeDeadlineSeconds") if kind in _JOBS else None,
        progress_deadline=spec.integer("progressDeadlineSeconds") or DEFAULT_PROGRESS_DEADLINE,
        min_ready_seconds=spec.integer("minReadySeconds") or 0,
        first_ordinal=spec.mapping("ordinals").integer("start") or 0,
        progress=_read_progress(fields.mapping("status"), revision=annotations.get(_REVISION, "")),
        written=declared(OF_WORKLOADS, FieldOwnership(ownership, ("spec",)))
        | pods.written
        | _declared_number(ownership),
        holds_fields=ownership.holds_fields,
        left_at=ownership.left_at,
        last_update=ownership.last_update,
        rest=rest,
        rest_of_template=rest_of_template,
        unreadable=fields.problems,
    )


def _misplaced(fields: Fields, kind: Kind, template: tuple[str, ...]) -> Iterator[str]:
    """Return the paths of exemptions in the wrong place, unless the workload itself has the same annotation."""
    metadata = fields.mapping("metadata")
    places = [(metadata, "labels")]
    if kind is not Kind.POD:
        of_pods = fields.below(*template, "metadata")
        places += [(of_pods, "labels"), (of_pods, "annotations")]
    right = _keys(metadata.raw("annotations"))
    for where, name in places:
        for key in sorted(_keys(where.raw(name)) - right):
            yield f"{where.path_of(name)}[{key}]"


def _keys(values: Any) -> set[str]:
    return (
        {key for key in values if isinstance(key, str) and key.startswith(EXEMPT)}
        if isinstance(values, dict)
        else set()
    )


def is_made(raw: Mapping[str, Any]) -> bool:
    """Return whether a Pod, a ReplicaSet or a ReplicationController has an owner, judging by its metadata alone.

    This is much cheaper than reading the workload, and almost all listed objects of these kinds have an owner.
    """
    metadata = Fields(raw).mapping("metadata")
    return _owned(metadata) if raw.get("kind") == Kind.POD else read_controller(metadata) is not None


def name_of(metadata: Fields) -> str:
    """Return the name of an object, or its generateName; empty if it has neither."""
    return metadata.text("name") or metadata.text("generateName") or ""


def reject_nameless(metadata: Fields) -> None:
    """Record that an object has no name: the API server makes up one only from a generateName."""
    if not name_of(metadata):
        metadata.reject_absent("name", expected="a name")


def digest(text: str | bytes) -> str:
    """Return a short, stable digest for comparing two states."""
    return hashlib.blake2b(text.encode() if isinstance(text, str) else text, digest_size=6).hexdigest()


def _template_path(raw: Mapping[str, Any]) -> tuple[str, ...]:
    return _TEMPLATES.get(Kind(str(raw.get("kind"))), ("spec", "template"))


def _domain(key: str) -> str:
    return key.partition("/")[0]


def _owned(metadata: Fields) -> bool:
    return any(metadata.items("ownerReferences")) or _MIRROR in metadata.mapping("annotations")


def read_controller(metadata: Fields) -> Controller | None:
    """Return the controller of an object; None if it has none."""
    for owner in metadata.items("ownerReferences"):
        if owner.boolean("controller"):
            kind = GroupKind.of({"apiVersion": owner.text("apiVersion"), "kind": owner.text("kind")})
            return Controller(kind, owner.text("name") or "")
    return None


def _read_hook(annotations: Mapping[str, str]) -> Hook | None:
    policies = [annotations.get(policy, "") for name, policy in _HOOKS.items() if annotations.get(name, "").strip()]
    if not policies:
        return None
    said = {word.strip() for policy in policies for word in policy.split(",")}
    return Hook(stays=said.isdisjoint(_DELETED_ON_SUCCESS))


def _read_selector(spec: Fields, kind: Kind) -> Selector | None:
    """Return the selector of its pods. A ReplicationController (v1) has only labels, by default those of its pods.

    An empty selector, which the API server rejects, counts as absent: it would select the pods of all others.
    """
    if kind is Kind.REPLICATION_CONTROLLER:
        labels = spec.label_map("selector") or spec.below("template", "metadata").label_map("labels")
        return Selector.of_labels(labels)
    found = Selector.read(spec, "selector") if kind in REPLICATED else None
    return None if found == Selector() else found


def _text(value: Any) -> str:
    """Return a time in the API server's form; a file may contain any other form."""
    return value if isinstance(value, str) else ""


def _names(objects: Iterable[Fields]) -> Iterable[str]:
    return (each.mapping("metadata").text("name") or "" for each in objects)


def _replicas(spec: Fields) -> int:
    replicas = spec.natural("replicas")
    return 1 if replicas is None else replicas


def _read_strategy(fields: Fields, kind: Kind) -> Strategy:
    """Return the strategy of a workload, by the rules with which the API server validates it.

    DaemonSets keep the settings of a rolling update beside another type; for other kinds, the API server refuses that.
    """
    rolling = fields.mapping("rollingUpdate")
    read = Strategy(
        type=fields.text("type") or ROLLING_UPDATE,
        max_unavailable=Count.read(rolling, "maxUnavailable"),
        max_surge=Count.read(rolling, "maxSurge", up_to_all=False),
        partition=rolling.natural("partition") or 0,
    )
    types = _STRATEGIES.get(kind, (read.type,))
    if read.type not in types:
        fields.reject("type", expected=" or ".join(types[:2]))
    elif read.type != ROLLING_UPDATE and kind in REPAIRED and "rollingUpdate" in fields:
        fields.reject("rollingUpdate", expected=f"no rollingUpdate beside type {read.type}")
    return read


def _read_progress(status: Fields, *, revision: str) -> Progress:
    conditions = [_Condition.read(each) for each in status.items("conditions")]
    return Progress(
        observed_generation=status.integer("observedGeneration") or 0,
        replicas=status.integer("replicas") or 0,
        updated=status.integer("updatedReplicas") or 0,
        ready=status.integer("readyReplicas") or 0,
        available=status.integer("availableReplicas") or 0,
        terminating=status.integer("terminatingReplicas") or 0,
        stalled=any(each.says("Progressing", "ProgressDeadlineExceeded") for each in conditions),
        reported_complete=any(each.says("Progressing", "NewReplicaSetAvailable") for each in conditions),
        refusal=next((each.message for each in conditions if each.says("ReplicaFailure", "FailedCreate")), ""),
        revision=status.text("currentRevision") or revision,
        newest=status.text("updateRevision") or "",
    )


class _Condition(Struct, frozen=True):
    """A condition in the status of a workload."""

    type: str
    reason: str
    message: str

    @classmethod
    def read(cls, fields: Fields) -> _Condition:
        return cls(*(fields.text(name) or "" for name in ("type", "reason", "message")))

    def says(self, kind: str, reason: str) -> bool:
        return (self.type, self.reason) == (kind, reason)


def _declared_number(ownership: Ownership) -> frozenset[str]:
    return frozenset({NUMBER_OF_PODS}) if ownership.declared("spec", NUMBER_OF_PODS) else frozenset()


def _rest(spec: Any) -> tuple[str, str]:
    """Return digests of a spec and its pod template, without everything that a repair may write."""
    if not isinstance(spec, Mapping):
        return digest(""), digest("")
    template = digest(_encoded(_rest_of_template(spec.get("template"))))
    others = {name: value for name, value in without(OF_WORKLOADS, spec).items() if name not in _DIGESTED_APART}
    return digest(_encoded(others) + template.encode()), template


def _rest_of_template(template: Any) -> Any:
    if isinstance(template, Mapping) and isinstance(template.get("spec"), Mapping):
        return {**template, "spec": _rest_of_pod(template["spec"])}
    return template


def _encoded(value: Any) -> bytes:
    """Return JSON, or a unique text if JSON cannot represent the value (other keys than strings, cycles)."""
    try:
        return msgspec.json.encode(value, order="sorted", enc_hook=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value).encode(errors="backslashreplace")


def _rest_of_pod(pod: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(pod)
    for name in ("containers", "initContainers"):
        if isinstance(rest.get(name), list):
            rest[name] = [without(OF_CONTAINERS, each) for each in rest[name]]
    return dict(without(OF_PODS, rest))
