"""Laws that hold for every expectation, whatever it expects."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generate.__main__ import ROOT, stale
from productionpolicy.expectations import BY_NAME, EXPECTATIONS, Action, Expectation
from productionpolicy.kube.budgets import read_budget
from productionpolicy.kube.surroundings import Surroundings, read_autoscaler, read_node
from productionpolicy.kube.workloads import read_workload
from productionpolicy.policy import Policy
from productionpolicy.verdict import Inputs, Outcome, Plan, audit, plan
from support.examples import CASES, Example, examples
from support.manifests import Raw, autoscaler, budget, job, node
from support.policies import policy
from support.server import defaulted, patched
from support.strategies import mangled, workloads
from support.surroundings import surroundings_of
from support.world import TODAY, World

HEADINGS = ["What it expects", "Why it matters", "Repair and its risk", "Example"]
EXAMPLES = examples()
POLICIES = [
    policy(),
    policy(spec={"profile": "Development"}),
    policy(
        podDisruptionBudget={"minAvailable": 2},
        spread={"strength": "Required", "topologyKeys": ["kubernetes.io/hostname"]},
        preStop={"sleepSeconds": 45, "containers": "All"},
        terminationGracePeriod={"shutdownSeconds": 5},
        imageTag={"disallowedTags": ["1.0"]},
        livenessProbe={"required": True},
        resources={"limits": ["cpu", "memory"], "minimumQoS": "Guaranteed"},
        terminationMessage={"action": "Repair"},
        imagePullSecrets={"privateRegistries": ["*"]},
        configuration={"maxLiteralEnv": 0},
        persistence={"additionalDataStores": ["*"]},
        sidecars={"additionalNeededAtStart": ["*"]},
    ),
]

AT_ADMISSION = (Action.WARN, Action.DENY)

every_expectation = pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda each: each.name)
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)


def findings(inputs: Inputs) -> set[tuple[str, str]]:
    return {(each.expectation, finding.path) for each in audit(inputs) for finding in each.findings}


def left_to_the_owner(planned: Plan) -> set[tuple[str, str]]:
    """Return the only finding that a repair may bring about: a sleep within a grace period that its owner wrote.

    The sleep is worth more than the seconds that it takes from the shutdown; how long that may last the owner decides.
    """
    grace = "terminationGracePeriod"
    return {(grace, "spec.template.spec.terminationGracePeriodSeconds")} if grace in planned.refusals else set()


@cache
def carried_out(example: Example, governed_by: Policy) -> tuple[Inputs, Plan, Inputs]:
    """Return the inputs, the plan, and the inputs after the whole plan is carried out."""
    before = defaulted(example.workload)
    inputs = example.inputs(before, governed_by=governed_by)
    planned = plan(inputs)
    wanted = (each.wanted for each in planned.objects if each.wanted)
    objects = [each.manifest(inputs.workload, policy=governed_by.name) for each in wanted]
    return inputs, planned, example.inputs(patched(before, planned.patch), *objects, governed_by=governed_by)


@every_expectation
def test_its_page_has_all_headings_in_order(expectation: Expectation[Any]) -> None:
    assert re.findall(r"^## (.+)$", expectation.page, re.MULTILINE) == HEADINGS


@every_expectation
def test_its_page_begins_with_a_sentence(expectation: Expectation[Any]) -> None:
    first, empty, *_ = expectation.page.splitlines()
    assert (first[0].isupper(), first[-1], empty) == (True, ".", "")


@every_expectation
def test_its_example_is_a_valid_policy(expectation: Expectation[Any]) -> None:
    text = expectation.page.partition("```yaml\n")[2].partition("\n```")[0]
    parameters = msgspec.yaml.decode(text)
    assert list(parameters) == [expectation.name]
    assert policy(**parameters).parameters(expectation) is not None


@every_expectation
def test_its_declaration_is_complete(expectation: Expectation[Any]) -> None:
    actions = {expectation.production, expectation.development}
    assert (expectation.title == "", expectation.kinds == frozenset()) == (False, False)
    assert actions <= set(expectation.parameters.actions)


@every_expectation
def test_it_may_be_repaired_if_and_only_if_it_has_a_repair(expectation: Expectation[Any]) -> None:
    assert (Action.REPAIR in expectation.parameters.actions) == (expectation.repair is not None)


def test_the_admission_policy_judges_what_may_be_refused_or_warned_of() -> None:
    text = (ROOT / "manifests" / "admission" / "validation" / "policy" / "policy.yaml").read_text()
    asked = next(each for each in msgspec.yaml.decode(text)["spec"]["variables"] if each["name"] == "asked")
    judged = re.findall(r'"(\w+)"', asked["expression"].partition(".filter(")[0])
    possible = [each.name for each in EXPECTATIONS if {*AT_ADMISSION} & set(each.parameters.actions)]
    assert [each for each in judged if each in BY_NAME] == possible


@pytest.mark.parametrize(
    ("expectation", "action"),
    [(each, action) for each in EXPECTATIONS for action in AT_ADMISSION if action in each.parameters.actions],
    ids=lambda each: each.name if isinstance(each, Expectation) else str(each),
)
def test_to_refuse_or_warn_at_admission_is_to_audit_for_the_operator(
    expectation: Expectation[Any], action: Action
) -> None:
    for example in (each for each in EXAMPLES if each.expectation is expectation):
        auditing, answering = (
            example.inputs(defaulted(example.workload), governed_by=policy(**{expectation.name: {"action": each}}))
            for each in (Action.AUDIT, action)
        )
        assert audit(answering) == audit(auditing)
        assert plan(answering) == plan(auditing)


@every_expectation
def test_each_of_its_parameters_is_described(expectation: Expectation[Any]) -> None:
    info = msgspec.inspect.type_info(expectation.parameters)
    assert isinstance(info, msgspec.inspect.StructType)
    assert [each.name for each in info.fields if not described(each.type)] == []


def described(found: msgspec.inspect.Type) -> bool:
    """Say whether a type has a description, or one of those that it is the union of."""
    if isinstance(found, msgspec.inspect.UnionType):
        return any(map(described, found.types))
    return isinstance(found, msgspec.inspect.Metadata) and "description" in (found.extra_json_schema or {})


@every_expectation
def test_it_has_a_passing_and_a_failing_example(expectation: Expectation[Any]) -> None:
    told = {each.fails for each in EXAMPLES if each.expectation is expectation}
    assert told == {True, False}


@every_expectation
def test_it_has_a_repaired_example_if_it_has_a_repair(expectation: Expectation[Any]) -> None:
    repaired = [each for each in EXAMPLES if each.expectation is expectation and each.repaired]
    assert bool(repaired) == (expectation.repair is not None)


def test_every_example_belongs_to_an_expectation() -> None:
    assert {each.name for each in CASES.iterdir()} == BY_NAME.keys()


def test_every_repaired_example_belongs_to_a_failing_one() -> None:
    repaired = {each.name.removesuffix(".repaired.yaml") for each in CASES.glob("*/*.repaired.yaml")}
    assert repaired <= {each.path.stem for each in EXAMPLES if each.fails}


def test_names_are_unique_and_fields_of_the_api() -> None:
    names = [each.name for each in EXPECTATIONS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", each) for each in names)


def test_generated_files_are_fresh() -> None:
    assert [str(each.relative_to(ROOT)) for each in stale()] == []


@every_example
def test_a_repair_clears_its_finding_and_adds_no_other(example: Example) -> None:
    for governed_by in (*POLICIES, example.whole_policy):
        inputs, planned, after = carried_out(example, governed_by)
        repaired = {each.expectation for each in planned.changes}
        assert {each.outcome for each in audit(after) if each.expectation in repaired} <= {Outcome.PASSED}
        assert findings(after) <= findings(inputs) | left_to_the_owner(planned)


@every_example
def test_planning_twice_equals_planning_once(example: Example) -> None:
    for governed_by in (*POLICIES, example.whole_policy):
        _, _, after = carried_out(example, governed_by)
        assert plan(after).empty


@every_example
def test_judging_and_planning_change_nothing(example: Example) -> None:
    before = deepcopy(example.workload)
    inputs = example.inputs(example.workload)
    assert (audit(inputs), plan(inputs)) == (audit(inputs), plan(inputs))
    assert example.workload == before


@every_example
def test_the_owners_view_of_a_repaired_workload_is_the_workload_of_before(example: Example) -> None:
    inputs, _, after = carried_out(example, POLICIES[0])
    assert after.owners_view.digest == inputs.workload.digest


@given(raw=workloads(), governed_by=st.sampled_from(POLICIES))
def test_any_workload_is_repaired_once_and_for_all(raw: Raw, governed_by: Policy) -> None:
    world = World(raw, policy=governed_by)
    before = findings(world.inputs)
    planned = world.reconcile()
    assert not {each.expectation for each in planned.changes} & set(world.findings())
    assert findings(world.inputs) <= before | left_to_the_owner(planned)
    assert world.plan().empty


@given(data=st.data(), base=workloads(), governed_by=st.sampled_from(POLICIES))
def test_odd_content_is_noted_and_never_an_error(data: st.DataObject, base: Raw, governed_by: Policy) -> None:
    raw = data.draw(mangled(base))
    inputs = Inputs(read_workload(raw), policy=governed_by, today=TODAY)
    audit(inputs)
    plan(inputs)


@given(data=st.data())
def test_odd_surroundings_are_never_an_error(data: st.DataObject) -> None:
    around = Surroundings(
        budgets=(read_budget(data.draw(mangled(budget(maxUnavailable=1)))),),
        autoscaler=read_autoscaler(data.draw(mangled(autoscaler(2, 5)))),
    )
    read_node(data.draw(mangled(node("n", zone="a", taints=[{"key": "k", "effect": "NoSchedule"}]))))
    inputs = Inputs(read_workload(World(example_workload()).raw), around=around, policy=policy(), today=TODAY)
    audit(inputs)
    plan(inputs)


def example_workload() -> Raw:
    return next(each.workload for each in EXAMPLES if each.name == "podDisruptionBudget/fails.no-budget")


def test_surroundings_are_found_by_namespace_and_labels() -> None:
    raw = example_workload()
    others = [budget(maxUnavailable=1), job(labels={"app": "web"}), autoscaler(2, 5), node("n1", zone="a")]
    around = surroundings_of(raw, others)
    found = ([each.name for each in around.budgets], around.overlaps, around.floor(read_workload(raw)))
    assert found == (["web"], ("Job job",), 2)
