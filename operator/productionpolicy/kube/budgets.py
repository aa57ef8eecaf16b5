"""PodDisruptionBudgets (policy/v1), and how many evictions they allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.counts import Count
from productionpolicy.kube.fields import Fields, Unreadable
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.selectors import Labels, Selector
from productionpolicy.kube.workloads import reject_nameless

BUDGET = GroupKind("policy", "PodDisruptionBudget")
EVICTION_POLICY = "AlwaysAllow"
_EVICTION_POLICIES = (EVICTION_POLICY, "IfHealthyBudget")


class Budget(Ownable, Struct, frozen=True):
    """A PodDisruptionBudget, with the fields that are judged."""

    namespace: str
    name: str
    selector: Selector | None
    min_available: Count | None = None
    max_unavailable: Count | None = None
    eviction_policy: str | None = None
    uid: str = ""
    resource_version: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    owner_uids: tuple[str, ...] = ()
    deleting: bool = False
    sync_failed: bool = False
    """Whether the disruption controller cannot compute it, and so allows no eviction."""
    deadlocked: bool = False
    """Whether the disruption controller cannot compute it, or allows no eviction although all pods are healthy."""
    unreadable: tuple[Unreadable, ...] = ()
    """Why the API server rejects it, which is possible only in a file. It then counts as missing."""

    def like(self, other: Budget) -> bool:
        """Return whether the two differ only in their resource version."""
        return replace(self, resource_version="") == replace(other, resource_version="")

    def selects(self, labels: Labels) -> bool:
        """Return whether it selects pods with these labels; without a selector it selects none."""
        return self.selector is not None and self.selector.matches(labels)

    def allowed_disruptions(self, pods: int) -> int:
        """Return how many of `pods` healthy pods may be evicted at once. Percentages of both kinds round up."""
        return self.disruptions_allowed(expected=pods, healthy=pods)

    def disruptions_allowed(self, *, expected: int, healthy: int) -> int:
        """Return `status.disruptionsAllowed`, as the disruption controller computes it.

        A budget with neither field allows none, because the disruption controller counts no pods for it.

        Args:
            expected: the sum of the scales of the owners of the pods, or the number of pods; see `needs_scale`.
            healthy: how many pods are ready and not terminating.
        """
        if expected <= 0 or (self.max_unavailable is None and self.min_available is None):
            return 0
        return max(0, healthy - self.desired_healthy(expected))

    def desired_healthy(self, expected: int) -> int:
        """Return `status.desiredHealthy`: how many of the expected pods must stay healthy."""
        if self.max_unavailable is not None:
            return max(0, expected - self.max_unavailable.rounded_up(expected))
        return self.min_available.rounded_up(expected) if self.min_available is not None else 0

    @property
    def title(self) -> str:
        """Its kind and name, for people."""
        return f"{BUDGET.kind} {self.name or '(no name)'}"

    def may_join(self, other: Budget) -> bool:
        """Return whether both may be in one namespace; a file may leave the namespace open."""
        return self.namespace == other.namespace or not (self.namespace and other.namespace)

    @property
    def needs_scale(self) -> bool:
        """Whether the disruption controller adds up the scales of all owners of the pods, so that each must have one.

        For a minAvailable that is a whole number, it counts the pods instead.
        """
        return self.min_available is None or self.min_available.percent

    @property
    def terms(self) -> str:
        """Its minAvailable or maxUnavailable, for messages."""
        if self.max_unavailable is not None:
            return f"maxUnavailable {self.max_unavailable}"
        if self.min_available is not None:
            return f"minAvailable {self.min_available}"
        return "neither minAvailable nor maxUnavailable"


def read_budget(raw: Mapping[str, Any]) -> Budget:
    """Return the budget in a raw object.

    A failed sync does not update the observed generation, so its condition counts for every generation.
    """
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
    reject_nameless(metadata)
    read = _read_budget(metadata, spec, fields.mapping("status"))
    if "minAvailable" not in spec and "maxUnavailable" not in spec:
        spec.reject_unknown("minAvailable", "maxUnavailable", "selector", "unhealthyPodEvictionPolicy")
    if read.eviction_policy not in {None, *_EVICTION_POLICIES}:
        spec.reject("unhealthyPodEvictionPolicy", expected=" or ".join(_EVICTION_POLICIES))
    return replace(read, unreadable=(*fields.problems, *_refused(spec)))


def _read_budget(metadata: Fields, spec: Fields, status: Fields) -> Budget:
    generation, failed = metadata.integer("generation") or 0, any(map(_says_failed, status.items("conditions")))
    return Budget(
        namespace=metadata.text("namespace") or "",
        name=metadata.text("name") or "",
        selector=Selector.read(spec, "selector"),
        min_available=Count.read(spec, "minAvailable"),
        max_unavailable=Count.read(spec, "maxUnavailable"),
        eviction_policy=spec.text("unhealthyPodEvictionPolicy"),
        uid=metadata.text("uid") or "",
        resource_version=metadata.text("resourceVersion") or "",
        labels=tuple(sorted(metadata.text_map("labels").items())),
        owner_uids=tuple(each.text("uid") or "" for each in metadata.items("ownerReferences")),
        deleting="deletionTimestamp" in metadata,
        sync_failed=failed,
        deadlocked=failed or _blocks_healthy(status, generation=generation),
    )


def _blocks_healthy(status: Fields, *, generation: int) -> bool:
    seen = (status.integer("observedGeneration") or 0) >= generation > 0
    expected, healthy = status.integer("expectedPods") or 0, status.integer("currentHealthy") or 0
    return seen and 0 < expected <= healthy and not status.integer("disruptionsAllowed")


def _says_failed(condition: Fields) -> bool:
    return condition.text("type") == "DisruptionAllowed" and condition.text("reason") == "SyncFailed"


def _refused(spec: Fields) -> Iterator[Unreadable]:
    """Return why the API server refuses fields with readable values."""
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield Unreadable(
            path="spec.maxUnavailable", message="is set together with minAvailable: they are mutually exclusive"
        )
