"""The faults: each strikes while workloads are being repaired, and is over when its function returns."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from chaos.clocked import OFFSET_FILE
from chaos.run import Run
from chaos.testbed import Testbed, until
from control_plane.installation import SERVICE_ACCOUNT
from control_plane.patience import NeverHappened
from faults.proxy import Storm
from productionpolicy.kube.identity import GROUP, PLURAL

KILLS_A_ROUND = 10
DAY_SECONDS = 86_400
STORM_SECONDS = 15.0
TAKEN_AWAY_SECONDS = 12.0
FROZEN_SECONDS = 20.0
BINDING = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{SERVICE_ACCOUNT}"
ROLE = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{SERVICE_ACCOUNT}"
KIND = f"{PLURAL}.{GROUP}"
WRITING = {"create", "patch", "update", "delete"}

Strike = Callable[[Run, Random], Awaitable[int]]
"""Makes the fault happen, and returns how often it struck."""

GOVERNED, CHANGED = "governed", "changed"
"""What the owners do meanwhile, and by which the baseline is chosen."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault, and how often it is tried."""

    name: str
    strike: Strike
    rounds: int = 1
    act: str = GOVERNED
    governed_before: bool = False
    """Whether all has come to rest before, and it is the owners' changes that the fault meets."""


async def _killed(run: Run, random: Random) -> int:
    await run.govern()
    for _ in range(KILLS_A_ROUND):
        await run.testbed.moment(random)
        run.testbed.operator.kill()
    return KILLS_A_ROUND


async def _server_restarted(run: Run, random: Random) -> int:
    return await _server_away(run, random, kill=False)


async def _server_killed(run: Run, random: Random) -> int:
    return await _server_away(run, random, kill=True)


async def _server_away(run: Run, random: Random, *, kill: bool, times: int = 2) -> int:
    await run.govern()
    plane = run.testbed.plane
    for _ in range(times):
        await run.testbed.moment(random)
        await asyncio.to_thread(plane.stop_apiserver, kill=kill)
        await asyncio.sleep(random.uniform(0, 5))
        await asyncio.to_thread(plane.start_apiserver)
    return times


async def _compacted(run: Run, random: Random) -> int:
    """Make the operator's watches too old: they are away, much is changed and forgotten, and the cache is a new one."""
    testbed, before = run.testbed, run.testbed.proxy.expired
    with testbed.proxy.without_watches():
        await run.change()
        await testbed.moment(random)
        await _compact(testbed)
        await asyncio.to_thread(testbed.plane.restart_apiserver)
    with suppress(NeverHappened):
        await until(lambda: testbed.proxy.expired > before, seconds=60)
    return testbed.proxy.expired - before


async def _compact(testbed: Testbed) -> None:
    """Let etcd forget all but the present."""
    version = (await testbed.api.get("/api/v1/nodes?limit=1"))["metadata"]["resourceVersion"]
    await asyncio.to_thread(testbed.plane.compact_store, int(version))


async def _cut(run: Run, random: Random, *, times: int = 3) -> int:
    await run.govern()
    for _ in range(times):
        await run.testbed.moment(random)
        with run.testbed.wire.cut():
            await asyncio.sleep(random.uniform(1, 8))
    return times


async def _slowed(run: Run, random: Random) -> int:
    with run.testbed.wire.slowed(random.uniform(0.3, 0.8)):
        await run.govern()
        await asyncio.sleep(2 * run.testbed.span_seconds)
    return 1


async def _half_open(run: Run, random: Random) -> int:
    await run.govern()
    await run.testbed.moment(random)
    return 1 if run.testbed.wire.leave_half_open() else 0


async def _too_many(run: Run, random: Random) -> int:
    return await _stormed(run, Storm(random, (429,), share=0.6))


async def _unable(run: Run, random: Random) -> int:
    return await _stormed(run, Storm(random, (500, 502, 503, 504), share=0.5))


async def _stormed(run: Run, storm: Storm) -> int:
    with run.testbed.proxy.storming(storm):
        await run.govern()
        await asyncio.sleep(STORM_SECONDS)
    return storm.seen


async def _without_rights(run: Run, random: Random) -> int:
    await run.govern()
    await run.testbed.moment(random)
    await run.testbed.gone(BINDING)
    run.testbed.wire.break_all()  # what is open would go on for minutes
    await asyncio.sleep(TAKEN_AWAY_SECONDS)
    await run.testbed.install()
    return 1


async def _without_rights_to_write(run: Run, random: Random) -> int:
    testbed = run.testbed
    rules = (await testbed.api.get(ROLE))["rules"]
    harmless = [{**each, "verbs": [verb for verb in each["verbs"] if verb not in WRITING]} for each in rules]
    await run.govern()
    await testbed.moment(random)
    await testbed.api.merge(ROLE, {"rules": [each for each in harmless if each["verbs"]]})
    await asyncio.sleep(TAKEN_AWAY_SECONDS)
    await testbed.install()
    return 1


async def _without_kind(run: Run, random: Random) -> int:
    """Take the kind away, and all policies with it; then bring both back."""
    testbed = run.testbed
    await run.govern()
    await testbed.moment(random)
    await testbed.kubectl("delete", "crd", KIND)
    await asyncio.sleep(random.uniform(0, 6))
    await testbed.install()
    await asyncio.sleep(random.uniform(0, 6))
    await testbed.policy(run.name)
    return 1


async def _clock_set(run: Run, random: Random) -> int:
    """Have the operator run by a clock that is set back and forth."""
    testbed, offset = run.testbed, run.testbed.folder / "offset"
    offset.write_text("0")
    await testbed.operator.rest()
    program = (sys.executable, "-m", "chaos.clocked", "run")
    async with testbed.another_operator("clocked", program=program, environment={OFFSET_FILE: str(offset)}):
        await run.govern()
        for sign in (1, -1, 1, -1, 0):
            await testbed.moment(random)
            offset.write_text(str(sign * random.randint(1, 4000) * DAY_SECONDS))
        await asyncio.sleep(testbed.span_seconds)
    testbed.operator.wake()
    return 5


async def _frozen(run: Run, random: Random) -> int:
    await run.govern()
    await run.testbed.moment(random)
    run.testbed.operator.freeze()
    await asyncio.sleep(FROZEN_SECONDS)
    run.testbed.operator.thaw()
    return 1


async def _twice(run: Run, random: Random) -> int:
    """Let a second operator work beside the first from before the start until after the end, and die in between."""
    async with run.testbed.another_operator("second") as second:
        await run.govern()
        await run.testbed.moment(random)
        second.kill()
        await asyncio.sleep(2 * run.testbed.span_seconds)
    return 1


async def _down(run: Run, random: Random) -> int:
    """Change things while no operator runs."""
    await run.testbed.operator.rest()
    await run.change()
    await run.testbed.moment(random)
    run.testbed.operator.wake()
    return 1


async def _unwatched(run: Run, random: Random) -> int:
    """Change things while every watch is broken and none can be opened; what is asked beside is answered."""
    with run.testbed.proxy.without_watches():
        await run.change()
        await run.testbed.moment(random)
    return 1


async def _calm(run: Run, _: Random) -> int:
    await run.govern()
    return 0


async def _calm_change(run: Run, _: Random) -> int:
    await run.change()
    return 0


CALM = {
    GOVERNED: Scenario("nothing: the baseline", _calm),
    CHANGED: Scenario("nothing: the baseline of changes", _calm_change, act=CHANGED, governed_before=True),
}

SCENARIOS = (
    Scenario("network path cut", _cut, rounds=2),
    Scenario("network path slowed", _slowed),
    Scenario("connections half-open", _half_open),
    Scenario("429 storm", _too_many),
    Scenario("5xx storm", _unable, rounds=2),
    Scenario("rights taken away and given back", _without_rights),
    Scenario("rights to write taken away and given back", _without_rights_to_write),
    Scenario("CustomResourceDefinition deleted and re-created", _without_kind, rounds=2),
    Scenario("clock set, by up to 11 years, back and forth", _clock_set),
    Scenario("operator frozen for 20 s", _frozen),
    Scenario("two operators at once", _twice),
    Scenario("changes while the operator is down", _down, act=CHANGED, governed_before=True),
    Scenario("changes while its watches are broken", _unwatched, act=CHANGED, governed_before=True),
    Scenario("watches too old (410): etcd compacted", _compacted, act=CHANGED, governed_before=True),
    Scenario("API server restarted", _server_restarted, rounds=2),
    Scenario("API server killed (SIGKILL)", _server_killed, rounds=2),
    Scenario("operator killed (SIGKILL)", _killed, rounds=5),
)
