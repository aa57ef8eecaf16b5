"""What is known of the watches: which are open, which were heard of lately, and which have begun anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from productionpolicy.controller.clock import Clock
from productionpolicy.controller.resources import AUTOSCALERS, NODES, Resource
from productionpolicy.controller.watches import SILENT_SECONDS, NotServed, Watches


class Server:
    """Answers lists at once, and lets watches hear what it is told to say."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[bytes] = asyncio.Queue()
        self.status = 200
        """The answer to lists."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") != "true":
            return web.json_response({"items": []}, status=self.status)
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(await self.said.get())


@dataclass
class Heard:
    """Watches of one kind, of a server, by a clock that the test sets."""

    server: Server
    watches: Watches
    now: list[float]
    session: aiohttp.ClientSession
    url: str
    """Of the list."""
    missed: list[Resource]

    async def list_all(self) -> None:
        async with self.session.get(self.url) as response:
            await response.read()

    async def watch(self) -> aiohttp.ClientResponse:
        return await self.session.get(f"{self.url}?watch=true")

    async def hear(self, response: aiohttp.ClientResponse) -> None:
        await self.server.said.put(b'{"type": "BOOKMARK"}\n')
        await response.content.readline()


@asynccontextmanager
async def connected(resource: Resource = NODES) -> AsyncIterator[Heard]:
    server = Server()
    application = web.Application()
    application.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    now, missed = [0.0], list[Resource]()
    watches = Watches((resource,), clock=Clock(monotonic=lambda: now[0]), missed=missed.append)
    traces, url = [watches.trace()], f"http://127.0.0.1:{port}{resource.path()}"
    async with aiohttp.ClientSession(trace_configs=traces, middlewares=[watches.retry_absent]) as session:
        yield Heard(server, watches, now, session, url, missed)
    await runner.cleanup()


async def test_a_kind_that_is_not_served_any_more_is_told_of_once() -> None:
    async with connected() as heard:
        await heard.list_all()
        heard.server.status = 404
        for _ in range(2):
            await heard.list_all()
    assert heard.missed == [NODES]


async def test_a_watch_that_brings_something_now_and_then_is_not_silent() -> None:
    async with connected() as heard, await heard.watch() as response:
        for _ in range(3):
            heard.now[0] += SILENT_SECONDS - 1
            await heard.hear(response)
            assert (heard.watches.fault(), heard.watches.longest_silence()) == (None, 0)


def exported_silence() -> float | None:
    """Return what a scrape of the metrics finds."""
    return REGISTRY.get_sample_value("productionpolicy_watch_silence_seconds", {"resource": "nodes"})


async def test_each_scrape_finds_the_silence_of_its_moment_even_if_no_probe_asks() -> None:
    async with connected() as heard, await heard.watch() as response:
        await heard.hear(response)
        assert exported_silence() == 0
        heard.now[0] = 60.0
        assert exported_silence() == 60
        heard.now[0] = 90.0
        assert exported_silence() == 90


async def test_the_silence_begins_with_the_message_and_not_with_the_scrape_that_finds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("productionpolicy.controller.watches.LISTEN_SECONDS", 0)
    async with connected() as heard, await heard.watch() as response:
        listening = asyncio.create_task(heard.watches.listen())
        await asyncio.sleep(0)
        heard.now[0] = 60.0
        await heard.hear(response)
        await asyncio.sleep(0)
        listening.cancel()
        heard.now[0] = 100.0
        assert exported_silence() == 40


async def test_a_watch_that_brings_nothing_is_silent() -> None:
    async with connected() as heard, await heard.watch() as response:
        await heard.hear(response)
        assert heard.watches.longest_silence() == 0
        heard.now[0] = SILENT_SECONDS + 1
        assert heard.watches.fault() == "nodes: silent for 151 s"


async def test_a_watch_has_begun_anew_only_if_all_was_listed_before() -> None:
    async with connected() as heard:
        await heard.list_all()
        async with await heard.watch():
            assert await asyncio.wait_for(heard.watches.begun(), 5) == {NODES}
        async with await heard.watch():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(heard.watches.begun(), 0.05)
        await heard.list_all()
        async with await heard.watch():
            assert await asyncio.wait_for(heard.watches.begun(), 5) == {NODES}


async def test_what_was_opened_before_the_first_listing_has_not_begun_anew() -> None:
    async with connected() as heard:
        await heard.list_all()
        async with await heard.watch():
            await asyncio.wait_for(heard.watches.opened(), 5)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(heard.watches.begun(), 0.05)


async def test_an_optional_kind_that_is_not_served_is_tried_again_and_nothing_waits_for_it() -> None:
    async with connected(AUTOSCALERS) as heard:
        heard.server.status = 404
        with pytest.raises(NotServed):
            await heard.list_all()
        assert (heard.watches.absent, heard.watches.fault()) == ({AUTOSCALERS}, None)
        assert await asyncio.wait_for(heard.watches.begun(), 5) == {AUTOSCALERS}
        await asyncio.wait_for(heard.watches.opened(), 5)


async def test_an_optional_kind_that_goes_and_comes_back_is_told_of_both_times() -> None:
    async with connected(AUTOSCALERS) as heard:
        await heard.list_all()
        async with await heard.watch():
            assert await asyncio.wait_for(heard.watches.begun(), 5) == {AUTOSCALERS}
        heard.server.status = 404
        for _ in range(2):
            with pytest.raises(NotServed):
                await heard.list_all()
        assert await asyncio.wait_for(heard.watches.begun(), 5) == {AUTOSCALERS}
        heard.now[0] = SILENT_SECONDS + 1
        assert (heard.watches.fault(), heard.watches.longest_silence()) == (None, 0)
        heard.server.status = 200
        await heard.list_all()
        async with await heard.watch():
            assert await asyncio.wait_for(heard.watches.begun(), 5) == {AUTOSCALERS}
            assert heard.watches.absent == set()


@pytest.mark.parametrize("missed", [True, False])
async def test_a_kind_that_is_known_to_be_absent_is_not_waited_for(missed: bool) -> None:
    watches = Watches((AUTOSCALERS,), clock=Clock())
    if missed:
        watches.miss(AUTOSCALERS)
        await asyncio.wait_for(watches.opened(), 5)
    assert (watches.fault() is None) is missed
