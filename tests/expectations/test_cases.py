"""Each example file says what is found, and what the repair makes of it."""

from __future__ import annotations

import pytest

from productionpolicy.verdict import Inputs, Outcome, Plan, Verdict, audit, plan
from support.examples import Example, as_documents, examples
from support.manifests import Raw
from support.server import defaulted, patched

EXAMPLES = examples()
FAILING = [each for each in EXAMPLES if each.fails]


def verdict(inputs: Inputs, name: str) -> Verdict:
    return next(each for each in audit(inputs) if each.expectation == name)


def repairs(example: Example, planned: Plan) -> list[str]:
    return [each.expectation for each in planned.changes if each.expectation == example.expectation.name]


def objects_after(planned: Plan, inputs: Inputs, raw: Raw) -> list[Raw]:
    """Return the workload with the plan's patch, and the objects that the plan asks for."""
    after = [patched(raw, planned.patch)]
    wanted = (each.wanted for each in planned.objects if each.wanted)
    return [*after, *(each.manifest(inputs.workload, policy="default") for each in wanted)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_an_example_is_judged_as_its_file_says(example: Example) -> None:
    found = verdict(example.inputs(example.workload), example.expectation.name)
    expected = example.expected.get("outcome", Outcome.FAILED if example.fails else Outcome.PASSED)
    assert (found.outcome, as_documents(found.findings)) == (expected, example.expected.get("findings", []))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_a_file_is_judged_as_the_object_that_the_server_makes_of_it(example: Example) -> None:
    name = example.expectation.name
    offline, live = example.inputs(example.workload), example.inputs(defaulted(example.workload))
    assert verdict(offline, name) == verdict(live, name)
    assert plan(offline) == plan(live)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_an_example_is_repaired_as_its_file_says(example: Example) -> None:
    inputs = example.inputs(example.workload)
    planned = plan(inputs)
    if example.repaired is None:
        assert repairs(example, planned) == []
    else:
        assert objects_after(planned, inputs, example.workload) == example.repaired


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_what_is_left_to_a_person_is_left_for_the_reason_in_the_file(example: Example) -> None:
    refusals = plan(example.inputs(example.workload)).refusals
    assert refusals.get(example.expectation.name) == example.expected.get("refusal")


@pytest.mark.parametrize("example", [each for each in FAILING if each.repaired], ids=lambda each: each.name)
def test_a_repaired_example_passes_and_needs_nothing_more(example: Example) -> None:
    before = defaulted(example.workload)
    planned = plan(example.inputs(before))
    after, *budgets = objects_after(planned, example.inputs(before), before)
    inputs = example.inputs(after, *budgets)
    assert verdict(inputs, example.expectation.name).outcome is Outcome.PASSED
    assert plan(inputs).empty
