"""The status of a ProductionPolicy as typed values. Totals are exact, details are sorted and capped."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from productionpolicy.expectations import Action

MOST_NAMESPACES = 100
MOST_VIOLATIONS = 50
MOST_PENDING = 20
MOST_EXEMPTIONS = 50
LONGEST_MESSAGE = 512


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of the status."""


class Condition(Part, frozen=True, kw_only=True):
    """A standard condition (meta/v1 Condition)."""

    type: Annotated[str, Meta(description="What the condition is about.", max_length=316)]
    status: Annotated[str, Meta(description="True, False or Unknown.", pattern="^(True|False|Unknown)$")]
    reason: Annotated[str, Meta(description="Why, in one CamelCase word.", min_length=1, max_length=1024)]
    message: Annotated[str, Meta(description="Why, in a sentence for people.", max_length=32768)]
    last_transition_time: Annotated[datetime, Meta(description="When the status last changed.")]
    observed_generation: Annotated[int, Meta(description="The generation of the policy that it speaks of.")] = 0


class Workloads(Part, frozen=True, kw_only=True):
    """How many workloads there are, each counted in exactly one class beside the total."""

    total: Annotated[int, Meta(description="All workloads that the policy governs.")] = 0
    compliant: Annotated[int, Meta(description="Without any finding.")] = 0
    violating: Annotated[int, Meta(description="With findings, and nothing on the way that would mend them.")] = 0
    exempt: Annotated[int, Meta(description="Without findings only because exemptions hold.")] = 0
    repairing: Annotated[
        int, Meta(description="With a repair or withdrawal that is on its way or waits for its turn.")
    ] = 0
    contested: Annotated[
        int, Meta(description="With a repair that another writer keeps undoing, and that is therefore left undone.")
    ] = 0
    failed: Annotated[int, Meta(description="With a repair that the API server refused, or that went wrong.")] = 0


class Summary(Part, frozen=True, kw_only=True):
    """The workloads in four classes that add up to the total, as `kubectl get` shows them."""

    compliant: Annotated[int, Meta(description="Without any finding, or exempt from what would be one.")] = 0
    violating: Annotated[int, Meta(description="With findings, and nothing on the way that would mend them.")] = 0
    failed: Annotated[
        int, Meta(description="With a repair that was refused, went wrong, or is undone by another writer.")
    ] = 0
    pending: Annotated[
        int, Meta(description="With a repair or withdrawal that is on its way or waits for its turn.")
    ] = 0


class PendingWorkload(Part, frozen=True, kw_only=True):
    """A workload that is still to be changed."""

    namespace: Annotated[str, Meta(description="Where the workload is.")]
    kind: Annotated[str, Meta(description="The kind of workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    restarts: Annotated[bool, Meta(description="Whether its pods will be replaced for it.")]
    changes: Annotated[tuple[str, ...], Meta(description="What will be changed.")]


class Pending(Part, frozen=True, kw_only=True):
    """What is still to be done; in mode Audit what Enforce would do."""

    repairs: Annotated[int, Meta(description="Repairs and withdrawals still to be made.")] = 0
    restarts: Annotated[int, Meta(description="Workloads whose pods will be replaced for them.")] = 0
    workloads: Annotated[
        tuple[PendingWorkload, ...],
        Meta(
            max_length=MOST_PENDING,
            description="The workloads that are still to be changed, those that restart first, each with its changes; "
            "by namespace, kind and name.",
        ),
    ] = ()


class NamespaceSummary(Part, frozen=True, kw_only=True):
    """What a namespace comes to."""

    name: Annotated[str, Meta(description="The namespace.")]
    total: Annotated[int, Meta(description="Its workloads.")] = 0
    violating: Annotated[int, Meta(description="Those with findings.")] = 0
    repaired: Annotated[int, Meta(description="Those whose repairs are in effect.")] = 0


class ExpectationSummary(Part, frozen=True, kw_only=True):
    """What an expectation comes to, over all workloads that it applies to."""

    name: Annotated[str, Meta(description="The expectation.")]
    action: Annotated[Action, Meta(description="What the policy does about it.")]
    passed: Annotated[int, Meta(description="Workloads that fulfil it, repaired ones included.")] = 0
    failed: Annotated[int, Meta(description="Workloads that do not.")] = 0
    repaired: Annotated[int, Meta(description="Workloads that carry our repair of it.")] = 0
    exempt: Annotated[int, Meta(description="Workloads whose exemption from it holds.")] = 0


class Violation(Part, frozen=True, kw_only=True):
    """One finding."""

    namespace: Annotated[str, Meta(description="Where the workload is.")]
    kind: Annotated[str, Meta(description="The kind of workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    expectation: Annotated[
        str,
        Meta(
            description="The expectation that it does not fulfil; or what else is to be told of it: unreadable, "
            "exemptions, rollout, refused."
        ),
    ]
    path: Annotated[str, Meta(description="Where in the object.")]
    message: Annotated[str, Meta(description="What is wrong there, and the remedy.")]


class ExemptionSummary(Part, frozen=True, kw_only=True):
    """An exemption that holds."""

    namespace: Annotated[str, Meta(description="Where the workload is.")]
    kind: Annotated[str, Meta(description="The kind of workload.")]
    name: Annotated[str, Meta(description="The name of the workload.")]
    expectation: Annotated[str, Meta(description="From which expectation it is exempt, or all.")]
    reason: Annotated[str, Meta(description="Why, in the owner's words.")]
    until: Annotated[str, Meta(description="The last day on which it holds, in UTC; empty where it has no end.")] = ""


class Status(Part, frozen=True, kw_only=True):
    """What the operator found and did, as of the last change."""

    observed_generation: Annotated[int, Meta(description="The generation of the spec that this status speaks of.")] = 0
    conditions: Annotated[
        tuple[Condition, ...],
        Meta(
            description="Ready: the policy is valid and in use. Compliant: no governed workload has a finding. "
            "Progressing: repairs are under way. Removal: how far the withdrawal has come while the policy is deleted.",
            extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    namespaces: Annotated[int, Meta(description="How many namespaces name this policy.")] = 0
    workloads: Workloads = Workloads()
    summary: Summary = Summary()
    compliance: Annotated[
        str,
        Meta(
            description="The share of workloads without any finding, exempt ones included, rounded down; n/a where "
            "there are none."
        ),
    ] = "n/a"
    enforced_compliance: Annotated[
        str,
        Meta(
            description="The share of workloads without a finding of an expectation whose action is Repair or Deny, "
            "rounded down; n/a where there are none."
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
        Meta(max_length=MOST_VIOLATIONS, description="Findings, those of the workloads with the most first."),
    ] = ()
    violations_omitted: Annotated[
        int,
        Meta(
            description="How many findings are not listed in violations. `kubectl get all,poddisruptionbudgets -n "
            "<namespace> -o yaml | productionpolicy check --policy <file> -` shows all of a namespace."
        ),
    ] = 0
    exemptions: Annotated[
        tuple[ExemptionSummary, ...],
        Meta(max_length=MOST_EXEMPTIONS, description="Who is exempt from what, and until when; by namespace and name."),
    ] = ()
    exemptions_omitted: Annotated[int, Meta(description="How many exemptions are not listed in exemptions.")] = 0
