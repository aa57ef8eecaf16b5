"""The policies themselves: when their status is written, when repairs stop, and what is left when one is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, cast

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY
from prometheus_client.samples import Sample

from productionpolicy.controller import metrics
from productionpolicy.controller.clock import ServerClock
from productionpolicy.controller.cluster import Unavailable
from productionpolicy.controller.policies import STUCK_SECONDS, Policies
from productionpolicy.controller.queue import Retry
from productionpolicy.controller.resources import DEPLOYMENTS, NAMESPACES, NODES, POLICIES
from productionpolicy.kube.identity import FINALIZER, POLICY_LABEL, REPAIRS_POLICY
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.policy import Policy
from productionpolicy.verdict.rollout_notes import FailedRollout
from productionpolicy.verdict.rollouts import TOO_MANY
from support.harness import WEB, Harness, settled
from support.manifests import Raw
from support.metrics import exposed_name


@dataclass
class Server:
    """Takes statuses and finalizers."""

    written: list[str] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    silent: bool = False
    clock: ServerClock = field(default_factory=ServerClock)
    finalizers: list[str] | None = None
    """Those of the policy, once they have been set."""

    async def set_finalizers(self, policy: str, finalizers: list[str], *, resource_version: str) -> Raw:
        self.finalizers = finalizers
        return reverting(resourceVersion=f"{resource_version}1", finalizers=finalizers, name=policy)

    async def set_status(self, policy: str, status: Any) -> str:
        if self.silent:
            raise Unavailable("no answer")
        self.written.append(policy)
        self.statuses.append(status)
        return str(len(self.statuses))


@pytest.fixture
async def harness() -> Harness:
    harness = Harness()
    harness.reconciler.evaluate(WEB)
    return harness


@pytest.fixture
async def server(harness: Harness) -> Server:
    server = Server()
    harness.policies.cluster = cast("Any", server)
    harness.policies.admission = cast("Any", NoAdmission())
    return server


class NoAdmission:
    """Nothing is done at admission."""

    def __init__(self) -> None:
        self.looks = 0

    async def learn(self) -> bool:
        self.looks += 1
        return True

    async def keep(self, _: object) -> None:
        """Bind nothing."""

    def unbound(self, _: object) -> bool:
        return False

    def conditions(self, _: object) -> tuple[()]:
        """Tell nothing."""
        return ()

    def repairs(self, _: object) -> bool:
        return False

    def repairs_since(self, _: object) -> None:
        return None


def measured(policy: str) -> list[Sample]:
    """Return the samples of a policy, without the creation times of counters."""
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    return [each for each in samples if each.labels.get("policy") == policy and not each.name.endswith("_created")]


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"policy": "default", **labels})


async def test_the_metrics_of_a_policy_go_with_it(harness: Harness, server: Server) -> None:
    await harness.policies.reconcile("default")
    assert server.written == ["default"]
    of_all = {each for each in metrics.OF_A_POLICY if each not in metrics.OF_DRAIN_AUDITS}
    assert {each.name for each in measured("default")} == {exposed_name(each) for each in of_all}
    harness.store.forget(POLICIES, "", "default")
    await harness.policies.reconcile("default")
    assert measured("default") == []


async def test_a_day_costs_one_write_and_a_restart_none(harness: Harness, server: Server) -> None:
    for number, day in enumerate([1, 1, 2, 2, 3]):
        moment = datetime(2026, 12, day, 12, number, tzinfo=UTC)
        server.clock.heard(format_datetime(moment, usegmt=True))
        await harness.policies.reconcile("default")
        stored = harness.store.policies["default"]
        harness.store.policies["default"] = replace(stored, status=server.statuses[-1])
    assert [[each["date"] for each in status["history"]] for status in server.statuses] == [
        ["2026-12-01"],
        ["2026-12-01", "2026-12-02"],
        ["2026-12-01", "2026-12-02", "2026-12-03"],
    ]


async def test_metrics_count_the_workloads_of_each_namespace(harness: Harness, server: Server) -> None:
    await harness.policies.reconcile("default")
    totals = harness.policies.totals["default"]
    assert value("productionpolicy_namespace_workloads", workload_namespace="shop") == totals.overall.total == 1
    assert value("productionpolicy_namespace_violating_workloads", workload_namespace="shop") == 1
    totals.drop(WEB)
    await harness.policies.reconcile("default")
    assert value("productionpolicy_namespace_workloads", workload_namespace="shop") is None
    assert server.written == ["default", "default"]


@pytest.mark.usefixtures("server")
async def test_metrics_export_each_condition_with_its_current_reason_only(harness: Harness) -> None:
    def reasons(kind: str) -> set[tuple[str, str]]:
        told = (each.labels for each in measured("default") if each.labels.get("type") == kind)
        return {(each["status"], each["reason"]) for each in told}

    await harness.policies.reconcile("default")
    assert reasons("Ready") == {("True", "Valid")}
    assert ("False", "TooManyFailedRollouts") not in reasons("Progressing")
    failing(harness.policies, count=TOO_MANY)
    await harness.policies.reconcile("default")
    assert reasons("Progressing") == {("False", "TooManyFailedRollouts")}


@pytest.mark.usefixtures("server")
async def test_the_counters_of_a_policy_start_at_zero(harness: Harness) -> None:
    await harness.policies.reconcile("default")
    assert value("productionpolicy_failed_rollouts_total") == 0
    assert value("productionpolicy_admission_missed_total") == 0


async def test_a_status_that_could_not_be_written_is_tried_again(harness: Harness, server: Server) -> None:
    server.silent = True
    with pytest.raises(Retry):
        await harness.policies.reconcile("default")


async def test_what_a_changed_policy_may_ask_for_is_looked_up_once(harness: Harness, server: Server) -> None:
    admission = cast("NoAdmission", harness.policies.admission)
    looks: list[int] = []
    for generation in (1, 1, 2, 2):
        metadata = {"name": "default", "generation": generation, "resourceVersion": str(10 + len(looks))}
        harness.store.observe(POLICIES, {"metadata": metadata, "spec": {"mode": "Enforce"}})
        await harness.policies.reconcile("default")
        looks.append(admission.looks)
    assert looks == [0, 0, 1, 1]
    assert server.written


def failing(policies: Policies, *, count: int) -> Policy:
    stored = policies.store.policies["default"].policy
    assert stored is not None
    report = policies.totals["default"].reports[WEB]
    terms = {"policy": stored.edition, "resumed": stored.resumption}
    failed_rollout = FailedRollout(("preStop",), at="2026-06-15T11:00:00Z", workload="aa", **terms)
    for number in range(count):
        policies.totals["default"].put(
            replace(report, key=replace(WEB, name=f"web-{number}"), failed_rollout=failed_rollout)
        )
    return stored


@pytest.mark.parametrize("count", [TOO_MANY - 1, TOO_MANY])
async def test_so_many_failed_rollouts_stop_the_repairs_of_a_policy(harness: Harness, count: int) -> None:
    policy = failing(harness.policies, count=count)
    assert harness.policies.stops(policy) is (count == TOO_MANY)


@pytest.fixture
async def running(harness: Harness) -> Harness:
    """A harness of which the status of two policies is written."""
    harness.store.observe(
        POLICIES, {"metadata": {"name": "other", "generation": 1, "resourceVersion": "1"}, "spec": {}}
    )
    harness.intake.open()
    return harness


def due(harness: Harness) -> set[str]:
    queue = harness.policies.queue
    return {*queue._fresh, *queue._backlog, *queue._waiting}


async def test_a_status_that_is_written_to_one_policy_has_no_other_written(running: Harness) -> None:
    before = due(running)
    metadata = {"name": "other", "generation": 1, "resourceVersion": "2"}
    running.intake.put(POLICIES, {"metadata": metadata, "spec": {}, "status": {"compliance": "100%"}})
    await asyncio.sleep(0)
    assert due(running) - before == {"other"}


async def test_a_namespace_that_changes_its_policy_has_both_written(running: Harness) -> None:
    labels = {POLICY_LABEL: "other"}
    running.intake.put(NAMESPACES, {"metadata": {"name": "shop", "labels": labels, "resourceVersion": "9"}})
    assert due(running) == {"default", "other"}


@pytest.mark.parametrize("label", ["a", "b"], ids=["no news", "news that concern nobody"])
async def test_an_event_of_a_node_moves_no_line_unless_somebody_is_concerned(running: Harness, label: str) -> None:
    node = {"metadata": {"name": "n1", "labels": {"x": "a"}, "resourceVersion": "1"}}
    running.store.observe(NODES, node)
    woken = len(running.context.queue)
    running.rollouts.wait("default", WEB)
    looking = asyncio.create_task(running.intake.run(asyncio.Event().wait))  # type: ignore[arg-type]  # never called
    running.intake.put(NODES, {"metadata": {**node["metadata"], "labels": {"x": label}, "resourceVersion": "2"}})
    for _ in range(5):
        await asyncio.sleep(0)
    looking.cancel()
    assert len(running.context.queue) == woken


def reverting(**metadata: Any) -> Raw:
    """Return a policy that withdraws its repairs when it is deleted."""
    known = {"name": "default", "generation": 1, "resourceVersion": "4"}
    return {"metadata": {**known, **metadata}, "spec": {"mode": "Enforce", "onRemoval": "Revert"}}


async def test_a_finalizer_of_which_no_watch_has_told_yet_is_taken_off_at_the_stop(
    harness: Harness, server: Server
) -> None:
    harness.store.observe(POLICIES, reverting())
    await harness.policies.reconcile("default")
    assert server.finalizers == [FINALIZER]
    await harness.policies.release_finalizers()
    assert server.finalizers == []


async def test_a_deleted_policy_stays_while_a_rollout_of_its_withdrawal_makes_others_wait(
    harness: Harness, server: Server
) -> None:
    raw, notes = settled(), {REPAIRS_POLICY: "default"}
    harness.store.observe(
        DEPLOYMENTS, {**raw, "metadata": {**raw["metadata"], "annotations": notes, "resourceVersion": "6"}}
    )
    deleted = {"finalizers": [FINALIZER], "deletionTimestamp": "2026-06-15T11:00:00Z"}
    harness.store.observe(POLICIES, reverting(**deleted))
    withdrawn = Workload(WorkloadKey("shop", "Deployment", "withdrawn"))
    assert harness.rollouts.enter("default", withdrawn, slots=1)

    async def is_released_later() -> bool:
        harness.seconds += STUCK_SECONDS + 1
        await harness.policies.reconcile("default")
        return server.finalizers == []

    assert [await is_released_later() for _ in range(3)] == [False, False, False]
    harness.rollouts.leave(withdrawn.key)
    assert await is_released_later()
