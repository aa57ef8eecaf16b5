"""A drain as `kubectl drain` does it, in steps that are the same each time.

kubectl evicts all pods of a node at once, and tries those that a budget protects again every five seconds. Here, each
step asks for all evictions before any successor becomes Ready, and the next step begins when the cluster is at rest. So
a budget that still says no after a step in which nothing was evicted says no for ever.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec

from drains.bed import Bed
from drains.generator import Flags, Scenario
from drains.settled import without_node
from drains.world import controller_of, is_finished, key_of, path_of
from owners.manifests import Raw

_BUDGET = re.compile(r"The disruption budget (\S+) ")
MISSING_FLAGS = ("--ignore-daemonsets", "--delete-emptydir-data", "--force")
MORE_THAN_ONE = "This pod has more than one PodDisruptionBudget"
KUBECTL_SECONDS = 8
"""kubectl tries what a budget protects again after five seconds."""

MOST_RUNS = 20

MIRROR = "kubernetes.io/config.mirror"


class Verdict(StrEnum):
    """How the drain of a node ends."""

    DRAINED = "drains"
    BLOCKED = "blocked"
    """A budget never lets a pod go."""

    REFUSED = "refused"
    """kubectl does not begin, for want of a flag."""

    FAILED = "failed"
    """The API server answers an eviction with an error that kubectl does not retry."""


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of the drain of a node."""

    node: str
    verdict: Verdict
    budgets: frozenset[str] = frozenset()
    """The budgets that never let a pod go, with their namespace."""

    reason: str = ""
    steps: int = 0
    left: tuple[str, ...] = ()
    """The pods that stay on the node though they should go."""

    pending: tuple[str, ...] = ()
    """The workload of each pod that has no node when all is at rest, before a drained node comes back."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a whole drain."""

    nodes: tuple[NodeResult, ...]
    lit: frozenset[str]
    """The workloads that had a ready pod before. Jobs, which serve nobody, are left out."""

    dark: frozenset[str]
    """Those of them that had none at some moment."""

    kubectl: bool = False
    """Whether kubectl itself drained the nodes, all pods of a node at once."""


@dataclass(slots=True)
class _Step:
    """The answers to the evictions of one step."""

    evicted: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """The budget that said no, by pod."""

    errors: dict[str, str] = field(default_factory=dict)


async def drained(bed: Bed, scenario: Scenario, *, kubectl: bool = False) -> Result:
    """Drain the nodes of a cluster that is at rest, one after the other, and tell what happened."""
    started = time.monotonic()
    bed.kubelets.at_once = kubectl
    names = {uid: name for uid, name in bed.world.workload_names().items() if not name.startswith("Job ")}
    lit = frozenset(names[uid] for uid, pods in bed.world.lights.ready.items() if pods and uid in names)
    bed.world.lights.begin()
    drain = _run_kubectl if kubectl else _drain
    nodes = []
    for node in scenario.order:
        nodes.append(await drain(bed, node, scenario.flags))
        if nodes[-1].verdict is Verdict.DRAINED:
            await bed.cordon(node, back=True)
            await bed.settle()
    bed.took("draining", started)
    dark = frozenset(names[uid] for uid in bed.world.lights.dark if uid in names)
    return Result(tuple(nodes), lit, dark, kubectl)


async def _run_kubectl(bed: Bed, node: str, flags: Flags) -> NodeResult:
    """Let kubectl drain a node, as long as more pods leave it.

    On a busy machine, it may give up although the last pod goes. Then it ends well the next time.
    """
    found = await _run_once(bed, node, flags)
    for _ in range(MOST_RUNS):
        if found.verdict in (Verdict.DRAINED, Verdict.REFUSED):
            break
        again = await _run_once(bed, node, flags)
        if found.left and len(again.left) >= len(found.left):
            return again
        found = again
    return found


async def _run_once(bed: Bed, node: str, flags: Flags) -> NodeResult:
    process = await asyncio.create_subprocess_exec(
        bed.plane.site.binaries.kubectl,
        f"--kubeconfig={bed.plane.kubeconfig}",
        "drain",
        node,
        f"--timeout={KUBECTL_SECONDS}s",
        *flags.as_arguments(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[1].decode()
    await bed.settle()
    return _result(bed, node, Verdict.DRAINED) if process.returncode == 0 else _told(bed, node, said)


def _told(bed: Bed, node: str, said: str) -> NodeResult:
    """Return what kubectl says of a node that it did not drain."""
    missing = sorted({each for each in MISSING_FLAGS if f"(use {each} to" in said})
    if missing:
        return _result(bed, node, Verdict.REFUSED, reason="; ".join(missing))
    rest = [each for each in bed.world.of("Pod") if each["spec"].get("nodeName") == node and goes(each)]
    verdict = Verdict.FAILED if MORE_THAN_ONE in said else Verdict.BLOCKED
    return _result(bed, node, verdict, left=tuple(key_of(each) for each in rest))


async def _drain(bed: Bed, node: str, flags: Flags) -> NodeResult:
    await bed.cordon(node)
    await bed.settle()
    pods = [each for each in bed.world.of("Pod") if each["spec"].get("nodeName") == node]
    fatal = sorted({reason for each in pods if (reason := refusal(each, flags))})
    if fatal:
        return _result(bed, node, Verdict.REFUSED, reason="; ".join(fatal))
    return await _evict(bed, node, [each for each in pods if goes(each)])


async def _evict(bed: Bed, node: str, pods: Sequence[Raw]) -> NodeResult:
    rest = {key_of(each): each["metadata"]["uid"] for each in pods}
    errors: dict[str, str] = {}
    steps = 0
    while rest:
        step = await _step(bed, rest)
        steps += bool(step.evicted)
        errors |= step.errors
        rest = {key: uid for key, uid in rest.items() if key in step.refused}
        await bed.settle()
        if not step.evicted:
            break
    verdict = Verdict.FAILED if errors else Verdict.BLOCKED if rest else Verdict.DRAINED
    budgets = frozenset(step.refused.values()) if rest else frozenset()
    left = tuple(sorted({*rest, *errors}))
    reason = "; ".join(sorted(set(errors.values())))
    return _result(bed, node, verdict, budgets=budgets, steps=steps, left=left, reason=reason)


async def _step(bed: Bed, pods: dict[str, str]) -> _Step:
    """Ask once for the eviction of each pod."""
    step = _Step()
    for key in pods:
        status, answer = await _ask(bed, key)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            said = " ".join(each["message"] for each in answer["details"]["causes"])
            found = _BUDGET.search(said)
            step.refused[key] = f"{key.partition('/')[0]}/{found[1] if found else said}"
        elif status in (HTTPStatus.OK, HTTPStatus.CREATED):
            step.evicted += 1
        elif status != HTTPStatus.NOT_FOUND:
            step.errors[key] = str(answer["message"])
    gone = {uid for key, uid in pods.items() if key not in step.refused and key not in step.errors}
    await bed.until(lambda: next(_still(bed, gone), ""))
    return step


def _still(bed: Bed, gone: set[str]) -> Iterator[str]:
    for pod in bed.world.of("Pod"):
        if pod["metadata"]["uid"] in gone:
            yield f"pod {key_of(pod)} is evicted, but still there"


async def _ask(bed: Bed, key: str) -> tuple[int, Any]:
    namespace, _, name = key.partition("/")
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": {},
    }
    url = bed.api.server + path_of("Pod", key) + "/eviction"
    body = msgspec.json.encode(eviction)
    async with bed.api.session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        return answer.status, msgspec.json.decode(await answer.read())


def _result(bed: Bed, node: str, verdict: Verdict, **fields: Any) -> NodeResult:
    names = bed.world.workload_names()
    owners = ((controller_of(each) or each["metadata"])["uid"] for each in without_node(bed.world))
    pending = tuple(sorted(names[uid] for uid in owners))
    return NodeResult(node, verdict, pending=pending, **fields)


def goes(pod: Raw) -> bool:
    """Tell whether kubectl evicts a pod, where no flag is missing."""
    return MIRROR not in pod["metadata"].get("annotations", {}) and (not _is_daemon(pod) or is_finished(pod))


def refusal(pod: Raw, flags: Flags) -> str:
    """Return why kubectl does not begin because of a pod; empty if it does."""
    if is_finished(pod) or MIRROR in pod["metadata"].get("annotations", {}):
        return ""
    if _is_daemon(pod):
        return "" if flags.ignore_daemonsets else "--ignore-daemonsets"
    if not flags.delete_emptydir_data and any("emptyDir" in each for each in pod["spec"].get("volumes", ())):
        return "--delete-emptydir-data"
    return "" if flags.force or controller_of(pod) else "--force"


def _is_daemon(pod: Raw) -> bool:
    controller = controller_of(pod)
    return controller is not None and controller["kind"] == "DaemonSet"
