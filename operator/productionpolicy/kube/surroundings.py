"""What stands around a workload and bears on the judgement of it: budgets, autoscalers, claims, accounts, nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.pods import HOSTNAME, ZONE
from productionpolicy.kube.resources import NO_RESOURCES, Resources, read_default_resources
from productionpolicy.kube.workloads import Workload

_SINGLE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


class Autoscaler(Struct, frozen=True):
    """A HorizontalPodAutoscaler (autoscaling/v2)."""

    namespace: str
    name: str
    target_kind: str
    target_name: str
    minimum: int
    maximum: int


class Node(Struct, frozen=True):
    """A node, as far as it matters for spreading."""

    name: str
    zone: str | None
    schedulable: bool


class Claim(Struct, frozen=True):
    """A PersistentVolumeClaim, as far as it says who can mount it."""

    namespace: str
    name: str
    access_modes: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        """Whether only one node can mount it, or only one pod."""
        return bool(self.access_modes) and set(self.access_modes) <= _SINGLE


class ServiceAccount(Struct, frozen=True):
    """A ServiceAccount, as far as it concerns the pulling of images."""

    namespace: str
    name: str
    pull_secrets: tuple[str, ...] = ()


class LimitRange(Struct, frozen=True):
    """A LimitRange, as far as it gives containers requests and limits."""

    namespace: str
    name: str
    defaults: Resources = NO_RESOURCES


def default_resources(limit_ranges: Iterable[LimitRange]) -> Resources:
    """Return what containers get by all LimitRanges of a namespace; of two defaults, that of the first name counts."""
    found = NO_RESOURCES
    for each in sorted(limit_ranges, key=lambda each: each.name):
        requests = {**each.defaults.requests, **found.requests}
        found = Resources(requests, {**each.defaults.limits, **found.limits})
    return found


class Topology(Struct, frozen=True):
    """How many places the schedulable nodes offer, by topology key."""

    places: Mapping[str, int]

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Topology:
        """Count the hosts and zones of the schedulable nodes; where no node is known, nothing is."""
        known = list(nodes)
        if not known:
            return NOWHERE
        schedulable = [each for each in known if each.schedulable]
        zones = {each.zone for each in schedulable if each.zone}
        return cls({HOSTNAME: len(schedulable), ZONE: len(zones)})


NOWHERE = Topology({})


class Surroundings(Struct, frozen=True):
    """All that bears on one workload; empty where nothing is known, as at admission."""

    budgets: tuple[Budget, ...] = ()
    """The disruption budgets that select its pods, and ours beside it even if it does not, sorted by name."""
    overlaps: tuple[str, ...] = ()
    """Other owners of pods that its selector also selects, as `Kind name`, sorted."""
    autoscaler: Autoscaler | None = None
    claims: tuple[Claim, ...] = ()
    """The persistent volume claims that it mounts by name, as far as they are known, sorted by name."""
    account: ServiceAccount | None = None
    """The service account of its pods; None where it is not known."""
    default_resources: Resources = NO_RESOURCES
    """What the LimitRanges of the namespace give to containers that do not say it."""
    topology: Topology = NOWHERE
    matches_label_keys: bool = False
    """Whether the server knows `matchLabelKeys` in pod affinity (on by default since Kubernetes 1.31)."""

    def floor(self, workload: Workload) -> int:
        """Return the least number of pods that the workload is meant to have."""
        return self.autoscaler.minimum if self.autoscaler else workload.replicas

    def ceiling(self, workload: Workload) -> int:
        """Return the greatest number of pods that the workload may be scaled to."""
        return self.autoscaler.maximum if self.autoscaler else workload.replicas

    def without_our_budgets(self) -> Surroundings:
        """Return the surroundings as the owner of the workload made them."""
        return replace(self, budgets=tuple(each for each in self.budgets if not each.ours))


ALONE = Surroundings()
"""Where nothing is known of what stands around a workload."""


def read_autoscaler(raw: Mapping[str, Any]) -> Autoscaler:
    """Return the autoscaler that a raw object holds."""
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    target = spec.mapping("scaleTargetRef")
    minimum = spec.integer("minReplicas")
    return Autoscaler(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        target_kind=target.text("kind") or "",
        target_name=target.text("name") or "",
        minimum=1 if minimum is None else minimum,
        maximum=spec.integer("maxReplicas") or 1,
    )


def read_claim(raw: Mapping[str, Any]) -> Claim:
    """Return the claim that a raw object holds."""
    fields = Fields(raw)
    metadata = fields.mapping("metadata")
    return Claim(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        access_modes=fields.mapping("spec").texts("accessModes"),
    )


def read_service_account(raw: Mapping[str, Any]) -> ServiceAccount:
    """Return the service account that a raw object holds."""
    fields = Fields(raw)
    metadata = fields.mapping("metadata")
    return ServiceAccount(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        pull_secrets=tuple(each.text("name") or "" for each in fields.items("imagePullSecrets")),
    )


def read_limit_range(raw: Mapping[str, Any]) -> LimitRange:
    """Return the limit range that a raw object holds."""
    fields = Fields(raw)
    metadata = fields.mapping("metadata")
    return LimitRange(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        defaults=read_default_resources(fields.mapping("spec")),
    )


def read_node(raw: Mapping[str, Any]) -> Node:
    """Return the node that a raw object holds; a cordoned, tainted or unready one takes no ordinary pod."""
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    barred = any(taint.text("effect") in {"NoSchedule", "NoExecute"} for taint in spec.items("taints"))
    return Node(
        name=metadata.text("name") or "",
        zone=metadata.text_map("labels").get(ZONE),
        schedulable=not spec.boolean("unschedulable") and not barred,
    )
