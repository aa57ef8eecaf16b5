"""A rollout keeps the capacity of a workload.

## What it expects
A Deployment that is meant to have at least two pods rolls out with `RollingUpdate`, and its effective `maxUnavailable`
at its maximum number of pods is at most 1% of them. A StatefulSet replaces its pods itself (not `OnDelete`, nor all at
once with `Recreate`), at most one at a time; its `maxUnavailable` counts on servers that honor it (Kubernetes 1.37 and
later). A rollout can complete: a Deployment of one pod does not start a second one next to a claim that only one node
or pod can mount, and if the nodes are known, those that the workload chooses have room for a surge pod if no pod may be
unavailable.

## Why it matters
By default, the API allows a quarter of the pods to be missing during every rollout, exactly when a new version proves
itself. With a surge instead, capacity never drops. But a surge pod that cannot be scheduled blocks a rollout forever.

## Repair and its risk
If the owner of a Deployment has not declared `maxUnavailable`, the operator sets it to `"1%"`: no pod is unavailable
below 100 replicas, and unlike `0`, it can never make a later `maxSurge: 0` of the owner invalid. No pod restarts. The
operator neither repairs nor recommends it if a surge pod may not fit: host ports, the host's network, persistent volume
claims (unless they are known to be mountable by many nodes), a required anti-affinity against its own pods on any key,
a hard topologySpreadConstraint on hosts, extended resources such as GPUs, resource claims, huge pages.

## Example
```yaml
rollingUpdate: {action: Repair}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    Severity,
    several_pods,
)
from productionpolicy.kube.counts import Count
from productionpolicy.kube.pods import HOSTNAME, POD_TEMPLATE_HASH, AffinityTerm, SpreadConstraint
from productionpolicy.kube.repairable import MAX_UNAVAILABLE
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import DEFAULT_MAX_UNAVAILABLE, REPAIRED, Kind, Workload
from productionpolicy.repairs import MaxUnavailable

TOLERATED = Count(1, percent=True)

RECREATED = "strategy Recreate stops all pods before the first new one starts"
WITHOUT_ORDER = {
    "OnDelete": "strategy OnDelete leaves old pods running until a person deletes them",
    "Recreate": RECREATED,
}
"""The problem with StatefulSet strategies that do not replace pod by pod (Recreate is alpha in Kubernetes 1.37)."""


class RollingUpdateParameters(Parameters, frozen=True, kw_only=True):
    """A rollout replaces pods without losing capacity."""


def rolls_out(workload: Workload, parameters: RollingUpdateParameters, around: Surroundings) -> bool:
    """Judge workloads with several pods, and Deployments of one pod that mounts what a second pod could not.

    Nothing is known about the rollouts of a workload with a type of strategy that does not exist.
    """
    if not workload.legible(f"{workload.strategy_path}.type"):
        return False
    if several_pods(workload, parameters, around):
        return True
    alone = workload.kind is Kind.DEPLOYMENT and not around.switched_off(workload)
    return alone and bool(around.claims_of_one(workload))


def audit(workload: Workload, parameters: RollingUpdateParameters, around: Surroundings) -> Iterator[Finding]:
    """Find rollouts that remove pods before their replacements are ready, and rollouts that cannot complete."""
    if workload.kind is not Kind.DEPLOYMENT:
        yield from _audit_stateful_set(workload, around)
    elif several_pods(workload, parameters, around):
        yield from _audit_deployment(workload, around)
    else:
        yield from _audit_single_pod(workload, around)


def _audit_deployment(workload: Workload, around: Surroundings) -> Iterator[Finding]:
    path, ceiling, obstacle = workload.strategy_path, around.ceiling(workload), _obstacle(workload, around)
    if workload.strategy.type == "Recreate":
        yield Finding(
            path=f"{path}.type",
            message=RECREATED,
            remedy=f"exempt the workload: {obstacle}"
            if obstacle
            else "use RollingUpdate, or exempt a workload of which two versions cannot run at once",
        )
        return
    missing = _unavailable(workload, ceiling=ceiling)
    if missing * 100 > ceiling * TOLERATED.value:
        yield Finding(
            path=f"{path}.rollingUpdate.maxUnavailable",
            message=f"a rollout may remove {missing} of {ceiling} pods before their replacements are ready",
            remedy=_remedy(obstacle, missing=missing),
        ).lasting_as("a rollout may remove pods before their replacements are ready")
    yield from _audit_places(workload, around)


def _remedy(obstacle: str | None, *, missing: int) -> str:
    if obstacle is None:
        return 'set maxUnavailable to "1%" (or 0) and maxSurge to at least 1'
    least = "set maxUnavailable to 1, and " if missing > 1 else ""
    return f"{least}exempt the workload, whose rollouts must remove a pod first: {obstacle}"


def _audit_places(workload: Workload, around: Surroundings) -> Iterator[Finding]:
    """Find a Deployment that may not lose a pod during a rollout while the nodes have no room for another one."""
    for key, capacity, others in _capacities(workload, around):
        pods = max(around.floor(workload), capacity)
        if pods <= around.ceiling(workload) and not _unavailable(workload, ceiling=pods):
            yield Finding(
                path=f"{workload.strategy_path}.rollingUpdate.maxUnavailable",
                message=f"no rollout of {pods} pods can complete: by {key}, the schedulable nodes have room for "
                f"{capacity} of them, and none may be unavailable to make room for its replacement",
                remedy=f"{others}set maxUnavailable to 1 and exempt the workload, which must remove a pod first",
            ).lasting_as(
                f"no rollout can complete: by {key}, the schedulable nodes have no room for one more pod, and none may "
                "be unavailable to make room for its replacement"
            )
            return


def _capacities(workload: Workload, around: Surroundings) -> Iterator[tuple[str, int, str]]:
    """Return how many pods required rules allow at most on the known nodes, by topology key, and how to make room.

    Pods that tolerate taints may also run on nodes that are not counted.
    """
    template = workload.template
    if template.tolerates_taints or not template.needs_places or not around.topology.known:
        return
    topology = around.topology
    if template.host_ports:
        yield (HOSTNAME, 1, "") if template.pinned else (HOSTNAME, topology.holds(HOSTNAME), "add nodes, or ")
    for term in _barring_terms(workload):
        if term.topology_key in topology.carried:  # a term does not apply to nodes without its label
            yield term.topology_key, topology.holds(term.topology_key), _softer(term.topology_key)
    for each in template.spread_constraints:
        places = topology.holds(each.topology_key)
        if each.required and each.counts(workload.known_labels) and places < each.min_domains:
            yield each.topology_key, places * each.max_skew, _softer(each.topology_key)


def _softer(key: str) -> str:
    return f"add nodes with other values of {key}, make the rule preferred, or "


def _unavailable(workload: Workload, *, ceiling: int) -> int:
    """Return the effective maxUnavailable: it rounds down, and is 1 if both fields come to 0 (apps/v1)."""
    strategy = workload.strategy
    missing = strategy.unavailable.rounded_down(ceiling)
    surge = strategy.surge.rounded_up(ceiling)
    return min(missing, ceiling) if missing or surge else 1


def _audit_single_pod(workload: Workload, around: Surroundings) -> Iterator[Finding]:
    claim = next(iter(around.claims_of_one(workload)), None)
    if claim is None or workload.strategy.type == "Recreate" or not workload.strategy.surge.rounded_up(1):
        return
    leaves = _unavailable(workload, ceiling=1) > 0
    yield Finding(
        path=f"{workload.strategy_path}.type",
        message=f"a rollout starts the new pod next to the old one, which uses claim {claim.name} "
        f"({', '.join(claim.access_modes)}): the new pod may wait for the claim, "
        f"{'or use it at the same time' if leaves else 'and the old one for the new pod'}",
        remedy="use strategy type Recreate, which releases the claim first",
    )


def _audit_stateful_set(workload: Workload, around: Surroundings) -> Iterator[Finding]:
    path, ceiling = workload.strategy_path, around.ceiling(workload)
    if workload.strategy.type in WITHOUT_ORDER:
        yield Finding(path=f"{path}.type", message=WITHOUT_ORDER[workload.strategy.type], remedy="use RollingUpdate")
        return
    missing = min((workload.strategy.max_unavailable or Count(1)).rounded_down(ceiling), ceiling)
    if missing > 1 and around.server.max_unavailable_of_sets:
        yield Finding(
            path=f"{path}.rollingUpdate.maxUnavailable",
            message=f"a rollout may remove {missing} of {ceiling} pods at once",
            remedy="set maxUnavailable to 1",
        ).lasting_as("a rollout may remove several pods at once")


def repair(workload: Workload, parameters: RollingUpdateParameters, around: Surroundings) -> Repair:
    """Set a Deployment's maxUnavailable to 1% if its owner has not declared it."""
    if next(audit(workload, parameters, around), None) is None:
        return None
    strategy = workload.strategy
    decided = strategy.type != "RollingUpdate" or not several_pods(workload, parameters, around)
    if decided:
        return Refusal("the type of strategy is the owner's decision")
    declared = MAX_UNAVAILABLE.name in workload.written or strategy.unavailable != DEFAULT_MAX_UNAVAILABLE
    if declared or workload.kind is not Kind.DEPLOYMENT:  # that of a StatefulSet is 1 unless it is declared
        return Refusal("the owner has declared maxUnavailable")
    if strategy.max_surge and strategy.max_surge.value == 0:
        return Refusal("the owner allows no surge pod")
    obstacle = _obstacle(workload, around)
    return Refusal(obstacle) if obstacle else MaxUnavailable(before=DEFAULT_MAX_UNAVAILABLE, after=TOLERATED)


def _obstacle(workload: Workload, around: Surroundings) -> str | None:
    """Return why a surge pod may not be scheduled."""
    return next(_obstacles(workload, around), None)


def _obstacles(workload: Workload, around: Surroundings) -> Iterator[str]:
    template, claim = workload.template, around.claim_in_the_way(workload)
    if template.host_ports:
        yield "a surge pod needs another node for its host ports"
    if claim:
        yield f"a surge pod may not be able to mount claim {claim}, if it is ReadWriteOnce"
    for term in _barring_terms(workload):
        yield f"a surge pod may find no other {term.topology_key} for its anti-affinity"
    if any(_keeps_hosts_apart(each, workload) for each in template.spread_constraints):
        yield "a surge pod may find no other host for its topologySpreadConstraint"
    if template.resource_claims:
        yield "a surge pod may find no device for its resource claims"
    if template.scarce_resource:
        yield f"a surge pod may find no node with enough {template.scarce_resource} left"


def _barring_terms(workload: Workload) -> Iterator[AffinityTerm]:
    """Return the required terms that separate a pod of the next template from those of this one."""
    required = (each for each in workload.template.anti_affinity if each.required)
    lasting = (each for each in required if POD_TEMPLATE_HASH not in each.match_label_keys)
    return (each for each in lasting if each.counts(workload.known_labels, namespace=workload.key.namespace))


def _keeps_hosts_apart(rule: SpreadConstraint, workload: Workload) -> bool:
    lasting = rule.required and POD_TEMPLATE_HASH not in rule.match_label_keys
    return lasting and rule.topology_key == HOSTNAME and rule.counts(workload.known_labels)


ROLLING_UPDATE = Expectation(
    name="rollingUpdate",
    title="Rollouts that keep capacity",
    severity=Severity.MEDIUM,
    category=Category.ROLLOUTS,
    parameters=RollingUpdateParameters,
    production=Action.REPAIR,
    development=Action.IGNORE,
    applies=rolls_out,
    audit=audit,
    repair=repair,
    amendment=MaxUnavailable,
    kinds=REPAIRED,
    of_containers=False,
)
