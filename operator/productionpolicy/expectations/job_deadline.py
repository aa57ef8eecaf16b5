"""A Job ends, even if its work hangs.

## What it expects
Every Job, including those of CronJobs, has `activeDeadlineSeconds`, for itself or for its pods. For Jobs that are hooks
of Helm or Argo CD, this is the only expectation: a release waits for them.

## Why it matters
A Job that hangs keeps its resources until someone notices, and a CronJob that waits for it stops running.

## Repair and its risk
None. Only the owner knows how long the work may take; too short a deadline ends it every time.

## Example
```yaml
jobDeadline: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
    always,
)
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Kind, Workload

DEADLINE = "activeDeadlineSeconds"


class JobDeadlineParameters(AuditedParameters, frozen=True, kw_only=True):
    """Jobs have a deadline, even if their work hangs."""


def audit(workload: Workload, _parameters: JobDeadlineParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find Jobs that may run forever."""
    unlimited = workload.deadline is None and workload.template.deadline is None
    if unlimited and workload.legible(f"{workload.template.path}.{DEADLINE}"):
        yield Finding(
            path=f"{workload.job_path}.{DEADLINE}",
            message="nothing ends the Job if its work hangs, so it may keep its resources forever",
            remedy=f"set {DEADLINE} to a time within which the work is certainly done",
        )


JOB_DEADLINE = Expectation(
    name="jobDeadline",
    title="A deadline for every Job",
    severity=Severity.LOW,
    category=Category.PROCESSES,
    parameters=JobDeadlineParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    kinds=frozenset({Kind.JOB, Kind.CRON_JOB}),
    of_containers=False,
    hooks=True,
)
