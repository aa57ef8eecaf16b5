"""The operator at work on the same workloads: how long it takes, and what it uses then, at rest and after a restart."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from bench import workloads
from bench.client import Api, connected
from bench.field import POLICIES, Field, collection
from bench.load import Load, Meter
from control_plane import probe
from control_plane.credentials import ADMIN
from control_plane.operator_process import OperatorProcess
from control_plane.patience import eventually
from control_plane.session import say

WRITES = frozenset({"DELETE", "PATCH", "POST", "PUT"})
CALM_SECONDS = 5.0
"""Events are still posted for some seconds after the last repair."""

COMPILING = {"PYTHONDONTWRITEBYTECODE": ""}
LATE_POLL_SECONDS = 0.05
SECONDS_PER_WORKLOAD = 0.2
LEAST_SECONDS = 60.0
LATE = 10
"""How many Deployments change while the others converge."""

LATE_SECONDS_PER_WORKLOAD = 0.0003
"""How long to wait between two of them."""

LISTING_SECONDS = 30.0
"""How long after a restart everything is listed anew; by default it is 15 minutes."""

LISTED_SECONDS = 50.0
"""How long it is watched then: one listing falls into it, not two."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened from one moment to another."""

    seconds: float
    cpu_seconds: float
    """Of the operator."""
    load: Load
    """Of the machine."""
    requests: Counter[str]
    """The operator's, by verb, watches aside."""
    failures: Counter[str]
    """Answers that were no success, by HTTP status; 0 is none at all."""

    @property
    def writes(self) -> int:
        """How many of the requests write."""
        return sum(count for verb, count in self.requests.items() if verb in WRITES)


@dataclass(frozen=True, slots=True)
class Operated:
    """What was measured."""

    ready_seconds: float
    """From the start of the process until it called itself ready."""
    repair: Stretch
    """From the start of the process until the status told, exactly, that everything is repaired."""
    late_seconds: list[float]
    """From the change of each late Deployment until it was repaired, while others were still to be."""
    rest: Stretch
    change: Stretch
    """From a change of the policy until the status told, exactly, that everything is repaired again."""
    status_bytes: int
    rss_peak_bytes: int
    restart_seconds: float
    """From the start of a second process until it called itself ready."""
    restarted: Stretch
    """From then on, with one full listing in it."""

    @property
    def rest_share(self) -> float:
        """What share of a core it takes at rest."""
        return self.rest.cpu_seconds / self.rest.seconds

    @property
    def listing_cpu_seconds(self) -> float:
        """What a full listing costs."""
        return self.restarted.cpu_seconds - self.rest_share * self.restarted.seconds


class Watch:
    """Looks at an operator at work, from when it is made."""

    def __init__(self, field: Field, operator: OperatorProcess) -> None:
        self._operator = operator
        self._started, self._cpu_seconds = time.monotonic(), operator.cpu_seconds
        self._requests = self._read()
        self._meter = Meter([*field.plane.pids, os.getpid(), operator.pid])

    def read(self) -> Stretch:
        """Return what has happened so far."""
        requests = self._read() - self._requests
        return Stretch(
            seconds=time.monotonic() - self._started,
            cpu_seconds=self._operator.cpu_seconds - self._cpu_seconds,
            load=self._meter.read(),
            requests=_summed(requests, lambda verb, _: verb),
            failures=_summed(requests, lambda _, code: "" if code.startswith("2") else code),
        )

    def _read(self) -> Counter[tuple[str, str]]:
        """Return the requests by verb and HTTP status; none before it serves its metrics."""
        return _requests((probe.body(self._operator.port, "/metrics") or b"").decode())


async def operate(field: Field, *, rest_seconds: float) -> Operated:
    """Let the operator repair everything, watch it at rest, change the policy, and start it anew.

    Raises:
        NeverHappened: it did not come to that in time.
        NotExact: it came to something else.
    """
    await asyncio.to_thread(_compile)
    async with connected(field.plane.site, user=ADMIN) as api:
        paths = await _made_late(api)
        say("the operator repairs them")
        with _operator(field) as operator:
            watch = Watch(field, operator)
            await _ready(field, operator)
            ready = watch.read()
            late_seconds = await _changed_late(api, paths, pause=field.scale * LATE_SECONDS_PER_WORKLOAD)
            await _repaired(api, field)
            repair = watch.read()
            await field.inspect(changes=1)
            say("it is at rest")
            await asyncio.sleep(CALM_SECONDS)
            watch = Watch(field, operator)
            await asyncio.sleep(rest_seconds)
            rest = watch.read()
            say("the policy changes, and it repairs them anew")
            watch = Watch(field, operator)
            await api.merge(f"{POLICIES}/{workloads.POLICY}", {"spec": workloads.CHANGED})
            status = await _repaired(api, field, generation=2)
            change, peak = watch.read(), operator.rss_peak_bytes
            await asyncio.sleep(CALM_SECONDS)
            await asyncio.to_thread(operator.stop)
    say("it is started anew, and lists everything")
    restart, restarted = await _started_anew(field)
    return Operated(
        ready_seconds=ready.seconds,
        repair=repair,
        late_seconds=late_seconds,
        rest=rest,
        change=change,
        status_bytes=len(msgspec.json.encode(status)),
        rss_peak_bytes=peak,
        restart_seconds=restart.seconds,
        restarted=restarted,
    )


async def _started_anew(field: Field) -> tuple[Stretch, Stretch]:
    """Return what happened until another process was ready, and from then on."""
    with _operator(field, f"--listing-interval={LISTING_SECONDS}") as operator:
        watch = Watch(field, operator)
        await _ready(field, operator)
        restart, watch = watch.read(), Watch(field, operator)
        await asyncio.sleep(LISTED_SECONDS)
        restarted = watch.read()
        await asyncio.to_thread(operator.stop)
    return restart, restarted


def _operator(field: Field, *arguments: str) -> OperatorProcess:
    return OperatorProcess(
        field.kubeconfig, log=field.plane.log("operator"), environment=COMPILING, arguments=arguments
    )


async def _ready(field: Field, operator: OperatorProcess) -> None:
    await asyncio.to_thread(operator.wait_ready, timeout=_patience_seconds(field))


def _patience_seconds(field: Field) -> float:
    return LEAST_SECONDS + field.scale * SECONDS_PER_WORKLOAD


def _compile() -> None:
    """Let Python keep its bytecode, as it is in an image: otherwise the start takes a second longer."""
    subprocess.run(
        [sys.executable, "-c", "import productionpolicy.cli.run"], env={**os.environ, **COMPILING}, check=True
    )


async def _made_late(api: Api) -> list[str]:
    """Create the Deployments whose turn comes late; return where they are."""
    manifests = [workloads.late(f"app-{number}") for number in range(LATE)]
    for each in manifests:
        await api.create(collection(each), each)
    return [f"{collection(each)}/{each['metadata']['name']}" for each in manifests]


async def _changed_late(api: Api, paths: list[str], *, pause: float) -> list[float]:
    """Take the exemptions away from one after another; return how long each was waiting for its repair.

    What is changed when there are no others left to be repaired is not counted.
    """
    waited: list[float] = []
    for path in paths:
        seconds = await _wait_for_repair(api, path)
        if _others_wait(await _status(api)):
            waited.append(seconds)
        await asyncio.sleep(pause)
    return waited


async def _wait_for_repair(api: Api, path: str) -> float:
    """Take the exemptions away from a Deployment, and return how long it waits for its repair."""

    async def look() -> tuple[bool, str]:
        live = await api.get(path)
        return "lifecycle" in live["spec"]["template"]["spec"]["containers"][0], f"{path} is not repaired"

    await api.merge(path, {"metadata": {"annotations": None}})
    started = time.monotonic()
    await eventually(look, seconds=LEAST_SECONDS, poll_seconds=LATE_POLL_SECONDS)
    return time.monotonic() - started


def _others_wait(status: Any) -> bool:
    """Say whether others are still to be repaired; before all are judged, the status tells nothing."""
    return "pending" not in status or status["pending"]["repairs"] > LATE


async def _repaired(api: Api, field: Field, *, generation: int = 1) -> Any:
    """Wait until the status tells so, and return it."""

    async def look() -> tuple[bool, Any]:
        status = await _status(api)
        if _tells_all_repaired(status, size=field.size + LATE, generation=generation):
            return True, status
        told = {name: status.get(name) for name in ("workloads", "pending", "repaired", "conditions")}
        return False, f"the status tells {told}"

    return await eventually(look, seconds=_patience_seconds(field))


async def _status(api: Api) -> Any:
    return (await api.get(f"{POLICIES}/{workloads.POLICY}")).get("status", {})


def _tells_all_repaired(status: Any, *, size: int, generation: int) -> bool:
    if status.get("observedGeneration") != generation:
        return False
    reasons = {each["type"]: each["reason"] for each in status["conditions"]}
    told = (status["workloads"]["total"], status["repaired"], status["pending"])
    settled = reasons.get("Progressing") in ("Settled", "ActionRequired")
    return settled and told == (size, size, {"repairs": 0, "restarts": 0, "workloads": []})


def _requests(metrics: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "productionpolicy_api_requests_total":
                found[sample.labels["verb"], sample.labels["code"]] += int(sample.value)
    return found


def _summed(requests: Counter[tuple[str, str]], name: Callable[[str, str], str]) -> Counter[str]:
    """Return the numbers of requests under the names that verb and HTTP status get, without those that get none."""
    found: Counter[str] = Counter()
    for (verb, code), count in sorted(requests.items()):
        if name(verb, code):
            found[name(verb, code)] += count
    return found
