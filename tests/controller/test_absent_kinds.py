"""A whole operator, with Kopf, before an API server that does not serve an optional kind at first, or not any more."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from productionpolicy.controller.operator import Options, operate
from productionpolicy.controller.resources import AUTOSCALERS, LISTED, WATCHED, Resource
from support.manifests import Raw

CUSTOM = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
SERVED = {each.path(): each for each in (*WATCHED, *LISTED, CUSTOM)}


@dataclass
class ApiServer:
    """Serves all kinds that the operator asks for, none of which has an object, but for those that are absent."""

    absent: set[Resource] = field(default_factory=set)
    watched: list[Resource] = field(default_factory=list)
    streams: list[asyncio.Task[None]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        resource = SERVED.get(request.path)
        if resource in self.absent:
            return web.json_response({"message": "404 page not found"}, status=404)
        if resource is not None and request.query.get("watch") == "true":
            return await self._stream(request, resource)
        if resource is not None:
            return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})
        discovered = self._discovered(request.path)
        return web.json_response(discovered, status=200 if discovered else 404)

    def cut(self) -> None:
        """Break all streams."""
        for each in self.streams:
            each.cancel()

    async def _stream(self, request: web.Request, resource: Resource) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        self.watched.append(resource)
        waiting = asyncio.ensure_future(asyncio.sleep(3600))
        self.streams.append(waiting)
        await asyncio.wait({waiting})
        return response

    def _discovered(self, path: str) -> Raw:
        served = [each for each in SERVED.values() if each not in self.absent]
        match path.strip("/").split("/"):
            case ["version"]:
                return {"major": "1", "minor": "37", "gitVersion": "v1.37.2"}
            case ["api"]:
                return {"versions": ["v1"]}
            case ["apis"]:
                groups = {each.group: each.version for each in served if each.group}
                return {"groups": [_group(name, version) for name, version in groups.items()]}
            case ["api", version]:
                return _resources(served, "", version)
            case ["apis", group, version]:
                return _resources(served, group, version)
        return {}


def _resources(served: list[Resource], group: str, version: str) -> Raw:
    return {"resources": [_discovered(each) for each in served if (each.group, each.version) == (group, version)]}


def _group(name: str, version: str) -> Raw:
    each = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [each], "preferredVersion": each}


def _discovered(resource: Resource) -> Raw:
    return {
        "name": resource.plural,
        "kind": resource.kind,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "verbs": ["list", "watch"],
    }


@dataclass
class Operated:
    """An operator at work."""

    server: ApiServer
    probes: str
    running: asyncio.Task[int]

    async def until(self, happens: Callable[[], bool]) -> None:
        """Wait until something is so, while the operator runs."""
        async with asyncio.timeout(20):
            while not happens():
                assert not self.running.done()
                await asyncio.sleep(0.02)

    async def ready(self) -> bool:
        """Say whether the operator calls itself ready."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.probes}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def until_ready(self) -> None:
        """Wait until the operator calls itself ready."""
        async with asyncio.timeout(20):
            while not await self.ready():
                assert not self.running.done()
                await asyncio.sleep(0.02)


@asynccontextmanager
async def operated(folder: Path, *, absent: set[Resource], port: int) -> AsyncIterator[Operated]:
    server = ApiServer(absent)
    application = web.Application()
    application.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(runner.addresses[0][1])))
    options = Options(kubeconfig, "127.0.0.1", port, listing_seconds=0.2, pods_seconds=60)
    running = asyncio.create_task(operate(options))
    try:
        yield Operated(server, f"http://127.0.0.1:{port}", running)
        signal.raise_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running, 10) == 0
    finally:
        running.cancel()
        server.cut()
        await runner.cleanup()


def _kubeconfig(port: int) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "it", "user": {}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }


async def test_a_kind_that_is_absent_at_the_start_is_watched_as_soon_as_it_is_served(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    async with operated(tmp_path, absent={AUTOSCALERS}, port=unused_tcp_port) as operator:
        await operator.until_ready()
        assert AUTOSCALERS not in operator.server.watched
        operator.server.absent.clear()
        await operator.until(lambda: AUTOSCALERS in operator.server.watched)
        assert await operator.ready()


async def test_a_kind_that_goes_while_it_is_watched_is_watched_again_when_it_is_back(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    async with operated(tmp_path, absent=set(), port=unused_tcp_port) as operator:
        await operator.until_ready()
        operator.server.absent.add(AUTOSCALERS)
        operator.server.watched.clear()
        operator.server.cut()
        await operator.until(lambda: len(set(operator.server.watched)) == len(WATCHED) - 1)
        await operator.until_ready()
        operator.server.absent.clear()
        await operator.until(lambda: AUTOSCALERS in operator.server.watched)


async def test_without_a_kind_that_it_needs_the_operator_is_not_ready(tmp_path: Path, unused_tcp_port: int) -> None:
    async with operated(tmp_path, absent={next(iter(WATCHED))}, port=unused_tcp_port) as operator:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(operator.until_ready(), 0.5)
