"""What could not be read is never guessed: a verdict is the one on everything, or it is unknown."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from productionpolicy.kube.budgets import BUDGET
from productionpolicy.kube.coverage import VALUES, Coverage, Coverages, Read
from productionpolicy.kube.inventory import Inventory
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.neighbours import KNOWN, known_kind, read_neighbour
from productionpolicy.kube.surroundings import ServerFeatures
from productionpolicy.kube.workloads import WORKLOADS, WorkloadKey, read_workload
from productionpolicy.live.redaction import redacted
from productionpolicy.verdict import Inputs, Outcome, Verdict, audit, plan
from support.clusters import clusters
from support.examples import Example, examples
from support.manifests import Raw, budget, container, deployment
from support.policies import only, policy
from support.world import TODAY

WHY = "Forbidden: user cannot list it"
EVERYTHING = policy()


def unread(*kinds: GroupKind) -> Coverages:
    return {each: Coverage(Read.NONE, reason=WHY) for each in kinds}


def inputs_of(objects: Iterable[Raw], coverages: Coverages) -> dict[WorkloadKey, Inputs]:
    """Return the inputs of all workloads that are seen, without the objects of unread kinds."""
    inventory = Inventory(server=ServerFeatures(), coverages=coverages)
    for raw in objects:
        kind = known_kind(raw)
        if kind is not None and kind not in coverages:
            inventory.put(read_workload(raw) if kind in WORKLOADS else read_neighbour(kind, raw))
    workloads = filter(None, map(inventory.workload, inventory.all_workloads()))
    return {
        each.key: Inputs(each, around=inventory.surroundings(each), policy=EVERYTHING, today=TODAY)
        for each in workloads
    }


def is_right(seen: Verdict, complete: Verdict | None) -> bool:
    """Say whether a verdict is that on everything, is unknown, or names findings that are certain."""
    if seen.outcome is Outcome.UNKNOWN:
        return bool(seen.reason)
    if complete is None or seen.outcome is not complete.outcome:
        return False
    return set(seen.findings) <= set(complete.findings)


@given(objects=clusters(), kind=st.sampled_from(sorted(KNOWN)))
def test_without_a_kind_every_verdict_is_right_or_unknown(objects: list[Raw], kind: GroupKind) -> None:
    complete = inputs_of(objects, {})
    for key, inputs in inputs_of(objects, unread(kind)).items():
        by_name = {each.expectation: each for each in audit(complete[key])}
        wrong = [each for each in audit(inputs) if not is_right(each, by_name.get(each.expectation))]
        assert [each for each in wrong if each.expectation != "exemptions"] == []


@given(objects=clusters(), kind=st.sampled_from(sorted(KNOWN)))
def test_without_a_kind_every_planned_change_is_one_of_the_complete_plan(objects: list[Raw], kind: GroupKind) -> None:
    complete = inputs_of(objects, {})
    for key, inputs in inputs_of(objects, unread(kind)).items():
        assert set(plan(inputs).changes) <= set(plan(complete[key]).changes)


@pytest.mark.parametrize("example", examples(), ids=lambda each: each.name)
def test_without_the_values_of_variables_every_verdict_is_right_or_unknown(example: Example) -> None:
    complete = example.inputs(example.workload, governed_by=EVERYTHING)
    saved = redacted(example.workload)
    assert saved is not None
    inputs = example.inputs(saved, governed_by=EVERYTHING)
    inputs = replace(inputs, around=replace(inputs.around, unread={VALUES: WHY}))
    by_name = {each.expectation: each for each in audit(complete)}
    assert [each for each in audit(inputs) if not is_right(each, by_name.get(each.expectation))] == []


class TestOneDeployment:
    def verdict(self, expectation: str, *objects: Raw, coverages: Coverages) -> Verdict:
        inventory = Inventory(server=ServerFeatures(), coverages=coverages)
        workload = read_workload(objects[0])
        inventory.put(workload)
        for each in objects[1:]:
            inventory.put(read_neighbour(GroupKind.of(each), each))
        around = inventory.surroundings(workload)
        return audit(Inputs(workload, around=around, policy=only(expectation), today=TODAY))[0]

    def test_a_missing_budget_is_unknown_while_budgets_cannot_be_read(self) -> None:
        found = self.verdict("podDisruptionBudget", deployment(), coverages=unread(BUDGET))
        assert (found.outcome, found.reason) == (
            Outcome.UNKNOWN,
            f"PodDisruptionBudget.policy could not be read ({WHY})",
        )

    def test_budgets_of_one_namespace_are_enough_for_its_workloads(self) -> None:
        coverages = {BUDGET: Coverage(Read.NAMESPACES, ("shop",), WHY)}
        found = self.verdict("podDisruptionBudget", deployment(), coverages=coverages)
        assert found.outcome is Outcome.FAILED

    def test_what_rests_on_nothing_that_is_missing_is_judged(self) -> None:
        everything = unread(*(KNOWN - {GroupKind("apps", "Deployment")}))
        named = deployment(pod={"containers": [container(image="web:latest")]})
        assert self.verdict("imageTag", named, coverages=everything).outcome is Outcome.FAILED
        assert self.verdict("imageTag", deployment(), coverages=everything).outcome is Outcome.PASSED

    def test_nodes_do_not_matter_for_rollouts_that_keep_nothing_apart(self) -> None:
        nodes = unread(GroupKind("", "Node"))
        assert self.verdict("rollingUpdate", deployment(), coverages=nodes).outcome is Outcome.FAILED

    def test_a_budget_is_not_judged_while_pods_that_it_may_also_select_could_not_be_read(self) -> None:
        jobs = unread(GroupKind("batch", "Job"))
        seen = budget(selector={"matchLabels": {"app": "web"}}, maxUnavailable=1)
        assert self.verdict("podDisruptionBudget", deployment(), seen, coverages=jobs).outcome is Outcome.UNKNOWN
