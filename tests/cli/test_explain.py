"""The pages of the expectations in the terminal."""

from __future__ import annotations

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
    assert explain(expectation.name) == f"# {expectation.name}\n\n{expectation.page}\n"


def test_the_list() -> None:
    _, *rows = (line.split(maxsplit=3) for line in explain().splitlines())
    expected = [[each.name, str(each.production), str(each.development), each.title] for each in EXPECTATIONS]
    assert rows == expected


def test_a_name_that_is_none() -> None:
    result = CliRunner().invoke(main, ["explain", "none"])
    assert result.exit_code == 2
    assert "'none' is not one of" in result.stderr
