"""What is told about one workload."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.verdict import Governance, Outcome, State
from productionpolicy.verdict.report import Rejection, Wait
from support.manifests import anti_affinity, deployment
from support.policies import only
from support.world import World, repaired

MISSING = "container web has no readinessProbe, so it gets requests before it can answer"
PRECEDENCE = [State.CONTESTED, State.FAILED, State.REPAIRING, State.VIOLATING, State.EXEMPT]


def world_with(*states: State) -> tuple[World, bool]:
    """Return a workload to which all these states apply, and whether it is rolling out."""
    world = repaired(deployment(), policy=only("spread", "preStop", "readinessProbe", "replicas"))
    if State.CONTESTED in states:
        for _ in range(2):
            world.edit(lambda raw: raw["spec"]["template"]["spec"].pop("affinity"))
            world.reconcile()
    if State.FAILED in states:
        world.rejection = Rejection(write="admission webhook denied the request")
    if State.EXEMPT in states:
        world.policy = only("spread", "preStop", "readinessProbe", replicas={"minimum": 9})
        world.exempt("replicas")
    if State.VIOLATING not in states:
        world.exempt("readinessProbe")
        world.policy = only(
            "spread",
            "preStop",
            *(["replicas"] if State.EXEMPT not in states else []),
            **({"replicas": {"minimum": 9}} if State.EXEMPT in states else {}),
        )
    return world, State.REPAIRING in states


@pytest.mark.parametrize(
    "states",
    [each for size in range(1, 6) for each in combinations(PRECEDENCE, size)],
    ids=" ".join,
)
def test_where_several_states_apply_the_first_counts(states: tuple[State, ...]) -> None:
    world, rolling = world_with(*states)
    assert world.report(rolling=rolling).state is states[0]


def test_without_findings_and_exemptions_a_workload_is_compliant() -> None:
    world, rolling = world_with()
    assert world.report(rolling=rolling).state is State.COMPLIANT


def test_a_report_says_whose_it_is() -> None:
    told = World(deployment(), policy=only("replicas")).report()
    assert (told.key, told.policy) == (WorkloadKey("shop", "Deployment", "web"), "default")


def test_a_report_counts_what_is_still_to_be_done() -> None:
    told = World(deployment()).report()
    assert (told.repairs, told.restarts, told.repaired) == (5, True, frozenset[str]())


def test_a_report_of_a_repaired_workload_counts_what_stands() -> None:
    told = repaired(deployment(), policy=only("preStop", "podDisruptionBudget")).report()
    assert (told.repairs, told.restarts, told.repaired) == (
        0,
        False,
        frozenset({"preStop", "podDisruptionBudget"}),
    )


def test_outcomes_are_told_in_the_order_of_the_expectations() -> None:
    told = World(deployment(replicas=1), policy=only("replicas", "spread", "imageTag")).report()
    assert told.outcomes == (
        ("replicas", Outcome.FAILED),
        ("spread", Outcome.NOT_APPLICABLE),
        ("imageTag", Outcome.PASSED),
    )


def findings(world: World) -> list[tuple[str, str, str]]:
    return [(each.expectation, each.path, each.sentence) for each in world.report().findings]


def test_a_finding_names_the_path_the_reason_and_the_remedy() -> None:
    assert findings(World(deployment(), policy=only("readinessProbe"))) == [
        (
            "readinessProbe",
            "spec.template.spec.containers[0].readinessProbe",
            f"{MISSING}; add a readinessProbe that checks whether the container can serve",
        )
    ]


def test_a_finding_that_exemptions_cover_is_not_told() -> None:
    world = World(deployment(), policy=only("spread"))
    world.exempt("spread")
    assert findings(world) == []


@pytest.mark.parametrize(
    ("raw", "changed", "reason"),
    [
        (
            deployment(pod={"terminationGracePeriodSeconds": 5}),
            {"policy": only("preStop")},
            "the owner's grace period of 5 s is not longer than a sleep of 10 s",
        ),
        (deployment(), {"policy": only("preStop"), "rejection": Rejection(write="denied")}, "denied"),
        (
            deployment(metadata={"ownerReferences": [{"kind": "App", "name": "shop", "controller": True}]}),
            {"policy": only("preStop")},
            "App shop owns the workload and would revert the repair",
        ),
        (deployment(), {"policy": only("preStop")}, None),
        (deployment(), {"policy": only(preStop={"action": "Audit"})}, None),
    ],
    ids=["refused", "denied by the API server", "owned", "to be repaired", "only audited"],
)
def test_a_finding_says_why_it_is_left_to_a_person(raw: Any, changed: dict[str, Any], reason: str | None) -> None:
    ((_, _, message),) = findings(World(raw, **changed))
    assert message.partition(" (not repaired: ")[2] == (f"{reason})" if reason else "")


def test_a_failure_belongs_to_what_was_to_be_changed_only() -> None:
    world = World(deployment(), policy=only("preStop", "readinessProbe"), rejection=Rejection(write="denied"))
    assert [(name, "denied" in message) for name, _, message in findings(world)] == [
        ("preStop", True),
        ("readinessProbe", False),
    ]


def test_a_refused_withdrawal_is_a_finding_of_its_own() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.exempt("preStop")
    world.rejection = Rejection(write="denied")
    ((name, path, message),) = findings(world)
    assert (name, path) == ("refused", "metadata")
    assert message.startswith("the API server refused a write of the operator: denied; grant the missing permission")
    assert world.report().state is State.FAILED


def test_a_refused_release_is_a_finding_of_its_own_and_no_reason_why_a_repair_waits() -> None:
    world = World(deployment(), policy=only("preStop"), rejection=Rejection(release="denied"))
    assert [(name, "denied" in message) for name, _, message in findings(world)] == [
        ("preStop", False),
        ("refused", True),
    ]
    assert world.report().state is State.FAILED


def test_a_workload_that_must_not_be_written_is_not_repairing_but_may_roll_out() -> None:
    world = World(deployment(), governance=Governance.READ_ONLY)
    assert [world.report(rolling=rolling).state for rolling in (False, True)] == [State.VIOLATING, State.REPAIRING]


def test_repairs_are_in_effect_once_the_pods_run_with_them() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    assert [world.report(rolling=rolling).in_effect for rolling in (True, False)] == [False, True]


def test_repairs_of_a_workload_that_failed_do_not_count_as_in_effect() -> None:
    world = repaired(deployment(), policy=only("preStop"))
    world.rejection = Rejection(write="denied")
    assert not world.report().in_effect


def test_a_report_says_for_what_the_changes_wait() -> None:
    later = only("preStop", spec={"rollout": {"timing": "NextRollout"}})
    held: dict[str, Any] = {"governance": Governance.READ_ONLY}
    raw = deployment()
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), raw["spec"]["replicas"])
    settled = {**raw, "metadata": {**raw["metadata"], "generation": 1}, "status": {**counts, "observedGeneration": 1}}
    worlds = [
        World(settled, policy=only("preStop")),
        World(deployment(), policy=only("preStop")),
        World(deployment(), policy=only("preStop"), rejection=Rejection(write="denied")),
        World(deployment(), policy=later),
        World(deployment(), policy=only("preStop"), **held),
        World(deployment(), policy=only("preStop", spec={"mode": "Audit"}), **held),
        repaired(deployment(), policy=only("preStop")),
    ]
    waits = [None, Wait.UNSETTLED, Wait.REFUSED, Wait.NEXT_ROLLOUT, Wait.HELD, None, None]
    assert [each.report().waits for each in worlds] == waits


@pytest.mark.parametrize(
    ("names", "changed", "asks", "enforced"),
    [
        (["preStop"], {}, False, False),
        (["preStop"], {"rejection": Rejection(write="denied")}, True, False),
        (["preStop", "readinessProbe"], {}, True, False),
        (["readinessProbe"], {}, True, True),
        (["imageTag"], {}, False, True),
    ],
    ids=["repaired soon", "refused", "one of two", "only audited", "nothing"],
)
def test_a_report_says_whether_a_person_is_needed(
    names: list[str], changed: dict[str, Any], asks: bool, enforced: bool
) -> None:
    told = World(deployment(), policy=only(*names), **changed).report()
    assert (told.asks, told.enforced) == (asks, enforced)


@pytest.mark.parametrize(("method", "pods"), [("AntiAffinity", 3), ("TopologySpread", 0)])
def test_a_report_counts_the_pods_that_carry_terms_of_the_operator(method: str, pods: int) -> None:
    world = World(deployment(replicas=3), policy=only(spread={"method": method}))
    assert world.report().pods_with_terms == 0
    world.reconcile()
    assert world.report().pods_with_terms == pods


def test_terms_of_the_owner_are_not_counted() -> None:
    assert World(deployment(pod={"affinity": anti_affinity()}), policy=only("spread")).report().pods_with_terms == 0


def test_a_needless_exemption_does_not_count_against_what_the_policy_enforces() -> None:
    world = World(deployment(), policy=only(replicas={"action": "Audit"}))
    world.exempt("replicas", "single; until=2026-13-45")
    assert (bool(world.report().findings), world.report().enforced) == (True, True)
