"""How much of the machine somebody else takes while we measure: without knowing that, no duration means anything."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

from control_plane.process import PROC, cpu_seconds

_IDLE = slice(3, 5)
"""idle and iowait, among the numbers of the line `cpu` in /proc/stat."""

_OF_GUESTS = 8
"""From here on the numbers are counted in others already."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was used between two moments, in seconds of CPU time."""

    seconds: float
    ours: float
    """By the processes that take part in the measurement."""
    others: float

    @property
    def others_share(self) -> float:
        """The share of the machine that others took."""
        return self.others / (self.seconds * (os.cpu_count() or 1))


class Meter:
    """Measures from when it is made."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)
        self._started = time.monotonic()
        self._busy, self._ours = _busy(), self._used()

    def read(self) -> Load:
        """Return what was used so far."""
        ours = self._used() - self._ours
        return Load(time.monotonic() - self._started, ours=ours, others=max(0.0, _busy() - self._busy - ours))

    def _used(self) -> float:
        return sum(map(cpu_seconds, self._pids))


def _busy() -> float:
    ticks = [int(each) for each in (PROC / "stat").read_text().partition("\n")[0].split()[1:]]
    return (sum(ticks[:_OF_GUESTS]) - sum(ticks[_IDLE])) / os.sysconf("SC_CLK_TCK")
