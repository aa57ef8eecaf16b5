"""How far a long run is, on standard error where that is a terminal; it is gone when the report is written."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from threading import Timer
from typing import TypeVar

PATIENCE_SECONDS = 1.0
"""What is done sooner shows nothing."""

T = TypeVar("T")


def watched(items: Iterable[T], label: str, *, total: int | None = None) -> Iterator[T]:
    """Go through the items, and show how many of them are done.

    Args:
        items: what is gone through.
        label: what is done with them, in a word.
        total: how many there are, if that is known.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console  # noqa: PLC0415  # only a terminal has use for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415  # the same

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
    task = bar.add_task(label, total=total)
    timer = Timer(PATIENCE_SECONDS, bar.start)
    timer.start()
    try:
        for item in items:
            yield item
            bar.advance(task)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
