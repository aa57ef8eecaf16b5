"""`python -m drains` drains random clusters, and compares what happens with what was predicted.

On a control plane with the real scheduler, disruption controller and eviction API, one random cluster after the other
is made: nodes, workloads, budgets. The simulator says what happens if its nodes are drained one after the other. Then
they are drained, and each statement is compared with what happened. The command fails if a node does not drain that was
said to, if a workload loses its last ready pod that was said to keep one, if more than 2% of the other statements are
wrong, or if it is unknown of more than 5% of the nodes whether they drain.

Each result is kept in .drains/. A run that was interrupted continues where it ended, unless the code has changed.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from control_plane.installation import REPOSITORY
from control_plane.patience import NeverHappened
from control_plane.plane import RequestFailed
from control_plane.session import carry_out, say
from drains import tables
from drains.bed import running_bed
from drains.comparison import Compared
from drains.generator import scenario
from drains.kept import FOLDER, Kept
from drains.runner import results
from pages.marks import Place

PLACE = Place(REPOSITORY / "docs" / "drain.md", "make drains")
CLUSTERS = 300
CLUSTERS_PER_LINE = 10


def _run(folder: Path, options: argparse.Namespace) -> int:
    say(f"seed {options.seed}; run the same again by: make drains SEED={options.seed} CLUSTERS={options.clusters}")
    if options.keep:
        return asyncio.run(_kept(folder, options))
    found = asyncio.run(_results(folder, options))
    tables.printed(found)
    if options.write:
        PLACE.write(tables.page_lines(found))
    return int(not tables.holds(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drains", description="Compare predictions with real drains.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="decides all that is random")
    parser.add_argument("--clusters", type=int, default=CLUSTERS, metavar="N", help=f"default: {CLUSTERS}")
    parser.add_argument("--cluster", type=int, metavar="K", help="only the cluster of this number")
    parser.add_argument("--again", action="store_true", help="play also the clusters whose results are kept")
    parser.add_argument("--keep", action="store_true", help="make the cluster, do not drain it, and wait until Ctrl+C")
    parser.add_argument("--write", action="store_true", help=f"write the table to docs/{PLACE.page.name}")
    return parser


async def _results(folder: Path, options: argparse.Namespace) -> list[Compared]:
    kept = Kept(FOLDER / f"{options.seed}.jsonl")
    numbers = range(options.clusters) if options.cluster is None else [options.cluster]
    found = [] if options.again or options.cluster is not None else kept.of(numbers)
    if found:
        say(f"{len(found)} clusters were played before; --again plays them again")
    known = {each.number for each in found}
    left = [each for each in numbers if each not in known]
    started, before = time.monotonic(), len(found)
    async for each in _played(folder, options.seed, left):
        kept.add(each)
        found.append(each)
        _progress(found, seconds=time.monotonic() - started, played=len(found) - before, of=len(numbers))
    return sorted(found, key=lambda each: each.number)


async def _played(folder: Path, seed: int, numbers: list[int]) -> AsyncIterator[Compared]:
    """Yield the results of clusters, on a new control plane after one on which a cluster does not come to rest.

    A cluster that comes to rest on neither is left out. For one, kube-scheduler can delete pods again and again for a
    pod with a higher priority that never gets their place, because their successors are faster.
    """
    failed = None
    while numbers:
        try:
            async with running_bed(folder / f"plane-{numbers[0]}") as bed:
                async for each in results(bed, seed, list(numbers), wrong=FOLDER / "wrong"):
                    yield each
                    numbers.remove(each.number)
        except (NeverHappened, RequestFailed) as failure:
            again = numbers[0] != failed
            failed = numbers[0]
            then = "once more, on a new control plane" if again else "left out"
            say(f"--seed {seed} --cluster {failed}: {failure}; {then}")
            if not again:
                numbers.pop(0)


def _progress(found: Sequence[Compared], *, seconds: float, played: int, of: int) -> None:
    """Tell of each difference at once, and now and then how far it is."""
    for line in tables.told(found[-1:]):
        say(line)
    if len(found) % CLUSTERS_PER_LINE == 0:
        wrong = sum(bool(each.differences) for each in found)
        left = (of - len(found)) * seconds / played / 60
        say(f"{len(found)} of {of} clusters, {seconds / played:.1f} s each, {left:.0f} min left, different: {wrong}")


async def _kept(folder: Path, options: argparse.Namespace) -> int:
    """Make a cluster and leave it to a person."""
    made = scenario(options.seed, options.cluster or 0)
    async with running_bed(folder / "plane") as bed:
        await bed.make(made)
        say(f"export KUBECONFIG={bed.plane.kubeconfig}")
        say(f"kubectl drain NODE {' '.join(made.flags.as_arguments())}, for {', '.join(made.order)} in this order")
        await asyncio.Event().wait()
    return 0


if __name__ == "__main__":
    carry_out(_parser(), _run)
