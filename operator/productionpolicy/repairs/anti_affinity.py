"""A podAntiAffinity that keeps the pods of a workload apart."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from msgspec.structs import replace

from productionpolicy.kube.pods import POD_TEMPLATE_HASH, AffinityTerm
from productionpolicy.kube.repairable import ANTI_AFFINITY, PREFERRED_TERMS, REQUIRED_TERMS, RepairableField
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.amendment import Amendment, Drift, Illegible, Patch, in_pod_template

_KEYS = r"[A-Za-z0-9./_-]+(?:,[A-Za-z0-9./_-]+)*"
_NOTE = re.compile(
    rf"(?=.)(?:Required( per rollout)?: ({_KEYS}))?(?:(?:\A|(?<=.); )Preferred( for want of nodes)?: ({_KEYS}))?"
    rf"(?:(?<=.); one place: ({_KEYS}))?"
)
_FIELDS = {True: REQUIRED_TERMS, False: PREFERRED_TERMS}
WEIGHT = 100


class AntiAffinity(Amendment, frozen=True):
    """One term per topology key, against the workload's own pods."""

    fields: ClassVar[tuple[RepairableField, ...]] = (ANTI_AFFINITY,)

    preferred: tuple[str, ...] = ()
    """Topology keys in whose places the scheduler avoids a second pod."""
    required: tuple[str, ...] = ()
    """Topology keys in whose places it never puts one."""
    per_rollout: bool = False
    """Whether `required` counts only pods of the same template (`matchLabelKeys`), so that a surge pod fits."""
    wanting: bool = False
    """Whether `preferred` stands in for `required`, for want of nodes when it was written."""
    left_out: tuple[str, ...] = ()
    """Topology keys of which all nodes had the same value when it was written: a term would only cost the scheduler."""

    @classmethod
    def parse(cls, note: str) -> AntiAffinity:
        """Read `Preferred: kubernetes.io/hostname`."""
        found = _NOTE.fullmatch(note)
        if found is None:
            raise Illegible(note)
        per_rollout, required, wanting, preferred, left_out = found.groups()
        return cls(
            preferred=_split(preferred),
            required=_split(required),
            per_rollout=bool(per_rollout),
            wanting=bool(wanting),
            left_out=_split(left_out),
        )

    def note(self) -> str:
        """Return `Preferred: kubernetes.io/hostname`."""
        per_rollout, wanting = " per rollout" * self.per_rollout, " for want of nodes" * self.wanting
        required = f"Required{per_rollout}: {','.join(self.required)}" if self.required else ""
        preferred = f"Preferred{wanting}: {','.join(self.preferred)}" if self.preferred else ""
        left_out = f"one place: {','.join(self.left_out)}" if self.left_out else ""
        return "; ".join(filter(None, (required, preferred, left_out)))

    def drift(self, workload: Workload) -> Drift:
        """Other terms are the owner's: the lists are atomic, and a writer replaces them whole."""
        live = workload.template.anti_affinity
        ours = live == self._terms(workload) and ANTI_AFFINITY.name not in workload.template.written
        return Drift(kept=self if ours else None, undone=not live)

    def satisfies(self, wanted: Amendment) -> bool:
        """Say whether it is what was asked: later changes of the nodes never rewrite it."""
        return isinstance(wanted, AntiAffinity) and self.asked == wanted.asked

    def applied(self, workload: Workload) -> Workload:
        """Return the workload with the operator's terms."""
        return _with_terms(workload, self._terms(workload))

    def removed(self, workload: Workload) -> Workload:
        """Return the workload without any term: the operator's were all there were."""
        return _with_terms(workload, ())

    def patch(self, workload: Workload) -> Patch:
        """Return the terms to set, in place of what an earlier amendment of the operator set."""
        terms, lists = self._terms(workload), self._without_terms(workload)
        for required in sorted({each.required for each in terms}, reverse=True):
            lists[_FIELDS[required]] = [_written(each) for each in terms if each.required is required]
        return in_pod_template(ANTI_AFFINITY.written(lists))

    def withdrawal(self, workload: Workload) -> Patch:
        """Remove the terms, and the parents that exist only for them."""
        return in_pod_template(ANTI_AFFINITY.removed(workload.template.shared, parts=self._without_terms(workload)))

    @property
    def asked(self) -> tuple[bool, frozenset[str]]:
        """What the policy asked for: whether Required, and on which keys."""
        return bool(self.required) or self.wanting, frozenset(self.required + self.preferred + self.left_out)

    def _without_terms(self, workload: Workload) -> Patch:
        return {_FIELDS[each.required]: None for each in workload.template.anti_affinity}

    def _terms(self, workload: Workload) -> tuple[AffinityTerm, ...]:
        selector = workload.selector or Selector()
        hashed = (POD_TEMPLATE_HASH,) if self.per_rollout else ()
        required = (AffinityTerm(key, selector, required=True, match_label_keys=hashed) for key in self.required)
        preferred = (AffinityTerm(key, selector, required=False, weight=WEIGHT) for key in self.preferred)
        return (*required, *preferred)


def _split(keys: str | None) -> tuple[str, ...]:
    return tuple(keys.split(",")) if keys else ()


def _with_terms(workload: Workload, terms: tuple[AffinityTerm, ...]) -> Workload:
    return replace(workload, template=replace(workload.template, anti_affinity=terms))


def _written(term: AffinityTerm) -> dict[str, Any]:
    selector = term.selector.as_field() if term.selector else {}
    written: dict[str, Any] = {"labelSelector": selector, "topologyKey": term.topology_key}
    if term.match_label_keys:
        written["matchLabelKeys"] = list(term.match_label_keys)
    return written if term.required else {"weight": term.weight, "podAffinityTerm": written}
