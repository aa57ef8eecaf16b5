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
A rule is added for each topology key; this replaces the pods once. Where the operator knows that all schedulable nodes
are in one zone, it leaves out the rule for zones, which would only cost the scheduler; the journal says so, and later
changes of the nodes restart nothing. `method` says which kind of rule:

- `AntiAffinity`, the default: podAntiAffinity terms. `strength: Preferred` never keeps a pod from being scheduled.
  `strength: Required` is used only for topology keys of which the schedulable nodes offer enough places for all pods
  and a surge when it is written; for the others Preferred is used, and the journal says so. Later changes of the
  nodes never rewrite it. A workload that has podAntiAffinity terms of its own is left to its owner: the lists are
  atomic, and an addition would rewrite them. The cost of scheduling a pod grows with the number of pods that have such
  terms: `Ready` of the policy says when it is time for the other method.
- `TopologySpread`: topologySpreadConstraints with `maxSkew: 1` and `whenUnsatisfiable: ScheduleAnyway`, which select
  what the workload selects, in Deployments with `matchLabelKeys: [pod-template-hash]`. They cost the scheduler little
  in clusters of any size, and never keep a pod from being scheduled, so `strength: Required` is not allowed with this
  method. A workload that has a topologySpreadConstraint of its own, on any key, is left to its owner: a merge by
  topology key would mix the two. podAntiAffinity terms of its own, which do not separate its pods, are no obstacle. How
  a constraint is treated that the owner adds later is described in
  [The owner always wins](../owner-always-wins.md#spreading-by-topologyspreadconstraints).

A change of the method replaces the rules of the one kind by those of the other, in one rollout per workload, at the
pace of `spec.rollout`.

## Example
```yaml
spread: {action: Repair, method: AntiAffinity, strength: Preferred, topologyKeys: [kubernetes.io/hostname]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from productionpolicy.expectations.expectation import (
    Action,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    Rule,
    several_labelled_pods,
)
from productionpolicy.kube.pods import HOSTNAME, ZONE, AffinityTerm, SpreadConstraint
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import REPLICATED, Kind, Workload
from productionpolicy.repairs import AntiAffinity, Separation, TopologySpread


class Strength(StrEnum):
    """Whether the scheduler may put two pods in one place where it finds no other."""

    PREFERRED = "Preferred"
    REQUIRED = "Required"


TopologyKey = Annotated[str, Meta(min_length=1, max_length=316, pattern=r"^[A-Za-z0-9._/-]+$")]


class Method(StrEnum):
    """Which kind of rule keeps the pods apart."""

    ANTI_AFFINITY = "AntiAffinity"
    TOPOLOGY_SPREAD = "TopologySpread"


DEAR_FROM = 3_000
"""The number of pods with two preferred podAntiAffinity terms each from which kube-scheduler takes more than twice the
CPU time for a pod. Measured with kube-scheduler 1.36.3 and 300 nodes: 1.6 times at 2,000 pods, 3.3 times at 7,000."""

_SOFT = "strength Required needs method AntiAffinity: constraints are written with whenUnsatisfiable ScheduleAnyway"


class SpreadParameters(Parameters, frozen=True, kw_only=True):
    """The pods of a workload are kept apart from each other, on hosts and in zones."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.method) || !has(self.strength) "
            "|| self.method != 'TopologySpread' || self.strength != 'Required'",
            message=_SOFT,
        ),
    )

    method: Annotated[
        Method,
        Meta(
            description="AntiAffinity: by podAntiAffinity terms, which never merge with a rule of the owner. "
            "TopologySpread: by topologySpreadConstraints with whenUnsatisfiable ScheduleAnyway, which cost the "
            "scheduler much less where thousands of pods have such rules."
        ),
    ] = Method.ANTI_AFFINITY
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

    def __post_init__(self) -> None:
        """Refuse what the rules refuse."""
        Parameters.__post_init__(self)
        if self.method is Method.TOPOLOGY_SPREAD and self.strength is Strength.REQUIRED:
            raise ValueError(_SOFT)


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
    """Add rules that keep the workload's own pods apart."""
    if next(audit(workload, parameters, around), None) is None:
        return None
    left_out = tuple(key for key in parameters.topology_keys if key != HOSTNAME and around.topology.is_one_place(key))
    keys = tuple(key for key in parameters.topology_keys if key not in left_out)
    reason = _reason_against(workload, parameters, around, keys=keys)
    if reason:
        return Refusal(reason)
    if parameters.method is Method.TOPOLOGY_SPREAD:
        return TopologySpread(keys, per_rollout=workload.kind is Kind.DEPLOYMENT, left_out=left_out)
    if parameters.strength is Strength.PREFERRED:
        return AntiAffinity(preferred=keys, left_out=left_out)
    return replace(_required(workload, keys, around), left_out=left_out)


def _reason_against(
    workload: Workload, parameters: SpreadParameters, around: Surroundings, *, keys: tuple[str, ...]
) -> str | None:
    """Say why nothing is added on these keys."""
    template, by_constraints = workload.template, parameters.method is Method.TOPOLOGY_SPREAD
    if by_constraints and template.spread_constraints:
        return "the workload has topologySpreadConstraints of its own, with which an addition could merge"
    if not by_constraints and template.anti_affinity:
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
    amendment=Separation,
    kinds=REPLICATED,
    of_containers=False,
)
