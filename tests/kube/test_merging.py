"""The object after a patch of the operator, as `check --plan -o diff` shows it."""

from __future__ import annotations

import pytest

from productionpolicy.kube.merging import merged
from productionpolicy.verdict import plan
from support.examples import Example, examples
from support.policies import policy
from support.server import defaulted, patched

EVERYTHING = policy()


@pytest.mark.parametrize("example", examples(), ids=lambda each: each.name)
def test_it_is_what_the_api_server_makes_of_it(example: Example) -> None:
    before = defaulted(example.workload)
    patch = plan(example.inputs(before, governed_by=EVERYTHING)).patch
    assert merged(before, patch) == {**patched(before, patch), "metadata": merged(before, patch)["metadata"]}


def test_items_with_the_same_key_are_merged_and_deleted_ones_leave() -> None:
    constraints = [{"topologyKey": "zone", "maxSkew": 1}, {"topologyKey": "host", "maxSkew": 1}]
    patch = [{"$patch": "delete", "topologyKey": "zone"}, {"topologyKey": "rack", "maxSkew": 2}]
    after = merged({"topologySpreadConstraints": constraints}, {"topologySpreadConstraints": patch})
    assert after == {"topologySpreadConstraints": [constraints[1], patch[1]]}


def test_null_removes_a_field() -> None:
    assert merged({"metadata": {"annotations": {"a": "1", "b": "2"}}}, {"metadata": {"annotations": {"a": None}}}) == {
        "metadata": {"annotations": {"b": "2"}}
    }
