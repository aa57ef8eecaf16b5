"""The judgement of a cell of the matrix sees whatever an owner could hold against us."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from matrix.changes import CHANGES
from matrix.judgement import complaints
from matrix.manifests import base, deployment
from matrix.run import Observation, Sight
from matrix.writers import difference

CHANGE = CHANGES[0]
SPEC = deployment(base())["spec"]
REPAIRED: dict[str, Any] = {
    **SPEC,
    "template": {**SPEC["template"], "spec": {**SPEC["template"]["spec"], "terminationGracePeriodSeconds": 40}},
}
SIGHT = Sight(
    spec=SPEC,
    notes={},
    managers=frozenset(),
    rollouts=1,
    budgets=(),
    tracked=False,
    counts={},
    violated=frozenset(),
    checked=frozenset(),
)
BASELINE = Observation(base(), sight=SIGHT)
STANDS = replace(SIGHT, spec=REPAIRED, budgets=("web-deployment-productionpolicy",), counts={"total": 1})
CELL = Observation(base(), sight=STANDS)


def found(cell: Observation, *, later: Sight | None = STANDS) -> list[str]:
    return list(complaints(CHANGE, cell=cell, baseline=BASELINE, later=later))


def sighted(**fields: Any) -> Observation:
    return replace(CELL, sight=replace(STANDS, **fields))


def test_a_repair_beside_what_the_owner_wrote_is_no_complaint() -> None:
    assert found(CELL) == []


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        (replace(CELL, refused="may not specify more than 1 handler type"), "refused: a hook of another kind"),
        (replace(CELL, unsettled="{'failed': 1}"), "not settled: {'failed': 1}"),
        (replace(CELL, said=("Warning: alarming",)), "says: Warning: alarming"),
        (replace(CELL, rollouts=1), "1 rollouts, not 0"),
        (replace(CELL, difference="-a +b"), "out of sync: -a +b"),
        (sighted(spec={**REPAIRED, "replicas": 9}), "the owner wrote .replicas: 4, but it is 9"),
        (sighted(spec={**REPAIRED, "paused": True}), ".paused is True, not None"),
        (sighted(managers=frozenset({"productionpolicy"})), "we own fields"),
        (sighted(violated=frozenset({"preStop"})), "the status tells ['preStop'], check []"),
        (sighted(budgets=()), "budgets: none"),
        (sighted(tracked=True), "our budget carries the writer's marks"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_it_is_seen(cell: Observation, complaint: str) -> None:
    assert found(cell, later=cell.sight)[0].startswith(complaint)


def test_a_second_change_of_ours_is_seen() -> None:
    assert found(CELL, later=replace(STANDS, rollouts=2)) == ["it changed again: rollouts: 2"]


def test_a_patch_holds_what_has_changed() -> None:
    before = {"a": 1, "b": {"c": 2}, "containers": [{"name": "x", "image": "1"}, {"name": "y"}]}
    after = {"b": {"c": 3}, "containers": [{"name": "x", "image": "2"}]}
    containers = [{"name": "x", "image": "2"}, {"name": "y", "$patch": "delete"}]
    assert difference(before, after) == {"a": None, "b": {"c": 3}, "containers": containers}
