"""The load reports what a server does to it, and adds no failures of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from proof.connection import Address, Closed, Connection, Failed
from proof.load import KEPT_CONNECTIONS, PER_SECOND, Load
from proof.record import Manner

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
SECONDS = 0.5


@asynccontextmanager
async def serving(serve: Server) -> AsyncIterator[Address]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]
        server.close()


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
    writer.close()


async def answers_once_and_closes_on_the_next(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def answers_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER[:-3])
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def is_overloaded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def loaded(address: Address | None) -> Load:
    load = Load({"web": lambda: address})
    async with load.driving():
        load.mark("now")
        await asyncio.sleep(SECONDS)
    return load


async def test_all_is_answered_by_a_server_that_answers_all() -> None:
    async with serving(answers) as address:
        found = (await loaded(address)).record()
    assert found.reasons == {}
    assert Counter(each.manner for each in found.requests).keys() == set(Manner)
    assert PER_SECOND * SECONDS <= len(found.requests) <= 4 * PER_SECOND * SECONDS
    assert [each.text for each in found.marks] == ["now"]


async def test_kept_connections_are_few_and_fresh_ones_as_many_as_requests() -> None:
    opened = 0

    async def counts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await answers(reader, writer)

    async with serving(counts) as address:
        found = (await loaded(address)).record()
    assert opened == KEPT_CONNECTIONS + sum(each.manner is Manner.NEW for each in found.requests)


async def test_each_manner_comes_from_the_address_that_it_is_given() -> None:
    seen = set()

    async def sees(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.add((b"keep-alive" in head, writer.get_extra_info("peername")[0]))
        writer.write(ANSWER)
        await answers(reader, writer)

    async with serving(sees) as address:
        load = Load({"web": lambda: address}, {Manner.NEW: "127.0.0.2", Manner.KEPT: "127.0.0.3"})
        async with load.driving():
            await asyncio.sleep(SECONDS)
    assert seen == {(False, "127.0.0.2"), (True, "127.0.0.3")}


async def test_where_no_pod_serves_all_requests_fail() -> None:
    found = (await loaded(None)).record()
    assert found.failed == list(found.requests)
    assert set(found.reasons) == {"new connection: no pod", "kept connection: no pod"}


async def test_a_request_under_which_a_kept_connection_was_closed_is_sent_once_more() -> None:
    async with serving(answers_once_and_closes_on_the_next) as address:
        found = (await loaded(address)).record()
    assert found.reasons == {}
    assert 0 < found.resent < len(found.requests)
    assert {each.manner for each in found.requests if each.resent} == {Manner.KEPT}


async def test_an_answer_that_ends_early_is_a_failure_and_not_sent_again() -> None:
    async with serving(answers_half) as address:
        connection = await Connection.open(address)
        with pytest.raises(Failed, match="cut off") as failure:
            await connection.get(keep=True)
        assert not isinstance(failure.value, Closed)


async def test_no_answer_at_all_tells_that_the_connection_was_closed() -> None:
    async with serving(says_nothing) as address:
        with pytest.raises(Closed):
            await (await Connection.open(address)).get(keep=True)


async def test_an_error_is_a_failure() -> None:
    async with serving(is_overloaded) as address:
        with pytest.raises(Failed, match="status 503"):
            await (await Connection.open(address)).get(keep=False)


async def test_a_port_without_listener_refuses() -> None:
    async with serving(answers) as address:
        pass
    with pytest.raises(Failed, match="refused"):
        await Connection.open(address)
