"""Repairs that others undo, or that turn out to do harm, are left undone."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.verdict import Plan, State
from support.manifests import Raw, deployment, job
from support.policies import only
from support.server import defaulted
from support.world import World, repaired

ROLLED_OUT = {"observedGeneration": 1, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4, "availableReplicas": 4}
DEADLOCKED = {"observedGeneration": 1, "expectedPods": 4, "currentHealthy": 4, "disruptionsAllowed": 0}


def take_the_hook(raw: Raw) -> None:
    raw["spec"]["template"]["spec"]["containers"][0].pop("lifecycle")


def take_the_affinity(raw: Raw) -> None:
    raw["spec"]["template"]["spec"].pop("affinity")


def new_image(raw: Raw) -> None:
    raw["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/web:2.0"


def undone(world: World, undo: Any = take_the_hook) -> Plan:
    """Let somebody undo the repair, and the operator answer."""
    world.edit(undo, manager="argocd")
    return world.reconcile()


def replaced(world: World, manifest: Raw) -> Plan:
    """Let somebody put a whole manifest in the object's place, annotations and all, and the operator answer."""
    world.raw = defaulted(manifest)
    return world.reconcile()


def settled() -> World:
    world = repaired(deployment(), policy=only("preStop"))
    undone(world)
    undone(world)
    return world


def has_hook(world: World) -> bool:
    return "lifecycle" in world.pod["containers"][0]


def test_what_was_undone_once_is_repaired_again_and_noted() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    planned = undone(world)
    assert (has_hook(world), world.journal["preStop"]) == (True, "sleep 10s: web")
    assert world.contests["preStop"].startswith("undone 1x, last by argocd [")
    assert (planned.contested, world.plan().empty) == (False, True)


def test_what_was_undone_twice_is_left_undone() -> None:
    world = settled()
    assert (has_hook(world), world.journal) == (False, {})
    assert world.contests["preStop"].startswith("undone 2x, last by argocd [")
    assert world.plan().contested


def test_a_settled_contest_causes_no_further_writes() -> None:
    assert settled().plan().empty


def test_a_settled_contest_is_told_with_who_undid_it() -> None:
    told = settled().report()
    assert told.state is State.CONTESTED
    (finding,) = told.findings
    assert finding.sentence.endswith("(not repaired: argocd undid the repair 2 times)")
    assert told.contests == (("preStop", "argocd undid the repair 2 times"),)


def test_the_undoing_is_seen_however_often_it_is_looked_at() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.edit(take_the_hook)
    assert world.plan() == world.plan()


def test_it_is_tried_again_when_the_owner_changes_the_workload() -> None:
    world = settled()
    world.edit(new_image)
    assert world.changes() == ["preStop (sleep 10s: web)"]
    world.reconcile()
    assert (world.contests, world.plan().empty) == ({}, True)


def test_it_is_tried_again_when_the_policy_changes() -> None:
    world = settled()
    world.policy = only(preStop={"sleepSeconds": 5})
    assert world.changes() == ["preStop (sleep 5s: web)"]


def test_it_is_not_tried_again_because_something_else_in_the_policy_changes() -> None:
    world = settled()
    world.policy = only("preStop", "replicas")
    assert world.plan().empty


def test_it_is_not_tried_again_because_the_workload_is_scaled() -> None:
    world = settled()
    world.edit(lambda raw: raw["spec"].update(replicas=7))
    assert world.plan().empty


def test_after_a_change_of_the_owner_the_count_begins_anew() -> None:
    world = settled()
    world.edit(new_image)
    world.reconcile()
    undone(world)
    assert has_hook(world)
    assert world.contests["preStop"].startswith("undone 1x")


def test_it_is_forgotten_when_the_expectation_is_ignored() -> None:
    world = settled()
    world.policy = only("replicas")
    world.reconcile()
    assert world.contests == {}


def test_it_is_kept_while_the_expectation_is_only_audited() -> None:
    world = settled()
    world.policy = only(preStop={"action": "Audit"})
    assert world.plan().empty


def test_others_are_repaired_beside_what_is_contested() -> None:
    world = settled()
    world.policy = only("preStop", "spread")
    assert [each.expectation for each in world.plan().changes] == ["spread"]


def test_one_container_of_two_is_enough_to_contest() -> None:
    raw = deployment()
    raw["spec"]["template"]["spec"]["containers"].append(
        {**raw["spec"]["template"]["spec"]["containers"][0], "name": "api"}
    )
    world = repaired(raw, policy=only("preStop"))
    undone(world)
    undone(world)
    assert (has_hook(world), world.journal["preStop"]) == (False, "sleep 10s: api")
    assert (world.plan().contested, world.plan().empty) == (True, True)


def test_who_undid_it_is_unknown_to_an_operator_that_was_restarted() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.applied.clear()
    undone(world)
    assert world.contests["preStop"].startswith("undone 1x [")


# Writers that wipe annotations.


def test_a_writer_that_wipes_our_notes_is_known_from_memory() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    replaced(world, deployment())
    assert has_hook(world)
    assert world.contests["preStop"].startswith("undone 1x")
    replaced(world, deployment())
    assert not has_hook(world)
    assert world.contests["preStop"].startswith("undone 2x")
    assert world.plan().empty


def test_a_writer_that_goes_on_wiping_our_notes_gets_no_more_than_the_note() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    for _ in range(4):
        planned = replaced(world, deployment())
    assert (planned.changes, planned.contested) == ((), True)
    assert set(planned.patch) == {"metadata"}
    assert world.contests["preStop"].startswith("undone 2x")


def test_a_change_of_the_owner_that_wipes_our_notes_is_no_undoing() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    manifest = deployment()
    new_image(manifest)
    replaced(world, manifest)
    assert (has_hook(world), world.contests) == (True, {})


def test_without_memory_a_workload_without_notes_is_a_new_one() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.applied.clear()
    replaced(world, deployment())
    assert (has_hook(world), world.contests) == (True, {})


# What is no contest.


@pytest.mark.parametrize("put_back", [30, None])
def test_a_default_that_is_put_back_is_the_owners_and_no_contest(put_back: int | None) -> None:
    world = repaired(deployment(), policy=only(terminationGracePeriod={"shutdownSeconds": 60}))
    undone(world, lambda raw: raw["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=put_back))
    assert (world.journal["terminationGracePeriod"], world.contests) == ("owner's", {})


def test_what_nobody_wants_any_more_is_not_contested_by_who_takes_it_away() -> None:
    world = repaired(deployment(), policy=only("spread"))
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    undone(world, take_the_affinity)
    assert (world.contests, world.journal) == ({}, {})


def test_a_settled_contest_is_not_told_while_nobody_wants_the_repair() -> None:
    world = repaired(deployment(), policy=only("spread"))
    undone(world, take_the_affinity)
    undone(world, take_the_affinity)
    assert world.report().state is State.CONTESTED
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    assert (world.report().state, world.plan().empty) == (State.COMPLIANT, True)
    world.edit(lambda raw: raw["spec"].update(replicas=4))
    assert (world.report().state, world.plan().empty) == (State.CONTESTED, True)


# Budgets.


def with_budget(**status: Any) -> World:
    """Return a workload that has rolled out, with our budget in some state."""
    world = repaired({**deployment(), "status": ROLLED_OUT}, policy=only("podDisruptionBudget"))
    world.others[0]["status"] = status
    world.others[0]["metadata"]["generation"] = 1
    return world


def test_a_budget_that_turns_out_to_allow_no_eviction_is_withdrawn() -> None:
    world = with_budget(**DEADLOCKED)
    planned = world.reconcile()
    assert [str(each) for each in planned.changes] == ["podDisruptionBudget withdrawn (maxUnavailable 25%)"]
    assert world.contests["podDisruptionBudget"].startswith("withdrawn, it allowed no eviction [")


def test_it_is_not_made_again_and_the_reason_is_told() -> None:
    world = with_budget(**DEADLOCKED)
    world.reconcile()
    told = world.report()
    assert (world.plan().empty, told.state, world.plan().contested) == (True, State.VIOLATING, False)
    assert told.findings[0].sentence.endswith(
        "(not repaired: the PodDisruptionBudget of the operator allowed no eviction and was withdrawn)"
    )


@pytest.mark.parametrize("change", ["owner", "policy"])
def test_it_is_made_again_when_the_workload_or_its_policy_changes(change: str) -> None:
    world = with_budget(**DEADLOCKED)
    world.reconcile()
    if change == "owner":
        world.edit(new_image)
    else:
        world.policy = only(podDisruptionBudget={"maxUnavailable": 1})
    world.reconcile()
    assert (len(world.budgets), world.contests) == (1, {})


SYNC_FAILED = {"conditions": [{"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}]}
SWEEP = job("sweep", labels={"app": "web"})


def test_a_budget_that_cannot_be_computed_is_withdrawn() -> None:
    assert with_budget(observedGeneration=1, **SYNC_FAILED).plan().objects


def test_a_budget_stays_while_pods_of_a_job_do_no_harm_yet() -> None:
    world = with_budget()
    world.others.append(SWEEP)
    assert (world.plan().empty, world.findings()) == (True, ["podDisruptionBudget"])


def test_a_budget_that_the_pods_of_a_job_block_is_withdrawn_and_comes_back_when_the_job_is_gone() -> None:
    world = with_budget(**SYNC_FAILED)
    world.others.append(SWEEP)
    world.reconcile()
    assert (world.budgets, world.plan().empty, len(world.contests)) == ([], True, 1)
    world.others.remove(SWEEP)
    world.reconcile()
    assert ([each["metadata"]["name"] for each in world.budgets], world.contests) == (
        ["web-deployment-productionpolicy"],
        {},
    )


def test_a_budget_that_a_hook_blocks_for_long_comes_back_when_the_hook_is_gone() -> None:
    hook = job("migrate", labels={"app": "web"}, annotations={"helm.sh/hook-delete-policy": "hook-succeeded"})
    world = with_budget(**SYNC_FAILED)
    world.others.append(hook)
    world.reconcile()
    assert (world.budgets, world.plan().empty) == ([], True)
    world.others.remove(hook)
    world.reconcile()
    assert len(world.budgets) == 1


def test_a_withdrawn_budget_does_not_come_back_while_another_job_has_the_labels() -> None:
    world = with_budget(**SYNC_FAILED)
    world.others.append(SWEEP)
    world.reconcile()
    world.others[world.others.index(SWEEP)] = job("migrate", labels={"app": "web"})
    world.reconcile()
    assert (world.budgets, world.plan().refusals) == (
        [],
        {"podDisruptionBudget": "the selector also matches pods of another owner"},
    )


def test_a_budget_is_not_judged_while_the_workload_rolls_out() -> None:
    world = with_budget(**DEADLOCKED)
    world.raw["status"] = {**ROLLED_OUT, "updatedReplicas": 1}
    assert world.plan().empty


def test_a_budget_is_not_judged_while_pods_are_unhealthy() -> None:
    assert with_budget(**{**DEADLOCKED, "currentHealthy": 3}).plan().empty


def test_a_budget_that_somebody_edited_into_a_deadlock_is_put_right_and_not_withdrawn() -> None:
    world = with_budget(**DEADLOCKED)
    world.others[0]["spec"]["maxUnavailable"] = 0
    world.reconcile()
    assert (world.budgets[0]["spec"]["maxUnavailable"], world.contests) == ("25%", {})


def test_a_budget_that_is_deleted_twice_is_left_deleted() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    for _ in range(2):
        world.others.clear()
        world.reconcile()
    assert (world.budgets, world.plan().contested, world.plan().empty) == ([], True, True)
    assert world.contests["podDisruptionBudget"].startswith("undone 2x")
