"""An HTTP server that answers lists as an API server does: in pages, with limits of rights and of patience."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from productionpolicy.controller.cluster import Cluster

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in place of the one that a request would get."""

    status: int
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ApiServer:
    """Serves objects by path."""

    objects: dict[str, Sequence[Raw]]
    """The objects of each list, such as `/api/v1/pods`; other lists are not served."""
    forbidden: frozenset[str] = frozenset()
    """The paths that the user may not read."""
    instead: dict[str, deque[Answer]] = field(default_factory=dict)
    """Answers to the next requests of a path."""
    page: int = 500
    """The largest page."""
    requests: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    """Verb, path with query, and headers of all requests."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether there was a request."""

    @asynccontextmanager
    async def serve(self, *, headers: Sequence[tuple[str, str]] = ()) -> AsyncIterator[Cluster]:
        """Serve, and return what asks the server."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        async with TestServer(application) as server:
            configuration = client.Configuration(host=str(server.make_url("")).rstrip("/"))
            async with client.ApiClient(configuration) as api:
                yield Cluster(api, headers=headers)

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path_qs, request.headers.copy()))
        self.asked.set()
        waiting = self.instead.get(request.path)
        if waiting:
            return _refused(waiting.popleft())
        if request.path in self.forbidden:
            return _refused(Answer(403, f"user cannot list {request.path}"))
        if request.path == "/version":
            return web.json_response({"major": "1", "minor": "37", "gitVersion": "v1.37.2"})
        if request.path not in self.objects:
            return _refused(Answer(404, "the server could not find the requested resource"))
        return web.json_response(self._listed(request.path, request.query))

    def _listed(self, path: str, query: Mapping[str, str]) -> Raw:
        begin = int(query.get("continue", "0"))
        end = begin + min(int(query["limit"]), self.page) if "limit" in query else len(self.objects[path])
        left = max(0, len(self.objects[path]) - end)
        metadata = {"continue": str(end), "remainingItemCount": left} if left else {}
        return {"metadata": metadata, "items": list(self.objects[path][begin:end])}


def _refused(answer: Answer) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "message": answer.message, "code": answer.status}
    return web.Response(status=answer.status, text=json.dumps(body), headers=answer.headers)
