"""Where there is no root: local processes as pods, started and stopped as a kubelet would.

This proves what controllers and manifests do. It is no kubelet.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from control_plane import probe
from control_plane.plane import RequestFailed
from control_plane.ports import LOOPBACK, free_ports
from control_plane.process import Guard
from owners.manifests import Raw
from proof.connection import Address
from proof.testbed import NAMESPACE
from testbed.api import Api
from testbed.client import path

POLL_SECONDS = 0.2
_LISTENS = "-address="
PODS = path("pod", NAMESPACE)


@dataclass(slots=True)
class Agent:
    """Plays the kubelet of all nodes.

    Attributes:
        program: what every container runs, whatever its image; it gets the arguments of the container. The first one
            takes the requests to the pod; the others listen where their arguments say, on ports of their own.
        addresses: where the pod of an address really listens.
    """

    api: Api
    program: Path
    guard: Guard
    addresses: dict[str, Address] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _deletions: dict[str, asyncio.Event] = field(default_factory=dict)
    """By the uid of the pod, what tells that it is to go."""

    async def run(self) -> None:
        """Start and stop pods until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                for pod in await self.api.items(PODS):
                    self._look_at(pod, tasks)
                await asyncio.sleep(POLL_SECONDS)

    def _look_at(self, pod: Raw, tasks: asyncio.TaskGroup) -> None:
        uid = pod["metadata"]["uid"]
        if "nodeName" not in pod["spec"]:
            return
        if uid not in self._deletions:
            self._deletions[uid] = asyncio.Event()
            tasks.create_task(self._live(pod, self._deletions[uid]))
        if "deletionTimestamp" in pod["metadata"]:
            self._deletions[uid].set()

    async def _live(self, pod: Raw, deletion: asyncio.Event) -> None:
        number = next(self._numbers)
        address, local = f"10.244.{number // 250}.{number % 250 + 1}", (LOOPBACK, free_ports(1)[0])
        self.addresses[address] = local
        processes = [await self._start(each) for each in arguments_of(pod, local)]
        await _answering(local)
        with contextlib.suppress(RequestFailed):  # it was deleted meanwhile
            await self._tell(pod, running_status(pod, address))
        await deletion.wait()
        stopping = zip(processes, pod["spec"]["containers"], strict=True)
        await asyncio.gather(*(_stop(process, container, pod) for process, container in stopping))
        await self._forget(pod)

    async def _start(self, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(str(self.program), *arguments, process_group=self.guard.shell.pid)

    async def _tell(self, pod: Raw, status: Raw) -> None:
        patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        await self.api.merge(f"{PODS}/{pod['metadata']['name']}/status", patch)

    async def _forget(self, pod: Raw) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        with contextlib.suppress(RequestFailed):  # its namespace went first
            await self.api.send("DELETE", f"{PODS}/{pod['metadata']['name']}", msgspec.json.encode(options))


def arguments_of(pod: Raw, local: Address) -> list[list[str]]:
    """Return the arguments of each container; the first listens at `local`, each other one at a free port instead."""
    first, *others = ([*each.get("args", [])] for each in pod["spec"]["containers"])
    written = [each.removeprefix(_LISTENS) for arguments in others for each in arguments if each.startswith(_LISTENS)]
    places = dict(zip(written, (f"{LOOPBACK}:{port}" for port in free_ports(len(written))), strict=True))
    found = [[*first, f"{_LISTENS}{local[0]}:{local[1]}"], *others]
    return [[_replaced(each, places) for each in arguments] for arguments in found]


def _replaced(argument: str, places: Mapping[str, str]) -> str:
    option, equals, value = argument.partition("=")
    return f"{option}{equals}{places.get(value, value)}"


def running_status(pod: Raw, address: str) -> Raw:
    """Return the status of a pod of which all containers serve."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    conditions = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "conditions": [{"type": each, "status": "True", "lastTransitionTime": now} for each in conditions],
        "containerStatuses": [_running_container(each, now) for each in pod["spec"]["containers"]],
    }


def _running_container(container: Raw, now: str) -> dict[str, Any]:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": now}},
    }


async def _answering(local: Address) -> None:
    """Wait until a process is ready, as its readiness probe would tell."""
    while await asyncio.to_thread(probe.body, local[1], "/ready") is None:  # noqa: ASYNC110  # nobody tells us
        await asyncio.sleep(POLL_SECONDS)


async def _stop(process: asyncio.subprocess.Process, container: Raw, pod: Raw) -> None:
    """Sleep as the preStop hook says, ask the process to end, and kill it once the grace period is over."""
    sleep = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    try:
        async with asyncio.timeout(pod["spec"]["terminationGracePeriodSeconds"]):
            await asyncio.sleep(sleep)
            process.send_signal(signal.SIGTERM)
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
