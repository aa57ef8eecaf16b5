"""Scenarios one after another, each against its baseline."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from chaos.picture import Picture
from chaos.run import STILL_SECONDS, Result, Run, wrong_baseline
from chaos.scenarios import CALM, GOVERNED, Scenario
from chaos.testbed import Testbed
from control_plane.patience import insist

Tell = Callable[[str], None]


@dataclass(slots=True)
class Row:
    """What came of a fault, over all of its rounds."""

    fault: str
    tried: int = 0
    struck: int = 0
    """How often the fault hit something: kills, failed requests, expired watches."""
    lost: list[str] = field(default_factory=list)
    extra_rollouts: int = 0
    ended: int = 0
    """How often the operator ended by itself, and was started again."""
    longest_seconds: float = 0.0

    def add(self, result: Result, *, struck: int, ended: int) -> None:
        """Count a round."""
        self.tried += 1
        self.struck += struck
        self.ended += ended
        self.lost += result.lost
        self.extra_rollouts += result.extra_rollouts
        self.longest_seconds = max(self.longest_seconds, result.seconds)

    @property
    def harmless(self) -> bool:
        """Whether nothing was lost and nothing restarted."""
        return not self.lost and not self.extra_rollouts


def results(
    testbed: Testbed,
    scenarios: Sequence[Scenario],
    *,
    seed: int,
    tell: Tell,
    keep: Callable[[Row], None] = lambda _: None,
) -> list[Row]:
    """Run all scenarios, the baselines first, and return a row for each; each is kept as soon as it is whole."""
    numbers = itertools.count(1)
    _run_baselines(testbed, {each.act for each in scenarios}, numbers, tell)
    rows = []
    for scenario in scenarios:
        row = Row(scenario.name)
        rows.append(row)
        for turn in range(1, scenario.rounds + 1):
            _run(testbed, scenario, row, Run(testbed, f"chaos-{next(numbers)}"), Random(f"{seed} {row.fault} {turn}"))
            tell(_told(row, rounds=scenario.rounds))
        keep(row)
    return rows


def _run_baselines(testbed: Testbed, acts: set[str], numbers: Iterator[int], tell: Tell) -> None:
    """Run without faults, to know what is to come out; the first start of everything is not taken for the measure."""
    for act in (GOVERNED, *sorted(acts - {GOVERNED})):
        run = Run(testbed, f"chaos-{next(numbers)}")
        run.prepare()
        if CALM[act].governed_before:
            _let_converge(run)
        started = time.monotonic()
        CALM[act].strike(run, Random(0))
        testbed.calm[act] = run.come_to_rest()
        if act == GOVERNED:
            testbed.span_seconds = time.monotonic() - started - STILL_SECONDS
            _insist_on_one_change(testbed.calm[act], run)
        tell(f"{CALM[act].name}: {time.monotonic() - started:.0f} s")
        run.end()


def _run(testbed: Testbed, scenario: Scenario, row: Row, run: Run, random: Random) -> None:
    run.prepare()
    if scenario.governed_before:
        _let_converge(run)
    before = len(testbed.operator.ended)
    struck = scenario.strike(run, random)
    result = run.end_as(testbed.calm[scenario.act])
    row.add(result, struck=struck, ended=len(testbed.operator.ended) - before)
    run.end()


def _let_converge(run: Run) -> None:
    run.govern()
    run.end_as(run.testbed.calm[GOVERNED])


def _insist_on_one_change(calm: Picture, run: Run) -> None:
    wrong = wrong_baseline(calm, run.objects)
    insist(not wrong, "; ".join(wrong))


def _told(row: Row, *, rounds: int) -> str:
    harm = "" if row.harmless else f", LOST {len(row.lost)}, {row.extra_rollouts} extra rollouts: {row.lost[:5]}"
    return f"{row.fault}: {row.tried} of {rounds}, struck {row.struck}, {row.longest_seconds:.0f} s{harm}"
