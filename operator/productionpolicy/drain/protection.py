"""The disruption budgets while pods come and go, and the answer of the eviction API for a pod."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from productionpolicy.drain.cluster import OUT_OF_SERVICE, Cluster, Controller, KnownBudget, Owner, Pod
from productionpolicy.kube.budgets import EVICTION_POLICY
from productionpolicy.kube.selectors import SelectorIndex
from productionpolicy.kube.workloads import UNSCALED_KINDS
from productionpolicy.page.part import counted

_SCALED = frozenset({("apps", "ReplicaSet"), ("apps", "StatefulSet"), ("", "ReplicationController")})
_UNSCALED = frozenset({("", "Node"), *((each.group, each.kind) for each in UNSCALED_KINDS)})
"""A node is the owner of its static pods."""

TWO_BUDGETS = "more than one budget selects it, so the eviction API returns an error"


class Cause(StrEnum):
    """What keeps a pod on its node; the value is the remedy."""

    TWO_BUDGETS = "keep one of the budgets and delete the others"
    UNCOMPUTABLE = "let the budget select only other pods, or give it a minAvailable that is a whole number"
    """An owner of its pods has no scale. It does not help to replace a percentage by maxUnavailable."""
    UNKNOWN = "see status.disruptionsAllowed of the budget; a minAvailable that is a whole number needs no scale"
    NO_TERMS = "give the budget maxUnavailable: 1"
    NO_SCALE = "give the budget a minAvailable that is a whole number below the number of its pods"
    """Only the pods themselves can be counted."""
    SCALED_TO_ZERO = "wait until the controllers have deleted the pods"
    UNREADY = "repair the pods that are not ready, or set unhealthyPodEvictionPolicy: AlwaysAllow in the budget"
    """The pod is not ready, and the budget would let it go if all were."""
    UNREADY_AND_STRICT = "set unhealthyPodEvictionPolicy: AlwaysAllow in the budget"
    """The pod is not ready, and the budget would not let it go if it were, either."""
    OTHERS_UNREADY = "repair the pods that are not ready"
    """The pod is ready. AlwaysAllow lets only the others go."""
    STRICT = "use maxUnavailable: 1 in the budget, or a minAvailable below the number of pods"
    """The budget allows no eviction although all pods are ready."""
    SINGLE = "use maxUnavailable: 1 in the budget and run at least two pods that are ready"
    """The same, of a single pod."""
    SILENT_NODE = f"bring the node back, or add the taint {OUT_OF_SERVICE} if it is off, or delete the Node"
    """The pod is deleted, but does not end."""
    FINALIZER = "let the controller that owns the finalizer remove it"


class Refusal(Struct, frozen=True):
    """Why the eviction API does not evict a pod."""

    reason: str
    cause: Cause
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

    def refuses(self, reason: str, cause: Cause) -> Refusal:
        """Return the refusal of this budget; the reason follows its name."""
        budget = self.known.budget
        return Refusal(f"the budget {budget.name} ({budget.terms}) {reason}", cause, (self.title,))


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
            return Refusal(TWO_BUDGETS, Cause.TWO_BUDGETS, tuple(each.title for each in budgets), permanent=True)
        return self._refused_by(budgets[0], ready=ready) if budgets else None

    def _refused_by(self, guarded: Guarded, *, ready: bool) -> Refusal | None:
        budget = guarded.known.budget
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
        nothing = _expects_nothing(guarded, expected)
        if nothing is not None:
            return nothing
        enough = f"needs {counted(desired, 'healthy pod')} and has {guarded.healthy}"
        reason = enough if desired else "allows no eviction while no pod is ready"
        return guarded.refuses(reason, self._cause(guarded, expected, ready=ready))

    def _cause(self, guarded: Guarded, expected: int, *, ready: bool) -> Cause:
        """Return why a budget that expects pods lets none go."""
        budget = guarded.known.budget
        if budget.allowed_disruptions(expected) > 0:
            return Cause.OTHERS_UNREADY if ready else Cause.UNREADY
        if not ready:
            return Cause.UNREADY_AND_STRICT
        scale = self._scale(guarded)
        if isinstance(scale, Refusal) or not scale:
            return Cause.NO_SCALE
        return Cause.STRICT if expected > 1 else Cause.SINGLE

    def allowed(self, guarded: Guarded) -> int:
        """Return how many disruptions a budget allows; none if that cannot be computed."""
        expected = self._expected(guarded)
        if isinstance(expected, Refusal):
            return 0
        return guarded.known.budget.disruptions_allowed(expected=expected, healthy=guarded.healthy)

    def _expected(self, guarded: Guarded) -> int | Refusal:
        """Return how many pods a budget expects, or why this cannot be computed."""
        return self._scale(guarded) if guarded.known.budget.needs_scale else guarded.pods

    def _scale(self, guarded: Guarded) -> int | Refusal:
        owners = [each for each, number in guarded.owners.items() if number > 0]
        unscaled = sorted(f"{each.kind} {each.name}" for each in owners if (each.group, each.kind) in _UNSCALED)
        if unscaled:
            reason = f"it also selects the pods of {unscaled[0]}, which has no scale"
            return guarded.refuses(f"cannot be computed, because {reason}", Cause.UNCOMPUTABLE)
        scales = {found.uid: found.replicas for found in map(self._scaled, owners) if found is not None}
        unseen = [each for each in owners if self._scaled(each) is None]
        if not unseen:
            return sum(scales.values())
        return self._guessed(guarded, unseen)

    def _guessed(self, guarded: Guarded, unseen: Iterable[Owner]) -> int | Refusal:
        """Return what the status says if a scale is not known. A missing owner of a known kind is an error."""
        gone = next((each for each in unseen if (each.group, each.kind) in _SCALED), None)
        if gone is not None and self._complete:
            reason = f"{gone.kind} {gone.name}, which owns a pod, does not exist"
            return guarded.refuses(f"cannot be computed, because {reason}", Cause.UNCOMPUTABLE)
        owner = next(iter(unseen))
        unknown = f"the scale of {owner.kind} {owner.name} is not known"
        if guarded.known.budget.sync_failed:
            return guarded.refuses(f"cannot be computed (SyncFailed), and {unknown}", Cause.UNCOMPUTABLE)
        if guarded.known.expected is not None:
            return guarded.known.expected
        return Refusal(unknown, Cause.UNKNOWN, (guarded.title,), unknown=True)

    def _scaled(self, owner: Owner) -> Controller | None:
        """Return the controller whose scale counts: for a ReplicaSet of a Deployment that of the Deployment."""
        found = self._controllers.get(owner.uid)
        if found is None or (owner.group, owner.kind) not in _SCALED:
            return None
        if found.owner is not None and found.owner.kind == "Deployment":
            return self._controllers.get(found.owner.uid, found)
        return found


def _expects_nothing(guarded: Guarded, expected: int) -> Refusal | None:
    """Return the refusal of a budget that expects no pods, so that it allows no eviction however many are ready."""
    budget = guarded.known.budget
    if budget.min_available is None and budget.max_unavailable is None:
        reason, cause = "it has neither field", Cause.NO_TERMS
    elif expected:
        return None
    elif any(guarded.owners.values()):
        reason, cause = "the controllers of its pods are scaled to 0", Cause.SCALED_TO_ZERO
    else:
        reason, cause = "no controller owns the pods that it selects", Cause.NO_SCALE
    return guarded.refuses(f"expects no pods, because {reason}", cause)
