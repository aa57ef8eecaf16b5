"""The objects around a workload that affect its evaluation: budgets, autoscalers, claims, service accounts, nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import FunctionType, MethodType
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.budgets import BUDGET, Budget
from productionpolicy.kube.fields import Fields, Unreadable, shown
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.pods import HOSTNAME, NODE_NAME, PodTemplate
from productionpolicy.kube.resources import NO_RESOURCES, Resources, read_default_resources
from productionpolicy.kube.selectors import Labels
from productionpolicy.kube.unjudged import UnjudgedPods
from productionpolicy.kube.workloads import UNSCALED, WORKLOADS, Kind, Workload, api_version_of, reject_nameless

_ONE_POD = "ReadWriteOncePod"
_SINGLE = frozenset({"ReadWriteOnce", _ONE_POD})
AUTOSCALER = GroupKind("autoscaling", "HorizontalPodAutoscaler")
SCALED_OBJECT = GroupKind("keda.sh", "ScaledObject")
_MOST_BY_KEDA = 100
"""KEDA's default for maxReplicaCount."""
_ABOVE_0 = "a whole number above 0"
_SHARED = {each: each for each in WORKLOADS}


class ServerFeatures(Struct, frozen=True):
    """The features that an API server honors. Files are judged by the newest release; the default has no feature."""

    matches_label_keys: bool = True
    """Whether it supports `matchLabelKeys` in pod affinity (on by default since Kubernetes 1.31)."""
    max_unavailable_of_sets: bool = True
    """Whether rollouts of StatefulSets honor `maxUnavailable`; otherwise they replace one pod at a time. It is on by
    default since Kubernetes 1.37, and was from 1.35.0 to 1.35.3."""

    @classmethod
    def of(cls, version: tuple[int, ...]) -> ServerFeatures:
        """Return the default features of a version (major, minor, patch)."""
        return cls(
            matches_label_keys=version >= (1, 31, 0),
            max_unavailable_of_sets=version >= (1, 37, 0) or (1, 35, 0) <= version < (1, 35, 4),
        )


UNKNOWN_SERVER = ServerFeatures(matches_label_keys=False, max_unavailable_of_sets=False)


class Autoscaler(Struct, frozen=True):
    """A HorizontalPodAutoscaler (autoscaling/v2), or a KEDA ScaledObject, which creates one."""

    namespace: str
    name: str
    target: GroupKind
    """The kind of its target. The autoscaler's controller ignores the version in scaleTargetRef.apiVersion."""
    target_name: str
    minimum: int
    maximum: int
    kind: GroupKind = AUTOSCALER
    unreadable: tuple[Unreadable, ...] = ()
    """Why the API server rejects it, which is possible only in a file. It then counts as missing."""

    @property
    def title(self) -> str:
        """Its kind and name, for people."""
        return f"{self.kind.kind} {self.name}"

    @property
    def misdirected(self) -> bool:
        """Whether its target is of another group than the workload that has the kind and name of its target.

        Its controller finds no such target (FailedGetScale, kubernetes/kubernetes#86032), so it does not scale the
        workload until scaleTargetRef.apiVersion is corrected.
        """
        return self.target not in WORKLOADS

    @property
    def effective(self) -> bool:
        """Whether it scales a workload that has the kind and name of its target."""
        return not self.unreadable and not self.misdirected

    @property
    def correction(self) -> str:
        """How to let it scale the workload that has the kind and name of its target, for people."""
        if self.misdirected:
            return f"set scaleTargetRef.apiVersion of {self.title} to {api_version_of(self.target.kind)}"
        return f"correct {self.title}, which the API server rejects"

    @property
    def minimum_field(self) -> str:
        """The name of the field with the minimum."""
        return "minReplicaCount" if self.kind == SCALED_OBJECT else "minReplicas"


class Node(Struct, frozen=True):
    """A node, with the fields that matter for spreading."""

    name: str
    labels: Labels
    schedulable: bool

    def is_chosen(self, template: PodTemplate) -> bool:
        """Return whether a pod template allows the node, regardless of taints; false if that is not known."""
        labels = {**self.labels, NODE_NAME: self.name}
        return any(each.matches(labels) for each in template.nodes or ())


class Claim(Struct, frozen=True):
    """A PersistentVolumeClaim, with its access modes."""

    namespace: str
    name: str
    access_modes: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        """Whether only one node can mount it, or only one pod."""
        return bool(self.access_modes) and set(self.access_modes) <= _SINGLE

    @property
    def of_one_pod(self) -> bool:
        """Whether only one pod can mount it."""
        return set(self.access_modes) == {_ONE_POD}


class ServiceAccount(Struct, frozen=True):
    """A ServiceAccount, with its image pull secrets."""

    namespace: str
    name: str
    pull_secrets: tuple[str, ...] = ()


class LimitRange(Struct, frozen=True):
    """A LimitRange, with its default requests and limits for containers."""

    namespace: str
    name: str
    defaults: Resources = NO_RESOURCES


def default_resources(limit_ranges: Iterable[LimitRange]) -> Resources:
    """Return the defaults of all LimitRanges of a namespace; of two defaults, that of the first name counts."""
    found = NO_RESOURCES
    for each in sorted(limit_ranges, key=lambda each: (each.name, each.namespace)):
        requests = {**each.defaults.requests, **found.requests}
        found = Resources(requests, {**each.defaults.limits, **found.limits})
    return found


class Topology(Struct, frozen=True):
    """The topology domains of the schedulable nodes."""

    places: Mapping[str, int]
    """The number of domains by topology key; each node is a host."""
    carried: frozenset[str] = frozenset()
    """The labels that all schedulable nodes carry."""
    known: bool = True
    """Whether the nodes are known."""

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Topology:
        """Return the topology of the schedulable nodes; unknown if there is no node."""
        known = list(nodes)
        if not known:
            return NOWHERE
        schedulable = [each for each in known if each.schedulable]
        values: defaultdict[str, list[str]] = defaultdict(list)
        for key, value in (pair for each in schedulable for pair in each.labels.items()):
            values[key].append(value)
        places = {key: len(set(found)) for key, found in sorted(values.items())}
        carried = {key for key, found in values.items() if len(found) == len(schedulable)}
        return cls({**places, HOSTNAME: len(schedulable)}, frozenset({*carried, HOSTNAME}))

    def holds(self, key: str) -> int:
        """Return the number of domains for a topology key."""
        return self.places.get(key, 0)

    def is_one_place(self, key: str) -> bool:
        """Return whether all schedulable nodes are in the same domain."""
        return key in self.carried and self.holds(key) == 1


NOWHERE = Topology({}, known=False)


class Reach(Struct, frozen=True):
    """The pods that a budget selects, across all workloads."""

    pods: int
    """The minimum number of pods of the Deployments and StatefulSets: the sum of their floors."""
    most: int
    """The highest of their floors."""
    workloads: int = 1
    """The number of these workloads."""
    unscaled: tuple[str, ...] = ()
    """The Jobs, CronJobs and DaemonSets, which have no scale, as `Kind name`, sorted."""
    complete: bool = True
    """Whether there are no other pods: it is not known how many a DaemonSet has, or a controller that is not judged.
    The pods of Jobs do not count, because they end."""

    @classmethod
    def over(
        cls, selected: Iterable[tuple[Workload, Autoscaler | None]], unjudged: Iterable[UnjudgedPods] = ()
    ) -> Reach:
        """Return the total of the workloads that a budget selects.

        If all autoscalers have a minimum of 0, the total is 1, because the budget matters whenever there is a pod.

        Args:
            selected: the workloads, each with its autoscaler.
            unjudged: the other pods that it selects.
        """
        others = list(unjudged)
        known = [each for each in selected if not each[0].passing]
        scaled = [each for each in known if each[0].kind not in UNSCALED]
        autoscaled = any(autoscaler for _, autoscaler in scaled)
        floors = [floor_of(workload, autoscaler) for workload, autoscaler in scaled]
        names = {f"{each.kind} {each.key.name}" for each, _ in known if each.kind in UNSCALED}
        names |= {str(each.controller) for each in others if each.unscaled}
        daemons = any(each.kind is Kind.DAEMON_SET for each, _ in known)
        return cls(
            pods=sum(floors) or int(autoscaled),
            workloads=len(scaled),
            most=max(floors, default=0),
            unscaled=tuple(sorted(names)),
            complete=not daemons and all(each.ending for each in others),
        )


def floor_of(workload: Workload, autoscaler: Autoscaler | None) -> int:
    """Return the minimum number of pods that a workload is meant to have."""
    return autoscaler.minimum if autoscaler else workload.replicas


class Surroundings(Struct, frozen=True):
    """All objects that affect one workload; empty if they are not known, as at admission."""

    budgets: tuple[Budget, ...] = ()
    """The disruption budgets that select its pods, and always the operator's own for it, sorted by name."""
    owned: Mapping[GroupKind, Ownable] = {}
    """The objects that the operator created for it, by kind; see `without_owned`."""
    reaches: Mapping[Budget, Reach] = {}
    """The reach of each budget."""
    overlaps: tuple[str, ...] = ()
    """Other owners of pods that its selector also matches, judged or not, as `Kind name`, sorted; without bare pods."""
    passing: tuple[str, ...] = ()
    """Those that exist only for a short time, and so do not prevent a budget."""
    rivals: tuple[str, ...] = ()
    """Budgets of others that select pods of these, sorted by name."""
    autoscaler: Autoscaler | None = None
    faulty_autoscaler: Autoscaler | None = None
    """An autoscaler that is meant for it, but has no effect until a person corrects it."""
    claims: tuple[Claim, ...] = ()
    """The known persistent volume claims that it mounts by name, sorted by name."""
    account: ServiceAccount | None = None
    """The service account of its pods; None if it is not known."""
    default_resources: Resources = NO_RESOURCES
    """The defaults of the LimitRanges of the namespace for containers."""
    topology: Topology = NOWHERE
    server: ServerFeatures = UNKNOWN_SERVER
    """The features that the API server honors."""
    unread: Mapping[GroupKind, str] = {}
    """The kinds of which objects may be missing here because they could not be read, with the reasons."""

    def floor(self, workload: Workload) -> int:
        """Return the minimum number of pods that the workload is meant to have."""
        return floor_of(workload, self.autoscaler)

    def ceiling(self, workload: Workload) -> int:
        """Return the maximum number of pods that the workload may be scaled to."""
        return self.autoscaler.maximum if self.autoscaler else workload.replicas

    def switched_off(self, workload: Workload) -> bool:
        """Return whether its owner has scaled it to zero."""
        return self.ceiling(workload) == 0

    def claims_of_one(self, workload: Workload) -> tuple[Claim, ...]:
        """Return the claims that certainly cannot be mounted by a second pod, or by a pod on another node.

        Pods that all run on one node may share a claim that only one node can mount.
        """
        if not workload.template.claims:
            return ()
        return tuple(each for each in self.claims if (each.of_one_pod if workload.template.pinned else each.single))

    def claim_in_the_way(self, workload: Workload) -> str | None:
        """Return the name of a claim that pods on several nodes may not be able to mount, or None."""
        if not workload.template.claims:
            return None
        shared = {each.name for each in self.claims if each.access_modes and not each.single}
        return next((name for name in workload.template.claims if name not in shared), None)

    def reach(self, budget: Budget, workload: Workload) -> Reach:
        """Return the reach of a budget that selects the pods of the workload."""
        return self.reaches.get(budget) or Reach.over([(workload, self.autoscaler)])

    def holds_owned(self, kind: GroupKind) -> bool:
        """Return whether an object of the kind that the operator created for it exists and is not being deleted."""
        live = self.owned.get(kind)
        return live is not None and not live.deleting

    def without_owned(self) -> Surroundings:
        """Return the surroundings without the objects that the operator created for the workload, except in `owned`."""
        if not self.owned:
            return self
        return replace(self, budgets=tuple(each for each in self.budgets if each not in self.owned.values()))


_PODS = frozenset(WORKLOADS) - {GroupKind("", "Pod")}
_SCALERS = frozenset({AUTOSCALER})
_RESTS_ON: Mapping[str, frozenset[GroupKind]] = {
    "budgets": frozenset({BUDGET}),
    "owned": frozenset({BUDGET}),
    "reaches": _PODS | _SCALERS | {BUDGET},
    "overlaps": _PODS,
    "passing": _PODS,
    "rivals": _PODS | {BUDGET},
    "autoscaler": _SCALERS,
    "faulty_autoscaler": _SCALERS,
    "claims": frozenset({GroupKind("", "PersistentVolumeClaim")}),
    "account": frozenset({GroupKind("", "ServiceAccount")}),
    "default_resources": frozenset({GroupKind("", "LimitRange")}),
    "topology": frozenset({GroupKind("", "Node")}),
    "server": frozenset(),
    "unread": frozenset(),
}
"""The kinds from which each field of the surroundings comes."""


class Consulted:
    """Surroundings that remember which of their fields were used, and so on which kinds a result rests.

    A result that used no field of an unread kind is the same with any objects of that kind, because results depend on
    nothing but what they use.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._used: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(Surroundings, name)
        if isinstance(attribute, FunctionType):
            return MethodType(attribute, self)
        self._used.add(name)
        return getattr(self._around, name)

    @property
    def view(self) -> Surroundings:
        """The same, for functions that take surroundings."""
        return cast("Surroundings", self)

    @property
    def missing(self) -> dict[GroupKind, str]:
        """The unread kinds on which the result rests so far, with the reasons."""
        used = frozenset().union(*(_RESTS_ON[each] for each in self._used))
        return {kind: reason for kind, reason in self._around.unread.items() if kind in used}


ALONE = Surroundings()
"""The surroundings if nothing is known about them."""


def read_autoscaler(raw: Mapping[str, Any]) -> Autoscaler:
    """Return the autoscaler in a raw object."""
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    reject_nameless(metadata)
    target = _read_target(spec, "kind", "name")
    if "scaleTargetRef" in spec and "maxReplicas" not in spec:
        spec.reject_absent("maxReplicas", expected=_ABOVE_0)
    minimum, maximum = _read_bounds(spec, "minReplicas", "maxReplicas", expected=_ABOVE_0)
    minimum = 1 if minimum is None else minimum
    # For a minimum of 0, KEDA also creates an autoscaler with 1 and scales to 0 itself, so 1 does not mean a pod stays.
    by_keda = any(each.text("kind") == SCALED_OBJECT.kind for each in metadata.items("ownerReferences"))
    return Autoscaler(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        target=_target_kind(target.text("apiVersion") or "", target.text("kind") or ""),
        target_name=target.text("name") or "",
        minimum=0 if by_keda and minimum == 1 else minimum,
        maximum=1 if maximum is None else maximum,
        unreadable=fields.problems,
    )


def read_scaled_object(raw: Mapping[str, Any]) -> Autoscaler:
    """Return the autoscaler that KEDA creates for a raw ScaledObject (keda.sh/v1alpha1)."""
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    reject_nameless(metadata)
    target = _read_target(spec, "name")
    minimum, maximum = _read_bounds(
        spec, "minReplicaCount", "maxReplicaCount", expected="a whole number from 0", default_maximum=_MOST_BY_KEDA
    )
    return Autoscaler(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        target=_target_kind(target.text("apiVersion") or "apps/v1", target.text("kind") or "Deployment"),
        target_name=target.text("name") or "",
        minimum=minimum or 0,
        maximum=_MOST_BY_KEDA if maximum is None else maximum,
        kind=SCALED_OBJECT,
        unreadable=fields.problems,
    )


def _read_target(spec: Fields, *required: str) -> Fields:
    """Return the fields that name the target of an autoscaler; a patch of an autoscaler may leave out all of them."""
    target = spec.mapping("scaleTargetRef")
    for name in required:
        if "scaleTargetRef" in spec and name not in target:
            target.reject_absent(name, expected=f"the {name} of a workload")
    return target


def _target_kind(api_version: str, kind: str) -> GroupKind:
    """Return the kind of a target; the kinds of workloads are shared, because there may be many autoscalers."""
    found = GroupKind.served_as(api_version, kind)
    return _SHARED.get(found, found)


def _read_bounds(
    spec: Fields, least: str, most: str, *, expected: str, default_maximum: int | None = None
) -> tuple[int | None, int | None]:
    """Return the minimum and the maximum of an autoscaler, or None for each that is absent.

    The maximum is above 0 even if the minimum may be 0: KEDA scales to 0 itself, and creates an autoscaler from 1.
    """
    minimum, maximum = spec.integer(least), spec.integer(most)
    highest = default_maximum if maximum is None else maximum
    if maximum is not None and maximum < 1:
        spec.reject(most, expected=_ABOVE_0)
    if minimum is not None and minimum < 0:
        spec.reject(least, expected=expected)
    elif minimum is not None and highest is not None and 0 < highest < minimum:
        spec.reject(least, expected=f"a number up to {most} {shown(highest)}")
    return minimum, maximum


def read_claim(raw: Mapping[str, Any]) -> Claim:
    """Return the claim in a raw object."""
    fields = Fields(raw)
    metadata = fields.mapping("metadata")
    return Claim(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        access_modes=fields.mapping("spec").texts("accessModes"),
    )


def read_service_account(raw: Mapping[str, Any]) -> ServiceAccount:
    """Return the service account in a raw object."""
    fields = Fields(raw)
    metadata = fields.mapping("metadata")
    return ServiceAccount(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        pull_secrets=tuple(each.text("name") or "" for each in fields.items("imagePullSecrets")),
    )


def read_limit_range(raw: Mapping[str, Any]) -> LimitRange:
    """Return the limit range in a raw object."""
    fields = Fields(raw)
    metadata = fields.mapping("metadata")
    return LimitRange(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        defaults=read_default_resources(fields.mapping("spec")),
    )


def read_node(raw: Mapping[str, Any]) -> Node:
    """Return the node in a raw object; a cordoned, tainted or unready node accepts no ordinary pods."""
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    barred = any(taint.text("effect") in {"NoSchedule", "NoExecute"} for taint in spec.items("taints"))
    return Node(
        name=metadata.text("name") or "",
        labels=metadata.text_map("labels"),
        schedulable=not spec.boolean("unschedulable") and not barred,
    )
