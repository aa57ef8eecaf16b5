"""A rollout keeps the capacity of a workload.

## What it expects
A Deployment that is meant to have at least two pods rolls out with `RollingUpdate`, and its effective
`maxUnavailable` at its greatest number of pods is at most 1% of them. A StatefulSet replaces its pods itself (not
`OnDelete`), at most one at a time.

## Why it matters
The API's default lets a quarter of the pods be missing during every rollout, at the moment when the new version
proves itself. With a surge instead, capacity never falls.

## Repair and its risk
For a Deployment whose owner has not written `maxUnavailable`, it becomes `"1%"`: none below 100 replicas, and
unlike `0` it can never make an owner's later `maxSurge: 0` invalid. No pod restarts. It is not repaired where a
surge pod may find no place: host ports, the host's network, persistent volume claims (which may be ReadWriteOnce),
a required anti-affinity or a hard topologySpreadConstraint on hosts.

## Example
```yaml
rollingUpdate: {action: Repair}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import (
    Action,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    several_pods,
)
from productionpolicy.kube.counts import Count
from productionpolicy.kube.pods import HOSTNAME, POD_TEMPLATE_HASH, AffinityTerm, SpreadConstraint
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import DEFAULT_MAX_UNAVAILABLE, MAX_UNAVAILABLE, REPLICATED, Kind, Workload
from productionpolicy.repairs import MaxUnavailable

TOLERATED = Count(1, percent=True)


class RollingUpdateParameters(Parameters, frozen=True, kw_only=True):
    """A rollout replaces pods without giving up capacity."""


def audit(workload: Workload, _parameters: RollingUpdateParameters, around: Surroundings) -> Iterator[Finding]:
    """Find rollouts that take pods away before their successors are there."""
    if workload.kind is Kind.DEPLOYMENT:
        yield from _audit_deployment(workload, ceiling=around.ceiling(workload))
    else:
        yield from _audit_stateful_set(workload, ceiling=around.ceiling(workload))


def _audit_deployment(workload: Workload, *, ceiling: int) -> Iterator[Finding]:
    path = workload.strategy_path
    if workload.strategy.type == "Recreate":
        yield Finding(
            path=f"{path}.type",
            message="strategy Recreate stops all pods before the first new one starts",
            remedy="use RollingUpdate, or exempt a workload that cannot run beside itself",
        )
        return
    missing = _unavailable(workload, ceiling=ceiling)
    if missing * 100 > ceiling * TOLERATED.value:
        yield Finding(
            path=f"{path}.rollingUpdate.maxUnavailable",
            message=f"a rollout may take away {missing} of {ceiling} pods before their successors are ready",
            remedy='set maxUnavailable to "1%" (or 0) and maxSurge to at least 1',
        )


def _unavailable(workload: Workload, *, ceiling: int) -> int:
    """Return the effective maxUnavailable: it rounds down, and is 1 where both fields come to 0 (apps/v1)."""
    strategy = workload.strategy
    missing = strategy.unavailable.rounded_down(ceiling)
    surge = strategy.surge.rounded_up(ceiling)
    return min(missing, ceiling) if missing or surge else 1


def _audit_stateful_set(workload: Workload, *, ceiling: int) -> Iterator[Finding]:
    path = workload.strategy_path
    if workload.strategy.type == "OnDelete":
        yield Finding(
            path=f"{path}.type",
            message="strategy OnDelete leaves old pods running until a person deletes them",
            remedy="use RollingUpdate",
        )
    missing = (workload.strategy.max_unavailable or Count(1)).rounded_down(ceiling)
    if missing > 1:
        yield Finding(
            path=f"{path}.rollingUpdate.maxUnavailable",
            message=f"a rollout may take away {missing} of {ceiling} pods at once",
            remedy="set maxUnavailable to 1",
        )


def repair(workload: Workload, parameters: RollingUpdateParameters, around: Surroundings) -> Repair:
    """Set a Deployment's maxUnavailable to 1% where its owner has not written it."""
    if next(audit(workload, parameters, around), None) is None:
        return None
    strategy = workload.strategy
    if workload.kind is not Kind.DEPLOYMENT or strategy.type != "RollingUpdate":
        return Refusal("the type of strategy is the owner's decision")
    if MAX_UNAVAILABLE in workload.written or strategy.unavailable != DEFAULT_MAX_UNAVAILABLE:
        return Refusal("the owner has written maxUnavailable")
    if strategy.max_surge and strategy.max_surge.value == 0:
        return Refusal("the owner allows no surge pod")
    obstacle = _obstacle(workload)
    return Refusal(obstacle) if obstacle else MaxUnavailable(before=DEFAULT_MAX_UNAVAILABLE, after=TOLERATED)


def _obstacle(workload: Workload) -> str | None:
    """Say why a pod beyond the number of replicas may find no place."""
    template = workload.template
    if template.host_ports or (template.host_network and any(each.ports for each in template.containers)):
        return "a surge pod needs a node of its own for its host ports"
    if template.claims:
        return f"a surge pod may not be able to mount claim {template.claims[0]}, if it is ReadWriteOnce"
    if _kept_apart(workload):
        return "a surge pod may find no host apart from the others"
    return None


def _kept_apart(workload: Workload) -> bool:
    template = workload.template
    terms = (each for each in template.anti_affinity if POD_TEMPLATE_HASH not in each.match_label_keys)
    rules: tuple[AffinityTerm | SpreadConstraint, ...] = (*terms, *template.spread_constraints)
    hard = (each for each in rules if each.required and each.topology_key == HOSTNAME)
    return any(each.selector is not None and each.selector.matches(template.labels) for each in hard)


ROLLING_UPDATE = Expectation(
    name="rollingUpdate",
    title="Rollouts that keep capacity",
    parameters=RollingUpdateParameters,
    production=Action.REPAIR,
    development=Action.IGNORE,
    applies=several_pods,
    audit=audit,
    repair=repair,
    amendment=MaxUnavailable,
    kinds=REPLICATED,
    of_containers=False,
)
