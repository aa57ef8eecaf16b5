"""A budget of ours that allows no eviction is withdrawn, but not for a moment's mistake of its controller."""

from __future__ import annotations

from productionpolicy.controller.writer import TRANSIENT_SECONDS
from support.stage import Stage

FAILED = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}


async def test_a_mistake_that_passes_changes_nothing() -> None:
    stage = Stage()
    await stage.look()
    stage.observe_budget(FAILED)
    await stage.look()
    assert len(stage.later) == 1
    stage.observe_budget()
    await stage.look()
    stage.seconds += TRANSIENT_SECONDS + 1
    stage.observe_budget(FAILED)
    await stage.look()
    assert stage.written.deleted == []


async def test_what_lasts_is_withdrawn() -> None:
    stage = Stage()
    await stage.look()
    stage.observe_budget(FAILED)
    await stage.look()
    stage.seconds += stage.later[-1]
    await stage.look()
    assert stage.written.deleted == ["web-deployment-productionpolicy"]
