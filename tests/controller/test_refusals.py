"""What the API server refuses is told, and not tried again at once."""

from __future__ import annotations

from productionpolicy.controller.cluster import Forbidden
from productionpolicy.controller.records import FIRST_PAUSE_SECONDS
from productionpolicy.controller.resources import DEPLOYMENTS
from support.stage import Stage, holds_fields


async def test_a_forbidden_release_of_fields_is_told_and_waits() -> None:
    stage = Stage()
    await stage.look()
    stage.store.observe(DEPLOYMENTS, holds_fields())
    stage.written.refusal = Forbidden("the webhook says no")
    await stage.look()
    assert stage.told.reasons[-1] == "RepairRefused"
    await stage.look()
    assert stage.written.releases == 1
    stage.seconds += FIRST_PAUSE_SECONDS + 1
    stage.written.refusal = None
    await stage.look()
    assert stage.written.releases == 2
