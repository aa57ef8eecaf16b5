"""Background processes, each with a log file, that never outlive their purpose."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from control_plane.locks import is_locked

PROC = Path("/proc")
POLL_SECONDS = 0.02
KILL_SECONDS = 30
TAIL_LINES = 12


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, user and system. Linux only.

    Raises:
        OSError: there is no such process.
    """
    # utime and stime are the fields 14 and 15; the second field, the name of the program, may hold spaces.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Guard:
    """A process group that is killed as soon as this Python process is gone, however it went.

    A shell reads from a pipe whose other end only we hold: when we end, even by SIGKILL, it reads the end of the file.
    Unlike PR_SET_PDEATHSIG this depends neither on the thread that started a process nor on Linux.
    """

    shell: subprocess.Popen[bytes]

    @classmethod
    def post(cls) -> Guard:
        """Start the guard; processes join it by `Process.spawn`."""
        command = ["sh", "-c", "read -r _; kill -KILL 0"]
        null = subprocess.DEVNULL
        return cls(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=null, stderr=null, process_group=0))

    def dismiss(self) -> None:
        """Kill what is left of the group and wait for the guard itself. Does nothing the second time."""
        assert self.shell.stdin is not None
        self.shell.stdin.close()
        self.shell.wait()


@dataclass(frozen=True, slots=True)
class Process:
    """A running program. It holds the lock of its log file, so nobody takes a stranger with the same pid for it."""

    pid: int
    _: KW_ONLY
    log: Path
    child: subprocess.Popen[bytes] | None = field(default=None, compare=False)  # None: another Python started it

    @classmethod
    def spawn(
        cls, command: Sequence[str], *, log: Path, guard: Guard | None, environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start a program in the group of the guard; without one it outlives this Python process and its terminal."""
        with log.open("ab") as output:
            fcntl.flock(output, fcntl.LOCK_EX | fcntl.LOCK_NB)
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                process_group=guard.shell.pid if guard else None,
                start_new_session=guard is None,
            )
        return cls(child.pid, log=log, child=child)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.child.poll() is None if self.child else self.log.exists() and is_locked(self.log)

    @property
    def exit_code(self) -> int | None:
        """Minus the signal number after a signal; None while it runs or if another Python process started it."""
        return self.child.poll() if self.child else None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.alive:
            os.kill(self.pid, number)

    def stop(self, *, seconds: float) -> bool:
        """Ask it to end and, after that time, kill it; True if it ended by itself."""
        self.send(signal.SIGTERM)
        return self.end_within(seconds)

    def end_within(self, seconds: float) -> bool:
        """Wait for its end and, after that time, kill it; True if it ended by itself."""
        ended = self._wait(seconds)
        self.kill()
        return ended

    def kill(self) -> None:
        """Kill it and wait until it is gone; does nothing if it has ended."""
        self.send(signal.SIGKILL)
        self._wait(KILL_SECONDS)

    def tail(self) -> str:
        """The last lines of its log, with the name of the log, for an error message."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"The end of {self.log}:", *(f"  {line}" for line in lines)])

    def _wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return not self.alive
