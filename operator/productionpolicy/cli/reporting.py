"""Commands whose output is all that they are for: a report that cannot be written is a failure, told in a sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click


class CannotWrite(click.ClickException):
    """What a command has to tell cannot be written; the message says why."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Say so, unless standard error cannot be written either."""
        with suppress(OSError):
            super().show(file)


class ReportingCommand(click.Command):
    """A command that ends with exit code 2 and one sentence when its output cannot be written."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Read the arguments, among them those that only print, such as --help."""
        with written_out():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with written_out():
            return super().invoke(ctx)


@contextmanager
def written_out() -> Iterator[None]:
    """Tell in a sentence that the output cannot be written, to a full disk or to a reader that has gone away."""
    if sys.stdout is None:  # Python's way to say that the descriptor was closed before the start
        raise CannotWrite("the output cannot be written: standard output is closed")
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        _give_up(sys.stdout.fileno())
        place = f"{error.filename}" if error.filename else "the output"
        raise CannotWrite(f"{place} cannot be written: {error.strerror}") from error


def _give_up(descriptor: int) -> None:
    """Let the rest go nowhere: Python writes what is left when it ends, and would report the same failure again."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
