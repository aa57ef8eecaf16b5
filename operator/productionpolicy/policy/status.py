"""The status of a ProductionPolicy as typed values. Totals are exact; details are sorted and limited."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from productionpolicy.expectations import Action

MOST_NAMESPACES = 100
MOST_VIOLATIONS = 50
MOST_PENDING = 20
MOST_EXEMPTIONS = 50
MOST_BLOCKED_NODES = 50
MOST_DARK_WORKLOADS = 50
MOST_DAYS = 30
LONGEST_MESSAGE = 512


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of the status."""


class Condition(Part, frozen=True, kw_only=True):
    """A standard condition (meta/v1 Condition)."""

    type: Annotated[str, Meta(description="The type of the condition.", max_length=316)]
    status: Annotated[str, Meta(description="True, False or Unknown.", pattern="^(True|False|Unknown)$")]
    reason: Annotated[str, Meta(description="The reason, in one CamelCase word.", min_length=1, max_length=1024)]
    message: Annotated[str, Meta(description="The reason, in sentences for people.", max_length=32768)]
    last_transition_time: Annotated[datetime, Meta(description="When the status last changed.")]
    observed_generation: Annotated[int, Meta(description="The generation of the policy that this is based on.")] = 0


class Workloads(Part, frozen=True, kw_only=True):
    """How many workloads there are. Apart from the total, each is counted in exactly one class."""

    total: Annotated[int, Meta(description="All workloads that the policy governs.")] = 0
    compliant: Annotated[int, Meta(description="Without any finding.")] = 0
    violating: Annotated[int, Meta(description="With findings, and no change in progress that would fix them.")] = 0
    exempt: Annotated[int, Meta(description="Without findings only because of exemptions.")] = 0
    repairing: Annotated[
        int, Meta(description="With a repair or withdrawal that is in progress or waits for its turn.")
    ] = 0
    contested: Annotated[
        int,
        Meta(description="With a repair that another writer keeps undoing, so that the operator has stopped it."),
    ] = 0
    failed: Annotated[int, Meta(description="With a repair that the API server refused, or that was rolled back.")] = 0


class Summary(Part, frozen=True, kw_only=True):
    """The workloads in four classes that add up to the total, as `kubectl get` shows them."""

    compliant: Annotated[int, Meta(description="Without any finding, or with exemptions from all of them.")] = 0
    violating: Annotated[int, Meta(description="With findings, and no change in progress that would fix them.")] = 0
    failed: Annotated[
        int, Meta(description="With a repair that was refused, was rolled back, or is undone by another writer.")
    ] = 0
    pending: Annotated[
        int, Meta(description="With a repair or withdrawal that is in progress or waits for its turn.")
    ] = 0


class PendingWorkload(Part, frozen=True, kw_only=True):
    """A workload with pending changes."""

    namespace: Annotated[str, Meta(description="The namespace of the workload.")]
    kind: Annotated[str, Meta(description="The kind of the workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    restarts: Annotated[bool, Meta(description="Whether the changes replace its pods.")]
    changes: Annotated[tuple[str, ...], Meta(description="The pending changes.")]


class Pending(Part, frozen=True, kw_only=True):
    """The pending changes; in mode Audit, those that Enforce would make."""

    repairs: Annotated[int, Meta(description="The number of pending repairs and withdrawals.")] = 0
    restarts: Annotated[int, Meta(description="The number of workloads whose pods these changes replace.")] = 0
    next_window: Annotated[
        str,
        Meta(
            description="When the next rollout window of the policy opens, in UTC, if changes wait for it; empty "
            "otherwise. In a namespace that narrows the windows it may be later."
        ),
    ] = ""
    workloads: Annotated[
        tuple[PendingWorkload, ...],
        Meta(
            max_length=MOST_PENDING,
            description="The workloads with pending changes, each with its changes; those that restart first, then by "
            "namespace, kind and name.",
        ),
    ] = ()


class NamespaceSummary(Part, frozen=True, kw_only=True):
    """The totals of a namespace."""

    name: Annotated[str, Meta(description="The namespace.")]
    total: Annotated[int, Meta(description="Its workloads.")] = 0
    violating: Annotated[int, Meta(description="Those with findings.")] = 0
    repaired: Annotated[int, Meta(description="Those whose repairs are in effect.")] = 0


class ExpectationSummary(Part, frozen=True, kw_only=True):
    """The totals of an expectation, across all workloads that it applies to."""

    name: Annotated[str, Meta(description="The expectation.")]
    action: Annotated[Action, Meta(description="The action that the policy sets for it.")]
    passed: Annotated[int, Meta(description="Workloads that fulfill it, including repaired ones.")] = 0
    failed: Annotated[int, Meta(description="Workloads that violate it.")] = 0
    repaired: Annotated[int, Meta(description="Workloads with a repair of it by the operator.")] = 0
    exempt: Annotated[int, Meta(description="Workloads that are exempt from it.")] = 0


class Violation(Part, frozen=True, kw_only=True):
    """One finding."""

    namespace: Annotated[str, Meta(description="The namespace of the workload.")]
    kind: Annotated[str, Meta(description="The kind of the workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    expectation: Annotated[
        str,
        Meta(
            description="The expectation that the workload violates, or another kind of finding: unreadable, "
            "exemptions, rollout, refused."
        ),
    ]
    path: Annotated[str, Meta(description="The path of the field in the object.")]
    message: Annotated[str, Meta(description="What is wrong there, and the remedy.")]


class ExemptionSummary(Part, frozen=True, kw_only=True):
    """An exemption that is in effect."""

    namespace: Annotated[str, Meta(description="The namespace of the workload.")]
    kind: Annotated[str, Meta(description="The kind of the workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    expectation: Annotated[str, Meta(description="The expectation that the workload is exempt from, or all.")]
    reason: Annotated[str, Meta(description="The reason that the owner gives.")]
    until: Annotated[str, Meta(description="The last day of the exemption, in UTC; empty if it has no end.")] = ""


class BlockedNode(Part, frozen=True, kw_only=True):
    """A node that could not be drained, and the first workload because of which it could not."""

    node: Annotated[str, Meta(description="The node.")]
    namespace: Annotated[str, Meta(description="The namespace of the workload.")]
    kind: Annotated[str, Meta(description="The kind of the workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    budgets: Annotated[
        tuple[str, ...], Meta(description="The disruption budgets that do not allow the eviction, with namespace.")
    ] = ()
    reason: Annotated[str, Meta(description="Why a pod of the workload is not evicted.")]
    remedy: Annotated[str, Meta(description="What lets the node drain.")]
    workloads: Annotated[int, Meta(description="How many governed workloads keep the node from being drained.")] = 1


class DarkWorkload(Part, frozen=True, kw_only=True):
    """A workload without a ready pod if one node or zone fails."""

    namespace: Annotated[str, Meta(description="The namespace of the workload.")]
    kind: Annotated[str, Meta(description="The kind of the workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    node: Annotated[
        str, Meta(description="The node whose failure ends its last ready pod; empty if no single node does.")
    ] = ""
    zone: Annotated[
        str, Meta(description="The zone whose failure ends its last ready pod; empty if no single zone does.")
    ] = ""
    until_it_is_back: Annotated[
        bool,
        Meta(
            description="Whether it has no ready pod until the node or zone is back. Otherwise other pods replace them "
            "after some minutes."
        ),
    ] = False


class DrainAuditStatus(Part, frozen=True, kw_only=True):
    """The last audit of drains. Counts are exact; lists are sorted and limited."""

    last_audit_time: Annotated[datetime, Meta(description="When the cluster was read, by the API server's clock.")]
    handled_request: Annotated[
        str, Meta(description="The value of the annotation that requested an audit, as far as it was handled.")
    ] = ""
    nodes: Annotated[int, Meta(description="How many nodes were drained in the play; 0 if it was not played.")] = 0
    zones: Annotated[
        int, Meta(description="How many zones failed in the play; 0 if the nodes have less than two zones.")
    ] = 0
    pods: Annotated[int, Meta(description="How many pods took part, including those that are not governed.")] = 0
    blocked_nodes: Annotated[
        int, Meta(description="How many nodes could not be drained because of governed workloads.")
    ] = 0
    unknown_nodes: Annotated[
        int, Meta(description="For how many nodes it is not known, because something that decides it is not known.")
    ] = 0
    blocked: Annotated[
        tuple[BlockedNode, ...],
        Meta(max_length=MOST_BLOCKED_NODES, description="The nodes that could not be drained, by name."),
    ] = ()
    dark_by_node: Annotated[
        int, Meta(description="How many governed workloads have no ready pod if one certain node fails.")
    ] = 0
    dark_by_zone: Annotated[
        int, Meta(description="How many governed workloads have no ready pod if one certain zone fails.")
    ] = 0
    dark: Annotated[
        tuple[DarkWorkload, ...],
        Meta(
            max_length=MOST_DARK_WORKLOADS,
            description="The workloads that one node or one zone would take down: first those by a node, then by "
            "namespace, kind and name.",
        ),
    ] = ()


class DayTotals(Part, frozen=True, kw_only=True):
    """The totals of a day: the last ones that the operator counted on it."""

    day: Annotated[date, Meta(description="The day, in UTC, by the clock of the API server.")] = msgspec.field(
        name="date"
    )
    workloads: Annotated[int, Meta(ge=0, description="The workloads that the policy governed.")]
    compliant: Annotated[int, Meta(ge=0, description="Those without any finding, including exempt ones.")]
    findings: Annotated[int, Meta(ge=0, description="The findings of all workloads.")]


class Status(Part, frozen=True, kw_only=True):
    """What the operator found and did."""

    observed_generation: Annotated[int, Meta(description="The generation of the spec that this is based on.")] = 0
    conditions: Annotated[
        tuple[Condition, ...],
        Meta(
            description="Ready: the policy is valid and in use. Compliant: no governed workload has a finding. "
            "Progressing: repairs are in progress. Reports: each workload has a report for other tools. Removal: how "
            "far the withdrawal is while the policy is deleted. NodesDrainable: no governed workload keeps a node from "
            "being drained (with spec.drainAudit).",
            extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    namespaces: Annotated[int, Meta(description="How many namespaces select this policy.")] = 0
    workloads: Workloads = Workloads()
    summary: Summary = Summary()
    compliance: Annotated[
        str,
        Meta(
            description="The share of workloads without any finding, including exempt ones, rounded down; n/a if there "
            "are no workloads."
        ),
    ] = "n/a"
    enforced_compliance: Annotated[
        str,
        Meta(
            description="The share of workloads without a finding of an expectation whose action is Repair or Deny, "
            "rounded down; n/a if there are no workloads."
        ),
    ] = "n/a"
    pending: Pending = Pending()
    by_namespace: Annotated[
        tuple[NamespaceSummary, ...],
        Meta(max_length=MOST_NAMESPACES, description="The namespaces, those with the most violating workloads first."),
    ] = ()
    repaired: Annotated[int, Meta(description="Workloads whose repairs are in effect: their pods run with them.")] = 0
    expectations: Annotated[
        tuple[ExpectationSummary, ...], Meta(description="The expectations that are not ignored, in their order.")
    ] = ()
    violations: Annotated[
        tuple[Violation, ...],
        Meta(max_length=MOST_VIOLATIONS, description="Findings, first those of the workloads with the most findings."),
    ] = ()
    violations_omitted: Annotated[
        int,
        Meta(
            description="How many findings are not listed in violations. `kubectl get all,poddisruptionbudgets -n "
            "<namespace> -o yaml | productionpolicy check --policy <file> -` shows all findings of a namespace."
        ),
    ] = 0
    exemptions: Annotated[
        tuple[ExemptionSummary, ...],
        Meta(max_length=MOST_EXEMPTIONS, description="Who is exempt from what, and until when, by namespace and name."),
    ] = ()
    exemptions_omitted: Annotated[int, Meta(description="How many exemptions are not listed in exemptions.")] = 0
    drain_audit: Annotated[
        DrainAuditStatus | None, Meta(description="The last audit of drains, if spec.drainAudit is enabled.")
    ] = None
    history: Annotated[
        tuple[DayTotals, ...],
        Meta(
            max_length=MOST_DAYS,
            description="The totals of the last 30 days on which the operator ran, the earliest first. The last entry "
            "has the current totals.",
        ),
    ] = ()
