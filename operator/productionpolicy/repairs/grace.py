"""A longer terminationGracePeriodSeconds."""

from __future__ import annotations

import re
from typing import ClassVar

from msgspec.structs import replace

from productionpolicy.kube.repairable import GRACE, RepairableField
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.amendment import Amendment, Drift, Illegible, Patch, in_pod_template

_NOTE = re.compile(r"([0-9]{1,9}) -> ([0-9]{1,9})")


class Grace(Amendment, frozen=True):
    """The grace period in seconds, before and after."""

    fields: ClassVar[tuple[RepairableField, ...]] = (GRACE,)

    before: int
    after: int

    @classmethod
    def parse(cls, note: str) -> Grace:
        """Read `30 -> 40`."""
        found = _NOTE.fullmatch(note)
        if found is None:
            raise Illegible(note)
        return cls(before=int(found.group(1)), after=int(found.group(2)))

    def note(self) -> str:
        """Return `30 -> 40`."""
        return f"{self.before} -> {self.after}"

    def drift(self, workload: Workload) -> Drift:
        """Any other value is the owner's; the one from before is noted, or it would be taken for unwritten."""
        live = workload.template.grace_seconds
        ours = live == self.after and GRACE.name not in workload.written
        return Drift(kept=self if ours else None, restored=live == self.before)

    def exceeds(self, wanted: Amendment) -> bool:
        """A longer period does no harm; nobody's pods restart for a shorter one."""
        return isinstance(wanted, Grace) and self.after > wanted.after

    def applied(self, workload: Workload) -> Workload:
        """Return the workload with the longer period."""
        return _with_grace(workload, self.after)

    def removed(self, workload: Workload) -> Workload:
        """Return the workload with the period from before."""
        return _with_grace(workload, self.before)

    def patch(self, workload: Workload) -> Patch:
        """Return the period to set."""
        return in_pod_template(GRACE.written(self.after))

    def withdrawal(self, workload: Workload) -> Patch:
        """Return the period from before."""
        return in_pod_template(GRACE.written(self.before))


def _with_grace(workload: Workload, seconds: int) -> Workload:
    return replace(workload, template=replace(workload.template, grace_seconds=seconds))
