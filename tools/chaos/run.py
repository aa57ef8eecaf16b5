"""One run: workloads are brought in, a fault strikes, and in the end all is as it would be without the fault."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field

from chaos.picture import ROLLOUTS, Picture, differences, extra_rollouts, taken
from chaos.testbed import NOT_NOW, Testbed
from chaos.workloads import MIXED, NAMESPACES, SHOP, VAULT, ChaosObject, all_objects
from control_plane.patience import NeverHappened, NotYet, eventually, unchanged
from owners import manifests
from owners.manifests import Raw, deployment
from owners.rollouts import is_settled

PATIENCE_SECONDS = 300.0
DOOMED = (
    (SHOP, "deployment", "web-1"),
    (SHOP, "deployment", "web-2"),
    (MIXED, "deployment", "guarded"),
    (VAULT, "statefulset", "db-1"),
    (SHOP, "pdb", "web-3-deployment-productionpolicy"),
    (MIXED, "pdb", "done"),
)
"""What owners delete."""

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

    def prepare(self) -> None:
        """Bring the workloads in, and wait until their pods run."""
        self.testbed.policy(self.name)
        for each in NAMESPACES:
            self.testbed.create(manifests.namespace(self.namespace(each)))
        for thing in self.objects:
            self.create(thing.namespace, thing.raw)
        eventually(self._runs, within=PATIENCE_SECONDS)

    def govern(self) -> None:
        """Put the namespaces under the policy."""
        for each in NAMESPACES:
            self.testbed.govern(self.namespace(each), self.name)

    def change(self) -> None:
        """Delete and create what an owner may: workloads, budgets, and the label of a namespace."""
        for namespace, kind, name in DOOMED:
            self.testbed.delete(kind, name, self.namespace(namespace))
        self.create(SHOP, deployment("web-2", replicas=2, terminationGracePeriodSeconds=75))
        self.create(SHOP, manifests.budget("web-4"))
        self.testbed.govern(self.namespace(VAULT), None)

    def create(self, namespace: str, raw: Raw) -> None:
        """Create an object."""
        self.testbed.create(raw, self.namespace(namespace))

    def picture(self) -> Picture:
        """Return how it stands."""
        return taken(self.testbed, self.name)

    def come_to_rest(self) -> Picture:
        """Return how it stands once nothing has been left to do, and nothing has changed, for a while."""

        def rests() -> Picture:
            if not self._runs() or not is_settled(self.testbed.get("pp", self.name)):
                raise NotYet("something is left to do")
            return self.picture()

        found: Picture = unchanged(rests, still_seconds=STILL_SECONDS, within=PATIENCE_SECONDS)
        return found

    def end_as(self, calm: Picture) -> Result:
        """Wait until all is as in the baseline, and see that it stays so."""
        started = time.monotonic()

        with suppress(NeverHappened):
            try:
                eventually(lambda: not differences(self.picture(), calm), within=PATIENCE_SECONDS, not_now=NOT_NOW)
            finally:
                seconds = time.monotonic() - started
            self.testbed.fixed(lambda: None, within=PATIENCE_SECONDS)
        seen = self.picture()
        return Result(tuple(differences(seen, calm)), extra_rollouts(seen, calm), seconds)

    def end(self) -> None:
        """Take everything away."""
        for each in NAMESPACES:
            self.testbed.delete("namespace", self.namespace(each))
        self.testbed.delete("pp", self.name)
        eventually(self._is_away, within=PATIENCE_SECONDS)

    def _runs(self) -> bool:
        """All pods are available."""
        kinds = ("deployment", "statefulset")
        found = [
            each for kind in kinds for short in NAMESPACES for each in self.testbed.all(kind, self.namespace(short))
        ]
        return all(each.get("status", {}).get("availableReplicas", 0) == each["spec"]["replicas"] for each in found)

    def _is_away(self) -> bool:
        """Its namespaces are gone."""
        found = self.testbed.all("namespace")
        return not any(each["metadata"]["name"].startswith(f"{self.name}-") for each in found)


def wrong_baseline(calm: Picture, objects: tuple[ChaosObject, ...]) -> list[str]:
    """Return what is wrong with the baseline itself: a pod template that was not changed exactly once, or never."""
    wanted = {each.key: each.templates for each in objects if each.templates is not None}
    found = {key: int(calm.get(f"{key} {ROLLOUTS}", 0)) for key in wanted}
    return [f"{key}: {found[key]} templates, not {count}" for key, count in wanted.items() if found[key] != count]
