"""Pausing all policies at once, and letting those go on again that were paused so."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.controller.cluster import Cluster, RequestFailed
from productionpolicy.controller.resources import POLICIES
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import STOPPED


class PausingResult(Struct, frozen=True):
    """What became of the policies, by name."""

    changed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Those that were paused already, or were paused for another reason and stay so."""
    idle: tuple[str, ...] = ()
    """Those for which there was nothing to do: they are not paused."""
    failed: tuple[str, ...] = ()
    """Those that could not be written, each with the API server's words."""


async def stop(cluster: Cluster) -> PausingResult:
    """Pause every policy.

    Raises:
        RequestFailed: the policies could not be listed.
    """
    policies = await _listed(cluster)
    running = [name for name, policy in policies.items() if not _paused(policy)]
    return await _written(cluster, running, paused=True, left=[name for name in policies if name not in running])


async def resume(cluster: Cluster) -> PausingResult:
    """Let the policies go on that `stop` has paused.

    Raises:
        RequestFailed: the policies could not be listed.
    """
    policies = await _listed(cluster)
    stopped = [name for name, policy in policies.items() if STOPPED in _annotations(policy)]
    left = [name for name, policy in policies.items() if _paused(policy) and name not in stopped]
    outcome = await _written(cluster, stopped, paused=False, left=left)
    return replace(outcome, idle=tuple(name for name in policies if name not in (*stopped, *left)))


async def _listed(cluster: Cluster) -> dict[str, Fields]:
    found = [Fields(raw) async for page in cluster.pages(POLICIES) for raw in page]
    by_name = {each.mapping("metadata").text("name") or "": each for each in found}
    return dict(sorted(by_name.items()))


async def _written(cluster: Cluster, names: list[str], *, paused: bool, left: list[str]) -> PausingResult:
    changed, failed = list[str](), list[str]()
    for name in names:
        try:
            await cluster.pause(name, paused=paused, note={STOPPED: "true" if paused else None})
            changed.append(name)
        except RequestFailed as error:
            failed.append(f"{name}: {error}")
    return PausingResult(tuple(changed), tuple(left), failed=tuple(failed))


def _paused(policy: Fields) -> bool:
    return policy.mapping("spec").boolean("paused")


def _annotations(policy: Fields) -> dict[str, str]:
    return policy.mapping("metadata").text_map("annotations")
