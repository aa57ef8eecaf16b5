"""A budget of ours that allows no eviction is withdrawn, but not for a moment's mistake of its controller."""

from __future__ import annotations

from productionpolicy.controller.writer import TRANSIENT_SECONDS
from support.harness import Harness

FAILED = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}


async def test_a_mistake_that_passes_changes_nothing() -> None:
    harness = Harness()
    await harness.reconcile()
    harness.observe_budget(FAILED)
    await harness.reconcile()
    assert len(harness.later) == 1
    harness.observe_budget()
    await harness.reconcile()
    harness.seconds += TRANSIENT_SECONDS + 1
    harness.observe_budget(FAILED)
    await harness.reconcile()
    assert harness.written.deleted == []


async def test_what_lasts_is_withdrawn() -> None:
    harness = Harness()
    await harness.reconcile()
    harness.observe_budget(FAILED)
    await harness.reconcile()
    harness.seconds += harness.later[-1]
    await harness.reconcile()
    assert harness.written.deleted == ["web-deployment-productionpolicy"]
