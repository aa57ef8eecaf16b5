"""The spec of a ProductionPolicy (productionpolicy.dev/v1alpha1) as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from productionpolicy.expectations import EXPECTATIONS, Action, Expectation, Parameters, Rule
from productionpolicy.expectations.expectation import check_some_pods, some_pods
from productionpolicy.kube.counts import Count
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import AUDIT_DRAINS, RESUME, ROLLOUT_WINDOWS
from productionpolicy.kube.patterns import any_of
from productionpolicy.kube.text import printable
from productionpolicy.kube.workloads import digest
from productionpolicy.policy.document import Document
from productionpolicy.policy.faults import located
from productionpolicy.policy.windows import MOST_FREEZES, MOST_WINDOWS, Calendar, Freeze, Window

LONGEST_NAME = 63
"""The maximum length of a label value, because namespaces select a policy by a label."""

LONGEST_REQUEST = 63
"""So much of a request for an audit is compared and kept in the status."""

LONGEST_FAULT = 500
"""The maximum length of a message about an invalid spec: it quotes the spec, whose values may have any length."""

INJECTED_SIDECARS = (
    "consul-connect-inject-init",
    "consul-dataplane",
    "daprd",
    "istio-init",
    "istio-proxy",
    "istio-validation",
    "kuma-init",
    "kuma-sidecar",
    "linkerd-init",
    "linkerd-network-validator",
    "linkerd-proxy",
    "opentelemetry-auto-instrumentation*",
    "vault-agent",
    "vault-agent-init",
)
"""Containers that service meshes and agents inject into pods."""


class Profile(StrEnum):
    """The default action of each expectation."""

    PRODUCTION = "Production"
    DEVELOPMENT = "Development"


class Mode(StrEnum):
    """Whether repairs are written."""

    ENFORCE = "Enforce"
    AUDIT = "Audit"


class Exemptions(StrEnum):
    """Whether a workload may opt out."""

    HONOURED = "Honoured"
    IGNORED = "Ignored"


class OnRemoval(StrEnum):
    """What happens to the repairs when the policy no longer governs."""

    KEEP = "Keep"
    REVERT = "Revert"


class Timing(StrEnum):
    """When repairs that restart pods are written."""

    IMMEDIATE = "Immediate"
    NEXT_ROLLOUT = "NextRollout"


class DrainAuditMode(StrEnum):
    """Whether drains are played."""

    DISABLED = "Disabled"
    ENABLED = "Enabled"


class DrainAudit(Document, frozen=True, kw_only=True):
    """Whether the operator finds out, without draining anything, which nodes could not be drained."""

    mode: Annotated[
        DrainAuditMode,
        Meta(
            description="Enabled: at each interval, the operator lists the pods and nodes of the cluster, plays the "
            "drain of each node and the failure of each node and zone, and reports in status.drainAudit what concerns "
            "the governed workloads. It needs the permissions of the component drain-audit. Nothing is evicted. "
            "Disabled: it does not."
        ),
    ] = DrainAuditMode.DISABLED
    interval_seconds: Annotated[
        int,
        Meta(
            ge=600,
            le=604800,
            description="How many seconds to wait between two audits. Each wait is up to 10% shorter or longer. The "
            f"annotation {AUDIT_DRAINS} requests an audit at once, whenever it gets a new value.",
        ),
    ] = 21600


class ReportsMode(StrEnum):
    """Which kind of reports is written."""

    AUTO = "Auto"
    OPEN_REPORTS = "OpenReports"
    POLICY_REPORT = "PolicyReport"
    OFF = "Off"


class Reports(Document, frozen=True, kw_only=True):
    """The reports on workloads that other tools read, one for each workload, in its namespace."""

    mode: Annotated[
        ReportsMode,
        Meta(
            description="OpenReports: a Report (openreports.io/v1alpha1) for each workload. PolicyReport: a "
            "PolicyReport (wgpolicyk8s.io/v1alpha2). Auto: the first of these kinds that the API server serves, and "
            "none while it serves neither. Off: none; write it in quotes, because YAML takes Off for false. The "
            "operator deletes its reports when they are no longer wanted. The condition Reports says why reports are "
            "missing."
        ),
    ] = ReportsMode.AUTO
    max_results: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="The maximum number of results in a report, the most severe first. The summary of the report "
            "counts all of them.",
        ),
    ] = 10


class Rollout(Document, frozen=True, kw_only=True):
    """The pace of repairs that restart pods."""

    rules: ClassVar[tuple[Rule, ...]] = (some_pods("maxConcurrent"),)

    max_concurrent: Annotated[
        int | str,
        Meta(
            description="How many governed workloads may roll out at the same time because of the operator, including "
            "withdrawals. A percentage is of the governed workloads, rounded up."
        ),
    ] = 5
    timing: Annotated[
        Timing,
        Meta(
            description="Immediate: the operator writes repairs that restart pods as soon as maxConcurrent allows. "
            "NextRollout: the operator starts no rollout. Such repairs, their changes and withdrawals come with the "
            "owner's next change of the pods, by repair at admission (condition AdmissionRepair) or by the operator "
            "right after it. Until then they are pending. The operator writes all other repairs."
        ),
    ] = Timing.IMMEDIATE
    windows: Annotated[
        tuple[Window, ...],
        Meta(
            max_length=MOST_WINDOWS,
            description="When the operator may restart pods; always, if the list is empty. While no window is open, "
            "repairs and withdrawals that restart pods are pending, unless the owner replaces the pods anyway. The "
            "operator writes all other repairs, and rolls back failed rollouts, at any time. A namespace can narrow "
            f"the windows with the annotation {ROLLOUT_WINDOWS}, whose value is such a list as JSON.",
        ),
    ] = ()
    freezes: Annotated[
        tuple[Freeze, ...],
        Meta(max_length=MOST_FREEZES, description="Days on which no window opens."),
    ] = ()
    progress_deadline_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=86400,
            description="How many seconds each pod of a StatefulSet may take in a rollout because of the operator, in "
            "addition to its grace period and minReadySeconds. After that, the rollout has failed and is rolled back. "
            "Deployments have their own progressDeadlineSeconds.",
        ),
    ] = 1800

    def __post_init__(self) -> None:
        """Refuse what the rule refuses."""
        check_some_pods("maxConcurrent", self.max_concurrent)

    def slots(self, workloads: int) -> int:
        """Return how many of the governed workloads may roll out at the same time because of the operator."""
        return max(1, Count.parse(self.max_concurrent).rounded_up(workloads))


def _expectations_struct() -> type[msgspec.Struct]:
    """Build the struct with one field per expectation, because only `EXPECTATIONS` lists all of them."""
    fields = [(each.name, each.parameters, msgspec.field(default=each.parameters())) for each in EXPECTATIONS]
    return msgspec.defstruct("Expectations", fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


Expectations: Any = _expectations_struct()


class Spec(Document, frozen=True, kw_only=True):
    """What the policy expects of the workloads it governs, and how the operator may act on violations."""

    mode: Annotated[
        Mode,
        Meta(
            description="Enforce: the operator writes repairs. Audit: it only reports them, and writes nothing but the "
            "status of this resource, and reports."
        ),
    ]
    profile: Annotated[
        Profile,
        Meta(description="The default action of each expectation: strict for Production, lenient for Development."),
    ] = Profile.PRODUCTION
    paused: Annotated[
        bool,
        Meta(description="The kill switch: while true, the operator writes only the status of this resource."),
    ] = False
    exemptions: Annotated[
        Exemptions,
        Meta(
            description="Whether a workload may opt out of an expectation with the annotation "
            "exempt.productionpolicy.dev/<expectation>, whose value is the reason."
        ),
    ] = Exemptions.HONOURED
    on_removal: Annotated[
        OnRemoval,
        Meta(
            description="What happens to the repairs of a workload when this policy no longer governs it. Keep: the "
            "operator withdraws only what restarts no pods (disruption budgets, rollout settings). Revert: it "
            "withdraws everything."
        ),
    ] = OnRemoval.KEEP
    exempt_containers: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=63)], ...],
        Meta(
            max_length=256,
            description="Names of containers that are neither judged nor repaired; * and ? are wildcards. The default "
            "lists sidecars that service meshes and agents inject.",
        ),
    ] = INJECTED_SIDECARS
    rollout: Rollout = Rollout()
    drain_audit: DrainAudit = DrainAudit()
    reports: Reports = Reports()
    expectations: Annotated[
        Expectations,
        Meta(description="The expectations and their actions, with one field per expectation."),
    ] = Expectations()


class InvalidPolicy(ValueError):
    """A policy is invalid; the message names the field and the reason."""


class Policy(msgspec.Struct, frozen=True, dict=True):
    """A ProductionPolicy."""

    name: str
    spec: Spec
    uid: str = ""
    generation: int = 0
    resumed: str = ""
    """The value with which a person resumed repairs that failed rollouts had stopped."""
    audit_request: str = ""
    """The value with which a person requested an audit of drains."""

    def parameters(self, expectation: Expectation[Any]) -> Any:
        """Return the typed parameters of an expectation, with the defaults of the profile."""
        return self._parameters[expectation.name]

    def action(self, expectation: Expectation[Any]) -> Action:
        """Return the action of an expectation: that of the policy, or else of the profile."""
        return self._actions[expectation.name]

    def acting(self, action: Action) -> tuple[str, ...]:
        """Return the names of the expectations with this action."""
        return tuple(each.name for each in EXPECTATIONS if self.action(each) is action)

    def exempts_container(self, name: str) -> bool:
        """Return whether a container is neither judged nor repaired."""
        return any_of(self.spec.exempt_containers).match(name) is not None

    def terms(self, expectation: Expectation[Any]) -> str:
        """Return a digest of the action and the parameters of an expectation."""
        return self._terms[expectation.name]

    @property
    def edition(self) -> str:
        """A digest that changes with every change of the spec, but not with the version of the operator."""
        return digest(f"{self.name} {self.uid} {self.generation}")

    @property
    def resumption(self) -> str:
        """A digest of the value with which a person resumed repairs."""
        return digest(self.resumed)

    @property
    def writes(self) -> bool:
        """Whether repairs may be written."""
        return self.spec.mode is Mode.ENFORCE and not self.spec.paused

    @cached_property
    def calendar(self) -> Calendar:
        """When repairs may restart pods."""
        return Calendar(self.spec.rollout.windows, self.spec.rollout.freezes)

    @property
    def audits_drains(self) -> bool:
        """Whether drains are played."""
        return self.spec.drain_audit.mode is DrainAuditMode.ENABLED

    @property
    def reverts(self) -> bool:
        """Whether all repairs are withdrawn when the policy no longer governs."""
        return self.spec.on_removal is OnRemoval.REVERT

    # Every evaluation of a workload reads these, for each expectation.

    @cached_property
    def _parameters(self) -> Mapping[str, Parameters]:
        given = {each.name: getattr(self.spec.expectations, each.name) for each in EXPECTATIONS}
        if self.spec.profile is Profile.DEVELOPMENT:
            return {name: each.in_development() for name, each in given.items()}
        return given

    @cached_property
    def _actions(self) -> Mapping[str, Action]:
        return {each.name: self._parameters[each.name].action or self._default(each) for each in EXPECTATIONS}

    def _default(self, expectation: Expectation[Any]) -> Action:
        return expectation.production if self.spec.profile is Profile.PRODUCTION else expectation.development

    @cached_property
    def _terms(self) -> Mapping[str, str]:
        return {name: digest(f"{action} {self._parameters[name]!r}") for name, action in self._actions.items()}


def read_policy(raw: Mapping[str, Any]) -> Policy:
    """Return the policy that a raw object contains.

    Raises:
        InvalidPolicy: a field has a value that the API does not allow (stored before a rule became stricter, or by a
            cluster with another version of the CustomResourceDefinition).
    """
    metadata = Fields(raw).mapping("metadata")
    annotations = metadata.text_map("annotations")
    name = metadata.text("name") or ""
    if len(name) > LONGEST_NAME:
        raise InvalidPolicy(f"metadata.name: must be at most {LONGEST_NAME} characters, because it is a label value")
    return Policy(
        name=name,
        spec=read_spec(raw.get("spec")),
        uid=metadata.text("uid") or "",
        generation=metadata.integer("generation") or 0,
        resumed=annotations.get(RESUME, ""),
        audit_request=printable(annotations.get(AUDIT_DRAINS, ""), longest=LONGEST_REQUEST),
    )


def read_spec(raw: Any) -> Spec:
    """Return the spec that a raw value contains.

    Raises:
        InvalidPolicy: a field has a value that the API does not allow.
    """
    try:
        return msgspec.convert(_given(raw) if raw is not None else {}, Spec)
    except msgspec.ValidationError as error:
        raise InvalidPolicy(printable(located(error, Spec, root="spec"), longest=LONGEST_FAULT)) from error


def _given(raw: Any) -> Any:
    """Return the value without nulls: like the API server, treat null as absent."""
    if isinstance(raw, Mapping):
        return {name: _given(value) for name, value in raw.items() if value is not None}
    return [_given(each) for each in raw] if isinstance(raw, list) else raw


def read_windows(text: str) -> tuple[Window, ...]:
    """Return the windows in the annotation of a namespace.

    Raises:
        InvalidPolicy: the text is not such a list.
    """
    try:
        return msgspec.json.decode(text, type=tuple[Window, ...])
    except msgspec.ValidationError as error:
        raise InvalidPolicy(printable(located(error, tuple[Window, ...], root=""), longest=LONGEST_FAULT)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidPolicy("it is not JSON") from error
