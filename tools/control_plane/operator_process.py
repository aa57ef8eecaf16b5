"""The operator as a child process, the way it runs in a cluster: started, asked for readiness, measured, stopped."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from control_plane import probe
from control_plane.ports import LOOPBACK, free_ports
from control_plane.process import PROC, Guard, Process, cpu_seconds

PROGRAM = (sys.executable, "-m", "productionpolicy", "run")
POLL_SECONDS = 0.05


class OperatorFailed(Exception):
    """The operator ended, or did not do what was asked in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used up to the moment it was looked at."""

    rss_peak_bytes: int
    cpu_seconds: float


@dataclass(slots=True)
class OperatorProcess:
    """One operator; as a context manager it starts at the beginning and is killed at the end if it still runs.

    Attributes:
        kubeconfig: decides what it may do.
        log: takes what it prints; a second start appends.
        arguments: further arguments of the command line.
        environment: further environment variables.
        program: what to run in place of the operator; it gets the same arguments.
        detached: lets it outlive this Python process; with `pid` and its log, `Process` ends it then.
        port: where it answers /readyz, /livez and /metrics on the loopback address.
    """

    kubeconfig: Path
    _: KW_ONLY
    log: Path
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    program: Sequence[str] = PROGRAM
    detached: bool = False
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _guard: Guard | None = field(default=None, repr=False)
    _process: Process | None = field(default=None, repr=False)
    _last_usage: Usage = field(default=Usage(rss_peak_bytes=0, cpu_seconds=0.0), repr=False)

    @property
    def command(self) -> list[str]:
        """The whole command line."""
        return [
            *self.program,
            f"--kubeconfig={self.kubeconfig}",
            "--log-format=json",
            f"--probes-address={LOOPBACK}:{self.port}",
            *self.arguments,
        ]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._running.alive

    @property
    def exit_code(self) -> int | None:
        """Minus the signal number after a signal; None while it runs."""
        return self._running.exit_code

    @property
    def rss_peak_bytes(self) -> int:
        """The most memory it ever held; after `stop`, the value just before. Linux only."""
        return self._usage().rss_peak_bytes

    @property
    def cpu_seconds(self) -> float:
        """The CPU time it has used, user and system; after `stop`, the value just before. Linux only."""
        return self._usage().cpu_seconds

    def start(self) -> Self:
        """Start it, without waiting for anything."""
        self._guard = None if self.detached else Guard.post()
        self._process = Process.spawn(self.command, log=self.log, guard=self._guard, environment=self.environment)
        return self

    def wait_ready(self, timeout: float = 30) -> None:
        """Wait until it calls itself ready.

        Args:
            timeout: seconds.

        Raises:
            OperatorFailed: it ended, or the time is over.
        """
        deadline = time.monotonic() + timeout
        while probe.body(self.port, "/readyz") is None:
            if not self._running.alive:
                raise self._failure(f"The operator ended with exit code {self._running.exit_code}")
            if time.monotonic() > deadline:
                raise self._failure(f"The operator was not ready after {timeout:g} s")
            time.sleep(POLL_SECONDS)

    def stop(self, timeout: float = 10) -> int:
        """Ask it to end by SIGTERM and return its exit code.

        Args:
            timeout: seconds.

        Raises:
            OperatorFailed: it had to be killed because it took longer.
        """
        self._last_usage = self._usage()
        ended = self._running.stop(seconds=timeout)
        self._dismiss_guard()
        if not ended:
            raise self._failure(f"The operator did not end within {timeout:g} s of SIGTERM")
        assert self._running.exit_code is not None
        return self._running.exit_code

    def restart(self, *, kill: bool = False, timeout: float = 60) -> None:
        """End it, by SIGKILL or in peace, start it again, and wait until it is ready."""
        if kill:
            self.kill()
        else:
            self.stop()
        self.start().wait_ready(timeout)

    def kill(self) -> None:
        """End it by SIGKILL; does nothing if it has ended."""
        self._last_usage = self._usage()
        self._running.kill()
        self._dismiss_guard()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        self._running.send(number)

    def log_lines(self) -> list[dict[str, Any]]:
        """Return what it logged; a line that is no JSON object, such as those of a traceback, as `unparsed`."""
        return [_parsed(line) for line in self.log.read_text(errors="replace").splitlines()]

    def metrics(self) -> list[Metric]:
        """Return the metrics that it serves; none before it does."""
        return list(text_string_to_metric_families((probe.body(self.port, "/metrics") or b"").decode()))

    def metric(self, name: str, **labels: str) -> float | None:
        """Return the value of a metric with exactly these labels; None if there is none."""
        samples = (each for family in self.metrics() for each in family.samples)
        return next((each.value for each in samples if (each.name, each.labels) == (name, labels)), None)

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it if it still runs."""
        self.kill()

    @property
    def _running(self) -> Process:
        assert self._process is not None, "call start() first"
        return self._process

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.dismiss()

    def _usage(self) -> Usage:
        usage = _usage_of(self._running.pid) if self._running.alive else None
        return usage or self._last_usage

    def _failure(self, complaint: str) -> OperatorFailed:
        return OperatorFailed(f"{complaint}.\n{self._running.tail()}")


@contextmanager
def at_work(kubeconfig: Path, *, log: Path, **more: Any) -> Iterator[OperatorProcess]:
    """Run an operator, from when it is ready, until the end of the block, where it must end in peace if it still runs.

    Args:
        kubeconfig: with which credentials it runs.
        log: the file for its log.
        more: further fields of `OperatorProcess`.

    Raises:
        OperatorFailed: it was not ready in time, or did not end well.
    """
    with OperatorProcess(kubeconfig, log=log, **more) as process:
        process.wait_ready(60)
        yield process
        if process.alive and process.stop() != 0:
            raise OperatorFailed(f"The operator ended with exit code {process.exit_code}")


def _usage_of(pid: int) -> Usage | None:
    """Read what a process has used; None if it ends at this very moment."""
    try:
        status, spent = (PROC / str(pid) / "status").read_text(), cpu_seconds(pid)
    except OSError:
        return None
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return Usage(rss_peak_bytes=int(peak[1]) * 1024, cpu_seconds=spent) if peak else None


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) else {"unparsed": line}
