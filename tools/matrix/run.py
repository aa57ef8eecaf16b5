"""One owner and one change, on a workload that is repaired or on its baseline that is not; and what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from control_plane.patience import NeverHappened, NotYet, eventually
from matrix.changes import Change, Deed
from matrix.checked import violated
from matrix.manifests import NAME, Manifests, base
from matrix.shell import Refused, Shell
from matrix.testbed import PATIENCE_SECONDS, POLL_SECONDS, Testbed
from matrix.writers import Writer
from owners.manifests import Raw
from owners.rollouts import is_rolled_out, is_settled, present_status
from productionpolicy.kube.identity import FIELD_MANAGER
from testbed.client import journal

OURS = "-productionpolicy"
_REVISION = "deployment.kubernetes.io/revision"


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

    def carry_out(self) -> Observation:
        """Let the owner begin, then change something, and see what comes of it."""
        at_once = self.policy if self.way is Way.ADMISSION else None
        self.namespace = self.testbed.namespace(at_once)
        folder = self.testbed.folder / self.namespace
        folder.mkdir()
        owner = self.writer(Shell(self.testbed.plane, self.namespace, folder))
        try:
            self._begun(owner)
        except NeverHappened as seen:
            self.observation = Observation(base(), unsettled=f"before the change: {seen}")
        else:
            self.observation = self._changed(owner)
        return self.observation

    def observe(self) -> Sight:
        """Return how it stands now."""
        live = self._deployment()
        kinds = ("replicaset", "pdb", "service", "horizontalpodautoscaler")
        sets, budgets, services, autoscalers = (self.testbed.all(each, self.namespace) for each in kinds)
        status = present_status(self.testbed.get("pp", self.policy)) if self.policy else {}
        return Sight(
            spec=live["spec"],
            notes=journal(live),
            managers=frozenset(each["manager"] for each in live["metadata"]["managedFields"]),
            rollouts=max(int(each["metadata"]["annotations"][_REVISION]) for each in sets if _owned(each, by=live)),
            budgets=tuple(sorted(each["metadata"]["name"] for each in budgets)),
            tracked=any(_tracked(each) for each in budgets if each["metadata"]["name"].endswith(OURS)),
            counts=status.get("workloads", {}),
            violated=frozenset(each["expectation"] for each in status.get("violations", [])),
            checked=violated([live, *budgets, *services, *autoscalers]),
        )

    def end(self) -> None:
        """Give the policy free."""
        self.testbed.tear_down(self.namespace, policy=self.policy)

    def _begun(self, owner: Writer) -> None:
        """Let the owner create the workload, and wait until it is repaired in its way."""
        owner.write((), base())
        self.testbed.rolled_out(NAME, self.namespace)
        if self.way is Way.BACKGROUND:
            self.testbed.govern(self.namespace, self.policy)
        self._rest("compliant")

    def _changed(self, owner: Writer) -> Observation:
        before = self.observe()
        owner.shell.said.clear()
        manifests = base()
        try:
            for number, step in enumerate(self.change.steps, start=1):
                manifests = self._stepped(owner, manifests, step)
                last = number == len(self.change.steps)
                self._rest(self.change.verdict if last else None, agreed=last)
            said, difference = tuple(owner.shell.said), owner.difference(manifests)
            sight = eventually(self._agreed, within=PATIENCE_SECONDS) if self.policy else self.observe()
        except Refused as refused:
            return Observation(manifests, refused=str(refused))
        except NeverHappened as seen:
            return Observation(manifests, unsettled=str(seen), sight=self.observe())
        begun = 0 if Deed.RECREATE in self.change.steps else before.rollouts
        return Observation(manifests, said=said, difference=difference, rollouts=sight.rollouts - begun, sight=sight)

    def _stepped(self, owner: Writer, before: Manifests, step: Any) -> Manifests:
        if step is Deed.UNDO:
            owner.undo(before, base())
            return base()
        if step is Deed.RECREATE:
            owner.recreate(before)
            return before
        after: Manifests = step(before)
        owner.write(before, after)
        return after

    def _rest(self, verdict: str | None, *, agreed: bool = True) -> None:
        """Wait until all pods run and, with a policy, nothing is left to be done, and the verdict is so and agreed."""
        counts = {"total": 1, **({verdict: 1} if verdict else {})}

        def rests() -> bool:
            live = self._deployment()
            if not is_rolled_out(live):
                raise NotYet(f"rolling out: {live.get('status')}")
            if self.policy:
                policy = self.testbed.get("pp", self.policy)
                if not is_settled(policy, **counts):
                    raise NotYet(_told(policy.get("status", {})))
                if agreed:
                    self._agreed()
            return True

        eventually(rests, within=PATIENCE_SECONDS, poll_seconds=POLL_SECONDS)

    def _agreed(self) -> Sight:
        """Return what is observed once all writes that follow a repair are done: budget, status, release of fields.

        Each of them may take a moment. An operator that reacts late may begin after this was true once.

        Raises:
            NotYet: it is not so.
        """
        sight = self.observe()
        told, checked = set(sight.violated), set(sight.checked)
        if len(sight.budgets) != 1 or told != checked or FIELD_MANAGER in sight.managers:
            said = f"the status tells {told}, check {checked}"
            raise NotYet(f"budgets {sight.budgets}, {said}, fields are owned by {sorted(sight.managers)}")
        return sight

    def _deployment(self) -> Raw:
        return self.testbed.get("deployment", NAME, self.namespace)


def _told(status: Raw) -> str:
    counts = {name: count for name, count in status.get("workloads", {}).items() if count}
    findings = [f"{each['expectation']} {each.get('path', '')}" for each in status.get("violations", [])]
    return f"{counts}, pending {status.get('pending')}, {findings}"


def _owned(raw: Raw, *, by: Raw) -> bool:
    return any(each["uid"] == by["metadata"]["uid"] for each in raw["metadata"].get("ownerReferences", []))


def _tracked(budget: Raw) -> bool:
    marks = {**budget["metadata"].get("labels", {}), **budget["metadata"].get("annotations", {})}
    return any("fluxcd" in key or "argocd" in key or key.startswith("meta.helm.sh") for key in marks)
