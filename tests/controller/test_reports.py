"""When reports are written, and what becomes of those that the API server does not take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from productionpolicy.controller import reports
from productionpolicy.controller.cluster import Conflict, Forbidden, Gone, Live, RequestFailed, Unavailable
from productionpolicy.controller.queue import Retry
from productionpolicy.controller.reports import ABSENT_SECONDS, REFUSED_SECONDS
from productionpolicy.controller.resources import DEPLOYMENTS, POLICIES, Resource
from productionpolicy.controller.rights import Right
from productionpolicy.reports import workload_uid
from support.harness import WEB, Harness, Written, settled
from support.manifests import Raw

NO_RIGHT = 'reports.openreports.io is forbidden: User "operator" cannot create resource "reports" in API group'
QUOTA = "reports.openreports.io is forbidden: exceeded quota: none, used: 7, limited: 7"


@dataclass
class Reporting(Written):
    """Holds reports by the uid of their workload, and takes down each write."""

    served: set[str] = field(default_factory=lambda: {"openreports.io"})
    stored: dict[tuple[str, str], Raw] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failure: RequestFailed | None = None
    """What is answered to each write."""
    missing: set[str] = field(default_factory=set)
    """The verbs that the operator may not use."""
    review_failure: RequestFailed | None = None
    """What is answered to the question what it may do."""
    meanwhile: Callable[[], None] = lambda: None
    """What happens while a report is created."""
    version: int = 100

    async def discovers(self, resource: Resource) -> bool:
        return resource.group in self.served

    async def may(self, right: Right) -> bool:
        if self.review_failure is not None:
            raise self.review_failure
        return right.verb not in self.missing

    async def matching_pages(self, resource: Resource, _: str) -> AsyncIterator[list[Raw]]:
        yield [deepcopy(each) for (group, _), each in self.stored.items() if group == resource.group]

    async def create(self, resource: Resource, manifest: Raw) -> Raw:
        if resource.group == "policy":
            return await super().create(resource, manifest)
        self._ask("create")
        self.meanwhile()
        if (resource.group, str(workload_uid(manifest))) in self.stored:
            raise Conflict("it exists")
        return self._store(resource, manifest)

    async def merge(self, resource: Resource, live: Live, manifest: Raw) -> Raw:
        self._ask("merge")
        found = self.stored[resource.group, str(workload_uid(manifest))]
        if found["metadata"]["resourceVersion"] != live.resource_version:
            raise Conflict("it has changed")
        return self._store(resource, manifest)

    async def delete(self, resource: Resource, live: Any) -> None:
        self._ask("delete")
        del self.stored[resource.group, live.name.removeprefix("productionpolicy-")]

    async def named(self, resource: Resource, _: str, name: str) -> Raw:
        found = self.stored.get((resource.group, name.removeprefix("productionpolicy-")))
        if found is None:
            raise Gone("no such report")
        return deepcopy(found)

    def _ask(self, verb: str) -> None:
        self.asked.append(verb)
        if self.failure is not None:
            raise self.failure

    def _store(self, resource: Resource, manifest: Raw) -> Raw:
        self.version += 1
        identity = {"uid": "r", "resourceVersion": str(self.version)}
        raw = {**manifest, "metadata": {**manifest["metadata"], **identity}}
        self.stored[resource.group, str(workload_uid(raw))] = raw
        return deepcopy(raw)


@pytest.fixture
def api() -> Reporting:
    return Reporting()


@pytest.fixture
async def harness(api: Reporting) -> Harness:
    made = Harness(written=api)
    await made.reports.learn()
    return made


def with_policy(harness: Harness, generation: int, **spec: Any) -> None:
    """Change the policy, and have everything evaluated again."""
    judged = {"readinessProbe": {"action": "Audit"}}
    given = {"mode": "Enforce", "profile": "Development", "expectations": judged, **spec}
    harness.store.observe(POLICIES, {"metadata": {"name": "default", "generation": generation}, "spec": given})
    evaluate(harness)


def evaluate(harness: Harness) -> None:
    for key in harness.store.all_workloads():
        harness.reconciler.evaluate(key)


def condition(harness: Harness) -> str:
    policy = harness.store.policies["default"].policy
    assert policy is not None
    told = harness.policies.destinations.told(policy)
    return told[1] if told else ""


async def test_an_unchanged_report_is_not_written_again(harness: Harness, api: Reporting) -> None:
    for version in ("30", "31"):
        raw = settled()
        raw["metadata"]["resourceVersion"] = version
        raw["status"] = {**raw["status"], "availableReplicas": int(version) % 2}
        harness.store.observe(DEPLOYMENTS, raw)
        evaluate(harness)
        await harness.reports.reconcile("w")
    assert api.asked == ["create"]


async def test_a_new_operator_writes_nothing_where_the_report_says_the_same(api: Reporting) -> None:
    for _ in range(2):
        harness = Harness(written=api)
        await harness.reports.learn()
        evaluate(harness)
        harness.reports.prune()
        await harness.reports.reconcile("w")
    assert api.asked == ["create"]


async def test_of_two_operators_one_creates_the_report_and_the_other_takes_it_as_it_is(api: Reporting) -> None:
    both = [Harness(written=api) for _ in range(2)]
    for each in both:
        await each.reports.learn()
        evaluate(each)
    await both[0].reports.reconcile("w")
    with pytest.raises(Retry, match="it exists"):
        await both[1].reports.reconcile("w")
    await both[1].reports.reconcile("w")
    assert (api.asked, len(api.stored)) == (["create", "create"], 1)


async def test_a_server_that_is_too_busy_is_asked_again_when_it_says(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    api.failure = Unavailable("too many requests", retry_after=17)
    with pytest.raises(Retry) as retry:
        await harness.reports.reconcile("w")
    assert retry.value.after == 17
    api.failure = None
    await harness.reports.reconcile("w")
    assert len(api.stored) == 1


def with_another_workload(harness: Harness) -> None:
    raw = settled()
    harness.store.observe(DEPLOYMENTS, {**raw, "metadata": {**raw["metadata"], "name": "other", "uid": "o"}})
    evaluate(harness)


async def test_a_missing_right_costs_one_request_for_all_workloads(harness: Harness, api: Reporting) -> None:
    with_another_workload(harness)
    api.failure, api.missing = Forbidden(NO_RIGHT), {"create"}
    for uid in ("w", "o", "w"):
        await harness.reports.reconcile(uid)
    assert not await harness.reports.learn()
    await harness.reports.reconcile("w")
    assert (api.asked, condition(harness)) == (["create"], "Forbidden")


async def test_all_reports_are_made_again_once_the_operator_has_the_right(harness: Harness, api: Reporting) -> None:
    with_another_workload(harness)
    api.failure, api.missing = Forbidden(NO_RIGHT), {"create"}
    await harness.reports.reconcile("w")

    api.failure, api.missing = None, set()
    assert await harness.reports.learn()
    evaluate(harness)
    for uid in ("w", "o"):
        await harness.reports.reconcile(uid)
    assert (len(api.stored), condition(harness)) == (2, "Written")
    assert not await harness.reports.learn()


async def test_while_reports_are_forbidden_none_is_made(
    harness: Harness, api: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_another_workload(harness)
    api.failure, api.missing = Forbidden(NO_RIGHT), {"create"}
    await harness.reports.reconcile("w")
    assert [each.body for each in harness.reports._wanted.values()] == [None, None]

    made: list[Any] = []
    monkeypatch.setattr(reports, "report_on", lambda *given, **_: made.append(given))
    with_policy(harness, 2, expectations={"replicas": {"action": "Audit"}})
    assert (made, [each.body for each in harness.reports._wanted.values()]) == ([], [None, None])


async def test_a_report_that_nobody_asks_for_any_more_is_deleted_once_that_is_allowed(
    harness: Harness, api: Reporting
) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    with_policy(harness, 2, expectations={"replicas": {"action": "Audit"}})
    api.failure, api.missing = Forbidden(NO_RIGHT), {"patch"}
    await harness.reports.reconcile("w")
    with_policy(harness, 3, reports={"mode": "Off"})

    api.failure, api.missing = None, set()
    assert await harness.reports.learn()
    evaluate(harness)
    harness.reports.prune()
    await harness.reports.reconcile("w")
    assert api.stored == {}


@pytest.mark.parametrize(
    ("answer", "tries"), [(Forbidden("no"), True), (Unavailable("busy"), False)], ids=["forbidden", "busy"]
)
async def test_where_the_operator_cannot_ask_for_its_rights_only_an_attempt_tells(
    harness: Harness, api: Reporting, answer: RequestFailed, tries: bool
) -> None:
    evaluate(harness)
    api.failure, api.missing = Forbidden(NO_RIGHT), {"create"}
    await harness.reports.reconcile("w")
    api.failure, api.review_failure = None, answer
    assert await harness.reports.learn() is tries


@pytest.mark.parametrize(
    ("failure", "after"),
    [
        pytest.param(Forbidden(QUOTA), REFUSED_SECONDS, id="quota"),
        pytest.param(Forbidden("namespace shop is being terminated"), REFUSED_SECONDS, id="terminating"),
        pytest.param(Gone("namespaces shop not found"), ABSENT_SECONDS, id="gone"),
    ],
)
async def test_what_is_refused_is_tried_again_later(
    harness: Harness, api: Reporting, failure: RequestFailed, after: float
) -> None:
    evaluate(harness)
    api.failure = failure
    assert await harness.reports.reconcile("w") == after
    api.failure = None
    assert await harness.reports.reconcile("w") is None
    assert (len(api.stored), condition(harness)) == (1, "Written")


async def test_a_refusal_is_told_with_its_namespace(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    api.failure = Forbidden(QUOTA)
    await harness.reports.reconcile("w")
    assert condition(harness) == "Refused"


async def test_a_report_of_a_paused_policy_stays_as_it_is(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    with_policy(harness, 2, paused=True, reports={"mode": "Off"})
    await harness.reports.reconcile("w")
    assert (api.asked, condition(harness)) == (["create"], "")
    with_policy(harness, 3, reports={"mode": "Off"})
    await harness.reports.reconcile("w")
    assert api.asked == ["create", "delete"]


async def test_the_report_moves_to_the_kind_that_the_policy_names(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    with_policy(harness, 2, reports={"mode": "PolicyReport"})
    assert condition(harness) == "NotServed"
    api.served.add("wgpolicyk8s.io")
    assert await harness.reports.learn()
    evaluate(harness)
    await harness.reports.reconcile("w")
    assert list(api.stored) == [("wgpolicyk8s.io", "w")]


async def test_a_kind_that_disappears_is_written_no_more(harness: Harness, api: Reporting) -> None:
    api.served.clear()
    assert await harness.reports.learn()
    evaluate(harness)
    await harness.reports.reconcile("w")
    assert (api.asked, condition(harness)) == ([], "")


async def test_nothing_is_looked_up_again_where_no_policy_asks_for_reports(api: Reporting) -> None:
    api.served.clear()
    harness = Harness(written=api)
    with_policy(harness, 2, reports={"mode": "Off"})
    await harness.reports.learn()
    api.served.add("openreports.io")
    assert not await harness.reports.learn()


async def test_what_is_withdrawn_while_it_is_written_is_deleted(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    api.meanwhile = lambda: harness.reports.withdraw("w")
    await harness.reports.reconcile("w")
    await harness.reports.reconcile("w")
    assert (api.asked, api.stored) == (["create", "delete"], {})


async def test_a_workload_that_is_gone_is_left_to_the_garbage_collector(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    harness.store.forget(DEPLOYMENTS, "shop", "web")
    harness.reconciler.evaluate(WEB)
    await harness.reports.reconcile("w")
    assert api.asked == ["create"]


async def test_what_others_change_is_put_right_after_a_listing(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    [found] = api.stored.values()
    api.stored["openreports.io", "w"] = {
        **found,
        "results": [],
        "metadata": {**found["metadata"], "resourceVersion": "7"},
    }
    await harness.reports.renew()
    evaluate(harness)
    await harness.reports.reconcile("w")
    assert api.asked == ["create", "merge"]
    assert api.stored["openreports.io", "w"]["results"] == found["results"]


async def test_an_object_of_others_with_the_name_of_a_report_is_left_alone_and_told(
    harness: Harness, api: Reporting
) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    [found] = api.stored.values()
    api.stored["openreports.io", "w"] = {**found, "metadata": {**found["metadata"], "labels": {}}}
    await harness.reports.renew()
    evaluate(harness)
    assert await harness.reports.reconcile("w") == REFUSED_SECONDS
    assert (api.asked, condition(harness)) == (["create", "create"], "Refused")


async def test_a_listing_deletes_no_report_that_others_have_changed(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    [found] = api.stored.values()
    api.stored["openreports.io", "w"] = {**found, "results": []}
    await harness.reports.renew()
    harness.reports.prune()
    await harness.reports.reconcile("w")
    assert api.asked == ["create"]


async def test_a_report_of_another_tool_is_left_alone(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    await harness.reports.reconcile("w")
    [found] = api.stored.values()
    api.stored["openreports.io", "x"] = {**found, "source": "other", "metadata": {**found["metadata"], "name": "x"}}
    with_policy(harness, 2, reports={"mode": "Off"})
    await harness.reports.renew()
    harness.reports.prune()
    for uid in ("w", "x"):
        await harness.reports.reconcile(uid)
    assert list(api.stored) == [("openreports.io", "x")]


async def test_a_patch_that_changes_with_the_workload_is_told(harness: Harness, api: Reporting) -> None:
    with_policy(harness, 2, mode="Audit", expectations={"preStop": {"action": "Repair"}})
    await harness.reports.reconcile("w")
    with_policy(harness, 3, mode="Audit", expectations={"preStop": {"action": "Repair", "sleepSeconds": 20}})
    await harness.reports.reconcile("w")
    assert api.asked == ["create", "merge"]
    [found] = api.stored["openreports.io", "w"]["results"]
    assert '{"sleep":{"seconds":20}}' in found["properties"]["patch"]


async def test_a_refusal_is_over_once_another_operator_has_written_the_report(harness: Harness, api: Reporting) -> None:
    evaluate(harness)
    api.failure = Forbidden(QUOTA)
    await harness.reports.reconcile("w")
    assert condition(harness) == "Refused"

    api.failure = None
    other = Harness(written=api)
    await other.reports.learn()
    evaluate(other)
    await other.reports.reconcile("w")
    with pytest.raises(Retry, match="it exists"):
        await harness.reports.reconcile("w")
    await harness.reports.reconcile("w")
    assert condition(harness) == "Written"


async def test_an_error_in_reports_stops_no_evaluation(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Raw:
        raise KeyError("results")

    monkeypatch.setattr(reports, "report_on", broken)
    with capture_logs() as logged:
        evaluate(harness)
    assert [each["event"] for each in logged if each["log_level"] == "error"] == ["work on reports failed"]
    assert len(harness.policies.totals["default"].reports) == 1


async def test_a_list_of_kinds_that_cannot_be_read_stops_nothing(harness: Harness, api: Reporting) -> None:
    async def odd(_: Resource) -> bool:
        raise TypeError("resources is null")

    api.discovers = odd  # type: ignore[method-assign,assignment]
    with capture_logs() as logged:
        assert not await harness.reports.learn()
    assert [each["event"] for each in logged] == ["work on reports failed"]


async def test_while_reports_are_forbidden_nothing_is_queued(harness: Harness, api: Reporting) -> None:
    async def forbidden(*_: Any) -> AsyncIterator[list[Raw]]:
        if api.failure is not None:
            raise api.failure
        yield []

    evaluate(harness)
    api.failure = Forbidden(NO_RIGHT)
    await harness.reports.reconcile("w")
    api.matching_pages = forbidden  # type: ignore[method-assign,assignment]
    await harness.reports.learn()
    assert (len(harness.reports.queue), condition(harness)) == (0, "Forbidden")
