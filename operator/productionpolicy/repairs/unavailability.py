"""Another maxUnavailable in a Deployment's rolling update."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from productionpolicy.kube.counts import Count
from productionpolicy.kube.repairable import MAX_UNAVAILABLE, RepairableField
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.amendment import Amendment, Drift, Illegible, Patch
from productionpolicy.repairs.harm import Harm

NO_ROOM = Harm(
    "a surge pod found no place",
    "a rollout stopped because a surge pod could not be scheduled, so the setting was withdrawn",
)
_ARROW = " -> "


class MaxUnavailable(Amendment, frozen=True):
    """`strategy.rollingUpdate.maxUnavailable`, before and after."""

    fields: ClassVar[tuple[RepairableField, ...]] = (MAX_UNAVAILABLE,)
    harm: ClassVar[Harm | None] = NO_ROOM
    restarts: ClassVar[bool] = False
    subject: ClassVar[str] = MAX_UNAVAILABLE.name

    before: Count
    after: Count

    @classmethod
    def parse(cls, note: str) -> MaxUnavailable:
        """Read `25% -> 1%`."""
        before, arrow, after = note.partition(_ARROW)
        try:
            parsed = cls(before=_count(before), after=_count(after))
        except ValueError as error:
            raise Illegible(note) from error
        if not arrow:
            raise Illegible(note)
        return parsed

    def note(self) -> str:
        """Return `25% -> 1%`."""
        return f"{self.before}{_ARROW}{self.after}"

    def drift(self, workload: Workload) -> Drift:
        """Any other value is the owner's; the one from before is noted, or it would be taken for unwritten."""
        live = workload.strategy.max_unavailable
        ours = live == self.after and MAX_UNAVAILABLE.name not in workload.written
        return Drift(kept=self if ours else None, restored=live == self.before)

    def applied(self, workload: Workload) -> Workload:
        """Return the workload with the new value."""
        return _with_max_unavailable(workload, self.after)

    def removed(self, workload: Workload) -> Workload:
        """Return the workload with the value from before."""
        return _with_max_unavailable(workload, self.before)

    def patch(self, workload: Workload) -> Patch:
        """Return the value to set."""
        return _written(self.after)

    def withdrawal(self, workload: Workload) -> Patch:
        """Return the value from before."""
        return _written(self.before)


def _count(text: str) -> Count:
    return Count.parse(int(text) if text.isdecimal() else text)


def _with_max_unavailable(workload: Workload, value: Count) -> Workload:
    return replace(workload, strategy=replace(workload.strategy, max_unavailable=value))


def _written(value: Count) -> Patch:
    return {"spec": MAX_UNAVAILABLE.written(value.as_field())}
