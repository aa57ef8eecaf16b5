"""`python -m chaos`: whatever fails around the operator, in the end all is as if nothing had failed.

Each fault strikes, at random moments, while some thirty workloads of many shapes are repaired on a real control plane.
When it is over, everything must become as on a baseline, which met no fault: the workloads with our notes on them, the
disruption budgets, and the status of the policy. No pod template may have changed more often than on the baseline, and
all must still be so after the operator has done other work.
"""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from chaos import tables
from chaos.runner import Row, results
from chaos.scenarios import SCENARIOS
from chaos.testbed import running_testbed
from control_plane.installation import REPOSITORY
from control_plane.session import carry_out, say
from pages.marks import Place

PLACE = Place(REPOSITORY / "docs" / "reliability.md", "make chaos")


def _run(folder: Path, options: argparse.Namespace) -> int:
    say(f"seed {options.seed}; run the same again by: make chaos SEED={options.seed}")
    rows = _rows(folder, options)
    tables.show(rows)
    return int(not all(each.harmless for each in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description="Let everything fail around the operator.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="decides all that is random")
    parser.add_argument("--only", action="append", metavar="TEXT", help="only faults whose name holds this text")
    parser.add_argument("--write", action="store_true", help=f"write the table to docs/{PLACE.page.name}")
    return parser


def _rows(folder: Path, options: argparse.Namespace) -> list[Row]:
    def keep(row: Row) -> None:
        if options.write:
            tables.write(PLACE, row, seed=options.seed, order=[each.name for each in SCENARIOS])

    chosen = [each for each in SCENARIOS if any(text in each.name for text in options.only or [""])]
    with running_testbed(folder) as testbed:
        return results(testbed, chosen, seed=options.seed, tell=say, keep=keep)


if __name__ == "__main__":
    carry_out(_parser(), _run)
