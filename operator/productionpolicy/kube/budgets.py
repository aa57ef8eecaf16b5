"""PodDisruptionBudgets (policy/v1) and the arithmetic of what they allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.counts import Count
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.selectors import Labels, Selector

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "productionpolicy"
EVICTION_POLICY = "AlwaysAllow"


class Budget(Struct, frozen=True):
    """A PodDisruptionBudget."""

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
    deadlocked: bool = False
    """Whether its controller has seen it and, with all pods healthy, allows no eviction or cannot compute it."""

    @property
    def ours(self) -> bool:
        """Whether we made it: it has our label and an owner reference, and no one else's would."""
        return (MANAGED_BY, OURS) in self.labels and bool(self.owner_uids)

    def like(self, other: Budget) -> bool:
        """Say whether the two differ in nothing but the moment at which they were seen."""
        return replace(self, resource_version="") == replace(other, resource_version="")

    def selects(self, labels: Labels) -> bool:
        """Say whether it is about pods with these labels; without a selector it is about none."""
        return self.selector is not None and self.selector.matches(labels)

    def allowed_disruptions(self, pods: int) -> int:
        """Return how many of `pods` healthy pods may be evicted at once. Percentages of both kinds round up.

        A budget with neither field allows none: its controller counts no pods for it.
        """
        if self.max_unavailable is not None:
            return min(pods, self.max_unavailable.rounded_up(pods))
        if self.min_available is not None:
            return max(0, pods - self.min_available.rounded_up(pods))
        return 0

    @property
    def protects_nothing(self) -> bool:
        """Whether it allows everything at any number of pods: minAvailable 0, or maxUnavailable 100%."""
        floor, ceiling = self.min_available, self.max_unavailable
        return (floor is not None and floor.value == 0) or (ceiling == Count(100, percent=True))

    @property
    def terms(self) -> str:
        """What it asks for, as a person would write it."""
        if self.max_unavailable is not None:
            return f"maxUnavailable {self.max_unavailable}"
        if self.min_available is not None:
            return f"minAvailable {self.min_available}"
        return "neither minAvailable nor maxUnavailable"


def read_budget(raw: Mapping[str, Any]) -> Budget:
    """Return the budget that a raw object holds."""
    fields = Fields(raw)
    metadata, spec = fields.mapping("metadata"), fields.mapping("spec")
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
        deadlocked=_deadlocked(fields.mapping("status"), generation=metadata.integer("generation") or 0),
    )


def _deadlocked(status: Fields, *, generation: int) -> bool:
    failed = any(_says_failed(each) for each in status.items("conditions"))
    seen = (status.integer("observedGeneration") or 0) >= generation > 0
    expected, healthy = status.integer("expectedPods") or 0, status.integer("currentHealthy") or 0
    return seen and (failed or (0 < expected <= healthy and not status.integer("disruptionsAllowed")))


def _says_failed(condition: Fields) -> bool:
    return condition.text("type") == "DisruptionAllowed" and condition.text("reason") == "SyncFailed"
