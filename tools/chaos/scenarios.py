"""The faults: each strikes while workloads are being repaired, and is over when its function returns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random

from chaos.clocked import OFFSET_FILE
from chaos.run import Run
from chaos.testbed import NOT_NOW, Testbed
from control_plane.installation import SERVICE_ACCOUNT, apply
from control_plane.patience import NeverHappened, eventually
from faults.proxy import Storm
from productionpolicy.kube.identity import GROUP, PLURAL

KILLS_A_ROUND = 10
DAY_SECONDS = 86_400
STORM_SECONDS = 15.0
TAKEN_AWAY_SECONDS = 12.0
FROZEN_SECONDS = 20.0
KIND = f"{PLURAL}.{GROUP}"
WRITING = {"create", "patch", "update", "delete"}

Strike = Callable[[Run, Random], int]
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


def _killed(run: Run, random: Random) -> int:
    run.govern()
    for _ in range(KILLS_A_ROUND):
        run.testbed.moment(random)
        run.testbed.operator.kill()
    return KILLS_A_ROUND


def _server_away(run: Run, random: Random, *, kill: bool, times: int = 2) -> int:
    run.govern()
    plane = run.testbed.plane
    for _ in range(times):
        run.testbed.moment(random)
        plane.stop_apiserver(kill=kill)
        time.sleep(random.uniform(0, 5))
        plane.start_apiserver()
    return times


def _compacted(run: Run, random: Random) -> int:
    """Make the operator's watches too old: they are away, much is changed and forgotten, and the cache is a new one."""
    testbed, before = run.testbed, run.testbed.proxy.expired
    with testbed.proxy.without_watches():
        run.change()
        testbed.moment(random)
        _compact(testbed)
        testbed.plane.stop_apiserver()
        testbed.plane.start_apiserver()
    with suppress(NeverHappened):
        eventually(lambda: testbed.proxy.expired > before, within=60)
    return testbed.proxy.expired - before


def _compact(testbed: Testbed) -> None:
    """Let etcd forget all but the present."""
    version = testbed.send("GET", "/api/v1/nodes?limit=1")["metadata"]["resourceVersion"]
    testbed.plane.compact_store(int(version))


def _cut(run: Run, random: Random, *, times: int = 3) -> int:
    run.govern()
    for _ in range(times):
        run.testbed.moment(random)
        with run.testbed.wire.cut():
            time.sleep(random.uniform(1, 8))
    return times


def _slowed(run: Run, random: Random) -> int:
    with run.testbed.wire.slowed(random.uniform(0.3, 0.8)):
        run.govern()
        time.sleep(2 * run.testbed.span_seconds)
    return 1


def _half_open(run: Run, random: Random) -> int:
    run.govern()
    run.testbed.moment(random)
    return 1 if run.testbed.wire.leave_half_open() else 0


def _stormed(run: Run, random: Random, *, statuses: Sequence[int], share: float) -> int:
    with run.testbed.proxy.storming(Storm(random, statuses, share=share)) as storm:
        run.govern()
        time.sleep(STORM_SECONDS)
    return storm.seen


def _without_rights(run: Run, random: Random) -> int:
    run.govern()
    run.testbed.moment(random)
    run.testbed.delete("clusterrolebinding", SERVICE_ACCOUNT)
    run.testbed.wire.break_all()  # what is open would go on for minutes
    time.sleep(TAKEN_AWAY_SECONDS)
    apply(run.testbed.plane)
    return 1


def _without_rights_to_write(run: Run, random: Random) -> int:
    testbed = run.testbed
    rules = testbed.get("clusterrole", SERVICE_ACCOUNT)["rules"]
    harmless = [{**each, "verbs": [verb for verb in each["verbs"] if verb not in WRITING]} for each in rules]
    run.govern()
    testbed.moment(random)
    testbed.merge("clusterrole", SERVICE_ACCOUNT, {"rules": [each for each in harmless if each["verbs"]]})
    time.sleep(TAKEN_AWAY_SECONDS)
    apply(testbed.plane)
    return 1


def _without_kind(run: Run, random: Random) -> int:
    """Take the kind away, and all policies with it; then bring both back."""
    testbed = run.testbed
    run.govern()
    testbed.moment(random)
    testbed.kubectl("delete", "crd", KIND)
    time.sleep(random.uniform(0, 6))
    apply(testbed.plane)
    time.sleep(random.uniform(0, 6))
    eventually(lambda: testbed.policy(run.name), not_now=NOT_NOW)
    return 1


def _clock_set(run: Run, random: Random) -> int:
    """Have the operator run by a clock that is set back and forth."""
    testbed, offset = run.testbed, run.testbed.folder / "offset"
    offset.write_text("0")
    testbed.operator.rest()
    program = (sys.executable, "-m", "chaos.clocked", "run")
    with testbed.another_operator("clocked", program=program, environment={OFFSET_FILE: str(offset)}):
        run.govern()
        for sign in (1, -1, 1, -1, 0):
            testbed.moment(random)
            offset.write_text(str(sign * random.randint(1, 4000) * DAY_SECONDS))
        time.sleep(testbed.span_seconds)
    testbed.operator.wake()
    return 5


def _frozen(run: Run, random: Random) -> int:
    run.govern()
    run.testbed.moment(random)
    run.testbed.operator.freeze()
    time.sleep(FROZEN_SECONDS)
    run.testbed.operator.thaw()
    return 1


def _twice(run: Run, random: Random) -> int:
    """Let a second operator work beside the first from before the start until after the end, and die in between."""
    with run.testbed.another_operator("second") as second:
        run.govern()
        run.testbed.moment(random)
        second.kill()
        time.sleep(2 * run.testbed.span_seconds)
    return 1


def _down(run: Run, random: Random) -> int:
    """Change things while no operator runs."""
    run.testbed.operator.rest()
    run.change()
    run.testbed.moment(random)
    run.testbed.operator.wake()
    return 1


def _unwatched(run: Run, random: Random) -> int:
    """Change things while every watch is broken and none can be opened; what is asked beside is answered."""
    with run.testbed.proxy.without_watches():
        run.change()
        run.testbed.moment(random)
    return 1


def _calm(run: Run, _: Random) -> int:
    run.govern()
    return 0


def _calm_change(run: Run, _: Random) -> int:
    run.change()
    return 0


CALM = {
    GOVERNED: Scenario("nothing: the baseline", _calm),
    CHANGED: Scenario("nothing: the baseline of changes", _calm_change, act=CHANGED, governed_before=True),
}

SCENARIOS = (
    Scenario("network path cut", _cut, rounds=2),
    Scenario("network path slowed", _slowed),
    Scenario("connections half-open", _half_open),
    Scenario("429 storm", partial(_stormed, statuses=(429,), share=0.6)),
    Scenario("5xx storm", partial(_stormed, statuses=(500, 502, 503, 504), share=0.5), rounds=2),
    Scenario("rights taken away and given back", _without_rights),
    Scenario("rights to write taken away and given back", _without_rights_to_write),
    Scenario("CustomResourceDefinition deleted and re-created", _without_kind, rounds=2),
    Scenario("clock set, by up to 11 years, back and forth", _clock_set),
    Scenario("operator frozen for 20 s", _frozen),
    Scenario("two operators at once", _twice),
    Scenario("changes while the operator is down", _down, act=CHANGED, governed_before=True),
    Scenario("changes while its watches are broken", _unwatched, act=CHANGED, governed_before=True),
    Scenario("watches too old (410): etcd compacted", _compacted, act=CHANGED, governed_before=True),
    Scenario("API server restarted", partial(_server_away, kill=False), rounds=2),
    Scenario("API server killed (SIGKILL)", partial(_server_away, kill=True), rounds=2),
    Scenario("operator killed (SIGKILL)", _killed, rounds=5),
)
