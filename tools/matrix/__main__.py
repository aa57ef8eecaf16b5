"""`python -m matrix`: whatever an owner does next to a repaired workload, the owner wins.

Every writer makes every change to a workload that was repaired, in the background or at admission, and to a baseline
that was not. Where the baseline succeeds, the owner has won if, with the repairs,

1. the command succeeds, and says nothing that it does not say of the baseline;
2. what the owner wrote is live, and all else is as on the baseline, less what we repair;
3. no more rollouts follow than the baseline has (one more where the change takes a repair away);
4. the writer calls it in sync, where it asks;
5. the status of the policy comes to rest, with the verdict that `check` gives of the live objects, and nothing moves.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from control_plane.installation import REPOSITORY
from control_plane.session import carry_out, say
from helm.programs import HELM_3, HELM_4
from matrix.changes import CHANGES
from matrix.run import Way
from matrix.runner import Cell, Unit, all_units, results
from matrix.tables import Matrix
from matrix.testbed import running_testbed
from matrix.writers import WRITERS
from pages.marks import Place

PLACE = Place(REPOSITORY / "docs" / "owner-always-wins.md", "make matrix")
TITLES = {
    Way.ADMISSION: "Repaired at admission",
    Way.BACKGROUND: "Repaired in the background, with the admission policy installed afterwards",
}
UNITS_PER_LINE = 20
UNGUARDED = "Repaired in the background, on a server without the admission policy"


def _run(folder: Path, options: argparse.Namespace) -> int:
    matrices = _matrices(folder, [each for each in all_units() if _chosen(each, options)])
    for each in matrices:
        each.show()
    if options.write:
        PLACE.write(line for each in matrices for line in each.markdown())
    return int(any(cell.lost for each in matrices for cell in each.cells))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m matrix", description="Let every writer make every change, and see that the owner wins."
    )
    parser.add_argument("--write", action="store_true", help=f"write the tables to docs/{PLACE.page.name}")
    parser.add_argument("--writer", action="append", choices=[each.title for each in WRITERS], help="only this column")
    parser.add_argument("--change", action="append", choices=[each.name for each in CHANGES], help="only this row")
    return parser


def _chosen(unit: Unit, options: argparse.Namespace) -> bool:
    writers, changes = options.writer or [unit.writer.title], options.change or [unit.change.name]
    return unit.writer.title in writers and unit.change.name in changes


def _matrices(folder: Path, units: Sequence[Unit]) -> list[Matrix]:
    for each in (HELM_3, HELM_4):
        each.ensure()
    guarded = _cells(folder / "guarded", units, admits=True)
    unguarded = [Unit(each.writer, each.change, (Way.BACKGROUND,)) for each in units]
    return [
        *(Matrix(title, [each for each in guarded if each.way is way]) for way, title in TITLES.items()),
        Matrix(UNGUARDED, _cells(folder / "unguarded", unguarded, admits=False)),
    ]


def _cells(folder: Path, units: Sequence[Unit], *, admits: bool) -> list[Cell]:
    count = sum(len(each.ways) for each in units)
    say(f"{count} cells, {'with' if admits else 'without'} the admission policy")
    with running_testbed(folder, admits=admits) as testbed:
        return results(testbed, units, told=_progress(len(units)))


def _progress(total: int) -> Callable[[], None]:
    """Return what tells, now and then, how many units are done."""
    done = itertools.count(1)

    def told() -> None:
        number = next(done)
        if number % UNITS_PER_LINE == 0:
            say(f"{number} of {total} pairs of a writer and a change")

    return told


if __name__ == "__main__":
    carry_out(_parser(), _run)
