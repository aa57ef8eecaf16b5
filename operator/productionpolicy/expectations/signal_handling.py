"""SIGTERM reaches the process that does the work.

## What it expects
If a shell starts the server, its script ends with `exec`, or traps `TERM` and runs the server in the background: a
shell runs its trap only when the command in the foreground has ended. An `exec` in only one branch, or behind `&&` or
`||` with other commands below it, is not enough, and neither is one in a subshell; if another shell is executed with a
script, that script counts. A branch that ends with `exit` and a number is taken for a task that ends. A script without
`exec` passes only with a shell that is known to replace itself with the server: `bash` does so for a single simple
command without redirection, if at most one line break follows it; the `sh` of busybox, in images whose name or tag
contains alpine or busybox, does so for the last command of a script that does not end with a line break; dash, the `sh`
of Debian, Ubuntu and thus of most images, never does. An init such as `tini` or `dumb-init` before the shell, also with
`-g`, and `shareProcessNamespace` or `hostPID` do not help: SIGTERM ends the shell at once, and the server is killed
with its container. `npm`, `yarn` and `pnpm` must not be process 1 either, because they run the script of a package in a
shell.

Only containers whose script is in the manifest are judged: in `command`, or in `args` that begin with a shell.
`$(NAME)` in them is expanded from literal variables, as the kubelet does; where the value of another variable would be
the command, nothing is judged. What an image starts is not visible from outside.

A container with a preStop hook that stops the server itself is not judged. A hook that only waits, touches files or
prints text does not stop it, even if the name of a file or variable says so. An `httpGet` hook is assumed to stop the
server: what it requests is not visible, and many applications shut down at such a request. Jobs and CronJobs are not
judged, nor pods with another `restartPolicy` than `Always`: their work ends by itself, and their scripts often run
several programs in turn, of which `exec` would end the rest.

## Why it matters
Kubernetes stops a container by sending SIGTERM to its first process. A shell in that position ignores the signal and
does not pass it on: the server never receives it, runs until the grace period ends, and is killed while it handles
requests. Some shells exec the last command of a list by themselves, others do not, so what works with one image fails
with the next.

## Repair and its risk
None. Scripts belong to their owner; the remedy is usually one word, `exec`, before the last command.

## Example
```yaml
signalHandling: {action: Audit}
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
from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.commands import program, runner_of, shown
from productionpolicy.kube.programs.processes import Held, Hold, Yielding, executes, held
from productionpolicy.kube.programs.start import Start, read_start
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import LONG_RUNNING, Kind, Workload

_REMEDIES = {
    Hold.CHILD: "start the server with exec, as the last command",
    Hold.IGNORING: "do not ignore TERM, and start the server with exec, as the last command",
    Hold.PIPELINE: "let the server write to its standard output, without a pipe, and start it with exec",
    Hold.LOOP: "trap TERM in the script, and start long commands with & and wait for them: sleep 60 & wait $!",
    Hold.WAIT: "trap TERM in the script and pass it on, or start one process with exec",
    Hold.TRAP: "start the server with exec, or in the background, so that the script waits for it and passes TERM on",
}
_REMEDY_OF_RUNNER = "start the server directly, such as node server.js; in a script, with exec"


class SignalHandlingParameters(AuditedParameters, frozen=True, kw_only=True):
    """No shell blocks SIGTERM from a process."""


def applies(workload: Workload, _parameters: SignalHandlingParameters, _around: Surroundings) -> bool:
    """Judge pods whose containers are restarted when they end."""
    return workload.template.restarts


def audit(workload: Workload, _parameters: SignalHandlingParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find shells and package managers that block SIGTERM from the server."""
    for container in workload.template.long_running:
        start = read_start(container)
        if start.run and not container.stops_itself:
            first = not (start.init or workload.template.shares_processes)
            yield from _found(container, start, first=first)


def _found(container: Container, start: Start, *, first: bool) -> Iterator[Finding]:
    """Find what blocks SIGTERM from the server of a container.

    Args:
        container: the container.
        start: what it starts.
        first: whether that is process 1, which ignores SIGTERM without a trap. SIGTERM ends any other shell without a
            trap.
    """
    manager, kept = _manager(start), start.held
    if manager is not None:
        message = f"{manager} runs a script in container {container.name}, which may not pass SIGTERM on to the server"
        yield Finding(path=start.path, message=message, remedy=_REMEDY_OF_RUNNER)
    elif kept is not None and (first or kept.hold not in {Hold.LOOP, Hold.TRAP}):
        message = _message(container, kept, start, first=first)
        yield Finding(path=start.path, message=message, remedy=_REMEDIES[kept.hold])


def _manager(start: Start) -> str | None:
    """Return the package manager that runs the first command of the container, or the last of its script."""
    if start.script is None:
        return runner_of(start.words)
    commands = list(start.script.commands())
    executed = (runner_of(each.words) for each in commands if executes(each))
    ending = held(start.script, Yielding.NEVER)
    last = ending.program if ending and ending.program in map(runner_of, (each.words for each in commands)) else None
    return next(filter(None, (*executed, last)), None)


def _message(container: Container, kept: Held, start: Start, *, first: bool) -> str:
    server = shown(kept.program) if kept.program else "what it started"
    if kept.hold is Hold.IGNORING:
        return f"the shell of container {container.name} ignores SIGTERM and does not pass it on to {server}"
    if not first:
        return (
            f"SIGTERM ends the shell of container {container.name} at once, and {server} is killed with the container"
        )
    depends = program(start.words) != "dash"
    reached = "whether SIGTERM reaches it depends on the shell" if depends else "SIGTERM does not reach it"
    return (
        f"process 1 of container {container.name} is a shell "
        + {
            Hold.CHILD: f"that does not exec {server}, so {reached}",
            Hold.PIPELINE: "that runs a pipeline, so SIGTERM reaches none of its commands",
            Hold.LOOP: "in a loop without a trap, so it ignores SIGTERM and is killed",
            Hold.WAIT: "without a trap, so SIGTERM does not reach what it started in the background",
            Hold.TRAP: f"that runs its trap only after {server} has ended, so SIGTERM does not stop {server}",
        }[kept.hold]
    )


SIGNAL_HANDLING = Expectation(
    name="signalHandling",
    title="SIGTERM reaches the process",
    severity=Severity.MEDIUM,
    category=Category.SHUTDOWN,
    parameters=SignalHandlingParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=applies,
    audit=audit,
    heuristic=True,
    kinds=LONG_RUNNING | {Kind.POD},
)
