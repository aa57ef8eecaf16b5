"""Commands that fail with a one-sentence message if their output cannot be written, or silently if a pipe is closed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
from click.exceptions import Exit


class CannotWrite(click.ClickException):
    """The output of a command cannot be written; the message gives the reason."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the message, unless standard error cannot be written either."""
        with suppress(OSError):
            super().show(file)


class ReportingCommand(click.Command):
    """A command that ends with exit code 2 and a one-sentence message if its output cannot be written."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Parse the arguments, including those that only print, such as --help."""
        with written_out():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and flush its output."""
        with written_out():
            return super().invoke(ctx)


@contextmanager
def written_out() -> Iterator[None]:
    """Turn a write error, such as a full disk, into a one-sentence message."""
    if sys.stdout is None:  # Python sets None if the descriptor was closed at the start
        raise CannotWrite("the output cannot be written: standard output is closed")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as error:  # its reader, such as head, has seen enough and needs no message
        _give_up(sys.stdout.fileno())
        raise Exit(CannotWrite.exit_code) from error
    except OSError as error:
        _give_up(sys.stdout.fileno())
        place = f"{error.filename}" if error.filename else "the output"
        raise CannotWrite(f"{place} cannot be written: {error.strerror}") from error


def _give_up(descriptor: int) -> None:
    """Discard the rest: Python flushes its buffers when it exits, and would report the same error again."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
