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
from productionpolicy.kube.identity import RESUME
from productionpolicy.kube.patterns import any_of
from productionpolicy.kube.text import printable
from productionpolicy.kube.workloads import digest
from productionpolicy.policy.faults import located

LONGEST_NAME = 63
"""Namespaces name a policy by the value of a label, which is no longer."""

LONGEST_FAULT = 500
"""Of what is told of a spec that is not valid: it repeats what stands there, which may be of any length."""

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
"""Containers that meshes and agents put into pods of others."""


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
    """What becomes of the changes when the policy no longer governs."""

    KEEP = "Keep"
    REVERT = "Revert"


class Timing(StrEnum):
    """When repairs that restart pods are written."""

    IMMEDIATE = "Immediate"
    NEXT_ROLLOUT = "NextRollout"


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of the spec."""

    rules: ClassVar[tuple[Rule, ...]] = ()


class Rollout(Document, frozen=True, kw_only=True):
    """How fast repairs that restart pods may go."""

    rules: ClassVar[tuple[Rule, ...]] = (some_pods("maxConcurrent"),)

    max_concurrent: Annotated[
        int | str,
        Meta(
            description="How many governed workloads may roll out because of the operator at one time, withdrawals "
            "included: a number, or a percentage of the governed workloads (rounded up)."
        ),
    ] = 5
    timing: Annotated[
        Timing,
        Meta(
            description="Immediate: repairs that restart pods are written as soon as the budget allows. NextRollout: "
            "the operator begins no rollout: such repairs, changes of them and withdrawals come with the owner's next "
            "change of the pods, by repair at admission (condition AdmissionRepair) or by the operator right after it; "
            "until then they are pending. All others are written."
        ),
    ] = Timing.IMMEDIATE
    progress_deadline_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=86400,
            description="How many seconds each pod of a StatefulSet may take in a rollout because of the operator, "
            "beside its grace period and minReadySeconds; then the rollout has failed and is put back. Deployments "
            "have a progressDeadlineSeconds of their own.",
        ),
    ] = 1800

    def __post_init__(self) -> None:
        """Refuse what the rule refuses."""
        check_some_pods("maxConcurrent", self.max_concurrent)

    def slots(self, workloads: int) -> int:
        """Return how many of so many governed workloads may roll out because of us at one time."""
        return max(1, Count.parse(self.max_concurrent).rounded_up(workloads))


def _expectations_struct() -> type[msgspec.Struct]:
    """Build the struct with one field per expectation: the list is the only place that names them all."""
    fields = [(each.name, each.parameters, msgspec.field(default=each.parameters())) for each in EXPECTATIONS]
    return msgspec.defstruct("Expectations", fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


Expectations: Any = _expectations_struct()


class Spec(Document, frozen=True, kw_only=True):
    """What the policy expects of the workloads it governs, and what may be done about it."""

    mode: Annotated[
        Mode,
        Meta(
            description="Enforce: repairs are written. Audit: they are only reported; nothing is written but this "
            "resource's status."
        ),
    ]
    profile: Annotated[
        Profile,
        Meta(description="The default action of each expectation: strict for Production, lenient for Development."),
    ] = Profile.PRODUCTION
    paused: Annotated[
        bool,
        Meta(description="The kill switch: while true nothing is written but this resource's status."),
    ] = False
    exemptions: Annotated[
        Exemptions,
        Meta(
            description="Whether a workload may opt out of an expectation by the annotation "
            "exempt.productionpolicy.dev/<expectation>, whose value is the reason."
        ),
    ] = Exemptions.HONOURED
    on_removal: Annotated[
        OnRemoval,
        Meta(
            description="What becomes of the operator's changes when this policy no longer governs a workload. Keep: "
            "only what restarts no pod is withdrawn (disruption budgets, rollout settings). Revert: everything is."
        ),
    ] = OnRemoval.KEEP
    exempt_containers: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=63)], ...],
        Meta(
            max_length=256,
            description="Names of containers that are neither judged nor repaired; * and ? stand for other characters. "
            "The default lists sidecars that service meshes and agents inject.",
        ),
    ] = INJECTED_SIDECARS
    rollout: Rollout = Rollout()
    expectations: Annotated[
        Expectations,
        Meta(description="What is expected, and what is done about it; one field per expectation."),
    ] = Expectations()


class InvalidPolicy(ValueError):
    """A policy cannot be used; the message names the field and says why."""


class Policy(msgspec.Struct, frozen=True, dict=True):
    """A ProductionPolicy."""

    name: str
    spec: Spec
    uid: str = ""
    generation: int = 0
    resumed: str = ""
    """What a person wrote to let repairs go on that failed rollouts have stopped."""

    def parameters(self, expectation: Expectation[Any]) -> Any:
        """Return the typed parameters of an expectation, as they count under the profile."""
        return self._parameters[expectation.name]

    def action(self, expectation: Expectation[Any]) -> Action:
        """Return what is done about an expectation: the policy's word, or the profile's."""
        return self._actions[expectation.name]

    def acting(self, action: Action) -> tuple[str, ...]:
        """Return the names of the expectations about which this is done."""
        return tuple(each.name for each in EXPECTATIONS if self.action(each) is action)

    def exempts_container(self, name: str) -> bool:
        """Say whether a container is to be left alone."""
        return any_of(self.spec.exempt_containers).match(name) is not None

    def terms(self, expectation: Expectation[Any]) -> str:
        """Return a digest of all that the policy says about an expectation."""
        return self._terms[expectation.name]

    @property
    def edition(self) -> str:
        """A digest that changes with the spec, however it changes, and not because another version reads it."""
        return digest(f"{self.name} {self.uid} {self.generation}")

    @property
    def resumption(self) -> str:
        """A digest of what a person wrote to let repairs go on."""
        return digest(self.resumed)

    @property
    def writes(self) -> bool:
        """Whether it lets repairs be written."""
        return self.spec.mode is Mode.ENFORCE and not self.spec.paused

    @property
    def reverts(self) -> bool:
        """Whether all of its changes are withdrawn when it no longer governs."""
        return self.spec.on_removal is OnRemoval.REVERT

    # Every judgement of every workload asks for these, of each expectation.

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
    """Return the policy that a raw object holds.

    Raises:
        InvalidPolicy: a field holds something that the API does not allow (stored before a rule tightened, or by a
            cluster whose CustomResourceDefinition is of another version).
    """
    metadata = Fields(raw).mapping("metadata")
    name = metadata.text("name") or ""
    if len(name) > LONGEST_NAME:
        raise InvalidPolicy(f"metadata.name: must be at most {LONGEST_NAME} characters, namespaces name it by a label")
    return Policy(
        name=name,
        spec=read_spec(raw.get("spec")),
        uid=metadata.text("uid") or "",
        generation=metadata.integer("generation") or 0,
        resumed=metadata.text_map("annotations").get(RESUME, ""),
    )


def read_spec(raw: Any) -> Spec:
    """Return the spec that a raw value holds.

    Raises:
        InvalidPolicy: the same.
    """
    try:
        return msgspec.convert(_given(raw) if raw is not None else {}, Spec)
    except msgspec.ValidationError as error:
        raise InvalidPolicy(printable(located(error, Spec, root="spec"), longest=LONGEST_FAULT)) from error


def _given(raw: Any) -> Any:
    """Return what is given: like the API server, take null for absent."""
    if isinstance(raw, Mapping):
        return {name: _given(value) for name, value in raw.items() if value is not None}
    return [_given(each) for each in raw] if isinstance(raw, list) else raw
