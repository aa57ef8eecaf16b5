"""An API client with as little as possible between the caller and the connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
import msgspec

from control_plane.credentials import token_of
from control_plane.plane import RequestFailed
from control_plane.site import Site
from testbed.client import JSON, MERGE, path

Item = TypeVar("Item")

PAGE = 500
_ACCEPTED = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})


@dataclass(frozen=True, slots=True)
class Api:
    """An API server as one of its users sees it."""

    session: aiohttp.ClientSession
    server: str

    async def send(self, method: str, where: str, body: bytes = b"", *, content_type: str = JSON) -> bytes:
        """Send a request and return the body of the answer.

        Raises:
            RequestFailed: the answer is an error.
        """
        headers = {"Content-Type": content_type}
        async with self.session.request(method, self.server + where, data=body, headers=headers) as answer:
            content = await answer.read()
            if answer.status not in _ACCEPTED:
                raise RequestFailed(f"{method} {where}: {answer.status} {content[:300].decode(errors='replace')}")
            return content

    async def get(self, where: str) -> Any:
        """Return what is at a path."""
        return msgspec.json.decode(await self.send("GET", where))

    async def create(self, raw: dict[str, Any], namespace: str | None = None) -> None:
        """Create an object, in the namespace that it names unless another one is given."""
        where = path(raw["kind"], namespace or raw["metadata"].get("namespace"))
        await self.send("POST", where, msgspec.json.encode(raw))

    async def merge(self, where: str, patch: Any) -> None:
        """Change an object by a JSON merge patch."""
        await self.send("PATCH", where, msgspec.json.encode(patch), content_type=MERGE)

    async def items(self, where: str) -> list[dict[str, Any]]:
        """Return all objects of a list, read page by page."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = await self.get(f"{where}?limit={PAGE}&continue={token}")
            found.extend(page["items"])
            token = page["metadata"].get("continue", "")
            if not token:
                return found


@asynccontextmanager
async def connected(site: Site, *, user: str) -> AsyncIterator[Api]:
    """Yield the API server of a control plane as a user that has a kubeconfig there."""
    tls = ssl.create_default_context(cafile=site.certificate_authority)
    headers = {"Authorization": f"Bearer {token_of(site, user=user)}", "Accept": JSON}
    connector = aiohttp.TCPConnector(limit=0, ssl=tls)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Api(session, site.server)


async def spread(items: Iterable[Item], work: Callable[[Item], Awaitable[None]], *, workers: int) -> None:
    """Do the work on each item, so many at a time."""
    rest = iter(items)

    async def serve() -> None:
        for item in rest:
            await work(item)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(workers):
            tasks.create_task(serve())
