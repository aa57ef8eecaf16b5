"""Which objects of a kind are known. What could not be read must not count as missing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from productionpolicy.kube.kinds import GroupKind


class Read(StrEnum):
    """How much of a kind was read."""

    ALL = "All"
    NAMESPACES = "Namespaces"
    """Only the objects in some namespaces."""
    NONE = "None"


class Coverage(Struct, frozen=True, omit_defaults=True):
    """How much of a kind was read, and the reason if that is not everything."""

    read: Read
    namespaces: tuple[str, ...] = ()
    """The namespaces that were read, sorted; only with `Namespaces`."""
    reason: str = ""

    def covers(self, namespace: str) -> bool:
        """Return whether all objects of the kind in a namespace are known; for a kind without namespaces: in ""."""
        return self.read is Read.ALL or (self.read is Read.NAMESPACES and namespace in self.namespaces)


COMPLETE = Coverage(Read.ALL)

VALUES = GroupKind("", "values of environment variables")
"""Represents the values of environment variables, which a saved cluster does not contain."""

Coverages = Mapping[GroupKind, Coverage]
"""The coverage by kind; kinds without an entry are known completely."""


def unread_in(namespace: str, coverages: Coverages) -> dict[GroupKind, str]:
    """Return the kinds of which objects may be missing around a workload in a namespace, with the reasons.

    Kinds without namespaces are read as a whole or not at all.
    """
    return {kind: each.reason for kind, each in coverages.items() if not each.covers(namespace)}
