"""What withdraws our changes, and what leaves them as they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from productionpolicy.kube.identity import EXEMPT, REPAIRS_POLICY
from productionpolicy.policy import OnRemoval, Policy
from productionpolicy.verdict import Governance, State
from support.manifests import Raw, deployment
from support.policies import policy
from support.server import defaulted
from support.strategies import workloads
from support.world import World, repaired

REPAIRABLE = ["podDisruptionBudget", "spread", "rollingUpdate", "preStop", "terminationGracePeriod"]
TEMPLATE = {"spread", "preStop", "terminationGracePeriod"}


def ignoring(name: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.policy = policy(**{name: {"action": "Ignore"}})

    return change


def exempting(name: str) -> Callable[[World], None]:
    return lambda world: world.exempt(name, "because until=2026-06-15")


def changed_expectations(world: World) -> list[str]:
    return [each.expectation for each in world.plan().changes]


# Policy mode Audit, the namespace's mode label, paused, action Audit, an invalid policy: everything stays as it is.


@pytest.mark.parametrize("spec", [{"mode": "Audit"}, {"paused": True}])
def test_a_policy_that_no_longer_writes_leaves_everything_as_it_is(spec: Raw) -> None:
    world = repaired(deployment())
    world.policy, world.governance = policy(spec=spec), Governance.READ_ONLY
    assert (world.policy.writes, world.plan().empty) == (False, True)


@pytest.mark.parametrize("name", REPAIRABLE)
def test_action_audit_leaves_the_repair_as_it_is(name: str) -> None:
    world = repaired(deployment())
    world.policy = policy(**{name: {"action": "Audit"}})
    assert world.plan().empty


def test_action_audit_leaves_even_a_repair_that_was_made_with_other_parameters() -> None:
    world = repaired(deployment())
    world.policy = policy(preStop={"action": "Audit", "sleepSeconds": 60})
    assert world.plan().empty


def test_action_audit_leaves_the_note_of_a_repair_that_the_owner_has_changed() -> None:
    world = repaired(deployment())
    world.edit(lambda raw: raw["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=90))
    world.policy = policy(terminationGracePeriod={"action": "Audit"})
    assert world.plan().empty


def test_under_a_policy_that_does_not_write_changes_are_told_and_nobody_is_said_to_be_repairing() -> None:
    world = repaired(deployment())
    world.policy, world.governance = policy(spec={"mode": "Audit"}, preStop={"sleepSeconds": 20}), Governance.READ_ONLY
    told = world.report()
    assert (told.repairs, told.restarts, told.state) == (2, True, State.VIOLATING)


# Action Ignore, an exemption: that expectation's change is withdrawn.


@pytest.mark.parametrize("withdrawing", [ignoring, exempting])
@pytest.mark.parametrize("name", REPAIRABLE)
def test_action_ignore_or_an_exemption_withdraws_the_repair_of_that_expectation(
    name: str, withdrawing: Callable[[str], Callable[[World], None]]
) -> None:
    world = repaired(deployment())
    withdrawing(name)(world)
    withdrawn = {each.expectation for each in world.plan().changes if each.after is None}
    assert withdrawn == ({"preStop", "terminationGracePeriod"} if name == "preStop" else {name})


@pytest.mark.parametrize("name", REPAIRABLE)
def test_what_is_left_is_what_there_would_be_without_that_expectation(name: str) -> None:
    world, other = repaired(deployment()), World(deployment(), policy=policy(**{name: {"action": "Ignore"}}))
    ignoring(name)(world)
    world.reconcile()
    other.reconcile()
    assert (world.raw, world.budgets) == (other.raw, other.budgets)
    assert world.plan().empty


def test_a_revoked_exemption_is_just_another_plan() -> None:
    world = repaired(deployment())
    before = world.raw
    world.exempt("spread")
    world.reconcile()
    world.annotate(**{f"{EXEMPT}spread": None})
    world.reconcile()
    assert world.raw == before


def test_an_exemption_that_has_expired_withdraws_nothing() -> None:
    world = repaired(deployment())
    world.exempt("spread", "because until=2026-06-14")
    assert world.plan().empty


def test_an_exemption_without_a_reason_withdraws_nothing() -> None:
    world = repaired(deployment())
    world.exempt("spread", "")
    assert world.plan().empty


def test_an_exemption_that_the_policy_ignores_withdraws_nothing() -> None:
    world = repaired(deployment())
    world.exempt("spread")
    world.policy = policy(spec={"exemptions": "Ignored"})
    assert world.plan().empty


# The namespace's label removed or changed, the policy deleted: onRemoval decides.


def test_keep_withdraws_only_what_restarts_nothing() -> None:
    world = repaired(deployment())
    world.policy, world.on_removal = None, OnRemoval.KEEP
    assert changed_expectations(world) == ["podDisruptionBudget", "rollingUpdate"]
    assert not world.plan().restarts
    pod = world.pod
    world.reconcile()
    assert (world.pod, set(world.journal), world.budgets) == (pod, TEMPLATE | {"policy"}, [])
    assert world.plan().empty


def test_revert_withdraws_everything() -> None:
    world = repaired(deployment())
    world.policy, world.on_removal = None, OnRemoval.REVERT
    assert changed_expectations(world) == REPAIRABLE
    world.reconcile()
    assert (world.raw, world.budgets) == (defaulted(deployment()), [])
    assert world.plan().empty


@given(raw=workloads())
def test_revert_gives_back_the_very_object_that_there_was(raw: Raw) -> None:
    world = World(raw, on_removal=OnRemoval.REVERT)
    world.reconcile()
    world.policy = None
    world.reconcile()
    assert world.raw == raw


def test_another_policy_adopts_what_is_there() -> None:
    world = repaired(deployment())
    world.policy = policy("another")
    planned = world.plan()
    assert (planned.changes, planned.patch) == (
        (),
        {"metadata": {"annotations": {REPAIRS_POLICY: "another"}}},
    )


def test_another_policy_changes_only_what_it_wants_otherwise() -> None:
    world = repaired(deployment())
    world.policy = policy("another", preStop={"sleepSeconds": 5}, spread={"action": "Ignore"})
    assert changed_expectations(world) == ["spread", "preStop", "terminationGracePeriod"]


def test_a_policy_that_comes_back_finds_what_keep_has_left() -> None:
    world = repaired(deployment())
    before = world.raw
    world.policy = None
    world.reconcile()
    world.policy = policy()
    assert changed_expectations(world) == ["podDisruptionBudget", "rollingUpdate"]
    world.reconcile()
    assert world.raw == before


def test_a_workload_without_repairs_is_left_alone_when_its_policy_goes() -> None:
    for on_removal in OnRemoval:
        assert World(deployment(), policy=None, on_removal=on_removal).plan().empty


def test_the_note_of_what_was_put_back_goes_with_the_policy() -> None:
    world = repaired(deployment())
    world.edit(lambda raw: raw["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=30))
    world.reconcile()
    world.policy, world.on_removal = None, OnRemoval.REVERT
    world.reconcile()
    assert world.journal == {}


def test_repairs_that_keep_leaves_need_no_name_of_a_policy() -> None:
    world = repaired(deployment())
    world.policy = None
    world.reconcile()
    world.annotate(**{REPAIRS_POLICY: None})
    assert world.plan().empty


# A parameter changed: repaired again.


@pytest.mark.parametrize(
    ("parameters", "changes"),
    [
        (
            {"preStop": {"sleepSeconds": 20}},
            ["preStop (sleep 20s: web)", "terminationGracePeriod (30 -> 50)"],
        ),
        ({"terminationGracePeriod": {"shutdownSeconds": 60}}, ["terminationGracePeriod (30 -> 70)"]),
        (
            {"spread": {"topologyKeys": ["topology.kubernetes.io/zone"]}},
            ["spread (Preferred: topology.kubernetes.io/zone)"],
        ),
        ({"podDisruptionBudget": {"maxUnavailable": 2}}, ["podDisruptionBudget (maxUnavailable 2)"]),
    ],
)
def test_a_changed_parameter_changes_the_repair(parameters: dict[str, Raw], changes: list[str]) -> None:
    world = repaired(deployment())
    world.policy = policy(**parameters)
    assert world.changes() == changes
    world.reconcile()
    assert (world.plan().empty, world.raw) == (True, repaired(deployment(), policy=policy(**parameters)).raw)


ACTIONS = st.sampled_from(["Ignore", "Audit", "Repair"])
POLICIES = st.none() | st.builds(
    lambda sleep, shutdown, actions: policy(
        preStop={"sleepSeconds": sleep, "action": actions[0]},
        terminationGracePeriod={"shutdownSeconds": shutdown, "action": actions[1]},
        spread={"action": actions[2]},
        rollingUpdate={"action": actions[3]},
    ),
    st.sampled_from([5, 10, 40]),
    st.sampled_from([5, 30, 60]),
    st.tuples(ACTIONS, ACTIONS, ACTIONS, ACTIONS),
)


@given(raw=workloads(), policies=st.lists(POLICIES, min_size=2, max_size=4), on_removal=st.sampled_from(OnRemoval))
def test_any_succession_of_policies_is_carried_out_each_at_once_and_never_refused(
    raw: Raw, policies: list[Policy | None], on_removal: OnRemoval
) -> None:
    world = World(raw, on_removal=on_removal)
    assume(not world.inputs.workload.template.sleep_exceeds_grace)
    for each in policies:
        world.policy = each
        world.reconcile()
        assert not world.inputs.workload.template.sleep_exceeds_grace
        assert world.plan().empty


@given(raw=workloads(), policies=st.lists(POLICIES, min_size=1, max_size=3))
def test_whatever_policies_there_were_revert_gives_back_the_very_object(
    raw: Raw, policies: list[Policy | None]
) -> None:
    world = World(raw, on_removal=OnRemoval.REVERT)
    assume(not world.inputs.workload.template.sleep_exceeds_grace)
    for each in (*policies, None):
        world.policy = each
        world.reconcile()
    assert world.raw == raw


def test_a_parameter_of_another_expectation_changes_nothing() -> None:
    world = repaired(deployment())
    world.policy = policy(replicas={"minimum": 3}, imageTag={"disallowedTags": ["main"]})
    assert world.plan().empty
