"""A repair that waits until the pods restart for another reason."""

from __future__ import annotations

from typing import Any

from productionpolicy.policy import OnRemoval
from productionpolicy.verdict import Governance, Restarts
from support.manifests import Raw, container, deployment
from support.policies import only
from support.world import World

NAME = "terminationMessage"
NOTE = "FallbackToLogsOnError: web"
WAITS = "it waits until the pods restart for another reason"
REPAIR = {NAME: {"action": "Repair"}}


def world(*others: str, **changed: Any) -> World:
    raw = deployment(pod={"containers": [container(terminationMessagePolicy="File")]})
    return World(raw, policy=only(*others, **{**REPAIR, **changed}))


def message_policies(told: World) -> list[str]:
    return [each["terminationMessagePolicy"] for each in told.pod["containers"]]


def restarted() -> World:
    """Return a workload that has the repair, because a sleep restarted its pods."""
    found = world("preStop")
    found.reconcile()
    return found


def test_it_is_not_made_alone_and_the_status_says_why() -> None:
    found = world()
    assert (found.plan().empty, found.plan().refusals, found.findings()) == (True, {NAME: WAITS}, [NAME])
    assert found.report().findings[0].sentence.endswith(f"(not repaired: {WAITS})")


def test_a_budget_restarts_no_pods() -> None:
    assert [each.expectation for each in world("podDisruptionBudget").plan().changes] == ["podDisruptionBudget"]


def test_it_rides_along_with_a_change_that_restarts_the_pods() -> None:
    found = restarted()
    assert (found.journal[NAME], message_policies(found)) == (NOTE, ["FallbackToLogsOnError"])
    assert (found.plan().empty, found.plan().refusals, found.findings()) == (True, {}, [])


def test_it_stays_where_restarts_are_not_allowed() -> None:
    found = world("preStop")
    assert found.plan(restarts=Restarts.NONE).empty


def test_by_default_it_is_only_reported() -> None:
    found = world("preStop", **{NAME: {}})
    assert [each.expectation for each in found.plan().changes] == ["preStop"]


def test_a_new_container_waits_likewise() -> None:
    found = restarted()
    lifecycle = {"preStop": {"exec": {"command": ["drain"]}}}
    found.edit(
        lambda raw: _containers(raw).append(container("api", lifecycle=lifecycle, terminationMessagePolicy="File"))
    )
    assert (found.plan().empty, found.findings()) == (True, [NAME])
    assert found.plan().refusals == {NAME: WAITS}

    found.policy = only(preStop={"sleepSeconds": 12}, **REPAIR)
    found.reconcile()
    assert (found.journal[NAME], found.findings()) == ("FallbackToLogsOnError: web,api", [])


def test_what_is_undone_while_it_waits_is_counted_once() -> None:
    found = restarted()
    found.edit(lambda raw: _containers(raw)[0].update(terminationMessagePolicy="File"))
    assert (found.plan().empty, found.plan().refusals) == (True, {NAME: WAITS})
    assert found.plan().empty

    found.policy = only(preStop={"sleepSeconds": 12}, **REPAIR)
    found.reconcile()
    assert (message_policies(found), found.contests[NAME][:9]) == (["FallbackToLogsOnError"], "undone 1x")
    assert found.plan().empty


def test_it_is_withdrawn_like_any_other() -> None:
    found = restarted()
    found.policy = only("preStop", **{NAME: {"action": "Ignore"}})
    assert [str(each) for each in found.reconcile().changes] == [f"{NAME} withdrawn ({NOTE})"]
    assert (message_policies(found), NAME in found.journal) == (["File"], False)


def test_action_audit_leaves_it_as_it_is() -> None:
    found = restarted()
    found.policy, found.governance = only("preStop", NAME), Governance.WRITTEN
    assert (found.plan().empty, found.findings()) == (True, [])


def test_a_removed_policy_that_reverts_leaves_the_pods_of_before() -> None:
    before, found = world("preStop", "terminationGracePeriod").pod, world("preStop", "terminationGracePeriod")
    found.reconcile()
    assert found.pod != before
    found.policy, found.on_removal = None, OnRemoval.REVERT
    found.reconcile()
    assert (found.pod, found.journal, found.plan().empty) == (before, {}, True)


def _containers(raw: Raw) -> list[Raw]:
    containers: list[Raw] = raw["spec"]["template"]["spec"]["containers"]
    return containers
