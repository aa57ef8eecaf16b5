"""The pods of a workload are kept apart.

## What it expects
A Deployment or StatefulSet that is meant to have at least two pods has a podAntiAffinity term or a
topologySpreadConstraint that separates its own pods on one of `topologyKeys` (host or zone), or a required one on any
other key that all nodes carry. A term does not separate them if its namespaces leave out the own one, or its
`mismatchLabelKeys` the own pods; a constraint does not if its `maxSkew` allows all pods in one place. Pods that may run
on one node only (`nodeName`, or its host name in `nodeSelector` or required node affinity) are not judged.

## Why it matters
The scheduler's own spreading is a weak wish. Pods that share a node, or a zone, are lost together.

## Repair and its risk
A podAntiAffinity is added, with one term for each topology key; this replaces the pods once. Where the operator knows
that all schedulable nodes are in one zone, it leaves out the term for zones, which would only cost the scheduler; the
journal says so, and later changes of the nodes restart nothing. `strength: Preferred` never keeps a pod from being
scheduled. `strength: Required` is used only for topology keys of which the schedulable nodes offer enough places for
all pods and a surge when it is written; for the others Preferred stands in, and the journal says so. Later changes of
the nodes never rewrite it. A workload that has podAntiAffinity terms of its own is left to its owner: the lists are
atomic, and an addition would rewrite them.

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
from msgspec.structs import replace

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


def to_be_spread(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> bool:
    """Judge workloads of several pods that may run on several nodes."""
    return several_labelled_pods(workload, parameters, around) and not workload.template.pinned


def audit(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> Iterator[Finding]:
    """Find workloads whose pods nothing keeps apart."""
    if any(_apart(each, workload, parameters, around) for each in _separating(workload, around)):
        return
    yield Finding(
        path=f"{workload.template.path}.affinity.podAntiAffinity",
        message=f"nothing keeps the pods apart by {' or '.join(parameters.topology_keys)}, "
        "so one node may take all of them with it",
        remedy="add a podAntiAffinity or a topologySpreadConstraint that selects the workload's own pods",
    )


def _separating(workload: Workload, around: Surroundings) -> Iterator[AffinityTerm | SpreadConstraint]:
    """Return the rules that keep the workload's own pods apart in places of some kind."""
    template, namespace = workload.template, workload.key.namespace
    yield from (each for each in template.anti_affinity if each.separates(template.labels, namespace=namespace))
    ceiling = around.ceiling(workload)
    yield from (
        each for each in template.spread_constraints if each.counts(template.labels) and each.max_skew < ceiling
    )


def _apart(
    rule: AffinityTerm | SpreadConstraint, workload: Workload, parameters: SpreadParameters, around: Surroundings
) -> bool:
    """Say whether the places of a rule count. On nodes without its label it separates nothing."""
    if rule.topology_key in parameters.topology_keys:
        return True
    topology = around.topology
    told = topology.known and not workload.template.chooses_nodes
    return rule.required and (not told or rule.topology_key in topology.carried)


def repair(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> Repair:
    """Add a podAntiAffinity against the workload's own pods."""
    if next(audit(workload, parameters, around), None) is None:
        return None
    left_out = tuple(key for key in parameters.topology_keys if key != HOSTNAME and around.topology.is_one_place(key))
    keys = tuple(key for key in parameters.topology_keys if key not in left_out)
    reason = _reason_against(workload, parameters, around, keys=keys)
    if reason:
        return Refusal(reason)
    if parameters.strength is Strength.PREFERRED:
        return AntiAffinity(preferred=keys, left_out=left_out)
    return replace(_required(workload, keys, around), left_out=left_out)


def _reason_against(
    workload: Workload, parameters: SpreadParameters, around: Surroundings, *, keys: tuple[str, ...]
) -> str | None:
    """Say why no podAntiAffinity is added on these keys."""
    if workload.template.anti_affinity:
        return "the workload has podAntiAffinity terms of its own, which an addition would rewrite"
    if workload.selector is None:
        return "the workload has no selector"
    if not keys:
        return f"all schedulable nodes are in one place by {' and '.join(parameters.topology_keys)}"
    if parameters.strength is Strength.REQUIRED and not around.topology.known:
        return "how many nodes there are is not known, so Required may be more than they can hold"
    return None


def _required(workload: Workload, keys: tuple[str, ...], around: Surroundings) -> AntiAffinity:
    needed = around.ceiling(workload) + _surge(workload, around)
    roomy = tuple(key for key in keys if around.topology.holds(key) >= needed)
    return AntiAffinity(
        required=roomy,
        preferred=tuple(key for key in keys if key not in roomy),
        per_rollout=bool(roomy) and around.server.matches_label_keys and workload.kind is Kind.DEPLOYMENT,
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
    applies=to_be_spread,
    audit=audit,
    repair=repair,
    amendment=AntiAffinity,
    kinds=REPLICATED,
)
