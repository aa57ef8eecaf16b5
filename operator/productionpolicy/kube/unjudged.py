"""Pods of controllers that are not judged: of another API, or, in files, outside the input."""

from __future__ import annotations

from msgspec import Struct

from productionpolicy.kube.selectors import Labels, Pair
from productionpolicy.kube.workloads import UNSCALED_KINDS, Controller

_ENDING = frozenset(each for each in UNSCALED_KINDS if each.group == "batch")


class UnjudgedPods(Struct, frozen=True):
    """Pods with the same labels. Their number is not known."""

    namespace: str
    controller: Controller
    pairs: tuple[Pair, ...]
    """Their labels, sorted."""

    @classmethod
    def of(cls, controller: Controller, labels: Labels, *, namespace: str) -> UnjudgedPods:
        """Return the pods of a controller that have these labels."""
        return cls(namespace, controller, tuple(sorted(labels.items())))

    @property
    def labels(self) -> Labels:
        """Their labels."""
        return dict(self.pairs)

    @property
    def unscaled(self) -> bool:
        """Whether their controller has no scale. Those of other APIs may have one."""
        return self.controller.kind in UNSCALED_KINDS

    @property
    def ending(self) -> bool:
        """Whether they end, as those of a Job."""
        return self.controller.kind in _ENDING
