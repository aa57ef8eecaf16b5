"""Two replicas of the operator that have looked at different moments write one status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from controller.test_policies import NoAdmission
from productionpolicy.controller.agreement import LEFT_SECONDS
from productionpolicy.controller.clock import ServerClock
from productionpolicy.controller.resources import POLICIES
from productionpolicy.reports import Form
from support.harness import WEB, Harness
from support.manifests import Raw

SPEC = {
    "mode": "Enforce",
    "profile": "Development",
    "expectations": {"replicas": {"action": "Audit"}},
    "drainAudit": {"mode": "Enabled"},
}


@dataclass
class Server:
    """Holds one policy, and the versions of its status."""

    policy: Raw = field(default_factory=lambda: versioned(1, 1, {}))
    writes: int = 0
    clock: ServerClock = field(default_factory=ServerClock)

    async def set_finalizers(self, *_: Any, **__: Any) -> Raw:
        """Add none."""
        return self.policy

    async def set_status(self, _: str, status: Raw) -> str:
        self.writes += 1
        kept = {name: value for name, value in {**self.policy["status"], **status}.items() if value is not None}
        self.change(status=kept)
        return str(self.policy["metadata"]["resourceVersion"])

    def change(self, **changes: Any) -> None:
        metadata = self.policy["metadata"]
        version = {"resourceVersion": str(int(metadata["resourceVersion"]) + 1)}
        self.policy = {**self.policy, **changes, "metadata": {**metadata, **version}}

    def condition(self, kind: str) -> Raw:
        told = self.policy["status"].get("conditions", [])
        return next((each for each in told if each["type"] == kind), {})


def versioned(generation: int, version: int, status: Raw) -> Raw:
    metadata = {"name": "default", "uid": "p", "generation": generation, "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": SPEC, "status": status}


@dataclass
class Replicas:
    """Two replicas, each of which reconciles the policy as soon as its status has changed."""

    server: Server
    both: list[Harness]

    async def settle(self, *, rounds: int = 5) -> int:
        """Let both see each change of the status; return how often they write it."""
        before = self.server.writes
        for _ in range(rounds):
            for each in self.both:
                await self.reconcile(each)
        return self.server.writes - before

    async def reconcile(self, replica: Harness) -> None:
        replica.store.observe(POLICIES, self.server.policy)
        await replica.policies.reconcile("default")

    def wait(self, seconds: float) -> None:
        for each in self.both:
            each.seconds += seconds


@pytest.fixture
async def replicas() -> Replicas:
    server, both = Server(), [Harness() for _ in range(2)]
    for each in both:
        each.policies.cluster = cast("Any", server)
        each.policies.admission = cast("Any", NoAdmission())
        each.store.observe(POLICIES, server.policy)
        each.reconciler.evaluate(WEB)
    made = Replicas(server, both)
    await made.settle()
    return made


def serves_reports(replica: Harness) -> None:
    replica.policies.destinations.served = frozenset({Form.OPEN_REPORTS})


def lacks_a_right(replica: Harness) -> None:
    serves_reports(replica)
    replica.policies.destinations.forbidden[Form.OPEN_REPORTS] = "cannot create"


def has_failed_to_play(replica: Harness) -> None:
    replica.policies.drain_audits._note_failure("the API server does not answer")


def sees_another_version(replica: Harness) -> None:
    replica.policies.caveat = "Kubernetes 1.99 is not tested"


@pytest.mark.parametrize("looks", [serves_reports, lacks_a_right, has_failed_to_play, sees_another_version])
@pytest.mark.parametrize("first", [0, 1])
async def test_what_only_one_of_them_has_seen_is_written_once(
    replicas: Replicas, looks: Callable[[Harness], None], first: int
) -> None:
    looks(replicas.both[first])
    assert await replicas.settle() == 1


async def test_once_the_other_has_looked_too_nothing_is_written(replicas: Replicas) -> None:
    for each in replicas.both:
        serves_reports(each)
        await replicas.settle()
    assert (replicas.server.writes, replicas.server.condition("Reports")["reason"]) == (2, "Written")


async def test_the_latest_news_counts(replicas: Replicas) -> None:
    first, second = replicas.both
    for each in (first, second):
        lacks_a_right(each)
    await replicas.settle()
    assert replicas.server.condition("Reports")["reason"] == "Forbidden"
    second.policies.destinations.forbidden.clear()
    await replicas.settle()
    assert replicas.server.condition("Reports")["reason"] == "Written"


async def test_other_news_does_not_bring_old_words_back(replicas: Replicas) -> None:
    first, second = replicas.both
    serves_reports(first)
    await replicas.settle()
    second.policies.totals["default"].drop(WEB)
    await replicas.reconcile(second)
    assert replicas.server.condition("Compliant")["reason"] == "NoWorkloads"
    assert replicas.server.condition("Reports")["reason"] == "Written"


async def test_an_older_version_of_the_policy_does_not_count_as_another_replicas_words(replicas: Replicas) -> None:
    first, _ = replicas.both
    serves_reports(first)
    await replicas.reconcile(first)
    await first.policies.reconcile("default")  # the watch has not delivered the write yet
    assert replicas.server.condition("Reports")["reason"] == "Written"


async def test_a_changed_policy_is_told_of_at_once(replicas: Replicas) -> None:
    replicas.server.policy = replace_generation(replicas.server.policy, 2)
    await replicas.settle()
    assert replicas.server.condition("Ready")["observedGeneration"] == 2
    assert replicas.server.condition("NodesDrainable")["observedGeneration"] == 2


async def test_a_status_that_somebody_has_removed_is_written_again_at_once(replicas: Replicas) -> None:
    replicas.server.change(status={})
    assert await replicas.settle() == 1
    assert replicas.server.condition("Ready")["status"] == "True"


async def test_words_that_nobody_confirms_are_corrected_after_some_time(replicas: Replicas) -> None:
    status = replicas.server.policy["status"]
    changed = [{**each, "reason": "Other"} if each["type"] == "Ready" else each for each in status["conditions"]]
    replicas.server.change(status={**status, "conditions": changed})
    assert await replicas.settle() == 0
    replicas.wait(LEFT_SECONDS)
    assert await replicas.settle() == 1
    assert replicas.server.condition("Ready")["reason"] == "Valid"


def replace_generation(raw: Raw, generation: int) -> Raw:
    metadata = {**raw["metadata"], "generation": generation, "resourceVersion": "1000"}
    return {**raw, "metadata": metadata}
