"""The process that plays drains for the operator: objects come in by standard input, findings leave by standard output.

It has a low priority and a limit of memory, and the operator never waits for it. It imports no client of the API
server: `python -m productionpolicy.controller.drain_player`.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from productionpolicy.drain import read
from productionpolicy.drain.audit import Findings, findings, play

_SIZE_BYTES = 4
_NICENESS = 10
"""Its processor time is worth a tenth of that of the operator."""
_LIKELIEST_VICTIM = "1000"
"""For the kernel, if the memory of the container or of the node runs out."""


class Governed(Struct, frozen=True):
    """What a policy governs."""

    policy: str
    namespaces: tuple[str, ...]
    request: str = ""
    """The request for an audit that this one fulfills."""


class Order(Struct, frozen=True):
    """What to find out. It is the first frame."""

    at: datetime
    """When the cluster is read."""
    policies: tuple[Governed, ...]
    unread: Mapping[str, str] = {}
    """The kinds that cannot be read, with the reason."""
    kinds: tuple[str, ...] = ()
    """The kinds that are read, such as `pods`."""
    memory_bytes: int = 0
    """How much memory the process may use; 0 for any."""
    cpu_seconds: int = 0
    """How much processor time it may use; 0 for any."""


class Objects(Struct, frozen=True, rename="camel"):
    """Objects of one kind. All frames but the first are such."""

    api_version: str
    kind: str
    items: list[msgspec.Raw]


class Answer(Struct, frozen=True):
    """What was found out."""

    findings: Mapping[str, Findings] = {}
    """By policy."""
    out_of_memory: bool = False
    peak_mib: int = 0
    cpu_seconds: float = 0.0


def frame(content: Struct) -> bytes:
    """Return what is sent, with its size before it."""
    encoded = msgspec.json.encode(content)
    return len(encoded).to_bytes(_SIZE_BYTES, "big") + encoded


def frames(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what was sent, up to the end of the stream."""
    while size := stream.read(_SIZE_BYTES):
        yield stream.read(int.from_bytes(size, "big"))


def answer(order: Order, received: Iterator[bytes]) -> Answer:
    """Read the objects, play, and return what concerns each policy."""
    coverage = {each: {"read": "All"} for each in order.kinds} | {
        kind: {"read": "None", "reason": reason} for kind, reason in order.unread.items()
    }
    played = play(read(_objects(received), coverage))
    return Answer(
        {
            each.policy: findings(played, frozenset(each.namespaces).__contains__, at=order.at, request=each.request)
            for each in order.policies
        }
    )


def _objects(received: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    for each in received:
        part = msgspec.json.decode(each, type=Objects)
        for item in part.items:
            yield {**msgspec.json.decode(item), "apiVersion": part.api_version, "kind": part.kind}


def main() -> None:
    """Answer one order."""
    _step_back()
    received = frames(sys.stdin.buffer)
    order = msgspec.json.decode(next(received), type=Order)
    _limit(order)
    try:
        found = answer(order, received)
    except MemoryError:
        found = Answer(out_of_memory=True)
    told = msgspec.structs.replace(found, peak_mib=_peak_mib(), cpu_seconds=round(time.process_time(), 1))
    sys.stdout.buffer.write(msgspec.json.encode(told))


def _step_back() -> None:
    """Let everything else go first, and be the first to go."""
    os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_LIKELIEST_VICTIM)


def _limit(order: Order) -> None:
    if order.memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (order.memory_bytes, order.memory_bytes))
    if order.cpu_seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (order.cpu_seconds, order.cpu_seconds))


def _peak_mib() -> int:
    """Return the most memory that the process has used; 0 if the kernel does not tell.

    `getrusage` would count what the operator used when it started the process.
    """
    with suppress(OSError, StopIteration):
        rows = Path("/proc/self/status").read_text().splitlines()
        return int(next(each for each in rows if each.startswith("VmHWM:")).split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main()
