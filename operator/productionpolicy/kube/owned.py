"""Objects of any kind that the operator creates for workloads and owns: how they are named and recognized."""

from __future__ import annotations

import hashlib

from productionpolicy.kube.identity import MANAGED_BY, NAME
from productionpolicy.kube.workloads import Workload

_LONGEST_NAME = 253


class Ownable:
    """The base class of kinds of which the operator creates objects."""

    __slots__ = ()

    namespace: str
    name: str
    uid: str
    resource_version: str
    labels: tuple[tuple[str, str], ...]
    owner_uids: tuple[str, ...]
    deleting: bool

    @property
    def made_by_operator(self) -> bool:
        """Whether the operator created it: it has the operator's label and an owner reference."""
        return (MANAGED_BY, NAME) in self.labels and bool(self.owner_uids)

    @property
    def terms(self) -> str:
        """What it asks for, in words for people."""
        raise NotImplementedError


def owned_name(workload: Workload) -> str:
    """Return the name of the objects that the operator creates for the workload."""
    return within_limit(f"{workload.key.name}-{workload.key.kind.lower()}-{NAME}")


def within_limit(name: str) -> str:
    """Return a valid name. If the name is too long, it is cut and ends in a hash of the whole name."""
    if len(name) <= _LONGEST_NAME:
        return name
    short = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: _LONGEST_NAME - len(short) - 1].rstrip('-.')}-{short}"


def is_made_for(workload: Workload, thing: Ownable) -> bool:
    """Return whether the operator created an object for the workload, by its name, label and owner reference."""
    return thing.made_by_operator and thing.name == owned_name(workload) and workload.uid in thing.owner_uids
