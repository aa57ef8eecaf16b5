"""The grace period leaves time for the preStop hook and then for the process.

## What it expects
`terminationGracePeriodSeconds` is at least the duration of the longest preStop hook of the pod plus `shutdownSeconds`.
The duration of a hook is that of a native sleep, or of these waits in a command: `sleep N`, `Start-Sleep N`,
`timeout /t N`, `ping -n N` and `time.sleep(N)`, unless the command only prints them. In a shell script, the branch of
`if` or `case` that waits longest counts, and `timeout N` limits the command behind it. A hook with `sleep infinity`
never ends. The API's default of 30 seconds is enough for a pod without a preStop hook.

## Why it matters
The grace period starts when the pod is deleted and includes the preStop hook. The process has only what the hook
leaves, and is killed at the end of the period, in the middle of its last requests.

## Repair and its risk
The operator raises the period, in the same change as an added preStop sleep; this replaces the pods once. It never
changes a period that the owner declared, and no period is long enough for a hook that never ends: it reports both. The
admission policy reads no scripts, and so adds up the waits of all branches: its period may be longer than necessary,
never shorter, and the operator leaves it.

## Example
```yaml
terminationGracePeriod: {action: Repair, shutdownSeconds: 30}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

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
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.waits import ENDLESS
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs import Grace


class TerminationGracePeriodParameters(Parameters, frozen=True, kw_only=True):
    """The grace period of pods covers their preStop hooks and the shutdown of their processes."""

    shutdown_seconds: Annotated[
        int,
        Meta(
            ge=1, le=86400, description="How long a process may need to shut down after its preStop hook, in seconds."
        ),
    ] = 30


def audit(workload: Workload, parameters: TerminationGracePeriodParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find pods whose process is killed before it has had time to shut down."""
    grace, hook = workload.template.grace_seconds, workload.template.longest_pre_stop
    path = f"{workload.template.path}.terminationGracePeriodSeconds"
    left = f", of which a preStop hook takes {hook} s, leaves" if hook else " is"
    if hook >= ENDLESS:
        yield Finding(
            path=path,
            message=f"a preStop hook never ends, so the process is killed after {grace} s without time to shut down",
            remedy="let the preStop hook end before the grace period does",
        )
    elif grace < hook + parameters.shutdown_seconds:
        yield Finding(
            path=path,
            message=f"a grace period of {grace} s{left} less than the {parameters.shutdown_seconds} s that a process "
            "may need to shut down",
            remedy=f"set terminationGracePeriodSeconds to {hook + parameters.shutdown_seconds} or more",
        )


def repair(workload: Workload, parameters: TerminationGracePeriodParameters, around: Surroundings) -> Repair:
    """Raise a period that nobody declared."""
    if next(audit(workload, parameters, around), None) is None:
        return None
    grace, hook = workload.template.grace_seconds, workload.template.longest_pre_stop
    if not workload.grace_may_rise:
        return Refusal(f"the owner has declared a grace period of {grace} s")
    if hook >= ENDLESS:
        return Refusal("a preStop hook never ends")
    return Grace(before=grace, after=hook + parameters.shutdown_seconds)


TERMINATION_GRACE_PERIOD = Expectation(
    name="terminationGracePeriod",
    title="Time to shut down",
    severity=Severity.MEDIUM,
    category=Category.SHUTDOWN,
    parameters=TerminationGracePeriodParameters,
    production=Action.REPAIR,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    repair=repair,
    amendment=Grace,
)
