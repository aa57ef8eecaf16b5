"""The name of an expectation as an argument: in any case, and with what was probably meant where there is none."""

from __future__ import annotations

from typing import Any

import click

from productionpolicy.expectations import BY_NAME
from productionpolicy.policy.faults import similar


class ExpectationName(click.Choice[str]):
    """The name of an expectation."""

    def __init__(self) -> None:
        super().__init__(list(BY_NAME), case_sensitive=False)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:  # noqa: ARG002  # click gives it
        """Say what was probably meant; all names would be a list in which nobody finds it."""
        meant = similar(str(value), list(BY_NAME))
        advice = f"did you mean {meant}?" if meant else "`productionpolicy explain` lists all."
        return f"there is no expectation {value!r}: {advice}"
