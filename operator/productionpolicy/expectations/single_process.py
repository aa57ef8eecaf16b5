"""A container runs one process, which Kubernetes can observe.

## What it expects
No command, argument or script in the manifest starts work in the background (`&`, `nohup`, `service … start`, `sshd` or
`cron` as daemons) in addition to other work; `sshd` that is alone passes. No container starts a program whose purpose
is to run others. A shell that starts its only server with `&` and then waits for it passes, because it ends with the
server. Init containers are not judged.

## Why it matters
Kubernetes observes the first process of a container. A second one may hang or end without a restart, an event or a
metric. Its memory and its logs are mixed with those of the first, and both can only be scaled and updated together.

## Repair and its risk
None. Background work belongs into a separate container, and scheduled work into a CronJob.

## Example
```yaml
singleProcess: {action: Audit, additionalPrograms: [monit], disabledPrograms: [supercronic]}
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
    always,
)
from productionpolicy.kube.programs.commands import program, program_of, shown
from productionpolicy.kube.programs.processes import work
from productionpolicy.kube.programs.start import Start, read_start
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

_PROGRAMS = ("supervisord", "runsvdir", "cron", "crond", "supercronic", "systemd")


class SingleProcessParameters(AuditedParameters, frozen=True, kw_only=True):
    """Containers do not start work in the background."""

    built_in: ClassVar[Mapping[str, tuple[str, ...]]] = {"programs": _PROGRAMS}

    additional_programs: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...],
        Meta(
            max_length=64,
            description="Programs that run others, so that no container should start them, in addition to the built-in "
            "ones.",
        ),
    ] = ()
    disabled_programs: Annotated[
        tuple[str, ...], Meta(max_length=64, description="Built-in programs that containers may start.")
    ] = ()


def audit(workload: Workload, parameters: SingleProcessParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers that run more than one process."""
    for container in workload.template.long_running:
        start = read_start(container)
        if runner := _runner(start, parameters.listed("programs")):
            yield Finding(
                path=start.path,
                message=f"container {container.name} starts {runner}, whose processes Kubernetes neither sees nor "
                "restarts",
                remedy="use a separate container for each process, and a CronJob for scheduled work",
            )
        elif job := _job(start):
            yield Finding(
                path=start.path,
                message=f"container {container.name} starts {job} in the background, where Kubernetes neither sees nor "
                "restarts it",
                remedy="use a separate container, such as a native sidecar",
            )


def _runner(start: Start, programs: tuple[str, ...]) -> str | None:
    return next((each for each in _started(start) if each in programs), None)


def _started(start: Start) -> Iterator[str]:
    """Return the programs that are certainly started. A bare argument may belong to the entrypoint of the image."""
    if start.script:
        yield from map(program_of, start.script.commands())
        yield from work(start.script).jobs
    elif start.known or any(each.startswith("/") for each in start.words[:1]):
        yield program(start.words)


def _job(start: Start) -> str | None:
    found = work(start.script) if start.script else None
    return shown(found.jobs[0]) if found and found.several else None


SINGLE_PROCESS = Expectation(
    name="singleProcess",
    title="One process per container",
    severity=Severity.LOW,
    category=Category.PROCESSES,
    parameters=SingleProcessParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    heuristic=True,
)
