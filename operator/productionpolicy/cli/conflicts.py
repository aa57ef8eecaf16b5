"""Options that conflict. An option that would have no effect is refused, so that nobody relies on it."""

from __future__ import annotations

from collections.abc import Iterable

import click


def refuse(conflicts: Iterable[tuple[str, bool]]) -> None:
    """Refuse options that conflict.

    Args:
        conflicts: what to do about each conflict, and whether the options have it.

    Raises:
        UsageError: they have one; the message is that of the first.
    """
    wrong = next((message for message, conflict in conflicts if conflict), None)
    if wrong is not None:
        raise click.UsageError(wrong)
