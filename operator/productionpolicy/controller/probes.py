"""The HTTP endpoints: /livez, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from productionpolicy.controller.listening import listen

Fault = Callable[[], str | None]
"""Returns what is wrong, for people, or None."""


class Probes:
    """Serves the probes; as a context manager."""

    def __init__(self, host: str, port: int, *, alive: Fault, ready: Fault) -> None:
        self._address = host, port
        application = web.Application()
        application.add_routes(
            [
                web.get("/livez", _answering(alive)),
                web.get("/readyz", _answering(ready)),
                web.get("/metrics", _metrics),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> Probes:
        await listen(self._runner, self._address, serves="probes", option="--probes-address")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


def _answering(fault: Fault) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        problem = fault()
        return web.Response(text="ok\n") if problem is None else web.Response(text=f"{problem}\n", status=503)

    return answer


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
