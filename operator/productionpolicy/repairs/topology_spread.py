"""The topologySpreadConstraints that keep the pods of a workload apart."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from msgspec.structs import replace

from productionpolicy.kube.pods import POD_TEMPLATE_HASH, SpreadConstraint
from productionpolicy.kube.repairable import SPREAD_CONSTRAINTS, RepairableField
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.amendment import TOPOLOGY_KEY, Amendment, Drift, Illegible, Patch, in_pod_template

_KEYS = r"[A-Za-z0-9./_-]+(?:,[A-Za-z0-9./_-]+)*"
_NOTE = re.compile(rf"TopologySpread( per rollout)?: ({_KEYS})(?:; one place: ({_KEYS}))?")


class TopologySpread(Amendment, frozen=True):
    """One constraint per topology key, on the workload's own pods, which never keeps a pod from being scheduled."""

    fields: ClassVar[tuple[RepairableField, ...]] = (SPREAD_CONSTRAINTS,)

    keys: tuple[str, ...]
    per_rollout: bool = False
    """Whether only pods of the same template count (`matchLabelKeys`): those that a rollout ends do not."""
    left_out: tuple[str, ...] = ()
    """Topology keys of which all nodes had the same value when it was written."""

    @classmethod
    def parse(cls, note: str) -> TopologySpread:
        """Read `TopologySpread per rollout: kubernetes.io/hostname`."""
        found = _NOTE.fullmatch(note)
        if found is None:
            raise Illegible(note)
        per_rollout, keys, left_out = found.groups()
        left = tuple(left_out.split(",")) if left_out else ()
        return cls(keys=tuple(keys.split(",")), per_rollout=bool(per_rollout), left_out=left)

    def note(self) -> str:
        """Return `TopologySpread per rollout: kubernetes.io/hostname`."""
        left_out = f"; one place: {','.join(self.left_out)}" if self.left_out else ""
        return f"TopologySpread{' per rollout' * self.per_rollout}: {','.join(self.keys)}{left_out}"

    def drift(self, workload: Workload) -> Drift:
        """Any other constraint is the owner's, and so is every constraint on a key on which the owner has another.

        A strategic merge patch tells constraints apart by their topology keys alone, so one of two on a key could not
        be taken back without the other.
        """
        live, ours = workload.template.spread_constraints, self._constraints(workload)
        foreign = [each for each in live if each not in ours]
        taken = {each.topology_key for each in foreign}
        kept = tuple(each.topology_key for each in ours if each in live and each.topology_key not in taken)
        undone = not foreign and any(each not in live for each in ours)
        return Drift(kept=replace(self, keys=kept) if kept else None, undone=undone)

    def satisfies(self, wanted: Amendment) -> bool:
        """Say whether it is what was asked: later changes of the nodes never rewrite it."""
        return isinstance(wanted, TopologySpread) and self.asked == wanted.asked

    def applied(self, workload: Workload) -> Workload:
        """Return the workload with the operator's constraints."""
        return _with_constraints(workload, (*workload.template.spread_constraints, *self._constraints(workload)))

    def removed(self, workload: Workload) -> Workload:
        """Return the workload without the operator's constraints."""
        ours = self._constraints(workload)
        return _with_constraints(workload, tuple(e for e in workload.template.spread_constraints if e not in ours))

    def patch(self, workload: Workload) -> Patch:
        """Return the constraints to add."""
        selector = (workload.selector or Selector()).as_field()
        return in_pod_template(SPREAD_CONSTRAINTS.written([self._written(key, selector) for key in self.keys]))

    def withdrawal(self, workload: Workload) -> Patch:
        """Remove the constraints."""
        gone = [{"$patch": "delete", TOPOLOGY_KEY: key} for key in self.keys]
        return in_pod_template(SPREAD_CONSTRAINTS.written(gone))

    @property
    def asked(self) -> tuple[bool, frozenset[str]]:
        """What the policy asked for."""
        return self.per_rollout, frozenset(self.keys + self.left_out)

    @property
    def _hashed(self) -> tuple[str, ...]:
        return (POD_TEMPLATE_HASH,) if self.per_rollout else ()

    def _constraints(self, workload: Workload) -> tuple[SpreadConstraint, ...]:
        selector = workload.selector or Selector()
        return tuple(
            SpreadConstraint(key, selector, required=False, match_label_keys=self._hashed) for key in self.keys
        )

    def _written(self, key: str, selector: dict[str, object]) -> dict[str, Any]:
        hashed = {"matchLabelKeys": list(self._hashed)} if self._hashed else {}
        given = {TOPOLOGY_KEY: key, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": selector}
        return {**given, **hashed}


def _with_constraints(workload: Workload, constraints: tuple[SpreadConstraint, ...]) -> Workload:
    return replace(workload, template=replace(workload.template, spread_constraints=constraints))
