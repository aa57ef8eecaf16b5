"""What a kubelet does for the operator: whenever it ends, it is started again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from control_plane.operator_process import OperatorProcess

POLL_SECONDS = 0.05
READY_SECONDS = 60.0


@dataclass(slots=True)
class Supervisor:
    """Keeps one operator running, unless it is told to rest."""

    process: OperatorProcess
    ended: list[int | None] = field(default_factory=list)
    """The exit codes with which it ended by itself."""
    _wanted: bool = True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Supervisor]:
        """Start it, and keep it running until the end of the block, which begins when it is ready."""
        self.process.start()
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.to_thread(self.process.wait_ready, READY_SECONDS)
            yield self
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            self.process.kill()

    def kill(self) -> None:
        """End it by SIGKILL, and start it again at once."""
        self.process.kill()
        if self._wanted:
            self.process.start()

    async def rest(self) -> None:
        """Ask it to end, and leave it so."""
        self._wanted = False
        await asyncio.to_thread(self.process.stop, 30)

    def wake(self) -> None:
        """Start it again."""
        self._wanted = True
        self.process.start()

    def freeze(self) -> None:
        """Stop it in its tracks, as a machine that is suspended does."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send(signal.SIGCONT)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self._wanted and not self.process.alive:
                self.ended.append(self.process.exit_code)
                self.kill()
