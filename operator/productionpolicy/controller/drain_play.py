"""One play of drains: what is read for it, and the process that plays it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from productionpolicy.controller import memory
from productionpolicy.controller.cluster import Cluster, EncodedPage, Forbidden, Gone
from productionpolicy.controller.drain_player import Answer, Objects, Order, frame
from productionpolicy.controller.patience import patiently
from productionpolicy.controller.resources import DRAINED, NODES, PODS, Resource
from productionpolicy.kube.text import printable

PLAYER = (sys.executable, "-m", "productionpolicy.controller.drain_player")

TIMEOUT_SECONDS = 1800.0
"""How long a play may take."""
MOST_NODES, MOST_PODS = 1_000, 20_000
"""Larger clusters are not played."""
PAGE = 100
"""How many objects are read at once. The operator holds a page several times over, and each object may be large."""
MOST_BYTES = 2**30
"""The most memory that the process gets."""
RESERVED_BYTES = 64 * 2**20
"""How much of the memory limit of the container is left to the operator."""
BASE_BYTES, BYTES_OF_POD, BYTES_OF_NODE = 48 * 2**20, 8 * 2**10, 32 * 2**10
"""What the process needs: about twice of what was measured."""

REMEDY = "install the component drain-audit (kubectl apply -k manifests/drain-audit; in the chart, drainAudit.enabled)"
"""For missing rights."""

_MORE_MEMORY = "raise the memory limit of the operator, or run `productionpolicy drain --all-nodes` elsewhere"
_LONGEST_ERROR = 200


class NotPlayed(Exception):
    """There is no result; the message gives the reason and the remedy."""

    reason = "Failed"
    """The reason of the condition."""


class TooLarge(NotPlayed):
    """The cluster is larger than what is played."""

    reason = "TooLarge"


class TimedOut(NotPlayed):
    """It took too long."""

    reason = "TimedOut"


class Sight(Struct, frozen=True):
    """What can be read of a cluster."""

    nodes: int
    pods: int
    unread: dict[str, str]
    """The kinds that cannot be read, with reason and remedy."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that can be read."""
        return tuple(each.called for each in DRAINED if each.called not in self.unread)


async def look(cluster: Cluster) -> Sight:
    """Find out how large a cluster is and what can be read of it, by one small request for each kind.

    Raises:
        RequestFailed: the API server does not answer.
    """
    totals, unread = dict[Resource, int](), dict[str, str]()
    for each in DRAINED:
        try:
            totals[each] = (await _page(cluster, each, limit=1)).total
        except Forbidden:
            unread[each.called] = f"forbidden; {REMEDY}"
        except Gone:
            if not each.optional:
                unread[each.called] = "the API server does not serve it"
    return Sight(totals.get(NODES, 0), totals.get(PODS, 0), unread)


def memory_for(sight: Sight) -> int:
    """Return how many bytes the process may use.

    Raises:
        TooLarge: that is not enough, or the cluster is too large anyway.
    """
    size = f"{sight.nodes} nodes and {sight.pods} pods"
    if sight.nodes > MOST_NODES or sight.pods > MOST_PODS:
        raise TooLarge(f"not played: too large: {size}; the most is {MOST_NODES} nodes and {MOST_PODS} pods")
    room = memory.room()
    given = MOST_BYTES if room is None else min(MOST_BYTES, room - RESERVED_BYTES)
    needed = BASE_BYTES + sight.nodes * BYTES_OF_NODE + sight.pods * BYTES_OF_POD
    if given < needed:
        raise TooLarge(f"not played: too large: {size} need about {needed >> 20} MiB of memory; {_MORE_MEMORY}")
    return given


async def play(cluster: Cluster, order: Order, *, player: Iterable[str] = PLAYER) -> Answer:
    """Read a cluster page by page, and have another process play its drains.

    Args:
        cluster: the cluster.
        order: what to find out.
        player: the program to start.

    Raises:
        RequestFailed: the API server does not answer.
        NotPlayed: the process has no result.
    """
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await _answer(cluster, order, player)
    except TimeoutError as error:
        raise TimedOut(f"not played: it took more than {TIMEOUT_SECONDS:.0f} s") from error
    if answer.out_of_memory:
        needed = order.memory_bytes >> 20
        raise TooLarge(f"not played: too large: it needs more than {needed} MiB of memory; {_MORE_MEMORY}")
    return answer


async def _answer(cluster: Cluster, order: Order, player: Iterable[str]) -> Answer:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*player, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:  # no more processes, files or memory
        raise NotPlayed(f"not played: the process could not be started: {error.strerror}") from error
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # the process has ended, and tells why
            await _send(cluster, order, process.stdin)
        out, errors = await asyncio.gather(process.stdout.read(), process.stderr.read())
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        raise NotPlayed(f"not played: the process ended with {code}{_last_line(errors)}")
    try:
        return msgspec.json.decode(out, type=Answer)
    except msgspec.MsgspecError as error:
        raise NotPlayed("not played: the process ended without an answer") from error


async def _send(cluster: Cluster, order: Order, stdin: asyncio.StreamWriter) -> None:
    """Send the order and all objects. The operator holds one page at a time, and does not decode it."""
    stdin.write(frame(order))
    for resource in (each for each in DRAINED if each.called in order.kinds):
        token, more = "", True
        while more:
            page = await _page(cluster, resource, token=token, limit=PAGE)
            stdin.write(frame(Objects(resource.api_version, resource.kind, page.objects)))
            await stdin.drain()
            token, more = page.token, bool(page.token)
    stdin.close()
    await stdin.wait_closed()


async def _page(cluster: Cluster, resource: Resource, **options: Any) -> EncodedPage:
    return await patiently(partial(cluster.encoded_page, resource, **options))


def _last_line(errors: bytes) -> str:
    lines = errors.decode(errors="replace").strip().splitlines()
    return f": {printable(lines[-1], longest=_LONGEST_ERROR)}" if lines else ""
