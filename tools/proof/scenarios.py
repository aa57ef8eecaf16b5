"""What is done to the service while requests come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from proof.load import Load, Target
from proof.record import Drain, Foreseen, Record
from proof.testbed import REPLICAS, SYNC_SECONDS, Testbed

QUIET_SECONDS = 2.0
"""How long nothing is done at the beginning and at the end."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that happens to every service, sooner or later.

    Attributes:
        name: as in the result.
        act: does it, marks what it does, and returns how a drain ended that is compared with its prediction.
        seconds: how long the load lasts at least, so that before and after compare.
        predicted: whether the drain of the node with the most pods is predicted before it begins.
    """

    name: str
    act: Callable[[Testbed, Load], Drain | None]
    seconds: float
    predicted: bool = False


async def observed(
    scenario: Scenario, testbed: Testbed, *, targets: Mapping[str, Target], watch: Callable[[Load], None]
) -> Record:
    """Run a scenario under load and return what became of the requests.

    Args:
        scenario: what is done.
        testbed: to what.
        targets: where the requests go, by service.
        watch: is given the load once it begins, to tell how it goes.
    """
    predicted = await asyncio.to_thread(testbed.predicted_drain) if scenario.predicted else None
    await asyncio.sleep(SYNC_SECONDS)
    testbed.forget()
    load = Load(targets, testbed.sources)
    async with load.driving():
        watch(load)
        await asyncio.sleep(QUIET_SECONDS)
        happened = await asyncio.to_thread(scenario.act, testbed, load)  # the load goes on meanwhile
        await asyncio.to_thread(testbed.available)
        await asyncio.sleep(max(QUIET_SECONDS, scenario.seconds - load.seconds))
    await asyncio.to_thread(testbed.restore)
    return replace(load.record(), drain=Foreseen(predicted, happened) if predicted and happened else None)


def _rolling_update(testbed: Testbed, load: Load) -> None:
    load.mark("deploy")
    testbed.release()
    testbed.available()
    load.mark("deployed")


def _scale_down(testbed: Testbed, load: Load) -> None:
    load.mark(f"scale to {REPLICAS // 2}")
    testbed.scale(REPLICAS // 2)


def _drains(testbed: Testbed, load: Load, *, times: int) -> Drain:
    """Drain the node with the most pods so many times, and return how the last drain ended."""
    return [_drain(testbed.busiest_node(), testbed=testbed, load=load) for _ in range(times)][-1]


def _drain(node: str, *, testbed: Testbed, load: Load) -> Drain:
    load.mark(f"drain {node}")
    happened = testbed.drain(node)
    load.mark("drained")
    return happened


SCENARIOS = (
    Scenario("rolling update", _rolling_update, seconds=35),
    Scenario("scale-down", _scale_down, seconds=25),
    Scenario("two node drains", partial(_drains, times=2), seconds=50),
    Scenario("node drain", partial(_drains, times=1), seconds=50, predicted=True),
)
"""In this order the last drain meets every pod of all services on one node: they all fled there from the two before,
and nothing has moved them since."""
