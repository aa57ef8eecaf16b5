"""The pods of a workload are kept apart.

## What it expects
A Deployment or StatefulSet that is meant to have at least two pods has a podAntiAffinity term, preferred or
required, or a topologySpreadConstraint, that matches its own pods on one of `topologyKeys` (host or zone).

## Why it matters
The scheduler's own spreading is a weak wish. Pods that share a node, or a zone, are lost together.

## Repair and its risk
A podAntiAffinity is added, with one term for each topology key; this replaces the pods once. `strength: Preferred`
never keeps a pod from being scheduled. `strength: Required` is used only for topology keys of which the schedulable
nodes offer enough places for all pods and a surge when it is written; for the others Preferred stands in, and the
journal says so. Later changes of the nodes never rewrite it. A workload that has podAntiAffinity terms of its own
is left to its owner: the lists are atomic, and an addition would rewrite them.

## Example
```yaml
spread: {action: Repair, strength: Preferred, topologyKeys: [kubernetes.io/hostname]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    several_labelled_pods,
)
from productionpolicy.kube.pods import HOSTNAME, ZONE, AffinityTerm, SpreadConstraint
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import REPLICATED, Kind, Workload
from productionpolicy.repairs import AntiAffinity


class Strength(StrEnum):
    """Whether the scheduler may put two pods in one place where it finds no other."""

    PREFERRED = "Preferred"
    REQUIRED = "Required"


TopologyKey = Annotated[str, Meta(min_length=1, max_length=316, pattern=r"^[A-Za-z0-9._/-]+$")]


class SpreadParameters(Parameters, frozen=True, kw_only=True):
    """The pods of a workload are kept apart from each other, on hosts and in zones."""

    strength: Annotated[
        Strength,
        Meta(
            description="Preferred: the scheduler keeps pods apart where it can. Required: it always does; used only "
            "for topology keys of which the nodes offer enough places, and Preferred for the others."
        ),
    ] = Strength.PREFERRED
    topology_keys: Annotated[
        tuple[TopologyKey, ...],
        Meta(min_length=1, max_length=8, description="The node labels that tell places apart."),
    ] = (HOSTNAME, ZONE)


def audit(workload: Workload, parameters: SpreadParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find workloads whose pods nothing keeps apart."""
    if any(_spreads(each, workload, parameters) for each in workload.template.anti_affinity):
        return
    if any(_spreads(each, workload, parameters) for each in workload.template.spread_constraints):
        return
    yield Finding(
        path=f"{workload.template.path}.affinity.podAntiAffinity",
        message=f"nothing keeps the pods apart by {' or '.join(parameters.topology_keys)}, "
        "so one node may take all of them with it",
        remedy="add a podAntiAffinity or a topologySpreadConstraint that selects the workload's own pods",
    )


def _spreads(rule: AffinityTerm | SpreadConstraint, workload: Workload, parameters: SpreadParameters) -> bool:
    own_pods = rule.selector is not None and rule.selector.matches(workload.template.labels)
    return own_pods and rule.topology_key in parameters.topology_keys


def repair(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> Repair:
    """Add a podAntiAffinity against the workload's own pods."""
    if next(audit(workload, parameters, around), None) is None:
        return None
    if workload.template.anti_affinity:
        return Refusal("the workload has podAntiAffinity terms of its own, which an addition would rewrite")
    if workload.selector is None:
        return Refusal("the workload has no selector")
    if parameters.strength is Strength.PREFERRED:
        return AntiAffinity(preferred=parameters.topology_keys)
    if not around.topology.places:
        return Refusal("how many nodes there are is not known, so Required may be more than they can hold")
    return _required(workload, parameters, around)


def _required(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> AntiAffinity:
    needed = around.ceiling(workload) + _surge(workload, around)
    roomy = tuple(key for key in parameters.topology_keys if around.topology.places.get(key, 0) >= needed)
    return AntiAffinity(
        required=roomy,
        preferred=tuple(key for key in parameters.topology_keys if key not in roomy),
        per_rollout=bool(roomy) and around.matches_label_keys and workload.kind is Kind.DEPLOYMENT,
        wanting=not roomy,
    )


def _surge(workload: Workload, around: Surroundings) -> int:
    if workload.kind is not Kind.DEPLOYMENT:
        return 0
    return workload.strategy.surge.rounded_up(around.ceiling(workload))


SPREAD = Expectation(
    name="spread",
    title="Pods kept apart",
    parameters=SpreadParameters,
    production=Action.REPAIR,
    development=Action.IGNORE,
    applies=several_labelled_pods,
    audit=audit,
    repair=repair,
    amendment=AntiAffinity,
    kinds=REPLICATED,
    of_containers=False,
)
