"""The pages of the expectations in the terminal."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from productionpolicy.cli.main import main
from productionpolicy.expectations import EXPECTATIONS, Expectation


def explain(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["explain", *arguments])
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda each: each.name)
def test_a_page(expectation: Expectation) -> None:  # type: ignore[type-arg]  # its parameters do not matter here
    told = explain(expectation.name)
    page, _, rest = told.partition("\n\n## In reports\n")
    assert page == f"# {expectation.name}\n\n{expectation.page.rstrip()}"
    assert rest.startswith(f"Severity {expectation.severity}, category {expectation.category}.")
    assert ("heuristic" in rest.partition("\n")[0]) == expectation.heuristic
    fields = re.findall(r"^- `(\w+)` \(", told, re.MULTILINE)
    assert fields == list(expectation.parameters.__struct_encode_fields__)


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda each: each.name)
def test_what_is_built_in(expectation: Expectation) -> None:  # type: ignore[type-arg]  # the same
    entries = {each for names in expectation.parameters.built_in.values() for each in names}
    told = explain(expectation.name).partition("## Built in\n")[2]
    assert entries <= set(re.findall(r"`([^`]+)`", told))
    assert bool(entries) == bool(told)


def test_a_field_that_is_a_number_or_a_percentage() -> None:
    assert "- `maxUnavailable` (a number or a percentage): " in explain("podDisruptionBudget")


def test_the_list() -> None:
    _, *rows = (line.split(maxsplit=3) for line in explain().splitlines())
    expected = [[each.name, str(each.production), str(each.development), each.title] for each in EXPECTATIONS]
    assert rows == expected


def test_a_name_that_is_none() -> None:
    result = CliRunner().invoke(main, ["explain", "none"])
    assert result.exit_code == 2
    assert "there is no expectation 'none': `productionpolicy explain` lists all of them." in result.stderr


def test_what_was_meant() -> None:
    assert explain("prestop").startswith("# preStop\n")
    result = CliRunner().invoke(main, ["explain", "preStopp"])
    assert "there is no expectation 'preStopp': did you mean preStop?" in result.stderr
