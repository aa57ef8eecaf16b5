"""The fields of workloads that repairs write.

This list is the only place that names these fields. The digests of a workload, the fields that count as declared by the
owner, and the values that the owner can restore follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.ownership import FieldOwnership

REQUIRED_TERMS = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED_TERMS = "preferredDuringSchedulingIgnoredDuringExecution"


class RepairableField(Struct, frozen=True):
    """A field that repairs write, in the spec of a workload, the spec of its pods, or a container."""

    path: tuple[str, ...]
    """The path of the field."""
    attribute: str
    """The attribute with its value in the view of the workload, the pod template or the container."""
    parts: tuple[str, ...] = ()
    """The fields below it that have all of its content."""
    items: bool = False
    """Whether it is a list in which each item has its own owner, recorded in the item."""
    restorable: bool = False
    """Whether it always has a value. A writer that restores the value from before a repair takes the field over."""
    digested: tuple[str, ...] = ()
    """The path of all that `attribute` contains, if it contains more than the field; the default is `path`."""

    @property
    def name(self) -> str:
        """The last name in the path."""
        return self.path[-1]

    def declared(self, part: FieldOwnership) -> bool:
        """Return whether the owner has declared the field."""
        leaves = ((*self.path, each) for each in self.parts) if self.parts else (self.path,)
        return any(part.declared(*each) for each in leaves)

    def shared_parents(self, fields: Fields, part: FieldOwnership) -> Iterator[str]:
        """Return the parents that must stay without the field: they have other fields, or the owner declared them.

        An empty parent that the owner declared must stay, because the hash of the pod template would change without it.
        """
        for depth, name in enumerate(self.path[:-1], start=1):
            there = self.path[0] in fields
            others = there and fields.below(*self.path[:depth]).names() - {self.path[depth]}
            if others or part.listed(*self.path[:depth]):
                yield name
        if self.parts and part.listed(*self.path):
            yield self.name

    def written(self, value: Any) -> dict[str, Any]:
        """Return a patch that sets the field."""
        for name in reversed(self.path):
            value = {name: value}
        patch: dict[str, Any] = value
        return patch

    def removed(self, shared: frozenset[str], *, parts: Iterable[str] = ()) -> dict[str, Any]:
        """Return a patch that removes the field, and the parents that exist only for it.

        Args:
            shared: the parents that must stay; see `shared_parents`.
            parts: the existing fields of `parts`.
        """
        value: Any = dict.fromkeys(parts) if self.name in shared else None
        for name, parent in zip(reversed(self.path), (*reversed(self.path[:-1]), None), strict=True):
            value = {name: value} if value is not None or parent is None or parent in shared else None
        patch: dict[str, Any] = value
        return patch

    def left_out(self, raw: Any) -> Any:
        """Return the raw parent without the field and without parents that exist only for it."""
        return _without(raw, self.digested or self.path)


PRE_STOP = RepairableField(("lifecycle", "preStop"), "pre_stop")
MESSAGE_POLICY = RepairableField(("terminationMessagePolicy",), "message_policy")
OF_CONTAINERS = (PRE_STOP, MESSAGE_POLICY)
"""The fields in containers. The order of these lists is part of the digests."""

GRACE = RepairableField(("terminationGracePeriodSeconds",), "grace_seconds", restorable=True)
ANTI_AFFINITY = RepairableField(
    ("affinity", "podAntiAffinity"), "anti_affinity", parts=(REQUIRED_TERMS, PREFERRED_TERMS)
)
SPREAD_CONSTRAINTS = RepairableField(("topologySpreadConstraints",), "asked_constraints", items=True)
OF_PODS = (GRACE, ANTI_AFFINITY, SPREAD_CONSTRAINTS)
"""The fields in the spec of pods."""

MAX_UNAVAILABLE = RepairableField(
    ("strategy", "rollingUpdate", "maxUnavailable"), "strategy", restorable=True, digested=("strategy",)
)
OF_WORKLOADS = (MAX_UNAVAILABLE,)
"""The fields in the spec of the workload itself."""


def declared(fields: Iterable[RepairableField], part: FieldOwnership) -> frozenset[str]:
    """Return the names of the fields that the owner has declared."""
    return frozenset(each.name for each in fields if not each.items and each.declared(part))


def shared_parents(repairable: Iterable[RepairableField], fields: Fields, part: FieldOwnership) -> frozenset[str]:
    """Return the parents of fields that must stay after a repair is withdrawn."""
    return frozenset(name for each in repairable for name in each.shared_parents(fields, part))


def values(fields: Iterable[RepairableField], view: object) -> tuple[object, ...]:
    """Return the values of the fields in a view."""
    return tuple(getattr(view, each.attribute) for each in fields)


def without(fields: Iterable[RepairableField], raw: Any) -> Any:
    """Return a part of a raw object without the fields."""
    for each in fields:
        raw = each.left_out(raw)
    return raw


def _without(raw: Any, path: tuple[str, ...]) -> Any:
    name, below = path[0], path[1:]
    if not isinstance(raw, Mapping) or name not in raw:
        return raw
    rest = {key: value for key, value in raw.items() if key != name}
    if not below:
        return rest
    if not isinstance(raw[name], Mapping):
        return raw
    kept = _without(raw[name], below)
    return {**rest, name: kept} if kept else rest
