"""What the API server refuses is told, and not tried again at once."""

from __future__ import annotations

from productionpolicy.controller.cluster import Forbidden
from productionpolicy.controller.records import FIRST_PAUSE_SECONDS
from productionpolicy.controller.resources import DEPLOYMENTS
from support.harness import Harness, holds_fields


async def refused() -> Harness:
    """Return a workload of which the release of fields was just forbidden."""
    harness = Harness()
    await harness.reconcile()
    harness.store.observe(DEPLOYMENTS, holds_fields())
    harness.written.refusal = Forbidden("the webhook says no")
    await harness.reconcile()
    return harness


async def test_a_forbidden_release_of_fields_is_told_and_waits() -> None:
    harness = await refused()
    assert harness.told.reasons[-1] == "RepairRefused"
    await harness.reconcile()
    assert harness.written.releases == 1
    harness.seconds += FIRST_PAUSE_SECONDS + 1
    harness.written.refusal = None
    await harness.reconcile()
    assert harness.written.releases == 2


async def test_what_was_refused_is_tried_again_whatever_calls_for_the_workload_before() -> None:
    harness = await refused()
    harness.later.clear()  # the queue had a sooner appointment, and dropped this one
    await harness.reconcile()
    assert [0 < each <= FIRST_PAUSE_SECONDS + 1 for each in harness.later] == [True]
