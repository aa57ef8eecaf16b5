"""The operator at work on the same workloads: how long it takes, and what it uses then, at rest and after a restart."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bench import workloads
from bench.field import Field
from bench.load import Load, Meter
from control_plane.operator_process import OperatorProcess
from control_plane.patience import seconds_until
from control_plane.session import say
from productionpolicy.controller.writer import NEW_SECONDS
from testbed.client import Client, pod_spec

WRITES = frozenset({"DELETE", "PATCH", "POST", "PUT"})
REST_SECONDS = 60.0
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
"""How long after a restart everything is listed again; by default it is 15 minutes."""

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
        found: Counter[tuple[str, str]] = Counter()
        for sample in (each for family in self._operator.metrics() for each in family.samples):
            if sample.name == "productionpolicy_api_requests_total":
                found[sample.labels["verb"], sample.labels["code"]] += int(sample.value)
        return found


def operate(field: Field) -> Operated:
    """Let the operator repair everything, watch it at rest, change the policy, and restart it.

    Raises:
        NeverHappened: it did not come to that in time.
        NeverHappened: it came to something else.
    """
    _compile()
    client = Client(field.plane)
    names = _made_late(client)
    say("the operator repairs them")
    with _operator(field) as operator:
        watch = Watch(field, operator)
        _ready(field, operator)
        ready = watch.read()
        late_seconds = _changed_late(client, names, pause=field.scale * LATE_SECONDS_PER_WORKLOAD)
        _repaired(client, field)
        repair = watch.read()
        field.inspect(changes=1)
        say("it is at rest")
        time.sleep(CALM_SECONDS)
        watch = Watch(field, operator)
        time.sleep(REST_SECONDS)
        rest = watch.read()
        say("the policy changes, and the operator repairs all workloads again")
        watch = Watch(field, operator)
        client.change_policy(workloads.POLICY, **workloads.CHANGED)
        status = _repaired(client, field)
        change, peak = watch.read(), operator.rss_peak_bytes
        time.sleep(CALM_SECONDS)
        operator.stop()
    say("the operator restarts, and lists everything")
    restart, restarted = _started_anew(field)
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


def _started_anew(field: Field) -> tuple[Stretch, Stretch]:
    """Return what happened until another process was ready, and from then on."""
    with _operator(field, f"--listing-interval={LISTING_SECONDS}") as operator:
        watch = Watch(field, operator)
        _ready(field, operator)
        restart, watch = watch.read(), Watch(field, operator)
        time.sleep(LISTED_SECONDS)
        restarted = watch.read()
        operator.stop()
    return restart, restarted


def _operator(field: Field, *arguments: str) -> OperatorProcess:
    return OperatorProcess(
        field.kubeconfig, log=field.plane.log("operator"), environment=COMPILING, arguments=arguments
    )


def _ready(field: Field, operator: OperatorProcess) -> None:
    operator.wait_ready(timeout=_patience_seconds(field))


def _patience_seconds(field: Field) -> float:
    return LEAST_SECONDS + field.scale * SECONDS_PER_WORKLOAD


def _compile() -> None:
    """Let Python keep its bytecode, as it is in an image: otherwise the start takes a second longer."""
    subprocess.run(
        [sys.executable, "-c", "import productionpolicy.cli.run"], env={**os.environ, **COMPILING}, check=True
    )


def _made_late(client: Client) -> list[str]:
    """Create the Deployments whose turn comes late, and wait until they are no longer new; return their names."""
    names = [f"app-{number}" for number in range(LATE)]
    for each in names:
        client.create(workloads.late(each), workloads.LATE)
    time.sleep(NEW_SECONDS)
    return names


def _changed_late(client: Client, names: list[str], *, pause: float) -> list[float]:
    """Take the exemptions away from one after another; return how long each was waiting for its repair.

    What is changed when there are no others left to be repaired is not counted.
    """
    waited: list[float] = []
    for name in names:
        seconds = _wait_for_repair(client, name)
        if _others_wait(client.status(workloads.POLICY)):
            waited.append(seconds)
        time.sleep(pause)
    return waited


def _wait_for_repair(client: Client, name: str) -> float:
    """Take the exemptions away from a Deployment, and return how long it waits for its repair."""

    def repaired() -> bool:
        live = client.get("deployment", name, workloads.LATE)
        return "lifecycle" in pod_spec(live)["containers"][0]

    client.merge("deployment", name, {"metadata": {"annotations": None}}, workloads.LATE)
    return seconds_until(repaired, within=LEAST_SECONDS, poll_seconds=LATE_POLL_SECONDS)


def _others_wait(status: Any) -> bool:
    """Say whether others are still to be repaired; before all are judged, the status tells nothing."""
    return "pending" not in status or status["pending"]["repairs"] > LATE


def _repaired(client: Client, field: Field) -> Any:
    """Wait until the status tells that all are repaired, and return it."""
    size = field.size + LATE
    return client.settled(workloads.POLICY, total=size, repaired=size, within=_patience_seconds(field))


def _summed(requests: Counter[tuple[str, str]], name: Callable[[str, str], str]) -> Counter[str]:
    """Return the numbers of requests under the names that verb and HTTP status get, without those that get none."""
    found: Counter[str] = Counter()
    for (verb, code), count in sorted(requests.items()):
        if name(verb, code):
            found[name(verb, code)] += count
    return found
