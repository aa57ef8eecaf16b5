"""The pods of a workload are spread across nodes and zones.

## What it expects
A Deployment or StatefulSet that is meant to have at least two pods has a podAntiAffinity term or a
topologySpreadConstraint that separates its own pods on one of `topologyKeys` (host or zone), or a required one on any
other key that all nodes carry. A term does not separate them if its namespaces exclude the workload's own namespace, or
its `mismatchLabelKeys` exclude the workload's own pods. A constraint does not if its `maxSkew` allows all pods in one
domain. Neither does if its `matchLabelKeys` leave each pod alone, as `statefulset.kubernetes.io/pod-name` does.

The labels that controllers set are known, but not their values: `pod-template-hash` in Deployments, and
`controller-revision-hash`, `apps.kubernetes.io/pod-index` and `statefulset.kubernetes.io/pod-name` in StatefulSets. A
requirement on such a value may be met, so it is not a finding. The same applies to `namespaceSelector`: of the labels
of the workload's own namespace, only `kubernetes.io/metadata.name` is compared.

Pods that can run on only one node (`nodeName`, or its host name in `nodeSelector` or required node affinity) are not
judged.

## Why it matters
The scheduler's built-in spreading is only a weak preference. Pods that share a node, or a zone, are lost together.

## Repair and its risk
The operator adds a rule for each topology key; this replaces the pods once. If the operator knows that all schedulable
nodes are in one zone, it leaves out the rule for zones, which would only cost scheduler time. The journal says so, and
later changes of the nodes restart nothing. `method` selects the kind of rule:

- `AntiAffinity`, the default: podAntiAffinity terms. `strength: Preferred` never keeps a pod from being scheduled.
  `strength: Required` applies only to topology keys for which the schedulable nodes that the workload chooses
  (`nodeSelector`, required node affinity) have room for all pods plus a surge at the time of the repair; for the others
  the operator uses Preferred, and the journal says so. Later changes of the nodes never rewrite the terms. The operator
  does not repair a workload that already has podAntiAffinity terms: the lists are atomic, and an addition would rewrite
  them. The cost of scheduling a pod grows with the number of pods that have such terms: the condition `Ready` of the
  policy says when to use the other method.
- `TopologySpread`: topologySpreadConstraints with `maxSkew: 1` and `whenUnsatisfiable: ScheduleAnyway`, which select
  the same pods as the workload, in Deployments with `matchLabelKeys: [pod-template-hash]`. They cost the scheduler
  little in clusters of any size, and never keep a pod from being scheduled, so `strength: Required` is not allowed with
  this method. The operator does not repair a workload that already has a topologySpreadConstraint, on any key, because
  a merge by topology key would mix the two. Existing podAntiAffinity terms that do not separate the workload's pods do
  not prevent the repair. For constraints that the owner adds later, see
  [The owner always wins](../owner-always-wins.md#spreading-by-topologyspreadconstraints).

A change of the method replaces the rules of one kind by those of the other, in one rollout per workload, at the pace of
`spec.rollout`.

## Example
```yaml
spread: {action: Repair, method: AntiAffinity, strength: Preferred, topologyKeys: [kubernetes.io/hostname]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Annotated, ClassVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    Rule,
    Severity,
    several_labelled_pods,
)
from productionpolicy.kube.pods import HOSTNAME, ZONE, AffinityTerm, PodLabels, SpreadConstraint
from productionpolicy.kube.repairable import PREFERRED_TERMS, REQUIRED_TERMS, SPREAD_CONSTRAINTS
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import REPLICATED, Kind, Workload
from productionpolicy.repairs import AntiAffinity, Separation, TopologySpread


class Strength(StrEnum):
    """Whether the scheduler may put two pods into one topology domain if it finds no other."""

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

_Rule = AffinityTerm | SpreadConstraint
_OF_ITS_OWN_PODS = "that selects the workload's own pods"
_ADDITION = f"add a podAntiAffinity or a topologySpreadConstraint {_OF_ITS_OWN_PODS}"
_SOFT = "strength Required needs method AntiAffinity: constraints are written with whenUnsatisfiable ScheduleAnyway"


class SpreadParameters(Parameters, frozen=True, kw_only=True):
    """The pods of a workload are spread across hosts and zones."""

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
            description="AntiAffinity: podAntiAffinity terms, which never merge with a rule of the owner. "
            "TopologySpread: topologySpreadConstraints with whenUnsatisfiable ScheduleAnyway, which cost the "
            "scheduler much less if thousands of pods have such rules."
        ),
    ] = Method.ANTI_AFFINITY
    strength: Annotated[
        Strength,
        Meta(
            description="Preferred: the scheduler separates pods if possible. Required: it always does, but only for "
            "topology keys for which the nodes have enough room; Preferred applies to the others."
        ),
    ] = Strength.PREFERRED
    topology_keys: Annotated[
        tuple[TopologyKey, ...],
        Meta(min_length=1, max_length=8, description="The node labels that define the topology domains."),
    ] = (HOSTNAME, ZONE)

    def __post_init__(self) -> None:
        """Refuse what the rules refuse."""
        Parameters.__post_init__(self)
        if self.method is Method.TOPOLOGY_SPREAD and self.strength is Strength.REQUIRED:
            raise ValueError(_SOFT)


def to_be_spread(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> bool:
    """Judge workloads with several pods that can run on several nodes."""
    return several_labelled_pods(workload, parameters, around) and not workload.template.pinned


class _Fault(Struct, frozen=True):
    """Why a rule does not separate the pods of its workload."""

    reason: str
    remedy: str
    about_others: bool = False
    """Whether it selects other pods, and so may serve another purpose."""


def audit(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> Iterator[Finding]:
    """Find workloads whose pods no rule separates, and why a rule of their own does not."""
    faults = []
    for path, rule in _rules(workload):
        fault = _fault(rule, workload, parameters, around)
        if fault is None:
            return
        faults.append((path, fault))
    yield _finding(workload, parameters, faults=faults if _legible(workload) else [])


def _finding(workload: Workload, parameters: SpreadParameters, *, faults: list[tuple[str, _Fault]]) -> Finding:
    """Return the finding about the first rule for the workload's own pods, or about any other, or about none."""
    failed = f"no rule spreads the pods across {' or '.join(parameters.topology_keys)}"
    if not faults:
        return Finding(
            path=_unreadable(workload) or f"{workload.template.path}.affinity.podAntiAffinity",
            message=f"{failed}, so the loss of one node may take down all of them",
            remedy=_ADDITION,
        )
    path, fault = min(faults, key=lambda each: each[1].about_others)
    return Finding(
        path=path,
        message=f"{fault.reason}, so {failed}, and the loss of one node may take down all of them",
        remedy=fault.remedy,
    )


def _unreadable(workload: Workload) -> str | None:
    """Return the path of topologySpreadConstraints of which a part cannot be read."""
    path = f"{workload.template.path}.{SPREAD_CONSTRAINTS.name}"
    return None if workload.legible(path) else path


def _legible(workload: Workload) -> bool:
    """Return whether all rules could be read: otherwise one that separates the pods may be among them."""
    return _unreadable(workload) is None and workload.legible(f"{workload.template.path}.affinity")


def _rules(workload: Workload) -> Iterator[tuple[str, _Rule]]:
    """Return the rules that may keep the workload's own pods apart, with their paths."""
    template = workload.template
    for name, required in ((REQUIRED_TERMS, True), (PREFERRED_TERMS, False)):
        terms = (each for each in template.anti_affinity if each.required is required)
        for index, term in enumerate(terms):
            yield f"{template.path}.affinity.podAntiAffinity.{name}[{index}]", term
    for index, constraint in enumerate(template.spread_constraints):
        yield f"{template.path}.{SPREAD_CONSTRAINTS.name}[{index}]", constraint


def _fault(rule: _Rule, workload: Workload, parameters: SpreadParameters, around: Surroundings) -> _Fault | None:
    """Return why a rule does not separate the workload's own pods; None if it does."""
    if isinstance(rule, AffinityTerm):
        special = _faults_of_term(rule, workload)
    else:
        special = _faults_of_constraint(rule, ceiling=around.ceiling(workload))
    key = _faults_of_key(rule, workload, parameters, around)
    return next(chain(_faults_of_selection(rule, workload.known_labels), special, key), None)


def _faults_of_selection(rule: _Rule, pods: PodLabels) -> Iterator[_Fault]:
    if rule.selector is None:
        yield _Fault("this rule has no labelSelector and counts no pods", f"set a labelSelector {_OF_ITS_OWN_PODS}")
    elif not pods.may_match(rule.selector):
        yield _Fault("this rule does not select the workload's own pods", _ADDITION, about_others=True)
    key = pods.singling_out(rule.match_label_keys)
    if key is not None:
        reason = f"the matchLabelKeys of this rule contain {key}, which differs for each pod"
        yield _Fault(reason, f"remove {key} from its matchLabelKeys")


def _faults_of_term(term: AffinityTerm, workload: Workload) -> Iterator[_Fault]:
    namespace, key = workload.key.namespace, workload.known_labels.in_common(term.mismatch_label_keys)
    if not term.covers(namespace):
        remedy = f"let it include {namespace}, or remove its namespaces and namespaceSelector"
        yield _Fault(f"the namespaces of this rule leave out {namespace}", remedy)
    if key is not None:
        reason = f"the mismatchLabelKeys of this rule contain {key}, which is the same for all pods"
        yield _Fault(reason, f"remove {key} from its mismatchLabelKeys")


def _faults_of_constraint(constraint: SpreadConstraint, *, ceiling: int) -> Iterator[_Fault]:
    key, skew = constraint.topology_key, constraint.max_skew
    if skew >= ceiling:
        place = {HOSTNAME: "on one node", ZONE: "in one zone"}.get(key, f"on nodes with the same {key}")
        yield _Fault(f"the maxSkew {skew} of this rule allows all pods {place}", "set maxSkew to 1")


def _faults_of_key(
    rule: _Rule, workload: Workload, parameters: SpreadParameters, around: Surroundings
) -> Iterator[_Fault]:
    """On nodes without its label, a rule separates nothing."""
    key, keys = rule.topology_key, " or ".join(parameters.topology_keys)
    if key in parameters.topology_keys:
        return
    if not rule.required:
        yield _Fault(f"this rule on {key} is only preferred", f"use {keys}, or make the rule required")
    elif not workload.template.tolerates_taints and around.topology.known and key not in around.topology.carried:
        yield _Fault(f"not all schedulable nodes have the label {key} of this rule", f"use {keys}, or label the nodes")


def repair(workload: Workload, parameters: SpreadParameters, around: Surroundings) -> Repair:
    """Add rules that separate the workload's own pods."""
    if next(audit(workload, parameters, around), None) is None:
        return None
    if _unreadable(workload):
        return Refusal("a part of its topologySpreadConstraints cannot be read")
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
    """Return why nothing is added on these keys."""
    template, by_constraints = workload.template, parameters.method is Method.TOPOLOGY_SPREAD
    if by_constraints and template.spread_constraints:
        return "the workload already has topologySpreadConstraints, with which an addition could merge"
    if not by_constraints and template.anti_affinity:
        return "the workload already has podAntiAffinity terms, which an addition would rewrite"
    if not workload.selects_its_pods:
        return "the workload has no selector that matches its pods"
    if not keys:
        return f"all schedulable nodes have the same {' and '.join(parameters.topology_keys)}"
    if parameters.strength is Strength.REQUIRED and not around.topology.known:
        return "the number of nodes is not known, so they may not have enough room for Required"
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
    title="Pods spread across nodes and zones",
    severity=Severity.MEDIUM,
    category=Category.AVAILABILITY,
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
