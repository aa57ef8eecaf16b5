"""The process that does the work hears that it is to stop.

## What it expects
Where a shell starts the server, its script ends with `exec`, or it traps `TERM`. A script without `exec` passes only
with a shell that is known to give its place to the server: `bash` does for a single simple command without
redirection; the `sh` of busybox, in images whose name or tag says alpine or busybox, does for the last command of a
script that does not end with a line break; dash, the `sh` of Debian, Ubuntu and so of most images, never does. An init
such as `tini` or `dumb-init` before the shell, with `-g` too, and `shareProcessNamespace` change nothing: the shell
dies of SIGTERM at once, and the server is killed with its container. Nor is `npm`, `yarn` or `pnpm` process 1: it runs
the script of a package in a shell. A preStop hook that stops the server itself passes. Judged are containers that are
started again when they end, and only where the manifest holds the script: in `command`, or in `args` that begin with a
shell. What an image starts nobody can tell from outside.

## Why it matters
A container is stopped by SIGTERM to its first process. A shell in that place ignores it and does not pass it on: the
server below never hears of it, waits until the grace period is over, and is killed amid its requests. Some shells exec
the last command of a list by themselves, others do not, so what works with one image fails with the next.

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
from productionpolicy.kube.programs.commands import runner_of, shown
from productionpolicy.kube.programs.processes import Held, Hold, Yielding, held
from productionpolicy.kube.programs.start import Start, read_start
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Kind, Workload

_REMEDIES = {
    Hold.CHILD: "start the last command by exec",
    Hold.PIPELINE: "let the server write to its standard output, without a pipe, and start it by exec",
    Hold.LOOP: "trap TERM in the script",
    Hold.WAIT: "trap TERM in the script and pass it on, or start one process by exec",
}
_REMEDY_OF_RUNNER = "start the server itself, such as node server.js; in a script by exec"


class SignalHandlingParameters(AuditedParameters, frozen=True, kw_only=True):
    """A shell in front of a process does not keep SIGTERM from it."""


def applies(workload: Workload, _parameters: SignalHandlingParameters, _around: Surroundings) -> bool:
    """Judge pods that are started again when they end."""
    return workload.template.restarts


def audit(workload: Workload, _parameters: SignalHandlingParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find what keeps SIGTERM from the server: shells, and package managers."""
    for container in workload.template.long_running:
        start = read_start(container)
        if start.run and not container.stops_itself:
            first = not (start.init or workload.template.shares_processes)
            yield from _found(container, start, first=first)


def _found(container: Container, start: Start, *, first: bool) -> Iterator[Finding]:
    """Find what keeps SIGTERM from the server of a container.

    Args:
        container: which it is.
        start: what it begins with.
        first: whether that is process 1, which ignores SIGTERM without a trap. Any other shell dies of it.
    """
    manager, kept = _manager(start), held(start.script, start.yielding) if start.script else None
    if manager is not None:
        message = f"{manager} runs a script in container {container.name}, which need not pass SIGTERM on to the server"
        yield Finding(path=start.path, message=message, remedy=_REMEDY_OF_RUNNER)
    elif kept is not None and (first or kept.hold is not Hold.LOOP):
        message = _message(container, kept) if first else _message_of_death(container, kept)
        yield Finding(path=start.path, message=message, remedy=_REMEDIES[kept.hold])


def _manager(start: Start) -> str | None:
    """Return the package manager that runs what the container begins with, or what its script ends with."""
    if start.script is None:
        return runner_of(start.words)
    commands = list(start.script.commands())
    executed = (runner_of(each.words) for each in commands if each.words[:1] == ("exec",))
    ending = held(start.script, Yielding.NEVER)
    last = ending.program if ending and ending.program in map(runner_of, (each.words for each in commands)) else None
    return next(filter(None, (*executed, last)), None)


def _message(container: Container, kept: Held) -> str:
    server = shown(kept.program)
    return (
        f"process 1 of container {container.name} is a shell "
        + {
            Hold.CHILD: f"that does not exec {server}, so it depends on the shell whether SIGTERM reaches that",
            Hold.PIPELINE: "that runs a pipeline, so SIGTERM reaches none of its commands",
            Hold.LOOP: "in a loop without a trap, so it ignores SIGTERM and is killed",
            Hold.WAIT: "without a trap, so SIGTERM does not reach what it started in the background",
        }[kept.hold]
    )


def _message_of_death(container: Container, kept: Held) -> str:
    server = {Hold.CHILD: shown(kept.program)}.get(kept.hold, "what it started")
    return f"the shell of container {container.name} dies of SIGTERM at once, and {server} is killed with the container"


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
