"""The disruption budgets while pods come and go, and the answer of the eviction API for a pod."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from productionpolicy.drain.cluster import Cluster, Controller, KnownBudget, Owner, Pod
from productionpolicy.kube.budgets import EVICTION_POLICY
from productionpolicy.kube.selectors import SelectorIndex
from productionpolicy.kube.workloads import UNSCALED, WORKLOADS

_SCALED = frozenset({("apps", "ReplicaSet"), ("apps", "StatefulSet"), ("", "ReplicationController")})
_UNSCALED = frozenset({("", "Node"), *((each.group, each.kind) for each in WORKLOADS if each.kind in UNSCALED)})
"""A node is the owner of its static pods."""

TWO_BUDGETS = "more than one budget selects it, so the eviction API returns an error"


class Refusal(Struct, frozen=True):
    """Why the eviction API does not evict a pod."""

    reason: str
    budgets: tuple[str, ...] = ()
    permanent: bool = False
    """Whether kubectl gives the pod up: it repeats only a refusal by a budget."""
    unknown: bool = False
    """Whether the answer is not known."""


class Guarded:
    """A budget and the pods that it selects now."""

    __slots__ = ("healthy", "known", "owners", "pods")

    def __init__(self, known: KnownBudget) -> None:
        self.known = known
        self.pods = 0
        self.healthy = 0
        self.owners: Counter[Owner] = Counter()

    @property
    def title(self) -> str:
        """The name as `namespace/name`."""
        return f"{self.known.budget.namespace}/{self.known.budget.name}"


class Protection:
    """All budgets of a cluster. The disruption controller is assumed to be up to date, as it soon is."""

    def __init__(self, cluster: Cluster) -> None:
        self._controllers = cluster.controllers
        self._complete = not {"replicasets.apps", "deployments.apps", "statefulsets.apps"} & set(cluster.unread)
        self._indexes: dict[str, SelectorIndex[int]] = {}
        self._budgets = [Guarded(each) for each in cluster.budgets]
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], list[Guarded]] = {}
        for number, guarded in enumerate(self._budgets):
            budget = guarded.known.budget
            if budget.selector is not None and not budget.unreadable:
                self._indexes.setdefault(budget.namespace, SelectorIndex()).put(number, budget.selector)

    def of(self, pod: Pod) -> list[Guarded]:
        """Return the budgets that select a pod."""
        key = (pod.namespace, pod.labels)
        found = self._known.get(key)
        if found is None:
            index = self._indexes.get(pod.namespace)
            numbers = index.selecting(dict(pod.labels)) if index else ()
            found = self._known[key] = [self._budgets[each] for each in sorted(numbers)]
        return found

    def add(self, pod: Pod, *, ready: bool) -> None:
        """Count a new pod."""
        self._count(pod, 1, ready=ready)

    def remove(self, pod: Pod, *, ready: bool) -> None:
        """Count a pod no more."""
        self._count(pod, -1, ready=ready)

    def become_ready(self, pod: Pod) -> None:
        """Count a pod as healthy."""
        for guarded in self.of(pod):
            guarded.healthy += 1

    def _count(self, pod: Pod, number: int, *, ready: bool) -> None:
        for guarded in self.of(pod):
            guarded.pods += number
            guarded.healthy += number * ready
            if pod.owner is not None:
                guarded.owners[pod.owner] += number

    def refusal(self, pod: Pod, *, ready: bool, phase: str) -> Refusal | None:
        """Return why the eviction API refuses a pod; None if it evicts it.

        The API server deletes finished, pending and terminating pods without looking at budgets. It answers with an
        error if two budgets select a pod. A pod that is not ready goes if its budget says AlwaysAllow, or if the
        budget has the healthy pods that it wants. All other pods need a disruption that is allowed.
        """
        if phase not in {"Running", "Unknown"}:
            return None
        budgets = self.of(pod)
        if len(budgets) > 1:
            return Refusal(TWO_BUDGETS, tuple(each.title for each in budgets), permanent=True)
        return self._refused_by(budgets[0], ready=ready) if budgets else None

    def _refused_by(self, guarded: Guarded, *, ready: bool) -> Refusal | None:
        budget, named = guarded.known.budget, (guarded.title,)
        if not ready and budget.eviction_policy == EVICTION_POLICY:
            return None
        expected = self._expected(guarded)
        if isinstance(expected, Refusal):
            # A failed sync leaves the numbers of healthy pods in the status as they were after the last good one.
            return None if not ready and guarded.known.met and not expected.unknown else expected
        desired = budget.desired_healthy(expected)
        if not ready and guarded.healthy >= desired > 0:
            return None
        if budget.disruptions_allowed(expected=expected, healthy=guarded.healthy) > 0:
            return None
        return Refusal(
            f"the budget {budget.name} ({budget.terms}) needs {desired} healthy pods and has {guarded.healthy}", named
        )

    def allowed(self, guarded: Guarded) -> int:
        """Return how many disruptions a budget allows; none if that cannot be computed."""
        expected = self._expected(guarded)
        if isinstance(expected, Refusal):
            return 0
        return guarded.known.budget.disruptions_allowed(expected=expected, healthy=guarded.healthy)

    def _expected(self, guarded: Guarded) -> int | Refusal:
        """Return how many pods a budget expects, or why this cannot be computed."""
        budget, named = guarded.known.budget, (guarded.title,)
        if not budget.needs_scale:
            return guarded.pods
        owners = [each for each, number in guarded.owners.items() if number > 0]
        unscaled = sorted(f"{each.kind} {each.name}" for each in owners if (each.group, each.kind) in _UNSCALED)
        if unscaled:
            return Refusal(
                f"the budget {budget.name} ({budget.terms}) cannot be computed, because it also selects the pods of "
                f"{unscaled[0]}, which has no scale",
                named,
            )
        scales = {found.uid: found.replicas for found in map(self._scaled, owners) if found is not None}
        unseen = [each for each in owners if self._scaled(each) is None]
        if not unseen:
            return sum(scales.values())
        return self._guessed(guarded, unseen)

    def _guessed(self, guarded: Guarded, unseen: Iterable[Owner]) -> int | Refusal:
        """Return what the status says if a scale is not known. A missing owner of a known kind is an error."""
        budget, named = guarded.known.budget, (guarded.title,)
        gone = next((each for each in unseen if (each.group, each.kind) in _SCALED), None)
        if gone is not None and self._complete:
            reason = f"cannot be computed, because {gone.kind} {gone.name}, which owns a pod, does not exist"
            return Refusal(f"the budget {budget.name} ({budget.terms}) {reason}", named)
        owner = next(iter(unseen))
        if budget.sync_failed:
            reason = f"cannot be computed (SyncFailed), and the scale of {owner.kind} {owner.name} is not known"
            return Refusal(f"the budget {budget.name} ({budget.terms}) {reason}", named)
        if guarded.known.expected is not None:
            return guarded.known.expected
        return Refusal(f"the scale of {owner.kind} {owner.name} is not known", named, unknown=True)

    def _scaled(self, owner: Owner) -> Controller | None:
        """Return the controller whose scale counts: for a ReplicaSet of a Deployment that of the Deployment."""
        found = self._controllers.get(owner.uid)
        if found is None or (owner.group, owner.kind) not in _SCALED:
            return None
        if found.owner is not None and found.owner.kind == "Deployment":
            return self._controllers.get(found.owner.uid, found)
        return found
