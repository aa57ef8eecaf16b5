"""Findings that are no repair of the operator, but have only one right answer in a file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct

from productionpolicy.expectations import BY_NAME, Finding
from productionpolicy.expectations.image_pull_policy import ALWAYS, IMAGE_PULL_POLICY, moves
from productionpolicy.expectations.liveness_probe import LIVENESS_PROBE
from productionpolicy.expectations.pod_disruption_budget import (
    POD_DISRUPTION_BUDGET,
    counts,
    keeps_unhealthy_pods,
)
from productionpolicy.expectations.readiness_probe import READINESS_PROBE
from productionpolicy.expectations.startup_probe import STARTUP_PROBE
from productionpolicy.expectations.termination_message import TERMINATION_MESSAGE
from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.images import Image
from productionpolicy.kube.pods import HandlerKind, Probe
from productionpolicy.kube.repairable import MESSAGE_POLICY
from productionpolicy.offline.places import steps_of, value_at
from productionpolicy.repairs.message_policy import FROM_LOGS
from productionpolicy.verdict import Inputs, Outcome, audit


class Answer(Struct, frozen=True):
    """The value that a field should have."""

    expectation: str
    path: str
    value: int | str

    def __str__(self) -> str:
        return f"{self.expectation} ({self.path}: {self.value})"


def answers(inputs: Inputs, raw: Mapping[str, Any], names: Collection[str]) -> list[Answer]:
    """Return the answers to the findings about a workload, for the expectations of these names."""
    failed = (each for each in audit(inputs) if each.outcome is Outcome.FAILED and each.expectation in names)
    found = ((each.expectation, finding) for each in failed for finding in each.findings)
    return [
        answer
        for name, finding in found
        if name in _OF_WORKLOADS
        for answer in _OF_WORKLOADS[name](inputs, raw, finding)
    ]


def budgets_to_open(inputs: Inputs, names: Collection[str]) -> list[Budget]:
    """Return the budgets of a workload that must allow the eviction of unhealthy pods, and do not."""
    assert inputs.policy is not None
    expectation, workload = POD_DISRUPTION_BUDGET, inputs.workload
    parameters = inputs.policy.parameters(expectation)
    if expectation.name not in names or inputs.exempt(expectation):
        return []
    if not expectation.judges(workload, parameters, inputs.around):
        return []
    judged = (each for each in inputs.around.budgets if counts(each, workload))
    return [each for each in judged if keeps_unhealthy_pods(each, parameters)]


def _pull_policy(inputs: Inputs, _raw: Mapping[str, Any], finding: Finding) -> Iterator[Answer]:
    """An image whose tag moves must be pulled Always. For a pinned one that is pulled Never, a person must decide."""
    assert inputs.policy is not None
    parameters = inputs.policy.parameters(IMAGE_PULL_POLICY)
    for each in inputs.workload.template.containers:
        if f"{each.path}.imagePullPolicy" == finding.path and each.image and moves(Image.parse(each.image), parameters):
            yield Answer(IMAGE_PULL_POLICY.name, finding.path, ALWAYS)


def _message_policy(_inputs: Inputs, _raw: Mapping[str, Any], finding: Finding) -> Iterator[Answer]:
    if finding.path.endswith(f".{MESSAGE_POLICY.name}"):
        yield Answer(TERMINATION_MESSAGE.name, finding.path, FROM_LOGS)


def _probe_port(inputs: Inputs, raw: Mapping[str, Any], finding: Finding) -> Iterator[Answer]:
    """A probe that names a missing port of a container with a single port must mean that one."""
    container, _, field = finding.path.rpartition(".")
    probe = _probes(inputs, container).get(field)
    ports = list(Fields(value_at(raw, steps_of(container))).items("ports"))
    if probe is None or not probe.missing_port or len(ports) != 1:
        return
    port = ports[0].text("name") or ports[0].integer("containerPort")
    if port is not None and probe.kind in {HandlerKind.HTTP_GET, HandlerKind.TCP_SOCKET}:
        yield Answer(_NAMES_OF_PROBES[field], f"{finding.path}.{probe.kind}.port", port)


def _probes(inputs: Inputs, path: str) -> dict[str, Probe | None]:
    container = next((each for each in inputs.workload.template.containers if each.path == path), None)
    if container is None:
        return {}
    return {
        "readinessProbe": container.readiness,
        "livenessProbe": container.liveness,
        "startupProbe": container.startup,
    }


_NAMES_OF_PROBES = {each.name: each.name for each in (READINESS_PROBE, LIVENESS_PROBE, STARTUP_PROBE)}
_OF_WORKLOADS: Mapping[str, Callable[[Inputs, Mapping[str, Any], Finding], Iterator[Answer]]] = {
    IMAGE_PULL_POLICY.name: _pull_policy,
    TERMINATION_MESSAGE.name: _message_policy,
    READINESS_PROBE.name: _probe_port,
    LIVENESS_PROBE.name: _probe_port,
    STARTUP_PROBE.name: _probe_port,
}

ANSWERABLE = tuple(each for each in BY_NAME if each in {*_OF_WORKLOADS, POD_DISRUPTION_BUDGET.name})
"""The names of the expectations with such findings."""
