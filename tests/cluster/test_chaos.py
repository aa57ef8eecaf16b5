"""Some of what `make chaos` does to the operator: nothing is lost, and nothing restarts twice."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.runner import results
from chaos.scenarios import SCENARIOS, Scenario
from chaos.testbed import running_testbed

SEED = 1
KILLED = "operator killed (SIGKILL)"
SLICE = (KILLED, "5xx storm", "rights to write taken away and given back")
"""Those that say most in two minutes."""


def chosen(*names: str) -> list[Scenario]:
    return [replace(each, rounds=1) for each in SCENARIOS if each.name in names]


def test_the_slice_names_faults_that_there_are() -> None:
    assert {each.name for each in chosen(*SLICE)} == set(SLICE)


@pytest.mark.parametrize(
    "names", [pytest.param((KILLED,), marks=pytest.mark.slow), pytest.param(SLICE, marks=pytest.mark.exhaustive)]
)
def test_after_a_fault_all_is_as_without_it(tmp_path: Path, names: tuple[str, ...]) -> None:
    with running_testbed(tmp_path) as testbed:
        rows = results(testbed, chosen(*names), seed=SEED, tell=logging.getLogger(__name__).info)
    assert {each.fault: each.lost for each in rows} == {name: [] for name in names}
    assert {each.fault: each.extra_rollouts for each in rows} == dict.fromkeys(names, 0)
    assert [each.fault for each in rows if not each.struck] == []
