"""All cells, several at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from matrix.changes import CHANGES, Change
from matrix.judgement import NOT_COUNTED, complaints, limit
from matrix.run import Observation, Run, Way
from matrix.testbed import Testbed
from matrix.writers import WRITERS, Writer

SLOTS = 6
REPAIRED = (Way.BACKGROUND, Way.ADMISSION)


@dataclass(frozen=True, slots=True)
class Unit:
    """A writer and a change, and the ways in which its workloads are repaired before."""

    writer: type[Writer]
    change: Change
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the tables."""

    writer: str
    change: str
    way: Way
    complaints: tuple[str, ...] = ()
    counted: bool = True
    limit: str = ""
    """Why the owner cannot win."""

    @property
    def won(self) -> bool:
        """Whether the owner has."""
        return self.counted and not self.complaints

    @property
    def lost(self) -> bool:
        """Whether the owner should have won, and has not."""
        return bool(self.complaints) and not self.limit

    def __str__(self) -> str:
        if not self.counted:
            return NOT_COUNTED
        return "; ".join((self.limit,) if self.limit and self.complaints else self.complaints) or "ok"


def all_units() -> Iterator[Unit]:
    """Yield every writer and change in every way."""
    return (Unit(writer, change, REPAIRED) for change in CHANGES for writer in WRITERS)


def pairs() -> Iterator[Unit]:
    """Yield every pair of a writer and a change once, so that each of both meets both ways, too."""
    for row, change in enumerate(CHANGES):
        for column, writer in enumerate(WRITERS):
            yield Unit(writer, change, (REPAIRED[(row + column) % len(REPAIRED)],))


def writers_once() -> Iterator[Unit]:
    """Yield every writer once, with changes from all over the list, so that each way has its turn."""
    for index, writer in enumerate(WRITERS):
        yield Unit(writer, CHANGES[index * len(CHANGES) // len(WRITERS)], (REPAIRED[index % len(REPAIRED)],))


def changes_once() -> Iterator[Unit]:
    """Yield every change once, so that each writer and each way has its turn."""
    for row, change in enumerate(CHANGES):
        yield Unit(WRITERS[row % len(WRITERS)], change, (REPAIRED[row // len(WRITERS) % len(REPAIRED)],))


@dataclass(slots=True)
class _Finished:
    unit: Unit
    baseline: Observation
    runs: list[Run]


@dataclass(slots=True)
class Slot:
    """Plays units one after another; each is looked at again after the next, with which the operator was busy."""

    testbed: Testbed
    cells: list[Cell]
    _policies: dict[Way, Iterator[str]] = field(default_factory=dict)
    _before: _Finished | None = None

    def run(self, unit: Unit) -> None:
        """Run a unit, then judge the one before."""
        baseline = Run(self.testbed, unit.writer, unit.change, Way.UNREPAIRED)
        runs = [Run(self.testbed, unit.writer, unit.change, way, policy=self._policy(way)) for way in unit.ways]
        with ThreadPoolExecutor() as pool:
            list(pool.map(Run.carry_out, (baseline, *runs)))
        baseline.end()
        assert baseline.observation is not None
        finished = _Finished(unit, baseline.observation, runs)
        if self._before is not None:
            self._judge(self._before)
        self._before = finished

    def _policy(self, way: Way) -> str:
        """Return one of the two policies of a way, which take turns."""
        if way not in self._policies:
            self._policies[way] = itertools.cycle([self.testbed.working_policy(), self.testbed.working_policy()])
        return next(self._policies[way])

    def _judge(self, finished: _Finished) -> None:
        for run in finished.runs:
            assert run.observation is not None
            writer, change = finished.unit.writer, finished.unit.change
            if finished.baseline.refused:
                self.cells.append(Cell(writer.title, change.name, run.way, counted=False))
            else:
                later = run.observe() if run.observation.sight else None
                found = complaints(change, cell=run.observation, baseline=finished.baseline, later=later)
                reason = limit(writer, change, admits=self.testbed.admits)
                self.cells.append(Cell(writer.title, change.name, run.way, tuple(found), limit=reason))
            run.end()


def results(
    testbed: Testbed,
    units: Iterable[Unit],
    *,
    slots: int = SLOTS,
    told: Callable[[], None] = lambda: None,
) -> list[Cell]:
    """Run all units and return their cells, in no order; `told` is called after each unit."""
    cells: list[Cell] = []
    rest = iter(list(units))

    def work(_: int) -> None:
        slot, last = Slot(testbed, cells), None
        for last in rest:
            slot.run(last)
            told()
        if last:
            slot.run(last)  # so that the last one is looked at again, too; this one is not judged

    with ThreadPoolExecutor(slots) as pool:
        try:
            list(pool.map(work, range(slots)))
        finally:
            list(rest)  # what has not begun when something fails does not begin
    return cells
