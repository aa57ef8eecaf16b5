"""The network path to a server on this machine, as bytes: it can be cut, slowed, or left half-open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from control_plane.ports import LOOPBACK, free_ports
from faults.loop import Loop

CHUNK = 2**16


@dataclass(slots=True, eq=False)
class Connection:
    """One connection through the wire: the transports to its two ends."""

    ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    task: asyncio.Task[None] | None
    """What carries."""
    dead: bool = False
    """Whether what either end says is swallowed, while both take the connection for alive."""

    def break_off(self) -> None:
        """End it at once, on both sides."""
        for each in self.ends:
            each.transport.abort()


class Wire:
    """Carries bytes between clients and the server at a port, as well as it can.

    Args:
        server_port: the port of the server, on the loopback address.
        at: where clients connect; by default a free port of the loopback address.
    """

    def __init__(self, server_port: int, *, at: tuple[str, int] | None = None) -> None:
        self._server_port = server_port
        self._address, self.port = at or (LOOPBACK, free_ports(1)[0])
        self._loop = Loop()
        self._connections: set[Connection] = set()
        self._passable = True
        self._delay_seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[Wire]:
        """Serve in a thread of its own until the end of the block."""
        with self._loop.running(self._serve):
            yield self

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Reset all connections, those that come, too, until the end of the block."""
        self._passable = False
        self.break_all()
        try:
            yield
        finally:
            self._passable = True

    @contextmanager
    def slowed(self, seconds: float) -> Iterator[None]:
        """Let every piece of what is said take so long, until the end of the block."""
        self._delay_seconds = seconds
        try:
            yield
        finally:
            self._delay_seconds = 0.0

    def leave_half_open(self) -> int:
        """Let all connections that are open look so, but carry nothing any more; return how many. New ones work.

        This is what a router does that has forgotten them.
        """
        alive = [each for each in list(self._connections) if not each.dead]
        for each in alive:
            each.dead = True
        return len(alive)

    def break_all(self) -> None:
        """Reset all connections that are open; new ones work."""
        self._loop.call(self._break_all)

    def _break_all(self) -> None:
        for each in self._connections:
            each.break_off()

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._connect, self._address, self.port)
        try:
            yield
        finally:
            server.close()
            carrying = [each.task for each in self._connections if each.task]
            self._break_all()
            await asyncio.gather(*carrying, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._passable:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._server_port)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection((writer, far_writer), asyncio.current_task())
        self._connections.add(connection)
        try:
            directions = (self._carry(reader, far_writer, connection), self._carry(far_reader, writer, connection))
            await asyncio.gather(*directions, return_exceptions=True)
        finally:
            connection.break_off()
            self._connections.discard(connection)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection) -> None:
        while chunk := await reader.read(CHUNK):
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            if not connection.dead:
                writer.write(chunk)
                await writer.drain()
        if not connection.dead:
            writer.close()
