"""One run: workloads are brought in, a fault strikes, and in the end all is as it would be without the fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.field import NAMESPACES as ALL_NAMESPACES
from bench.field import POLICIES
from chaos.picture import ROLLOUTS, Picture, differences, extra_rollouts, taken
from chaos.testbed import Testbed, eventually
from chaos.workloads import MIXED, NAMESPACES, SHOP, VAULT, ChaosObject, all_objects, collection, deployment
from control_plane.patience import NeverHappened
from owners import manifests
from owners.manifests import Raw

PATIENCE_SECONDS = 300.0
STILL_SECONDS = 8.0
"""How long nothing may change for the baseline to be taken for finished."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run."""

    lost: tuple[str, ...]
    """How the end differs from that of the baseline."""
    extra_rollouts: int
    seconds: float
    """From the end of the fault until all was as it should be."""


@dataclass(slots=True)
class Run:
    """Workloads of all shapes under a policy of their own."""

    testbed: Testbed
    name: str
    objects: tuple[ChaosObject, ...] = field(default_factory=all_objects)

    def namespace(self, short: str) -> str:
        """Return the whole name of one of its namespaces."""
        return f"{self.name}-{short}"

    async def prepare(self) -> None:
        """Bring the workloads in, and wait until their pods run."""
        await self.testbed.policy(self.name)
        for each in NAMESPACES:
            await self.testbed.api.create(ALL_NAMESPACES, manifests.namespace(self.namespace(each)))
        for thing in self.objects:
            await self.create(thing.namespace, thing.raw)
        await eventually(self._runs, seconds=PATIENCE_SECONDS)

    async def govern(self) -> None:
        """Put the namespaces under the policy."""
        for each in NAMESPACES:
            await self.testbed.govern(self.namespace(each), policy=self.name)

    async def change(self) -> None:
        """Delete and create what an owner may: workloads, budgets, and the label of a namespace."""
        for path in self._doomed():
            await self.testbed.gone(path)
        await self.create(SHOP, deployment("web-2", replicas=2, terminationGracePeriodSeconds=75))
        await self.create(SHOP, manifests.budget("web-4", app="web-4"))
        await self.testbed.govern(self.namespace(VAULT), policy=None)

    async def create(self, namespace: str, raw: Raw) -> None:
        """Create an object."""
        await self.testbed.api.create(self._path(namespace, raw["kind"]), raw)

    async def picture(self) -> Picture:
        """Return how it stands."""
        return await taken(self.testbed.api, self.name)

    async def come_to_rest(self) -> Picture:
        """Return how it stands once nothing has been left to do, and nothing has changed, for a while."""
        before, since = Picture(), time.monotonic()

        async def look() -> tuple[bool, Picture]:
            nonlocal before, since
            seen = await self.picture()
            if seen != before or not (await self._runs())[0] or not await self._nothing_pends():
                before, since = seen, time.monotonic()
            return time.monotonic() - since > STILL_SECONDS, seen

        found: Picture = await eventually(look, seconds=PATIENCE_SECONDS)
        return found

    async def end_as(self, calm: Picture) -> Result:
        """Wait until all is as in the baseline, and see that it stays so."""
        started = time.monotonic()

        async def look() -> tuple[bool, Picture]:
            seen = await self.picture()
            return not differences(seen, calm), seen

        try:
            await eventually(look, seconds=PATIENCE_SECONDS)
            seconds = time.monotonic() - started
            await self.testbed.pulse(seconds=PATIENCE_SECONDS)
        except NeverHappened:
            seconds = time.monotonic() - started
        seen = await self.picture()
        return Result(tuple(differences(seen, calm)), extra_rollouts(seen, calm), seconds)

    async def end(self) -> None:
        """Take everything away."""
        for each in NAMESPACES:
            await self.testbed.gone(f"{ALL_NAMESPACES}/{self.namespace(each)}")
        await self.testbed.gone(f"{POLICIES}/{self.name}")
        await eventually(self._is_away, seconds=PATIENCE_SECONDS)

    async def _runs(self) -> tuple[bool, Any]:
        paths = [self._path(short, kind) for short in NAMESPACES for kind in ("Deployment", "StatefulSet")]
        found = [each for path in paths for each in await self.testbed.api.items(path)]
        waiting = [
            each["metadata"]["name"]
            for each in found
            if each.get("status", {}).get("availableReplicas", 0) != each["spec"]["replicas"]
        ]
        return not waiting, waiting

    async def _nothing_pends(self) -> bool:
        status = (await self.testbed.api.get(f"{POLICIES}/{self.name}")).get("status", {})
        return not status.get("pending", {"repairs": 1})["repairs"] and not status["workloads"]["repairing"]

    async def _is_away(self) -> tuple[bool, Any]:
        found = await self.testbed.api.items(ALL_NAMESPACES)
        left = [each["metadata"]["name"] for each in found if each["metadata"]["name"].startswith(f"{self.name}-")]
        return not left, left

    def _doomed(self) -> Iterator[str]:
        for namespace, name in ((SHOP, "web-1"), (SHOP, "web-2"), (MIXED, "guarded")):
            yield f"{self._path(namespace, 'Deployment')}/{name}"
        yield f"{self._path(VAULT, 'StatefulSet')}/db-1"
        for namespace, name in ((SHOP, "web-3-deployment-productionpolicy"), (MIXED, "done")):
            yield f"{self._path(namespace, 'PodDisruptionBudget')}/{name}"

    def _path(self, namespace: str, kind: str) -> str:
        return collection(kind, namespace=self.namespace(namespace))


def wrong_baseline(calm: Picture, objects: tuple[ChaosObject, ...]) -> list[str]:
    """Return what is wrong with the baseline itself: a pod template that was not changed exactly once, or never."""
    wanted = {each.key: each.templates for each in objects if each.templates is not None}
    found = {key: int(calm.get(f"{key} {ROLLOUTS}", 0)) for key in wanted}
    return [f"{key}: {found[key]} templates, not {count}" for key, count in wanted.items() if found[key] != count]
