"""What is to be done about a workload, all of it in one change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.identity import REPAIRS, REPAIRS_POLICY
from productionpolicy.kube.surroundings import ServerFeatures
from productionpolicy.kube.workloads import read_workload
from productionpolicy.policy import OnRemoval, Policy
from productionpolicy.verdict import Governance, Inputs, Restarts, State, plan
from support.manifests import (
    Raw,
    anti_affinity,
    autoscaler,
    budget,
    constraint,
    container,
    deployment,
    node,
    pod,
    stateful_set,
)
from support.policies import only, policy
from support.server import patched, updated
from support.strategies import workloads
from support.surroundings import NEWEST, surroundings_of
from support.world import TODAY, World, repaired

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
POD_HASH = "pod-template-hash"
NODES = [node(f"n{number}") for number in range(6)]
CONTROLLED = {"ownerReferences": [{"kind": "App", "name": "shop", "uid": "x", "controller": True}]}
NOT_RAISED = "the sleep is not shorter than the grace period, which this policy does not raise (terminationGracePeriod)"
SPREAD = "Preferred: kubernetes.io/hostname,topology.kubernetes.io/zone"


def hook(seconds: int) -> Raw:
    return {"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}}


def term(key: str) -> Raw:
    return {"weight": 100, "podAffinityTerm": {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": key}}


def test_all_repairs_of_a_workload_go_in_one_patch() -> None:
    assert World(deployment()).plan().patch == {
        "metadata": {
            "annotations": {
                REPAIRS_POLICY: "default",
                f"{REPAIRS}preStop": "sleep 10s: web",
                f"{REPAIRS}rollingUpdate": "25% -> 1%",
                f"{REPAIRS}spread": SPREAD,
                f"{REPAIRS}terminationGracePeriod": "30 -> 40",
            }
        },
        "spec": {
            "strategy": {"rollingUpdate": {"maxUnavailable": "1%"}},
            "template": {
                "spec": {
                    "affinity": {
                        "podAntiAffinity": {
                            "preferredDuringSchedulingIgnoredDuringExecution": [
                                term(HOST),
                                term("topology.kubernetes.io/zone"),
                            ]
                        }
                    },
                    "containers": [{"name": "web", **hook(10)}],
                    "terminationGracePeriodSeconds": 40,
                }
            },
        },
    }


def test_the_changes_are_told_in_the_order_of_the_expectations() -> None:
    planned = World(deployment()).plan()
    assert [(str(each), each.restarts) for each in planned.changes] == [
        ("podDisruptionBudget (maxUnavailable 25%)", False),
        (f"spread ({SPREAD})", True),
        ("rollingUpdate (maxUnavailable 25% -> 1%)", False),
        ("preStop (sleep 10s: web)", True),
        ("terminationGracePeriod (30 -> 40)", True),
    ]
    assert (planned.restarts, planned.empty, planned.clean) == (True, False, False)


def test_where_nothing_is_to_be_done_the_plan_is_empty() -> None:
    planned = repaired(deployment()).plan()
    assert (planned.empty, planned.patch, planned.objects, planned.changes) == (True, {}, (), ())


def test_what_stands_is_told() -> None:
    assert repaired(deployment()).plan().repaired == {
        "podDisruptionBudget",
        "spread",
        "rollingUpdate",
        "preStop",
        "terminationGracePeriod",
    }


def test_a_repair_that_restarts_nothing_needs_no_restart() -> None:
    planned = World(deployment(), policy=only("podDisruptionBudget", "rollingUpdate")).plan()
    assert (planned.restarts, len(planned.changes)) == (False, 2)


def test_an_entry_of_ours_that_was_left_over_is_work_to_do() -> None:
    world = repaired(deployment())
    world.raw = updated(world.raw, manager="productionpolicy")
    planned = world.plan()
    assert (planned.clean, planned.empty, planned.changes) == (True, False, ())


def test_a_withdrawal_leaves_no_parent_though_our_entry_was_left_over() -> None:
    world = repaired(deployment(), policy=only("preStop", "spread"))
    world.raw = updated(world.raw, manager="productionpolicy")
    world.policy = only("replicas")
    world.reconcile()
    assert ("affinity" in world.pod, "lifecycle" in world.pod["containers"][0]) == (False, False)


@pytest.mark.parametrize("action", ["Audit", "Ignore"])
def test_what_is_not_to_be_repaired_is_not_planned(action: str) -> None:
    world = World(deployment(), policy=only(preStop={"action": action}))
    assert world.plan().empty


# Whom we leave alone.


def test_a_workload_of_another_controller_is_left_alone_and_its_owner_is_named() -> None:
    world = World(deployment(metadata=CONTROLLED))
    assert world.plan().empty
    reasons = {each.sentence.rpartition(" (")[2] for each in world.report().findings if each.expectation == "preStop"}
    assert reasons == {"not repaired: App shop owns the workload and would revert the repair)"}


def test_an_owner_is_not_named_where_nobody_would_have_repaired_anything() -> None:
    world = World(deployment(replicas=1, metadata=CONTROLLED), policy=only("replicas", "readinessProbe"))
    assert [each.sentence for each in world.report().findings if "owns the workload" in each.sentence] == []


def test_repairs_on_a_workload_that_got_another_controller_stay_as_they_are() -> None:
    world = repaired(deployment())
    world.raw["metadata"].update(CONTROLLED)
    world.policy = policy(preStop={"sleepSeconds": 20})
    assert world.plan().empty


# Without restarts.


def test_without_restarts_only_the_rest_is_done() -> None:
    planned = World(deployment()).plan(restarts=Restarts.NONE)
    assert [each.expectation for each in planned.changes] == ["podDisruptionBudget", "rollingUpdate"]
    assert (planned.restarts, "template" in planned.patch["spec"]) == (False, False)
    assert planned.patch["metadata"]["annotations"] == {
        REPAIRS_POLICY: "default",
        f"{REPAIRS}rollingUpdate": "25% -> 1%",
    }


def test_without_restarts_what_stands_keeps_its_notes() -> None:
    world = repaired(deployment())
    world.policy = policy(preStop={"sleepSeconds": 20}, spread={"action": "Ignore"})
    assert world.plan(restarts=Restarts.NONE).empty
    assert [str(each) for each in world.plan().changes] == [
        f"spread withdrawn ({SPREAD})",
        "preStop (sleep 20s: web)",
        "terminationGracePeriod (30 -> 50)",
    ]


def test_without_restarts_a_repair_that_was_undone_keeps_its_note() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].pop("lifecycle"))
    assert world.plan(restarts=Restarts.NONE).empty


# Sleeps and grace periods that go together.


@pytest.mark.parametrize(("seconds", "made"), [(29, ["preStop (sleep 29s: web)"]), (30, []), (31, [])])
def test_a_sleep_that_the_policy_makes_no_room_for_is_left_out(seconds: int, made: list[str]) -> None:
    world = World(deployment(), policy=only(preStop={"sleepSeconds": seconds}))
    assert world.changes() == made
    assert world.plan().refusals.get("preStop") == (None if made else NOT_RAISED)


def test_a_longer_sleep_that_the_policy_makes_no_room_for_leaves_the_one_that_stands() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.policy = only(preStop={"sleepSeconds": 40})
    assert (world.changes(), world.plan().refusals) == ([], {"preStop": NOT_RAISED})
    assert world.plan().empty


def test_a_sleep_goes_with_the_grace_period_that_made_room_for_it() -> None:
    world = repaired(deployment(), policy=only("terminationGracePeriod", preStop={"sleepSeconds": 40}))
    world.policy = only(preStop={"sleepSeconds": 40})
    assert world.changes() == ["preStop withdrawn (sleep 40s: web)", "terminationGracePeriod withdrawn (30 -> 70)"]
    world.reconcile()
    assert world.plan().empty


def test_a_sleep_that_is_held_keeps_the_grace_period_that_made_room_for_it() -> None:
    world = repaired(deployment(), policy=only("terminationGracePeriod", preStop={"sleepSeconds": 40}))
    world.policy = only(preStop={"action": "Audit"})
    assert world.plan().empty


@pytest.mark.parametrize("left_by", [only("replicas"), None], ids=["policy ignores it", "no policy"])
def test_a_grace_period_that_a_sleep_of_the_owners_needs_is_the_owners(left_by: Policy | None) -> None:
    world = repaired(deployment(), policy=only("preStop", "terminationGracePeriod"), on_removal=OnRemoval.REVERT)
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].update(hook(35)))
    world.policy = left_by
    world.reconcile()
    assert (world.pod["terminationGracePeriodSeconds"], world.journal, world.plan().empty) == (40, {}, True)


def test_the_grace_period_is_raised_for_the_owners_hook_too() -> None:
    world = World(deployment(pod={"containers": [container(**hook(20))]}), policy=only("terminationGracePeriod"))
    assert world.changes() == ["terminationGracePeriod (30 -> 50)"]


# Budgets.


def test_a_budget_that_somebody_edited_is_put_right() -> None:
    for change in (
        {"maxUnavailable": 0},
        {"selector": {"matchLabels": {"app": "api"}}},
        {"unhealthyPodEvictionPolicy": None},
    ):
        world = repaired(deployment(), policy=only("podDisruptionBudget"))
        before = world.budgets
        world.others = [{**before[0], "spec": {**before[0]["spec"], **change}}]
        planned = world.reconcile()
        assert (bool(planned.objects), planned.contests, world.budgets) == (True, {}, before)


def test_a_budget_of_ours_that_selects_other_pods_does_not_count() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.others[0]["spec"]["selector"] = {"matchLabels": {"app": "api"}}
    assert world.findings() == ["podDisruptionBudget"]


def test_our_budget_yields_to_one_of_the_owners() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.others.append(budget("mine", maxUnavailable=1))
    assert world.changes() == ["podDisruptionBudget withdrawn (maxUnavailable 25%)"]
    world.reconcile()
    assert [each["metadata"]["name"] for each in world.budgets] == ["mine"]
    assert world.plan().empty


def test_our_budget_comes_back_when_the_owners_is_gone() -> None:
    world = World(deployment(), others=[budget("mine", maxUnavailable=1)], policy=only("podDisruptionBudget"))
    assert world.plan().empty
    world.others.clear()
    assert world.changes() == ["podDisruptionBudget (maxUnavailable 25%)"]


CANARY = {"app": "web", "track": "canary"}


def canary(replicas: int = 2) -> Raw:
    """Return a Deployment whose pods another one selects, too."""
    raw = deployment("canary", metadata={"uid": "canary"}, replicas=replicas, selector={"matchLabels": CANARY})
    raw["spec"]["template"]["metadata"]["labels"] = dict(CANARY)
    return raw


@pytest.mark.parametrize("other", [canary(), stateful_set("db", selector={"matchLabels": {"app": "web"}})])
def test_our_budget_stays_when_a_workload_appears_whose_pods_it_also_selects(other: Raw) -> None:
    other["spec"]["template"]["metadata"]["labels"]["app"] = "web"
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.others.append(other)
    assert (world.plan().empty, world.findings()) == (True, [])


def test_our_budget_stays_when_a_bare_pod_appears() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.others.append(pod("debug", labels={"app": "web"}))
    assert (world.plan().empty, world.findings()) == (True, [])


def test_our_budget_is_put_right_though_it_could_not_be_created_now() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.others.append(canary())
    world.budgets[0]["spec"]["maxUnavailable"] = 0
    assert world.changes() == ["podDisruptionBudget (maxUnavailable 25%)"]


def test_our_budget_yields_when_the_owner_brings_one_for_some_of_the_pods_that_it_selects() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.others += [canary(), budget("canary", selector={"matchLabels": CANARY}, maxUnavailable=1)]
    assert world.changes() == ["podDisruptionBudget withdrawn (maxUnavailable 25%)"]
    assert world.plan().refusals == {"podDisruptionBudget": "it would also select pods that canary selects"}


def test_no_second_budget_is_made_for_pods_that_our_budget_of_another_workload_selects() -> None:
    stable = repaired(deployment(), policy=only("podDisruptionBudget"))
    world = World(canary(), others=[deployment(), *stable.budgets], policy=only("podDisruptionBudget"))
    assert (world.plan().empty, world.findings()) == (True, [])


def test_of_two_of_our_budgets_over_the_same_pods_one_goes() -> None:
    stable = repaired(deployment(), policy=only("podDisruptionBudget"))
    narrow = repaired(canary(), policy=only("podDisruptionBudget"))
    stable.others += [canary(), *narrow.budgets]
    narrow.others += [deployment(), *stable.budgets[:1]]
    assert (stable.changes(), narrow.changes()) == ([], ["podDisruptionBudget withdrawn (maxUnavailable 25%)"])


def test_no_budget_is_planned_beside_one_that_cannot_be_read() -> None:
    world = World(deployment(), others=[budget("mine", minAvailable="2")], policy=only("podDisruptionBudget"))
    assert (world.plan().objects, world.plan().refusals) == (
        (),
        {"podDisruptionBudget": "PodDisruptionBudget mine must be corrected first"},
    )


def test_our_budget_goes_when_the_workload_is_meant_to_have_one_pod() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    assert world.changes() == ["podDisruptionBudget withdrawn (maxUnavailable 25%)"]


def test_our_budget_follows_the_policy() -> None:
    world = repaired(deployment(), policy=only("podDisruptionBudget"))
    world.policy = only(podDisruptionBudget={"minAvailable": "50%"})
    world.reconcile()
    assert [each["spec"]["minAvailable"] for each in world.budgets] == ["50%"]
    assert world.plan().empty


def test_our_budget_follows_the_floor() -> None:
    world = repaired(deployment(), policy=only(podDisruptionBudget={"minAvailable": 3}))
    world.edit(lambda raw: raw["spec"].update(replicas=3))
    assert world.changes() == ["podDisruptionBudget (maxUnavailable 1)"]


def test_no_second_budget_is_made_while_the_owners_is_being_deleted() -> None:
    dying = budget("mine", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, maxUnavailable=1)
    assert World(deployment(), others=[dying], policy=only("podDisruptionBudget")).plan().empty


# Context never restarts pods.


def required(**more: Any) -> Any:
    return only(spread={"strength": "Required", "topologyKeys": [HOST]}, **more)


def test_anti_affinity_stays_when_the_floor_falls() -> None:
    world = repaired(deployment(), policy=only("spread"))
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    assert world.plan().empty


@pytest.mark.parametrize(("before", "after"), [("Sleep", "Exec"), ("Exec", "Sleep")])
def test_a_sleep_of_one_kind_makes_room_for_one_of_the_other(before: str, after: str) -> None:
    world = repaired(deployment(), policy=only(preStop={"handler": before}))
    world.policy = only(preStop={"handler": after})
    world.reconcile()
    (web,) = world.raw["spec"]["template"]["spec"]["containers"]
    hooks = {"Sleep": {"sleep": {"seconds": 10}}, "Exec": {"exec": {"command": ["sleep", "10"]}}}
    assert web["lifecycle"]["preStop"] == hooks[after]
    assert world.plan().empty


def test_a_sleep_by_a_command_is_shorter_than_the_grace_period_too() -> None:
    world = World(deployment(), policy=only(preStop={"handler": "Exec", "sleepSeconds": 30}))
    assert world.reconcile().refusals == {"preStop": NOT_RAISED}


def test_anti_affinity_stays_when_an_autoscaler_comes() -> None:
    world = repaired(deployment(), policy=only("spread"))
    world.others.append(autoscaler(1, 9))
    assert world.plan().empty


def test_anti_affinity_stays_when_the_owner_adds_a_constraint_of_its_own() -> None:
    world = repaired(deployment(), policy=only("spread"))
    constraint = {"topologyKey": HOST, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
    world.edit(lambda raw: raw["spec"]["template"]["spec"].update(topologySpreadConstraints=[constraint]))
    assert world.plan().empty


# Spreading by constraints.


def by_constraints(**more: Any) -> Any:
    return only(spread={"method": "TopologySpread", "topologyKeys": [HOST], **more})


def constraints_of(world: World) -> Any:
    return world.raw["spec"]["template"]["spec"].get("topologySpreadConstraints")


@pytest.mark.parametrize(("before", "after"), [("AntiAffinity", "TopologySpread"), ("TopologySpread", "AntiAffinity")])
def test_a_change_of_method_replaces_the_rules_in_one_restart(before: str, after: str) -> None:
    world = repaired(deployment(), policy=by_constraints(method=before))
    world.policy = by_constraints(method=after)
    assert [each.restarts for each in world.plan().changes] == [True]
    assert world.plan(restarts=Restarts.NONE).empty
    world.reconcile()
    assert world.raw["spec"] == repaired(deployment(), policy=by_constraints(method=after)).raw["spec"]
    assert world.plan().empty


def test_constraints_are_withdrawn_without_a_trace() -> None:
    before = World(deployment()).raw
    world = repaired(deployment(), policy=by_constraints())
    assert constraints_of(world)
    world.policy = by_constraints(action="Ignore")
    world.reconcile()
    assert world.raw["spec"] == before["spec"]
    assert world.journal == {}


@pytest.mark.parametrize("key", [HOST, "example.com/rack"])
def test_constraints_stay_when_the_owner_adds_one_of_its_own_and_go_with_the_next_restart(key: str) -> None:
    own = constraint(topologyKey=key, maxSkew=2)
    world = repaired(deployment(), policy=only("preStop", spread={"method": "TopologySpread", "topologyKeys": [HOST]}))
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["topologySpreadConstraints"].append(own))
    assert not world.plan().restarts
    world.policy = only(preStop={"sleepSeconds": 5}, spread={"method": "TopologySpread", "topologyKeys": [HOST]})
    world.reconcile()
    shared = [] if key != HOST else [constraint(whenUnsatisfiable="ScheduleAnyway", matchLabelKeys=[POD_HASH])]
    assert constraints_of(world) == [*shared, own]
    assert "spread" not in world.journal


def test_nothing_is_added_beside_a_constraint_of_the_owner_on_any_key() -> None:
    own = constraint(topologyKey="example.com/rack", whenUnsatisfiable="ScheduleAnyway")
    world = World(deployment(pod={"topologySpreadConstraints": [own]}), policy=by_constraints())
    planned = world.plan()
    assert planned.empty
    assert "already has topologySpreadConstraints" in planned.refusals["spread"]


def test_constraints_are_added_beside_terms_of_the_owner_that_do_not_separate_its_pods() -> None:
    own = anti_affinity(key="example.com/rack")
    world = repaired(deployment(pod={"affinity": own}), policy=by_constraints())
    assert world.raw["spec"]["template"]["spec"]["affinity"] == own
    assert world.journal["spread"] == f"TopologySpread per rollout: {HOST}"


def test_constraints_that_are_taken_away_twice_are_contested() -> None:
    world = repaired(deployment(), policy=by_constraints())
    for _ in range(2):
        world.edit(lambda raw: raw["spec"]["template"]["spec"].pop("topologySpreadConstraints", None))
        world.reconcile()
    assert constraints_of(world) is None
    assert world.plan().contested


def test_constraints_stay_when_a_second_zone_comes() -> None:
    world = repaired(deployment(), others=[node("n0", zone="a")], policy=by_constraints(topologyKeys=[HOST, ZONE]))
    assert world.journal["spread"] == f"TopologySpread per rollout: {HOST}; one place: {ZONE}"
    world.others.append(node("n2", zone="b"))
    assert world.plan().empty


def test_required_anti_affinity_stays_when_nodes_go() -> None:
    world = repaired(deployment(), others=list(NODES), policy=required())
    assert world.journal["spread"] == f"Required per rollout: {HOST}"
    world.others.clear()
    assert world.plan().empty


def test_preferred_anti_affinity_stays_when_nodes_come() -> None:
    world = repaired(deployment(), others=[node("only")], policy=required())
    assert world.journal["spread"] == f"Preferred for want of nodes: {HOST}"
    world.others += NODES
    assert world.plan().empty


def test_a_term_for_zones_is_not_added_when_a_second_zone_comes() -> None:
    world = repaired(deployment(), others=[node("n0", zone="a"), node("n1", zone="a")])
    assert world.journal["spread"] == "Preferred: kubernetes.io/hostname; one place: topology.kubernetes.io/zone"
    world.others.append(node("n2", zone="b"))
    assert world.plan().empty


def test_a_term_for_zones_stays_where_there_is_but_one() -> None:
    world = repaired(deployment())
    assert world.journal["spread"] == SPREAD
    world.others += [node("n0", zone="a"), node("n1", zone="a")]
    assert world.plan().empty


def test_other_topology_keys_of_the_policy_replace_what_was_left_out() -> None:
    world = repaired(deployment(), others=[node("n0", zone="a")])
    world.policy = policy(spread={"topologyKeys": [HOST, "example.com/rack"]})
    assert world.changes() == ["spread (Preferred: kubernetes.io/hostname,example.com/rack)"]


def test_a_setting_that_may_hold_up_rollouts_is_withdrawn_after_an_upgrade() -> None:
    gpu = container(resources={"limits": {"nvidia.com/gpu": "1"}})
    made = {f"{REPAIRS}rollingUpdate": "25% -> 1%", REPAIRS_POLICY: "default"}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "1%"}}
    world = World(deployment(metadata={"annotations": made}, pod={"containers": [gpu]}, strategy=strategy))
    world.policy = only(rollingUpdate={})
    assert world.changes() == ["rollingUpdate withdrawn (maxUnavailable 25% -> 1%)"]


def test_anti_affinity_stays_when_the_server_is_upgraded() -> None:
    world = repaired(
        deployment(), others=list(NODES), policy=required(), server=ServerFeatures(matches_label_keys=False)
    )
    world.server = NEWEST
    assert world.plan().empty


def test_a_sleep_stays_when_the_container_no_longer_serves() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].pop("ports"))
    assert world.plan().empty


def test_a_grace_period_stays_when_a_shorter_one_would_do() -> None:
    world = repaired(deployment(), policy=only("terminationGracePeriod", preStop={"sleepSeconds": 10}))
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].update(hook(5)))
    world.reconcile()
    assert (world.pod["terminationGracePeriodSeconds"], world.plan().empty) == (40, True)


def test_a_shorter_grace_period_waits_for_the_pods_to_restart_anyway() -> None:
    world = repaired(deployment(), policy=only("preStop", "terminationGracePeriod"))
    world.policy = only("preStop", terminationGracePeriod={"shutdownSeconds": 25})
    assert world.plan().empty
    world.policy = only("terminationGracePeriod", preStop={"sleepSeconds": 5})
    assert world.changes() == ["preStop (sleep 5s: web)", "terminationGracePeriod (30 -> 35)"]
    world.reconcile()
    assert world.plan().empty


def test_what_restarts_nothing_goes_as_soon_as_it_is_no_longer_needed() -> None:
    world = repaired(deployment(), policy=only("rollingUpdate"))
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    assert world.changes() == ["rollingUpdate withdrawn (maxUnavailable 25% -> 1%)"]


def test_a_rollout_setting_goes_where_a_surge_pod_may_no_longer_find_a_place() -> None:
    world = repaired(deployment(), policy=only("rollingUpdate"))
    world.edit(lambda raw: raw["spec"]["template"]["spec"].update(affinity=anti_affinity(required=True)))
    assert world.changes() == ["rollingUpdate withdrawn (maxUnavailable 25% -> 1%)"]


def test_what_is_no_longer_needed_goes_along_when_the_pods_restart_anyway() -> None:
    world = repaired(deployment(), policy=only("spread", "preStop"))
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    world.policy = only("spread", preStop={"sleepSeconds": 20})
    assert world.changes() == [f"spread withdrawn ({SPREAD})", "preStop (sleep 20s: web)"]
    world.reconcile()
    assert ("affinity" in world.pod, world.plan().empty) == (False, True)


def test_what_was_only_needed_for_what_goes_along_goes_along_too() -> None:
    world = repaired(deployment(), policy=only("spread", "preStop", "terminationGracePeriod"))
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].pop("ports"))
    world.policy = only("preStop", "terminationGracePeriod")
    assert world.changes() == [
        f"spread withdrawn ({SPREAD})",
        "preStop withdrawn (sleep 10s: web)",
        "terminationGracePeriod withdrawn (30 -> 40)",
    ]
    world.reconcile()
    assert (world.plan().empty, world.journal) == (True, {})


def test_what_is_no_longer_needed_does_not_go_along_with_what_restarts_nothing() -> None:
    world = repaired(deployment(), policy=only("spread", "rollingUpdate"))
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    assert world.changes() == ["rollingUpdate withdrawn (maxUnavailable 25% -> 1%)"]


def test_what_is_no_longer_needed_waits_where_restarts_are_not_allowed() -> None:
    world = repaired(deployment(), policy=only("spread", "preStop"))
    world.edit(lambda raw: raw["spec"].update(replicas=1))
    world.policy = only("spread", preStop={"sleepSeconds": 20})
    assert world.plan(restarts=Restarts.NONE).empty


# Governance.


def test_a_plan_is_made_though_nothing_may_be_written() -> None:
    written, read_only = World(deployment()), World(deployment(), governance=Governance.READ_ONLY)
    assert read_only.plan() == written.plan()
    told = [(each.report().repairs, each.report().restarts, each.report().state) for each in (written, read_only)]
    assert told == [(5, True, State.REPAIRING), (5, True, State.VIOLATING)]


def test_at_admission_a_repair_of_the_template_depends_on_workload_and_policy_alone() -> None:
    alone = World(deployment())
    among = World(deployment(), others=[*NODES, budget(maxUnavailable=1)])
    assert alone.plan().patch == among.plan().patch


def test_a_stateful_set_gets_the_same_but_for_its_strategy() -> None:
    changes = [each.expectation for each in World(stateful_set()).plan().changes]
    assert changes == ["podDisruptionBudget", "spread", "preStop", "terminationGracePeriod"]


@given(raw=workloads(), nodes=st.booleans(), scaled=st.sampled_from([None, (1, 3), (5, 9)]), own=st.booleans())
def test_what_stands_around_takes_back_nothing_that_pods_were_born_with(
    raw: Raw, nodes: bool, scaled: tuple[int, int] | None, own: bool
) -> None:
    governed = policy(terminationMessage={"action": "Repair"})
    created = patched(raw, plan(Inputs(read_workload(raw), policy=governed, today=TODAY), restarting=True).patch)
    others = [
        *(NODES if nodes else ()),
        *([autoscaler(*scaled, kind=raw["kind"])] if scaled else ()),
        *([budget(maxUnavailable=1)] if own else ()),
    ]
    inputs = Inputs(read_workload(created), around=surroundings_of(created, others), policy=governed, today=TODAY)
    assert [each for each in plan(inputs).changes if each.restarts and each.before] == []


def names(raw: Raw) -> list[str]:
    return [each["name"] for each in raw["spec"]["template"]["spec"]["containers"]]


def test_a_patch_names_containers_in_their_order_when_one_of_them_gets_another_name() -> None:
    world = repaired(deployment(pod={"containers": [container(), container("side")]}))
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].update(name="frontend"))
    world.edit(lambda raw: raw["spec"]["template"]["spec"]["containers"][0].pop("lifecycle"))
    assert names({"spec": world.plan().patch["spec"]}) == ["frontend", "side"]
    world.reconcile()
    assert names(world.raw) == ["frontend", "side"]


def test_a_patch_names_containers_in_their_order_whichever_repair_comes_first() -> None:
    containers = [container("quiet", ports=[], terminationMessagePolicy="File"), container()]
    world = World(deployment(pod={"containers": containers}), policy=only("preStop", **RIDING_ALONG))
    assert names({"spec": world.plan().patch["spec"]}) == ["quiet", "web"]


RIDING_ALONG: Any = {"terminationMessage": {"action": "Repair"}}
