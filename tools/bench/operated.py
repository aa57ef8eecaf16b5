"""The operator at work on the same workloads: how long it takes, and what it uses then and at rest."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.client import Api, connected
from bench.field import POLICIES, Field, NotExact
from bench.load import Load, Meter
from bench.workloads import POLICY
from control_plane import probe
from control_plane.credentials import ADMIN
from control_plane.operator_process import OperatorProcess

WRITES = frozenset({"DELETE", "PATCH", "POST", "PUT"})
CALM_SECONDS = 5.0
"""Events are still posted for some seconds after the last repair."""

COMPILING = {"PYTHONDONTWRITEBYTECODE": ""}
POLL_SECONDS = 0.25
SECONDS_PER_WORKLOAD = 0.2
LEAST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Operated:
    """What was measured."""

    ready_seconds: float
    """From the start of the process until it called itself ready."""
    seconds: float
    """From the start of the process until the status told, exactly, that everything is repaired."""
    cpu_seconds: float
    """CPU time of the process until then."""
    load: Load
    """Of the machine until then."""
    requests: Counter[str]
    """Requests by verb until then, watches aside."""
    failures: Counter[str]
    """Answers that were no success, by HTTP status; 0 is none at all."""
    rss_peak_bytes: int
    rest_seconds: float
    rest_cpu_seconds: float
    rest_writes: int
    rest_requests: int


@dataclass(frozen=True, slots=True)
class _Moment:
    at: float
    cpu_seconds: float
    requests: Counter[tuple[str, str]]
    """By verb and HTTP status."""


async def operate(field: Field, *, rest_seconds: float) -> Operated:
    """Let the operator repair everything, then watch it at rest.

    Raises:
        NotExact: it did not come to that in time.
    """
    log = field.plane.log("operator")
    await asyncio.to_thread(_compile)
    with OperatorProcess(field.kubeconfig, log=log, environment=COMPILING) as operator:
        started, meter = time.monotonic(), Meter([*field.plane.pids, os.getpid(), operator.pid])
        await asyncio.to_thread(operator.wait_ready, timeout=LEAST_SECONDS)
        ready = time.monotonic()
        await _repaired(field)
        settled, load = _moment(operator), meter.read()
        await asyncio.sleep(CALM_SECONDS)
        calm = _moment(operator)
        await asyncio.sleep(rest_seconds)
        end, peak = _moment(operator), operator.rss_peak_bytes
        await asyncio.to_thread(operator.stop)
    resting = end.requests - calm.requests
    return Operated(
        ready_seconds=ready - started,
        seconds=settled.at - started,
        cpu_seconds=settled.cpu_seconds,
        load=load,
        requests=_by_verb(settled.requests),
        failures=_failures(settled.requests),
        rss_peak_bytes=peak,
        rest_seconds=end.at - calm.at,
        rest_cpu_seconds=end.cpu_seconds - calm.cpu_seconds,
        rest_writes=sum(count for (verb, _), count in resting.items() if verb in WRITES),
        rest_requests=resting.total(),
    )


def _compile() -> None:
    """Let Python keep its bytecode, as it is in an image: otherwise the start takes a second longer."""
    subprocess.run(
        [sys.executable, "-c", "import productionpolicy.cli.run"], env={**os.environ, **COMPILING}, check=True
    )


async def _repaired(field: Field) -> None:
    patience = max(LEAST_SECONDS, field.scale * SECONDS_PER_WORKLOAD)
    status: Any = {}
    try:
        async with asyncio.timeout(patience), connected(field.plane.site, user=ADMIN) as api:
            while not _tells_all_repaired(status, scale=field.scale):
                status = await _status(api)
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        told = {name: status.get(name) for name in ("workloads", "pending", "repaired", "conditions")}
        raise NotExact(f"the status told after {patience:.0f} s: {told}") from None


async def _status(api: Api) -> Any:
    return (await api.get(f"{POLICIES}/{POLICY}")).get("status", {})


def _tells_all_repaired(status: Any, *, scale: int) -> bool:
    if not status.get("observedGeneration"):
        return False
    reasons = {each["type"]: each["reason"] for each in status["conditions"]}
    told = (status["workloads"]["total"], status["repaired"], status["pending"])
    return reasons.get("Progressing") == "Settled" and told == (scale, scale, {"repairs": 0, "restarts": 0})


def _moment(operator: OperatorProcess) -> _Moment:
    at, spent = time.monotonic(), operator.cpu_seconds
    return _Moment(at, spent, _requests((probe.body(operator.port, "/metrics") or b"").decode()))


def _requests(metrics: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "productionpolicy_api_requests_total":
                found[sample.labels["verb"], sample.labels["code"]] += int(sample.value)
    return found


def _by_verb(requests: Counter[tuple[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (verb, _), count in sorted(requests.items()):
        found[verb] += count
    return found


def _failures(requests: Counter[tuple[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, code), count in sorted(requests.items()):
        if not code.startswith("2"):
            found[code] += count
    return found
