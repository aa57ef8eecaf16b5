"""The name of an expectation as a command line argument, which ignores case and suggests similar names."""

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
        """Return a message that suggests a similar name, because a list of all names would be too long."""
        meant = similar(str(value), list(BY_NAME))
        advice = f"did you mean {meant}?" if meant else "`productionpolicy explain` lists all of them."
        return f"there is no expectation {value!r}: {advice}"
