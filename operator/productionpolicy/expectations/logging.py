"""Logs go to the streams of the container, from which the platform collects them.

## What it expects
No script in the manifest sends messages to a file, by redirection or by `tee`: for the command with which it ends, to
any file, for others, to a file whose name or folder says log. The streams (`/dev/stdout`, `/dev/stderr`,
`/proc/1/fd/1`) and `/dev/null` do not count as files. A file passes if the script itself reads it, as with `tail -F`,
or makes it a link to a stream, or if another container of the pod reads it, at any mount path. No variable or option
for a log file (`LOG_FILE`, `APP_LOG_DIR`, `--log-file`) names an absolute path, nor does a directive of nginx
(`error_log`), and PostgreSQL runs without its `logging_collector`. No container, except in a DaemonSet, mounts
`/var/log` of its node to write to it.

## Why it matters
`kubectl logs` and every log collector read the streams of a container, and the node rotates them. A file in the
container is lost with it when it crashes, and grows until the node evicts the pod.

## Repair and its risk
None. Only the owner of the program knows how to make it log to its streams.

## Example
```yaml
logging: {action: Audit}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
    always,
)
from productionpolicy.kube.pods import Container, Volume
from productionpolicy.kube.programs.log_files import (
    OF_THE_NODE,
    collector,
    directives,
    logged_files,
    names_log,
    options,
    reads,
)
from productionpolicy.kube.programs.start import read_start
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Kind, Workload

_NODE_LOGS = "/var/log"
_PLAIN = re.compile(r"[\w./${}-]{1,80}")
_REFERENCE = re.compile(r"\$[({]?(\w+)[)}]?")
_REFERENCES = "${} "
_BETWEEN = re.compile(r"[\s=,;]+")
"""What separates a pattern of files from its option and from others."""
_LINKED = ("nginx", "nginx-unprivileged", "openresty")
"""Images in which the usual log files of nginx are links to the streams."""

_MOST = 10
"""The maximum number of files of one script that are reported."""

_REMEDY = "let it log to /dev/stdout and /dev/stderr"


class LoggingParameters(AuditedParameters, frozen=True, kw_only=True):
    """Containers log to their streams."""


def audit(workload: Workload, _parameters: LoggingParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers that log to files."""
    for container in workload.template.long_running:
        yield from _written(workload, container)
        yield from _named(workload, container)
        yield from _directed(workload, container)
        if workload.kind is not Kind.DAEMON_SET:
            yield from _mounted(workload, container)


def _written(workload: Workload, container: Container) -> Iterator[Finding]:
    start = read_start(container)
    for path in islice(logged_files(start.script) if start.script else (), _MOST):
        shown = path if _PLAIN.fullmatch(path) else "a file"
        if not _read_beside(workload, container, path):
            yield Finding(
                path=start.path,
                message=f"container {container.name} logs to {shown}, which kubectl logs does not read",
                remedy="let the command write to its standard output, which the platform collects",
            )


def _read_beside(workload: Workload, writer: Container, path: str) -> bool:
    """Return whether another container of the pod names the file, for example to stream it."""
    others = (each for each in workload.template.containers if each is not writer)
    return any(_reads(each, place) for each in others for place in (path, *_places(writer, path, each)))


def _read(workload: Workload, container: Container, path: str) -> bool:
    """Return whether the container only reads a file, or streams it itself, or another container of the pod does."""
    script = read_start(container).script
    variables = [each.name for each in container.variables if each.value == path]
    streamed = script is not None and reads(script, path, variables=variables)
    return streamed or _only_read(container, path) or _read_beside(workload, container, path)


def _places(writer: Container, path: str, reader: Container) -> Iterator[str]:
    """Return the paths at which a reader sees a file of the writer, by the volumes that both mount."""
    for mount in writer.mounts:
        below = f"{path.rstrip('/')}/".removeprefix(f"{mount.path.rstrip('/')}/")
        if mount.path and len(below) <= len(path):
            shared = (each.path.rstrip("/") for each in reader.mounts if each.volume == mount.volume)
            yield from (f"{each}/{below}".rstrip("/") for each in shared)


def _reads(reader: Container, path: str) -> bool:
    """Return whether a container names a file, directly, by a pattern or by a variable."""
    variables = (each for each in reader.variables if each.value and path in each.value)
    named = any(_REFERENCES.format(each.name) in _bare(word.text) for each in variables for word in reader.words)
    patterns = (each for word in reader.words for each in _BETWEEN.split(word.text) if "*" in each)
    return (
        named
        or any(path in each.text for each in reader.words)
        or any(fnmatchcase(path, each) or each.startswith(f"{path}/") for each in patterns)
    )


def _bare(text: str) -> str:
    """Return a text with all references to variables in the form `$NAME`."""
    return _REFERENCE.sub(r"$\1 ", text)


def _named(workload: Workload, container: Container) -> Iterator[Finding]:
    for path, name, value in dict.fromkeys((*_variables(container), *_options(container))):
        if names_log(name, value) and not _read(workload, container, value):
            yield Finding(
                path=path,
                message=f"{name} makes container {container.name} log to a file, which kubectl logs does not read",
                remedy=_REMEDY,
            )


def _directed(workload: Workload, container: Container) -> Iterator[Finding]:
    """Find servers whose configuration in the command line sends logs to files."""
    for word in container.words:
        for name, path in directives(word.text, linked=container.has_image_of(_LINKED)):
            if not _read(workload, container, path):
                yield _of_server(container, word.path, name)
    collected = collector(tuple(each.text for each in container.words))
    if collected is not None and not (collected and _read_beside(workload, container, collected)):
        yield _of_server(container, f"{container.path}.{'args' if container.args else 'command'}", "logging_collector")


def _of_server(container: Container, path: str, name: str) -> Finding:
    return Finding(
        path=path,
        message=f"{name} makes container {container.name} log to a file, which kubectl logs does not read",
        remedy=_REMEDY,
    )


def _variables(container: Container) -> Iterator[tuple[str, str, str]]:
    """Return the variables, and the options in those that pass options to a program, such as JAVA_OPTS."""
    for each in container.variables:
        value = each.value or ""
        yield f"{each.path}.value", each.name, value
        if value.startswith("-"):
            yield from ((f"{each.path}.value", *option) for option in options(tuple(value.split())))


def _options(container: Container) -> Iterator[tuple[str, str, str]]:
    start = read_start(container)
    if start.script:
        commands = [(start.path, each.words) for each in start.script.commands()]
    else:
        commands = [(f"{container.path}.command", container.command), (f"{container.path}.args", container.args)]
    return ((path, name, value) for path, words in commands for name, value in options(words))


def _only_read(container: Container, path: str) -> bool:
    """Return whether the path is on a read-only volume, so that the container only reads it."""
    kept = (each.path.rstrip("/") for each in container.mounts if each.read_only)
    return any(path == each or path.startswith(f"{each}/") for each in kept)


def _mounted(workload: Workload, container: Container) -> Iterator[Finding]:
    written = {each.volume for each in container.mounts if not each.read_only}
    for volume in workload.template.volumes:
        if volume.name in written and _holds_node_logs(volume):
            yield Finding(
                path=f"{volume.path}.hostPath.path",
                message=f"container {container.name} may log to {_NODE_LOGS} of its node, where the logs of each pod "
                "remain",
                remedy=f"{_REMEDY}, or mount the volume readOnly if it only reads",
            )


def _holds_node_logs(volume: Volume) -> bool:
    path = (volume.host_path or "").rstrip("/")
    return f"{path}/".startswith(f"{_NODE_LOGS}/") and not path.startswith(OF_THE_NODE)


LOGGING = Expectation(
    name="logging",
    title="Logs on stdout and stderr",
    severity=Severity.LOW,
    category=Category.OBSERVABILITY,
    parameters=LoggingParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    heuristic=True,
    reads_values=True,
)
