"""The reason for a crash stays readable.

## What it expects
Every long-running container, including native sidecars, has the `terminationMessagePolicy` `FallbackToLogsOnError`, or
writes a termination message: it has its own `terminationMessagePath`, or its command or arguments mention the path.

## Why it matters
The status of a pod contains the reason why a container failed, where `kubectl describe` and alerts show it. With the
API's default, `File`, that is what the process wrote to a file, and almost no process writes one. With
`FallbackToLogsOnError`, it is the end of the logs, which are otherwise lost with the pod.

## Repair and its risk
The operator sets the policy, but only in a change that replaces the pods anyway: no pod restarts for it alone, and
until then the operator reports it. It never changes what the owner has declared, and reports it instead. The end of the
logs becomes readable for everyone who may read pods; if logs contain secrets, use `Audit`.

## Example
```yaml
terminationMessage: {action: Repair}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    Parameters,
    Refusal,
    Repair,
    Severity,
    always,
)
from productionpolicy.kube.pods import DEFAULT_MESSAGE_POLICY, Container
from productionpolicy.kube.repairable import MESSAGE_POLICY
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs import MessagePolicy


class TerminationMessageParameters(Parameters, frozen=True, kw_only=True):
    """The reason for a crash stays in the status of the pod."""


def audit(workload: Workload, _parameters: TerminationMessageParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers that leave no reason when they fail."""
    for container in _silent(workload):
        yield Finding(
            path=f"{container.path}.{MESSAGE_POLICY.name}",
            message=f"container {container.name} leaves no reason for a crash, unless its process writes one to "
            "terminationMessagePath",
            remedy="set terminationMessagePolicy: FallbackToLogsOnError",
        )


def repair(workload: Workload, _parameters: TerminationMessageParameters, _around: Surroundings) -> Repair:
    """Use the logs as the reason, unless the owner has declared otherwise."""
    silent = tuple(_silent(workload))
    if not silent:
        return None
    if any(MESSAGE_POLICY.name in each.written for each in silent):
        return Refusal(f"the owner has declared the terminationMessagePolicy {DEFAULT_MESSAGE_POLICY}")
    return MessagePolicy(containers=tuple(each.name for each in silent))


def _silent(workload: Workload) -> Iterator[Container]:
    containers = workload.template.long_running
    return (each for each in containers if each.message_policy == DEFAULT_MESSAGE_POLICY and not each.message_written)


TERMINATION_MESSAGE = Expectation(
    name="terminationMessage",
    title="A reason for every crash",
    severity=Severity.LOW,
    category=Category.OBSERVABILITY,
    parameters=TerminationMessageParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    repair=repair,
    amendment=MessagePolicy,
    rides_along=True,
)
