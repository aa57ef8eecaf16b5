"""While workloads are judged anew no status is written, but not for ever: namespaces may come and go all the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from productionpolicy.controller.admission import Admission
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.policies import LONGEST_HOLD_SECONDS, Keeper
from productionpolicy.controller.resources import POLICIES
from support.stage import Stage


@dataclass
class Server:
    """Takes statuses, and knows no admission policy."""

    written: list[str] = field(default_factory=list)

    async def set_status(self, policy: str, _status: Any) -> None:
        self.written.append(policy)


@dataclass
class Moment:
    """What time it is, in seconds."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def keeper(server: Server, moment: Moment) -> Keeper:
    stage, cluster = Stage(), cast("Cluster", server)
    metadata = {"name": "default", "generation": 1, "resourceVersion": "1"}
    stage.store.observe(POLICIES, {"metadata": metadata, "spec": {}})
    admission = Admission(cluster, learned=lambda: None)
    keeper = Keeper(
        stage.store, cluster, stage.reconciler, admission, cast("Any", stage.told), clock=Clock(monotonic=moment)
    )
    stage.reconciler.changed.add("default")
    return keeper


async def test_a_status_waits_for_what_is_judged_anew(keeper: Keeper, server: Server) -> None:
    with keeper.holding():
        await keeper.look()
        assert server.written == []
    await keeper.look()
    assert server.written == ["default"]


async def test_a_status_does_not_wait_for_ever(keeper: Keeper, server: Server, moment: Moment) -> None:
    with keeper.holding():
        await keeper.look()
        moment.seconds += LONGEST_HOLD_SECONDS
        await keeper.look()
    assert server.written == ["default"]


async def test_the_wait_begins_anew_with_the_next_change(keeper: Keeper, server: Server, moment: Moment) -> None:
    await keeper.look()
    moment.seconds += LONGEST_HOLD_SECONDS
    keeper.reconciler.changed.add("default")
    with keeper.holding():
        await keeper.look()
    assert server.written == ["default"]
