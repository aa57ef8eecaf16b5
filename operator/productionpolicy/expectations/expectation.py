"""An expectation: a best practice that can be judged and, if it has a repair, fixed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.counts import Count
from productionpolicy.kube.pods import Container, Probe
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Kind, Workload
from productionpolicy.repairs import Amendment, Notation, OwnedObject

PODS = frozenset(Kind)
"""All kinds, because each of them has pods."""

ALL, NOT_ALL = 100, 99
"""Upper bounds for a share of pods, in percent."""

_UP_TO = {ALL: "[1-9][0-9]?|100", NOT_ALL: "[1-9][0-9]?"}


class Action(StrEnum):
    """What is done about an expectation."""

    IGNORE = "Ignore"
    AUDIT = "Audit"
    WARN = "Warn"
    """As Audit, and the API server warns clients that create or change a workload that violates it."""
    DENY = "Deny"
    """As Audit, and the API server refuses violations."""
    REPAIR = "Repair"


class Severity(StrEnum):
    """How much a violation matters, in the words of reports: the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Category(StrEnum):
    """What an expectation is about; reports are grouped by it."""

    AVAILABILITY = "Availability"
    ROLLOUTS = "Rollouts"
    SHUTDOWN = "Shutdown"
    HEALTH = "Health checks"
    PROCESSES = "Processes"
    RESOURCES = "Resources"
    IMAGES = "Images"
    SECURITY = "Security"
    CONFIGURATION = "Configuration"
    OBSERVABILITY = "Observability"
    DATA = "Data"
    GOVERNANCE = "Governance"
    """What the policy and its operator make of the workload; no expectation is about it."""


class Rule(Struct, frozen=True):
    """A rule over several fields, in CEL for the API server. `__post_init__` checks the same in Python."""

    cel: str
    message: str


def some_pods(field: str, *, most: int = ALL) -> Rule:
    """Return the rule that a count of pods, if set, is not zero, and as a percentage at most ALL or NOT_ALL."""
    given = f"self.{field}"
    percentage = f"string({given}).matches('^({_UP_TO[most]})%$')"
    return Rule(
        cel=f"!has({given}) || (type({given}) == int ? int({given}) >= 1 : {percentage})",
        message=_not_some_pods(field, most),
    )


def check_some_pods(field: str, given: int | str | None, *, most: int = ALL) -> None:
    """Refuse what `some_pods` refuses."""
    count = Count.parse(given) if given is not None else None
    if count and (count.value < 1 or (count.percent and count.value > most)):
        raise ValueError(_not_some_pods(field, most))


def _not_some_pods(field: str, most: int) -> str:
    return f"{field} must be 1 or more, or a percentage from 1% to {most}%"


class Parameters(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The fields that all expectations have. The profile decides if `action` is not set."""

    actions: ClassVar[tuple[Action, ...]] = (Action.IGNORE, Action.AUDIT, Action.REPAIR)
    rules: ClassVar[tuple[Rule, ...]] = ()
    built_in: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Long lists that are built in instead of written into each policy. With the fields `additional_<name>` and
    `disabled_<name>` a policy adds entries to the list of this name, and removes entries from it."""

    action: Annotated[
        Action | None,
        msgspec.Meta(description="What happens if a workload violates this. If not set, the profile decides."),
    ] = None

    def __post_init__(self) -> None:
        """Refuse an action that this expectation does not support."""
        if self.action is not None and self.action not in self.actions:
            *others, last = self.actions
            raise ValueError(f"action {self.action} is not supported here, only {', '.join(others)} or {last}")
        for name, entries in self.built_in.items():
            unknown = next((each for each in getattr(self, f"disabled_{name}") if each not in entries), None)
            if unknown is not None:
                raise ValueError(f"{unknown} cannot be disabled, because it is not built in")

    def listed(self, name: str) -> tuple[str, ...]:
        """Return the entries of a list: the built-in ones that are not disabled, and the additional ones."""
        return _listed(self.built_in[name], getattr(self, f"additional_{name}"), getattr(self, f"disabled_{name}"))

    def in_development(self) -> Self:
        """Return the parameters as they count under the profile Development."""
        return self


@lru_cache(maxsize=64)
def _listed(built_in: tuple[str, ...], additional: tuple[str, ...], disabled: tuple[str, ...]) -> tuple[str, ...]:
    return (*(each for each in built_in if each not in disabled), *additional)


class AuditedParameters(Parameters, frozen=True, kw_only=True):
    """The fields of an expectation that only a person can fix."""

    actions: ClassVar[tuple[Action, ...]] = (Action.IGNORE, Action.AUDIT)


class RefusableParameters(AuditedParameters, frozen=True, kw_only=True):
    """The fields of an expectation that only a person can fix, and that can be judged from the workload alone."""

    actions: ClassVar[tuple[Action, ...]] = (Action.IGNORE, Action.AUDIT, Action.WARN, Action.DENY)


class Finding(Struct, frozen=True):
    """A violation: where it is, why it matters there, and the remedy."""

    path: str
    message: str
    remedy: str
    lasting: Finding | None = None
    """The same without numbers of pods and times, which change while the violation lasts; None if it has none."""

    def lasting_as(self, message: str, *, remedy: str | None = None) -> Finding:
        """Return the finding together with the same in words that last.

        Args:
            message: the message that lasts.
            remedy: the remedy that lasts, if it is another one.
        """
        return replace(self, lasting=Finding(self.path, message, self.remedy if remedy is None else remedy))


class Refusal(Struct, frozen=True):
    """Why a repair is left to a person."""

    reason: str


Repair = Amendment | OwnedObject | Refusal | None
P = TypeVar("P", bound=Parameters)


class Expectation(Struct, Generic[P], frozen=True):
    """One practice. The docstring of the module that declares it is its page in the documentation."""

    name: str
    """Its field under spec.expectations."""
    title: str
    severity: Severity
    category: Category
    parameters: type[P]
    production: Action
    development: Action
    applies: Callable[[Workload, P, Surroundings], bool]
    """Returns whether there is anything to judge."""
    audit: Callable[[Workload, P, Surroundings], Iterator[Finding]]
    repair: Callable[[Workload, P, Surroundings], Repair] | None = None
    """Returns the smallest change that fixes the workload, None if there is no finding, or why a person must decide."""
    amendment: type[Notation] | None = None
    """How the journal records its repair; None if the repair is an owned object, or there is no repair."""
    owned: type[OwnedObject] | None = None
    """The kind of the separate object that is its repair; None if it has no such object."""
    kinds: frozenset[Kind] = PODS
    of_containers: bool = True
    """Whether it judges containers, so that there is nothing to judge if all of them are exempt."""
    rides_along: bool = False
    """Whether its repair waits until another change restarts the pods."""
    reads_values: bool = False
    """Whether it judges the values of environment variables."""
    heuristic: bool = False
    """Whether it reads command lines, names and images, so that a finding may be wrong: reports warn of it."""
    hooks: bool = False
    """Whether it also judges hooks of Helm and Argo CD, which are meant to end soon."""

    @property
    def page(self) -> str:
        """The text of its page."""
        module: Any = inspect.getmodule(self.audit)
        return inspect.getdoc(module) or ""

    def judges(self, workload: Workload, parameters: P, around: Surroundings) -> bool:
        """Return whether the expectation applies to the workload."""
        empty = self.of_containers and not workload.template.containers
        judged = workload.kind in self.kinds and not empty and (self.hooks or workload.hook is None)
        return judged and self.applies(workload, parameters, around)


def missing_port(container: Container, probe: Probe | None, *, name: str) -> Iterator[Finding]:
    """Find a probe that names a port that its container does not have.

    Args:
        container: the container.
        probe: its probe, if it has one.
        name: the field of the probe.
    """
    if probe is not None and probe.missing_port:
        yield Finding(
            path=f"{container.path}.{name}",
            message=f"container {container.name} has no port named {probe.missing_port}, so its {name} always fails",
            remedy="name a port of the container, or give its number",
        )


def always(_workload: Workload, _parameters: Parameters, _around: Surroundings) -> bool:
    """Judge every workload."""
    return True


def several_pods(workload: Workload, _parameters: Parameters, around: Surroundings) -> bool:
    """Judge workloads that are meant to have at least two pods."""
    return around.floor(workload) >= 2  # noqa: PLR2004  # availability needs at least two pods


def several_labelled_pods(workload: Workload, parameters: Parameters, around: Surroundings) -> bool:
    """Judge workloads with at least two pods that have labels; in a file, a tool may add the labels later."""
    return bool(workload.template.labels) and several_pods(workload, parameters, around)
