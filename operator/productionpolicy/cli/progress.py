"""A progress bar for long runs, on standard error if that is a terminal. It disappears before the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TypeVar

PATIENCE_SECONDS = 1.0
"""Shorter runs show no progress bar."""

T = TypeVar("T")


def watched(items: Iterable[T], label: str, *, total: int | None = None) -> Iterator[T]:
    """Return the items one by one, and show how many of them are done.

    Args:
        items: the items to process.
        label: what happens to them, in one word.
        total: how many there are, if known.
    """
    with counting(label, total=total) as count:
        for item in items:
            yield item
            count("", 1)


@contextmanager
def counting(label: str, *, total: int | None = None) -> Iterator[Callable[[str, int], None]]:
    """Show how much is done; return a function that takes what it is done with, if that matters, and how much more."""
    if not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console  # noqa: PLC0415  # only needed on a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415  # the same

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
    task = bar.add_task(label, total=total)

    def count(what: str, more: int) -> None:
        bar.update(task, advance=more, description=f"{label} {what}".strip())

    timer = Timer(PATIENCE_SECONDS, bar.start)
    timer.start()
    try:
        yield count
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def _nothing(_what: str, _more: int) -> None:
    """Show nothing."""
