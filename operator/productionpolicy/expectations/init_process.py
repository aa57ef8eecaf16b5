"""A container with several processes has an init process.

## What it expects
If a script in the manifest starts several long-running processes (background jobs, daemons, a pipeline as its last
command), process 1 is an init (`tini`, `dumb-init`, `catatonit`, `docker-init`, s6, …), or the pod sets
`shareProcessNamespace`, which makes the pause container process 1, or `hostPID`, with the init of the node. If the
image decides what is process 1, nothing is judged. Whether the processes belong into one container at all is a matter
of singleProcess.

## Why it matters
Process 1 inherits every process whose parent has ended. A server in that position does not expect them: ended processes
stay in the process table as zombies, until no process can be started any more. And signals reach only process 1.

## Repair and its risk
None. An init must be in the image, and a shared process namespace exposes the processes of each container to all
others.

## Example
```yaml
initProcess: {action: Audit}
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
)
from productionpolicy.kube.programs.commands import starts_init
from productionpolicy.kube.programs.processes import Hold, Yielding, held, work
from productionpolicy.kube.programs.shell import Script
from productionpolicy.kube.programs.start import Start, read_start
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Kind, Workload


class InitProcessParameters(AuditedParameters, frozen=True, kw_only=True):
    """Containers that start several processes have an init process."""


def applies(workload: Workload, _parameters: InitProcessParameters, _around: Surroundings) -> bool:
    """Judge pods whose containers are restarted when they end and that run several processes."""
    return workload.template.restarts and any(True for _ in _with_several_processes(workload))


def audit(workload: Workload, _parameters: InitProcessParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers in which no process reaps zombies."""
    if workload.template.shares_processes:
        return
    for name, start in _with_several_processes(workload):
        if not _has_init(start):
            yield Finding(
                path=start.path,
                message=f"container {name} runs several processes without an init that reaps zombies",
                remedy="start it with an init such as tini, give each process its own container, or set "
                "shareProcessNamespace",
            )


def _with_several_processes(workload: Workload) -> Iterator[tuple[str, Start]]:
    """Return the containers that are known to run several processes."""
    for container in workload.template.long_running:
        start = read_start(container)
        if start.known and start.script and _starts_several(start.script):
            yield container.name, start


def _starts_several(script: Script) -> bool:
    kept = held(script, Yielding.NEVER)
    return work(script).several or (kept is not None and kept.hold is Hold.PIPELINE)


def _has_init(start: Start) -> bool:
    commands = start.script.commands() if start.script else ()
    return bool(start.init) or any(map(starts_init, commands))


INIT_PROCESS = Expectation(
    name="initProcess",
    title="An init process for several processes",
    severity=Severity.LOW,
    category=Category.PROCESSES,
    parameters=InitProcessParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=applies,
    audit=audit,
    heuristic=True,
    kinds=LONG_RUNNING | {Kind.POD},
)
