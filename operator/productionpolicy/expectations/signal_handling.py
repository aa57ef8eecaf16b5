"""The process that does the work hears that it is to stop.

## What it expects
Where a shell is process 1 of a container, its script ends with `exec`, or it traps `TERM`. A script that is a single
simple command passes: most shells give way to it. Behind an init the same is asked for where that init passes signals
on to the shell alone, as `tini` does without `-g`; `dumb-init` reaches all. A preStop hook that stops the server
itself passes too. Judged are containers that are started again when they end, and only where the manifest holds the
script: what an image starts nobody can tell from outside, and in a pod that shares its processes no shell is process 1.

## Why it matters
A container is stopped by SIGTERM to its first process. A shell in that place ignores it and does not pass it on: the
server below never hears of it, waits until the grace period is over, and is killed amid its requests. Some shells exec
the last command of a list by themselves (bash does, dash does not), so what works with one image fails with the next.

## Repair and its risk
None. A script is its owner's; the remedy is mostly one word, `exec`, before its last command.

## Example
```yaml
signalHandling: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding
from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.commands import shown
from productionpolicy.kube.programs.processes import Held, Hold, held
from productionpolicy.kube.programs.start import Start, read_start
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Kind, Workload

_EXEC = "start the last command by exec, or trap TERM in the script"
_REMEDIES = {
    Hold.CHILD: _EXEC,
    Hold.PIPELINE: "let the server write to its standard output, without a pipe, and start it by exec",
    Hold.LOOP: "trap TERM in the script",
    Hold.WAIT: "trap TERM in the script and pass it on, or start one process by exec",
}


class SignalHandlingParameters(AuditedParameters, frozen=True, kw_only=True):
    """A shell in front of a process does not keep SIGTERM from it."""


def applies(workload: Workload, _parameters: SignalHandlingParameters, _around: Surroundings) -> bool:
    """Judge pods that are started again when they end, and do not share their processes."""
    return workload.template.restarts and not workload.template.shares_processes


def audit(workload: Workload, _parameters: SignalHandlingParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find shells that keep SIGTERM from what they started."""
    for container in workload.template.long_running:
        start = read_start(container)
        kept = held(start.script) if start.known and start.script else None
        if kept is not None and _is_cut_off(start, kept) and not container.stops_itself:
            remedy = f"{_EXEC}, or let {start.init} signal all processes" if start.init else _REMEDIES[kept.hold]
            yield Finding(path=start.path, message=_message(container, start, kept), remedy=remedy)


def _is_cut_off(start: Start, kept: Held) -> bool:
    """Say whether SIGTERM gets lost: only as process 1 a shell in a loop ignores it."""
    return not start.reaches_all and not (start.init and kept.hold is Hold.LOOP)


def _message(container: Container, start: Start, kept: Held) -> str:
    name, server = container.name, shown(kept.program)
    if start.init:
        return f"{start.init} of container {name} passes SIGTERM on to the shell alone; what that started is killed"
    return (
        f"process 1 of container {name} is a shell "
        + {
            Hold.CHILD: f"that does not exec {server}, so it depends on the shell whether SIGTERM reaches that",
            Hold.PIPELINE: "that runs a pipeline, so SIGTERM reaches none of its commands",
            Hold.LOOP: "in a loop without a trap, so it ignores SIGTERM and is killed",
            Hold.WAIT: "without a trap, so SIGTERM does not reach what it started in the background",
        }[kept.hold]
    )


SIGNAL_HANDLING = Expectation(
    name="signalHandling",
    title="SIGTERM reaches the process",
    parameters=SignalHandlingParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=applies,
    audit=audit,
    kinds=LONG_RUNNING | {Kind.POD},
)
