"""Audits of drains: when they are due, what they ask the API server for, and what they leave in a policy."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from prometheus_client import REGISTRY

from productionpolicy.controller import drain_play, memory, metrics
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Unavailable
from productionpolicy.controller.context import Context
from productionpolicy.controller.drain_audits import CONDITION, RIGHTS_SECONDS, DrainAudits
from productionpolicy.controller.drain_play import PLAYER
from productionpolicy.controller.events import Events
from productionpolicy.controller.resources import DRAINED, NAMESPACES, NODES, POLICIES, STORAGE_CLASSES
from productionpolicy.controller.rights import DRAIN_RIGHTS, RIGHTS, Right
from productionpolicy.controller.store import StoredPolicy
from productionpolicy.drain.audit import Verdict
from productionpolicy.kube.identity import AUDIT_DRAINS, MODE_LABEL, POLICY_LABEL
from productionpolicy.policy.status import DrainAuditStatus
from support.api_server import Answer, ApiServer
from support.scenes import Raw, budget, deployment, node

BLOCKED = (node("a"), node("b"), *deployment("web", ["a", "b"]), budget("all", app="web", minAvailable=2))
FREE = (node("a"), node("b"), *deployment("web", ["a", "b"]))
PATIENCE_SECONDS = 60.0


def served(*objects: Raw) -> ApiServer:
    lists: dict[str, Sequence[Raw]] = {each.path(): [] for each in DRAINED}
    for resource in DRAINED:
        lists[resource.path()] = [each for each in objects if each["kind"] == resource.kind]
    return ApiServer(lists)


@dataclass
class Bench:
    """Policies whose drains are audited against an API server."""

    server: ApiServer
    context: Context
    player: Sequence[str] = PLAYER
    seconds: float = 1000.0
    told: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        clock = Clock(monotonic=lambda: self.seconds)
        self.context = msgspec.structs.replace(self.context, clock=clock)
        self.audits = DrainAudits(self.context, changed=self.told.put_nowait, player=self.player, dice=lambda: 0.5)

    def policy(self, name: str = "default", *, request: str = "", status: Raw | None = None, **audit: Any) -> None:
        spec = {"mode": "Audit", "drainAudit": {"mode": "Enabled", **audit}}
        version = str(int(self.context.store.version(POLICIES, "", name) or 0) + 1)
        metadata = {
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": version,
            "annotations": {AUDIT_DRAINS: request} if request else {},
        }
        self.context.store.observe(POLICIES, {"metadata": metadata, "spec": spec, "status": status or {}})

    def namespace(self, name: str, policy: str, **labels: str) -> None:
        metadata = {"name": name, "resourceVersion": "1", "labels": {POLICY_LABEL: policy, **labels}}
        self.context.store.observe(NAMESPACES, {"metadata": metadata})

    def stored(self, name: str = "default") -> StoredPolicy:
        return self.context.store.policies[name]

    def verdict(self, name: str = "default") -> Verdict:
        return self.audits.verdict(self.stored(name))

    def status(self, name: str = "default") -> DrainAuditStatus:
        found = self.audits.status(self.stored(name))
        assert found is not None
        return found

    async def hears(self, *names: str) -> None:
        """Wait until news of all of these policies have come."""
        awaited = set(names or ("default",))
        while awaited:
            awaited.discard(await asyncio.wait_for(self.told.get(), PATIENCE_SECONDS))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.audits.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def looks_once(self) -> None:
        """Let it find out what is due, where nothing is."""
        async with self.running():
            for _ in range(5):
                self.audits.look()
                await asyncio.sleep(0)

    @property
    def lists(self) -> list[str]:
        return [path.partition("?")[0] for _, path, _ in self.server.requests]


@asynccontextmanager
async def bench(server: ApiServer, *, player: Sequence[str] = PLAYER) -> AsyncIterator[Bench]:
    async with server.serve() as cluster:
        made = Bench(server, Context.of(cluster, events=cast("Events", None), clock=Clock()), player)
        made.namespace("shop", "default")
        yield made
        for name in [*made.context.store.policies]:
            made.audits.forget(name)


def audited(seconds_ago: float, *, reason: str = "AllNodesDrain", request: str = "") -> Raw:
    """Return the status of a policy some time after an audit."""
    at = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()
    condition = {"type": CONDITION, "status": "True", "reason": reason, "message": "as before"}
    return {"conditions": [condition], "drainAudit": {"lastAuditTime": at, "nodes": 2, "handledRequest": request}}


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"productionpolicy_drain_{name}", labels)


async def test_a_blocked_node_is_told_and_measured_until_the_policy_goes() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy()
        assert made.verdict() == Verdict("Unknown", "NotPlayed", "the first audit has not ended yet")
        async with made.running():
            await made.hears()
        assert (made.verdict().status, made.verdict().reason) == ("False", "NodesBlocked")
        assert [each.node for each in made.status().blocked] == ["a", "b"]
        assert sample("blocked_nodes", policy="default") == 2
        assert sample("dark_workloads", policy="default", by="node") == 0
        assert sample("audit_last_success_timestamp_seconds", policy="default") == pytest.approx(
            made.status().last_audit_time.timestamp()
        )
        made.audits.forget("default")
        assert sample("blocked_nodes", policy="default") is None
        assert sample("dark_workloads", policy="default", by="node") is None
        assert sample("audit_last_success_timestamp_seconds", policy="default") is None


async def test_long_lists_are_read_page_by_page() -> None:
    server = served(*BLOCKED)
    server.page = 1
    async with bench(server) as made:
        made.policy()
        async with made.running():
            await made.hears()
        assert made.status().pods == 2
        assert made.lists.count("/api/v1/pods") == 3  # how many there are, and a page for each


async def test_a_policy_that_asks_for_no_audit_causes_no_request() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy(mode="Disabled")
        await made.looks_once()
        assert made.lists == []


async def test_a_policy_that_governs_nothing_causes_no_request() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy("idle")
        made.namespace("quiet", "idle", **{MODE_LABEL: "Off"})
        await made.looks_once()
        assert made.lists == []
        assert made.verdict("idle").reason == "NoWorkloads"


async def test_a_restart_does_not_repeat_an_audit_that_was_recent() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy(status=audited(seconds_ago=3000), intervalSeconds=3600)
        await made.looks_once()
        assert made.lists == []
        assert made.verdict() == Verdict("True", "AllNodesDrain", "as before")
        assert sample("blocked_nodes", policy="default") == 0


async def test_what_another_replica_found_later_counts() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy()
        async with made.running():
            await made.hears()
        assert made.verdict().reason == "NodesBlocked"
        made.policy(status=audited(seconds_ago=60))
        assert made.verdict().reason == "NodesBlocked"
        made.policy(status=audited(seconds_ago=-1))
        assert made.verdict() == Verdict("True", "AllNodesDrain", "as before")
        assert sample("blocked_nodes", policy="default") == 0


async def test_an_audit_is_due_after_the_interval() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy(status=audited(seconds_ago=3700), intervalSeconds=3600)
        async with made.running():
            await made.hears()
        assert made.verdict().reason == "NodesBlocked"


async def test_a_person_may_request_an_audit_at_once() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy(status=audited(seconds_ago=60, request="one"), request="two")
        async with made.running():
            await made.hears()
            assert made.status().handled_request == "two"
        made.server.requests.clear()
        await made.looks_once()
        assert made.lists == []


async def test_one_play_serves_all_policies_whose_audit_would_soon_be_due() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy(status=audited(seconds_ago=3700), intervalSeconds=3600)
        made.policy("soon", status=audited(seconds_ago=2000), intervalSeconds=3600)
        made.policy("later", status=audited(seconds_ago=1000), intervalSeconds=3600)
        made.namespace("games", "soon")
        made.namespace("bank", "later")
        async with made.running():
            await made.hears("default", "soon")
        assert (made.verdict().reason, made.verdict("soon").reason) == ("NodesBlocked", "AllNodesDrain")
        assert made.verdict("later").message == "as before"
        assert made.lists.count("/api/v1/pods") == 2  # how many there are, and all of them


async def test_missing_rights_are_told_with_the_remedy_and_looked_for_without_a_play() -> None:
    server = served(*FREE)
    server.forbidden = frozenset({STORAGE_CLASSES.path()})
    async with bench(server) as made:
        made.policy()
        async with made.running():
            await made.hears()
            assert (made.verdict().status, made.verdict().reason) == ("Unknown", "NotAllRead")
            assert "(storage classes): forbidden; install the component drain-audit" in made.verdict().message
            made.server.requests.clear()
            made.seconds += RIGHTS_SECONDS
            made.audits.look()
            await made.hears()
            assert made.lists == [each.path() for each in DRAINED]  # one small request for each
            server.forbidden = frozenset()
            made.seconds += RIGHTS_SECONDS
            made.audits.look()
            await made.hears()
            assert made.verdict().reason == "AllNodesDrain"


async def test_what_was_found_stays_while_the_api_server_does_not_answer() -> None:
    server = served(*BLOCKED)
    server.instead["/api/v1/pods"] = deque([Answer(401, "who are you?")])
    async with bench(server) as made:
        made.policy(status=audited(seconds_ago=3700), intervalSeconds=3600)
        made.policy("new")
        made.namespace("games", "new")
        async with made.running():
            await made.hears("default", "new")
            assert made.verdict().message == "as before"
            assert made.verdict("new").message == "not played: who are you?; the operator tries again"
            made.seconds += 60
            made.audits.look()
            await made.hears("default", "new")
            assert made.verdict().reason == "NodesBlocked"


async def test_the_operator_waits_as_long_as_the_api_server_asks() -> None:
    server = served(*BLOCKED)
    server.instead["/api/v1/pods"] = deque([Answer(429, "slow down", {"Retry-After": "1"})])
    async with bench(server) as made:
        made.policy()
        async with made.running():
            await made.hears()
        assert made.verdict().reason == "NodesBlocked"


async def test_a_cluster_that_needs_more_memory_than_there_is_is_not_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "room", lambda: drain_play.RESERVED_BYTES + drain_play.BASE_BYTES)
    async with bench(served(*BLOCKED)) as made:
        made.policy(status=audited(seconds_ago=3700), intervalSeconds=3600)
        async with made.running():
            await made.hears()
        assert (made.verdict().status, made.verdict().reason) == ("Unknown", "TooLarge")
        assert "2 nodes and 2 pods need about 48 MiB of memory; raise the memory limit" in made.verdict().message
        assert made.lists == [each.path() for each in DRAINED]
        assert sample("blocked_nodes", policy="default") is None


async def test_a_large_cluster_is_not_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_play, "MOST_PODS", 1)
    async with bench(served(*BLOCKED)) as made:
        made.policy()
        async with made.running():
            await made.hears()
        assert made.verdict().message.startswith("not played: too large: 2 nodes and 2 pods; the most is")


async def test_a_process_that_fails_is_told_and_not_started_again_at_once() -> None:
    program = (sys.executable, "-c", "raise SystemExit('no more')")
    async with bench(served(*BLOCKED), player=program) as made:
        made.policy()
        async with made.running():
            await made.hears()
        assert made.verdict() == Verdict("Unknown", "Failed", "not played: the process ended with 1: no more")
        made.server.requests.clear()
        await made.looks_once()
        assert made.lists == []


async def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_play, "TIMEOUT_SECONDS", 0.5)
    program = (sys.executable, "-c", "import sys, time; sys.stdin.buffer.read(); time.sleep(600)")
    async with bench(served(*BLOCKED), player=program) as made:
        made.policy()
        async with made.running():
            await made.hears()
        assert made.verdict().reason == "TimedOut"


async def test_a_policy_that_goes_meanwhile_leaves_no_metrics() -> None:
    async with bench(served(*BLOCKED)) as made:
        made.policy()
        async with made.running():
            await made.server.asked.wait()
            made.context.store.forget(POLICIES, "", "default")
            await made.hears()
        assert sample("blocked_nodes", policy="default") is None


def test_the_component_gives_exactly_what_the_operator_may_not_list_anyway() -> None:
    needed = {Right("list", each.group, each.plural) for each in DRAINED}
    assert set(DRAIN_RIGHTS) == needed - set(RIGHTS)


def test_the_duration_has_no_label_because_one_play_serves_all() -> None:
    assert metrics.DRAIN_AUDIT_SECONDS._labelnames == ()


@pytest.mark.parametrize(
    ("player", "said"),
    [
        (("/nowhere/player",), "not played: the process could not be started: No such file or directory"),
        ((sys.executable, "-c", "import sys; sys.stdin.read()"), "not played: the process ended without an answer"),
    ],
    ids=["none", "silent"],
)
async def test_a_process_that_does_not_work_is_told_and_the_audits_go_on(player: tuple[str, ...], said: str) -> None:
    async with bench(served(*FREE), player=player) as made:
        made.policy()
        async with made.running():
            await made.hears()
            assert (made.verdict().status, made.verdict().message) == ("Unknown", said)
            made.policy(request="again")
            made.audits.look()
            await made.hears()
        assert made.status().handled_request == "again"


async def test_an_error_in_an_audit_does_not_end_the_operator() -> None:
    server = served(*FREE)
    server.instead[NODES.path()] = deque([Answer(200, "no list")])
    async with bench(server) as made:
        made.policy()
        async with made.running():
            await made.hears()
        assert made.verdict().reason == "NotPlayed"
        assert made.verdict().message.startswith("not played: error in the operator: ")


async def test_after_a_failure_it_waits_before_it_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(served(*FREE)) as made:
        made.policy()
        looks = 0
        waits = made.audits._waits

        def counted() -> dict[str, float]:
            nonlocal looks
            looks += 1
            return waits()

        async def failed(_: Any) -> None:
            raise Unavailable("no answer")

        monkeypatch.setattr(made.audits, "_waits", counted)
        monkeypatch.setattr(made.audits, "_audit", failed)
        async with made.running():
            await made.hears()
            before = looks
            await asyncio.sleep(0.5)
        assert looks - before <= 1


async def test_that_no_namespace_selected_the_policy_is_not_taken_for_the_last_audit() -> None:
    async with bench(served(*FREE)) as made:
        made.policy(status=audited(60, reason="NoWorkloads"))
        assert made.verdict().reason == "NotPlayed"
