"""What the simulator says of a drain is what happens on a real control plane. `make drains` plays more clusters."""

from __future__ import annotations

from pathlib import Path

from drains.bed import running_bed
from drains.comparison import Compared
from drains.runner import results
from drains.tables import holds, told

SEED = 1
CLUSTERS = (1, 2, 3, 4, 5, 6, 8)
"""Those of the first ones that are small."""

BY_KUBECTL = 1
"""The one whose nodes kubectl drains."""


async def test_nothing_happens_that_was_not_predicted(tmp_path: Path) -> None:
    found: list[Compared] = []
    async with running_bed(tmp_path) as bed:
        async for each in results(bed, SEED, CLUSTERS, kubectl=lambda number: number == BY_KUBECTL):
            found.append(each)  # noqa: PERF401  # what was found is told also if a later cluster fails
    assert holds(found), "\n".join(told(found))
    assert sum(each.drained for each in found) > 0
    assert sum(each.nodes - each.drained for each in found) > 0
    assert sum(each.dark for each in found) > 0
