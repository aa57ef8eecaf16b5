"""What a kubelet does for the operator: whenever it ends, it is started again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from control_plane.operator_process import OperatorProcess
from control_plane.patience import repeating

POLL_SECONDS = 0.05
READY_SECONDS = 60.0


@dataclass(slots=True)
class Supervisor:
    """Keeps one operator running, unless it is told to rest."""

    process: OperatorProcess
    ended: list[int | None] = field(default_factory=list)
    """The exit codes with which it ended by itself."""
    _wanted: bool = True
    _lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while the operator is ended or started: what ends it on purpose is not taken for an end by itself."""

    @contextmanager
    def running(self) -> Iterator[Supervisor]:
        """Start it, and keep it running until the end of the block, which begins when it is ready."""
        self.process.start()
        try:
            with repeating(self._look, seconds=POLL_SECONDS):
                self.process.wait_ready(READY_SECONDS)
                yield self
        finally:
            self.process.kill()

    def kill(self) -> None:
        """End it by SIGKILL, and start it again at once."""
        with self._lock:
            self.process.kill()
            if self._wanted:
                self.process.start()

    def rest(self) -> None:
        """Ask it to end, and leave it so."""
        with self._lock:
            self._wanted = False
            self.process.stop(30)

    def wake(self) -> None:
        """Start it again."""
        with self._lock:
            self._wanted = True
            self.process.start()

    def freeze(self) -> None:
        """Stop it in its tracks, as a machine that is suspended does."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send(signal.SIGCONT)

    def _look(self) -> None:
        with self._lock:
            if self._wanted and not self.process.alive:
                self.ended.append(self.process.exit_code)
                self.kill()
