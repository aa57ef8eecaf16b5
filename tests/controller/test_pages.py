"""The pages over HTTP: who may do what, and that no client can make the operator or other clients wait."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from productionpolicy.controller import pages
from productionpolicy.controller.listening import CannotServe
from productionpolicy.controller.pages import HEADERS, Pages, known
from productionpolicy.controller.resources import DEPLOYMENTS
from productionpolicy.overview.cluster import Answer, Snapshot, answer
from support.harness import WEB, Harness
from support.hostile import MARKUP, hostile
from support.known import known as known_workload
from support.known import many, snapshot

SMALL = snapshot(*many(3))
SECURE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass
class Served:
    """Pages at work, and a client."""

    client: aiohttp.ClientSession
    pages: Pages

    @property
    def port(self) -> int:
        port: int = self.pages.addresses[0][1]
        return port

    @property
    def connections(self) -> int:
        """How many connections the server has."""
        assert self.pages._runner is not None
        assert self.pages._runner.server is not None
        return len(self.pages._runner.server.connections)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def text(self, target: str) -> str:
        async with self.client.get(f"{self.origin}{target}") as response:
            assert response.status == 200
            return await response.text()

    async def raw(self, sent: bytes) -> bytes:
        """Send anything, and return the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        received = await asyncio.wait_for(reader.read(), timeout=20)
        writer.close()
        return received


@asynccontextmanager
async def served(of: Snapshot = SMALL) -> AsyncIterator[Served]:
    async with Pages(("127.0.0.1", 0), look=lambda: of) as made, aiohttp.ClientSession() as client:
        yield Served(client, made)


@pytest.fixture
async def site() -> AsyncIterator[Served]:
    async with served() as each:
        yield each


@contextmanager
def set_to(monkeypatch: pytest.MonkeyPatch, **values: object) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name, value in values.items():
            patch.setattr(pages, name, value)
        yield


@pytest.mark.parametrize("target", ["/", "/workloads", "/nothing", "/api/v1/policies", "/api/nothing"])
async def test_every_answer_has_the_headers_that_protect_a_reader(site: Served, target: str) -> None:
    async with site.client.get(f"{site.origin}{target}") as response:
        assert {name: response.headers[name] for name in SECURE} == SECURE
        assert "Set-Cookie" not in response.headers
        assert "aiohttp" not in response.headers["Server"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_nothing_can_be_written(site: Served, method: str) -> None:
    async with site.client.request(method, f"{site.origin}/", data=None) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
        assert {name: response.headers[name] for name in HEADERS} == HEADERS


async def test_head_has_the_length_and_no_body(site: Served) -> None:
    length = len((await site.text("/")).encode())
    async with site.client.head(f"{site.origin}/") as response:
        assert (response.status, response.content_length, await response.read()) == (200, length, b"")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /%00%ff%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 500 + b"\r\n", 400),
    ],
)
async def test_odd_requests_are_answered_and_end_their_connection(site: Served, sent: bytes, status: int) -> None:
    received = await site.raw(sent)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == str(status).encode()
    assert b"\r\nset-cookie" not in head.lower()
    assert b"<script" not in body
    assert "3 workloads" in await site.text("/")


async def test_a_connection_has_one_request(site: Served) -> None:
    received = await site.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    assert received.count(b"HTTP/1.1 200 OK") == 1


async def test_json_is_json(site: Served) -> None:
    async with site.client.get(f"{site.origin}/api/v1/workloads") as response:
        assert response.content_type == "application/json"
        assert (await response.json())["total"] == 3


async def test_hostile_workloads_are_served_as_text() -> None:
    async with served(snapshot(*(known_workload(each) for each in hostile(MARKUP)[:3]))) as site:
        page = await site.text("/workloads")
    assert "<script" not in page
    assert "&lt;script>" in page.replace("&gt;", ">")


async def test_idle_and_slow_clients_do_not_keep_others_from_being_served(site: Served) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(2 * pages.MOST_CONNECTIONS)]
    for _, writer in slow[::2]:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    begun = time.monotonic()
    assert "3 workloads" in await site.text("/")
    assert time.monotonic() - begun < 5
    ended = [each for each in slow[: pages.MOST_CONNECTIONS] if each[0].at_eof() or await ends(each[0])]
    assert len(ended) == pages.MOST_CONNECTIONS
    for _, writer in slow:
        writer.close()


async def ends(reader: asyncio.StreamReader) -> bool:
    """Return whether the server has ended a connection."""
    try:
        return await asyncio.wait_for(reader.read(1), timeout=5) == b""
    except ConnectionResetError:
        return True


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # nobody tells of connections
            await asyncio.sleep(0.01)


async def test_a_client_that_sends_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with set_to(monkeypatch, IDLE_SECONDS=0.2):
        async with served() as site:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(b"GET / HT")
            assert await ends(reader)
            writer.close()


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with set_to(monkeypatch, CONNECTION_SECONDS=0.5):
        large = Answer(200, "text/html", b"x" * 50_000_000)
        monkeypatch.setattr(pages, "answer", lambda *_: large)
        async with served() as site:
            _, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1024)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: site.connections == 1)
            await until(lambda: site.connections == 0)
            writer.close()


async def test_too_many_requests_are_refused_and_served_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with set_to(monkeypatch, MOST_WAITING_OF_ONE=2, REFUSAL_SECONDS=1.0):

        def slowly(of: Snapshot, target: str) -> Answer:
            time.sleep(0.2)  # in the thread of the pages
            return answer(of, target)

        monkeypatch.setattr(pages, "answer", slowly)
        async with served() as site:

            async def status(number: int) -> tuple[int, str]:
                async with site.client.get(f"{site.origin}/workloads?page={number}") as response:
                    return response.status, response.headers.get("Retry-After", "")

            begun = time.monotonic()
            statuses = await asyncio.gather(*(status(number) for number in range(1, 9)))
            assert time.monotonic() - begun >= 1.0
            assert statuses.count((200, "")) == 2
            assert statuses.count((503, "5")) == 6
            assert await status(9) == (200, "")


async def test_pages_are_made_beside_the_work_of_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def blocked(of: Snapshot, target: str) -> Answer:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(timeout=10)
        return answer(of, target)

    monkeypatch.setattr(pages, "answer", blocked)
    async with served() as site:
        asked = asyncio.create_task(site.text("/"))
        await begun.wait()  # the loop goes on while the page is being made
        go_on.set()
        assert "3 workloads" in await asked


async def test_pages_take_no_more_than_their_share_of_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def busily(of: Snapshot, target: str) -> Answer:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
        return answer(of, target)

    monkeypatch.setattr(pages, "answer", busily)
    with set_to(monkeypatch, BURST_SECONDS=0.1):
        async with served() as site:
            begun = time.monotonic()
            for number in range(1, 6):
                await site.text(f"/workloads?page={number}")
            assert time.monotonic() - begun > 3 * 0.1 / pages.SHARE


async def test_the_same_state_is_shown_for_a_moment_and_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look() -> Snapshot:
        looks.append(1)
        return replace(SMALL, version=str(len(looks)))

    async with Pages(("127.0.0.1", 0), look=look) as made, aiohttp.ClientSession() as client:
        site = Served(client, made)
        assert [await site.text("/") for _ in range(3)].count(await site.text("/")) == 3
        assert len(looks) == 1
        monkeypatch.setattr(pages, "SNAPSHOT_SECONDS", 0.0)
        assert "productionpolicy 2," in await site.text("/")


async def test_what_fails_is_logged_and_answered(monkeypatch: pytest.MonkeyPatch, site: Served) -> None:
    def fails(*_: object) -> Answer:
        raise RuntimeError("secret")

    monkeypatch.setattr(pages, "answer", fails)
    with capture_logs() as logs:
        async with site.client.get(f"{site.origin}/{MARKUP}") as response:
            assert response.status == 500
            assert "secret" not in await response.text()
    assert [each["event"] for each in logs] == ["page failed"]


async def test_requests_that_wait_when_it_stops_end_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(of: Snapshot, target: str) -> Answer:
        time.sleep(0.2)  # in the thread of the pages
        return answer(of, target)

    monkeypatch.setattr(pages, "answer", slowly)
    with capture_logs() as logs:
        async with aiohttp.ClientSession() as client:
            async with Pages(("127.0.0.1", 0), look=lambda: SMALL) as made:
                site = Served(client, made)
                asked = [asyncio.create_task(site.text(f"/workloads?page={number}")) for number in range(1, 9)]
                await until(lambda: made._maker._waiting.total() == len(asked))
            ended = await asyncio.gather(*asked, return_exceptions=True)
    assert len(ended) == len(asked)
    assert [each["event"] for each in logs] == ["pages are served"]


async def test_the_interpreter_switches_faster_only_while_pages_are_served() -> None:
    before = sys.getswitchinterval()
    async with served():
        assert sys.getswitchinterval() == pytest.approx(pages.SWITCH_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(before)


async def test_an_address_in_use_is_an_error_with_advice(site: Served) -> None:
    with pytest.raises(CannotServe, match="choose another address with --page"):
        async with Pages(("127.0.0.1", site.port), look=lambda: SMALL):
            pass


async def test_the_memory_of_the_operator_is_what_pages_show() -> None:
    harness = Harness()
    harness.reconciler.evaluate(WEB)
    now = known(harness.context, fault="listing")
    assert [(each.key, each.report.policy, each.rolling) for each in now.workloads] == [(WEB, "default", False)]
    assert ([each.name for each in now.policies], now.fault) == (["default"], "listing")
    assert json.loads(answer(now, "/api/v1/workloads/shop/Deployment/web").body)["notReady"] == "listing"
    harness.store.forget(DEPLOYMENTS, WEB.namespace, WEB.name)
    harness.reconciler.evaluate(WEB)
    assert known(harness.context, fault=None).workloads == ()


async def test_answers_that_nobody_reads_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch, site: Served) -> None:
    monkeypatch.setattr(pages, "MOST_UNREAD_BYTES", 10)
    async with site.client.get(f"{site.origin}/") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
