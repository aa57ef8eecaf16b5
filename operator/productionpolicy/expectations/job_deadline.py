"""A Job ends, even if its work does not.

## What it expects
Every Job, also of a CronJob, has `activeDeadlineSeconds`, for itself or for its pods. Jobs that are hooks of Helm or
Argo CD are judged by this expectation alone: a release waits for them.

## Why it matters
A Job that hangs holds its resources until somebody notices, and a CronJob that waits for it does nothing at all.

## Repair and its risk
None. How long the work may take only its owner knows; too short a deadline ends it each time.

## Example
```yaml
jobDeadline: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, always
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Kind, Workload

DEADLINE = "activeDeadlineSeconds"


class JobDeadlineParameters(AuditedParameters, frozen=True, kw_only=True):
    """Jobs end after a time, even if their work does not."""


def audit(workload: Workload, _parameters: JobDeadlineParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find Jobs that may run for ever."""
    unlimited = workload.deadline is None and workload.template.deadline is None
    if unlimited and workload.legible(f"{workload.template.path}.{DEADLINE}"):
        yield Finding(
            path=f"{workload.job_path}.{DEADLINE}",
            message="nothing ends the Job if its work hangs, so it may hold its resources for ever",
            remedy=f"set {DEADLINE} to a time in which the work is surely done",
        )


JOB_DEADLINE = Expectation(
    name="jobDeadline",
    title="An end for every Job",
    parameters=JobDeadlineParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    kinds=frozenset({Kind.JOB, Kind.CRON_JOB}),
    hooks=True,
)
