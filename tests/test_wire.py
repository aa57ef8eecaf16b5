"""The wire between the operator and the API server fails in the ways it is meant to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from control_plane.ports import free_ports
from faults.wire import Wire


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def wired() -> AsyncIterator[Wire]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        with Wire(server.sockets[0].getsockname()[1]).running() as wire:
            yield wire


class Call:
    """One connection through the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, wire: Wire) -> Call:
        return cls(*await asyncio.open_connection("127.0.0.1", wire.port))

    async def ask(self, *, seconds: float = 5) -> bytes:
        """Return what comes back within so many seconds."""
        self._writer.write(b"hello\n")
        return await asyncio.wait_for(self._reader.readline(), seconds)

    async def refused(self) -> bool:
        """Say whether the connection is broken off."""
        try:
            return await self.ask() == b""
        except ConnectionError:
            return True

    def hang_up(self) -> None:
        self._writer.close()


async def test_it_carries_both_ways() -> None:
    async with wired() as wire:
        call = await Call.to(wire)
        assert [await call.ask(), await call.ask()] == [b"hello\n"] * 2
        call.hang_up()


async def test_it_listens_where_it_is_told() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    place = ("127.0.0.1", free_ports(1)[0])
    async with server:
        with Wire(server.sockets[0].getsockname()[1], at=place).running():
            call = Call(*await asyncio.open_connection(*place))
            assert await call.ask() == b"hello\n"
            call.hang_up()


async def test_a_cut_breaks_all_connections_and_lets_none_through() -> None:
    async with wired() as wire:
        call = await Call.to(wire)
        await call.ask()
        with wire.cut():
            assert [await each.refused() for each in (call, await Call.to(wire))] == [True, True]
        later = await Call.to(wire)
        assert await later.ask() == b"hello\n"
        later.hang_up()


async def test_what_is_half_open_carries_nothing_while_new_connections_do() -> None:
    async with wired() as wire:
        call = await Call.to(wire)
        await call.ask()
        assert wire.leave_half_open() == 1
        with pytest.raises(TimeoutError):
            await call.ask(seconds=0.1)
        new = await Call.to(wire)
        assert await new.ask() == b"hello\n"
        call.hang_up()
        new.hang_up()


async def test_what_is_slowed_takes_its_time() -> None:
    async with wired() as wire:
        call = await Call.to(wire)
        with wire.slowed(0.1):
            started = time.monotonic()
            await call.ask()
            assert time.monotonic() - started >= 0.2
        call.hang_up()
