"""The reader: pages, patience, and no more than the user may see."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec
import pytest

from productionpolicy.controller.cluster import Unauthorized, Unreachable
from productionpolicy.controller.resources import AUTOSCALERS, BUDGETS, DEPLOYMENTS, NAMESPACES, NODES, PODS, Resource
from productionpolicy.kube.coverage import COMPLETE, Coverage, Read
from productionpolicy.live.reader import EVERYWHERE, Reader, Reading, Scope
from support.api_server import Answer, ApiServer
from support.manifests import Raw

PATHS = {"shop": "/api/v1/namespaces/shop/pods", "bank": "/api/v1/namespaces/bank/pods"}
SPACES = [{"metadata": {"name": "bank"}}, {"metadata": {"name": "shop"}}]


def pods(count: int, namespace: str = "shop") -> list[Raw]:
    return [{"metadata": {"name": f"pod-{number}", "namespace": namespace}} for number in range(count)]


def names(reading: Reading) -> list[str]:
    return [msgspec.json.decode(each)["metadata"]["name"] for each in reading.items]


class Pauses(list[float]):
    """The pauses that were asked for; none takes any time."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


NO_PAUSES = Pauses()


async def read(server: ApiServer, *kinds: Resource, scope: Scope = EVERYWHERE, pauses: Pauses = NO_PAUSES) -> Reading:
    async with server.serve() as cluster:
        return await Reader(cluster, sleep=pauses).read(kinds, scope)


def paths(server: ApiServer) -> list[str]:
    return [path for _, path, _ in server.requests]


async def test_a_list_is_read_page_by_page_and_in_order() -> None:
    server = ApiServer({"/api/v1/pods": pods(7)}, page=3)
    reading = await read(server, PODS)
    assert names(reading) == [f"pod-{number}" for number in range(7)]
    assert paths(server) == [f"/api/v1/pods?limit=500{rest}" for rest in ("", "&continue=3", "&continue=6")]


async def test_each_object_says_what_it_is_though_lists_leave_that_out() -> None:
    reading = await read(ApiServer({"/apis/apps/v1/deployments": pods(1)}), DEPLOYMENTS)
    (item,) = map(msgspec.json.decode, reading.items)
    assert (item["apiVersion"], item["kind"]) == ("apps/v1", "Deployment")


async def test_only_the_kept_objects_stay() -> None:
    async with ApiServer({"/api/v1/pods": pods(3)}).serve() as cluster:
        reading = await Reader(cluster, keep=lambda _, raw: raw["metadata"]["name"] != "pod-1").read([PODS])
    assert names(reading) == ["pod-0", "pod-2"]


async def test_a_list_that_expires_begins_again_and_holds_each_object_once() -> None:
    expired: deque[Answer] = deque()
    server = ApiServer({"/api/v1/pods": pods(5)}, page=2, instead={"/api/v1/pods": expired})

    def told(_resource: Resource, _count: int) -> None:
        if len(server.requests) == 2:
            expired.append(Answer(410, "the provided continue parameter is too old"))

    async with server.serve() as cluster:
        reading = await Reader(cluster, told=told).read([PODS])
    assert names(reading) == [f"pod-{number}" for number in range(5)]


async def test_a_list_that_expires_again_and_again_is_asked_for_in_one_part() -> None:
    server = ApiServer({"/api/v1/pods": pods(5)}, page=2)
    server.instead["/api/v1/pods"] = deque([Answer(410)] * 3)
    assert len((await read(server, PODS)).items) == 5
    assert paths(server)[-1] == "/api/v1/pods"


@pytest.mark.parametrize("status", [429, 503])
async def test_it_waits_as_long_as_the_server_asks(status: int) -> None:
    pauses, server = Pauses(), ApiServer({"/api/v1/pods": pods(1)})
    server.instead["/api/v1/pods"] = deque([Answer(status, headers={"Retry-After": "7"})] * 2)
    assert names(await read(server, PODS, pauses=pauses)) == ["pod-0"]
    assert pauses == [7.0, 7.0]


async def test_a_kind_that_cannot_be_read_though_it_is_served_does_not_stop_the_others() -> None:
    server = ApiServer({"/api/v1/pods": pods(1), "/api/v1/nodes": []})
    server.instead["/api/v1/nodes"] = deque([Answer(500, "etcd is on fire")] * 10)
    reading = await read(server, PODS, NODES)
    assert reading.coverage == {PODS: COMPLETE, NODES: Coverage(Read.NONE, reason="etcd is on fire")}


async def test_rejected_credentials_end_the_reading() -> None:
    server = ApiServer({"/api/v1/pods": pods(1)})
    server.instead["/api/v1/pods"] = deque([Answer(401, "Unauthorized")])
    with pytest.raises(Unauthorized):
        await read(server, PODS)


async def test_a_server_that_is_not_there_ends_the_reading() -> None:
    async with ApiServer({}).serve() as cluster:
        pass
    with pytest.raises(Unreachable):
        await Reader(cluster, sleep=Pauses()).read([PODS])


async def test_it_only_gets() -> None:
    server = ApiServer({"/api/v1/namespaces": SPACES, **dict.fromkeys(PATHS.values(), pods(1))})
    await read(server, PODS, NODES, NAMESPACES, DEPLOYMENTS)
    assert {verb for verb, _, _ in server.requests} == {"GET"}


async def test_it_acts_as_another_user_with_all_groups() -> None:
    server = ApiServer({"/api/v1/pods": []})
    headers = [("Impersonate-User", "jane"), ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops")]
    async with server.serve(headers=headers) as cluster:
        await Reader(cluster).read([PODS])
    (_, _, sent) = server.requests[0]
    assert [sent["Impersonate-User"], *sent.getall("Impersonate-Group")] == ["jane", "dev", "ops"]  # type: ignore[attr-defined]  # a multidict


class TestLimitedRights:
    def server(self, *forbidden: str, spaces: Sequence[Raw] = SPACES) -> ApiServer:
        lists = {"/api/v1/pods": pods(2), "/api/v1/namespaces": spaces}
        lists |= {path: pods(1, name) for name, path in PATHS.items()}
        return ApiServer(lists, forbidden=frozenset(forbidden))

    async def test_a_kind_is_read_namespace_by_namespace_where_it_may_not_be_listed_as_a_whole(self) -> None:
        reading = await read(self.server("/api/v1/pods", PATHS["bank"]), PODS)
        assert names(reading) == ["pod-0"]
        why = "Forbidden: user cannot list /api/v1/pods"
        assert reading.coverage[PODS] == Coverage(Read.NAMESPACES, ("shop",), why)

    async def test_without_the_namespaces_only_that_of_the_context_is_tried(self) -> None:
        server = self.server("/api/v1/pods", "/api/v1/namespaces")
        reading = await read(server, PODS, scope=Scope(fallback="bank"))
        assert reading.coverage[PODS].namespaces == ("bank",)
        assert PATHS["shop"] not in "".join(paths(server))

    async def test_a_kind_that_may_be_read_nowhere_is_not_read(self) -> None:
        reading = await read(self.server("/api/v1/pods", *PATHS.values()), PODS)
        assert (reading.items, reading.coverage[PODS].read) == ([], Read.NONE)

    async def test_a_kind_without_namespaces_is_read_as_a_whole_or_not_at_all(self) -> None:
        server = ApiServer({"/api/v1/nodes": pods(2)}, forbidden=frozenset({"/api/v1/nodes"}))
        assert (await read(server, NODES)).coverage[NODES].read is Read.NONE

    async def test_in_one_namespace_nothing_else_is_asked_for(self) -> None:
        server = self.server()
        server.objects["/api/v1/namespaces/shop"] = []
        reading = await read(server, PODS, NAMESPACES, scope=Scope("shop"))
        assert reading.coverage[PODS] == Coverage(Read.NAMESPACES, ("shop",))
        assert {path.partition("?")[0] for path in paths(server)} == {PATHS["shop"], "/api/v1/namespaces/shop"}


class TestKindsThatAreNotServed:
    async def test_an_optional_one_has_no_objects(self) -> None:
        coverage = (await read(ApiServer({}), AUTOSCALERS)).coverage[AUTOSCALERS]
        assert coverage == Coverage(Read.ALL, reason="the API server does not serve it")

    async def test_of_any_other_nothing_is_known(self) -> None:
        assert (await read(ApiServer({}), BUDGETS)).coverage[BUDGETS].read is Read.NONE

    async def test_in_one_namespace_it_is_the_same(self) -> None:
        coverage = (await read(ApiServer({}), AUTOSCALERS, scope=Scope("shop"))).coverage[AUTOSCALERS]
        assert coverage.read is Read.ALL
