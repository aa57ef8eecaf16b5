"""One owner and one change, on a workload that is repaired or on its baseline that is not; and what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from control_plane.patience import NeverHappened, eventually
from matrix.changes import Change, Deed
from matrix.checked import violated
from matrix.manifests import Manifests, base
from matrix.shell import Refused, Shell
from matrix.testbed import PATIENCE_SECONDS, Testbed, journal
from matrix.writers import Writer
from owners.manifests import Raw
from owners.rollouts import is_rolled_out

OURS = "-productionpolicy"
_REVISION = "deployment.kubernetes.io/revision"
_BUDGETS = ("policy/v1", "PodDisruptionBudget")
_AROUND = (("v1", "Service"), ("autoscaling/v2", "HorizontalPodAutoscaler"))


class Way(StrEnum):
    """How the workload came to be repaired before its owner writes again."""

    UNREPAIRED = "not at all"
    BACKGROUND = "in the background"
    ADMISSION = "at admission"


@dataclass(frozen=True, slots=True)
class Sight:
    """How it stands."""

    spec: Raw
    notes: Raw
    managers: frozenset[str]
    rollouts: int
    budgets: tuple[str, ...]
    tracked: bool
    """Whether a budget of ours carries what a writer tells its own objects by."""
    counts: Raw
    """Of the policy."""
    violated: frozenset[str]
    """Expectations, as the policy's status tells."""
    checked: frozenset[str]
    """The same, as `check` judges the objects as they are."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of it."""

    wanted: Manifests
    refused: str = ""
    """Why the owner's command failed."""
    unsettled: str = ""
    """What was seen last, where it never came to rest as it should."""
    said: tuple[str, ...] = ()
    difference: str = ""
    """Why the writer would not call it in sync."""
    rollouts: int = 0
    """How many followed the change."""
    sight: Sight | None = None


@dataclass(slots=True)
class Run:
    """One cell, or its baseline."""

    testbed: Testbed
    writer: type[Writer]
    change: Change
    way: Way
    policy: str | None = None
    namespace: str = ""
    observation: Observation | None = None

    async def carry_out(self) -> Observation:
        """Let the owner begin, then change something, and see what comes of it."""
        at_once = self.policy if self.way is Way.ADMISSION else None
        self.namespace = await self.testbed.namespace(policy=at_once)
        folder = self.testbed.folder / self.namespace
        folder.mkdir()
        owner = self.writer(Shell(self.testbed.plane, self.namespace, folder))
        try:
            await self._begun(owner)
        except NeverHappened as seen:
            self.observation = Observation(base(), unsettled=f"before the change: {seen}")
        else:
            self.observation = await self._changed(owner)
        return self.observation

    async def observe(self) -> Sight:
        """Return how it stands now."""
        live = await self.testbed.deployment(self.namespace)
        sets = await self.testbed.items(self.namespace, "apps/v1", "ReplicaSet")
        budgets = await self.testbed.items(self.namespace, *_BUDGETS)
        status = await self.testbed.status(self.policy) if self.policy else {}
        around = [each for kind in _AROUND for each in await self.testbed.items(self.namespace, *kind)]
        return Sight(
            spec=live["spec"],
            notes=journal(live),
            managers=frozenset(each["manager"] for each in live["metadata"]["managedFields"]),
            rollouts=max(int(each["metadata"]["annotations"][_REVISION]) for each in sets if _owned(each, by=live)),
            budgets=tuple(sorted(each["metadata"]["name"] for each in budgets)),
            tracked=any(_tracked(each) for each in budgets if each["metadata"]["name"].endswith(OURS)),
            counts=status.get("workloads", {}),
            violated=frozenset(each["expectation"] for each in status.get("violations", [])),
            checked=violated([live, *budgets, *around]),
        )

    async def end(self) -> None:
        """Give the policy free."""
        await self.testbed.tear_down(self.namespace, policy=self.policy)

    async def _begun(self, owner: Writer) -> None:
        """Let the owner create the workload, and wait until it is repaired in its way."""
        await owner.write((), base())
        await self.testbed.rolled_out(self.namespace)
        if self.way is Way.BACKGROUND:
            await self.testbed.govern(self.namespace, policy=self.policy)
        await self._rest("compliant")

    async def _changed(self, owner: Writer) -> Observation:
        before = await self.observe()
        owner.shell.said.clear()
        manifests = base()
        try:
            for number, step in enumerate(self.change.steps, start=1):
                manifests = await self._stepped(owner, manifests, step)
                last = number == len(self.change.steps)
                await self._rest(self.change.verdict if last else None)
        except Refused as refused:
            return Observation(manifests, refused=str(refused))
        except NeverHappened as seen:
            return Observation(manifests, unsettled=str(seen), sight=await self.observe())
        said, sight = tuple(owner.shell.said), await self.observe()
        difference = await owner.difference(manifests)
        begun = 0 if Deed.RECREATE in self.change.steps else before.rollouts
        return Observation(manifests, said=said, difference=difference, rollouts=sight.rollouts - begun, sight=sight)

    async def _stepped(self, owner: Writer, before: Manifests, step: Any) -> Manifests:
        if step is Deed.UNDO:
            await owner.undo(before, base())
            return base()
        if step is Deed.RECREATE:
            await owner.recreate(before)
            return before
        after: Manifests = step(before)
        await owner.write(before, after)
        return after

    async def _agreed(self) -> tuple[bool, Any]:
        """Say whether there is one budget, and the status tells of things as they are; it may be a moment behind."""
        sight = await self.observe()
        agreed = len(sight.budgets) == 1 and sight.violated == sight.checked
        return agreed, f"budgets {sight.budgets}, the status tells {set(sight.violated)}, check {set(sight.checked)}"

    async def _rest(self, verdict: str | None) -> None:
        """Wait until all pods run and, with a policy, nothing is left to be done and the verdict is so."""

        async def look() -> tuple[bool, Any]:
            live = await self.testbed.deployment(self.namespace)
            if not is_rolled_out(live):
                return False, f"rolling out: {live.get('status')}"
            if not self.policy:
                return True, None
            status = await self.testbed.status(self.policy)
            if not _is_settled(status, verdict=verdict):
                return False, _told(status)
            return await self._agreed() if verdict else (True, None)

        await eventually(look, seconds=PATIENCE_SECONDS)


def _is_settled(status: Raw, *, verdict: str | None) -> bool:
    counts = status.get("workloads", {})
    done = counts.get("total") == 1 and not counts.get("repairing") and not status["pending"]["repairs"]
    return done and (verdict is None or counts.get(verdict) == 1)


def _told(status: Raw) -> str:
    counts = {name: count for name, count in status.get("workloads", {}).items() if count}
    findings = [f"{each['expectation']} {each.get('path', '')}" for each in status.get("violations", [])]
    return f"{counts}, pending {status.get('pending')}, {findings}"


def _owned(raw: Raw, *, by: Raw) -> bool:
    return any(each["uid"] == by["metadata"]["uid"] for each in raw["metadata"].get("ownerReferences", []))


def _tracked(budget: Raw) -> bool:
    marks = {**budget["metadata"].get("labels", {}), **budget["metadata"].get("annotations", {})}
    return any("fluxcd" in key or "argocd" in key or key.startswith("meta.helm.sh") for key in marks)
