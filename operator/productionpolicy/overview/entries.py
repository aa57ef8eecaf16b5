"""The workloads of a page, by namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.verdict import Exempted

REPAIRABLE = ("repairable", "fix")
"""The mark of a workload that the operator would change."""


class Found(Struct, frozen=True):
    """A finding of a workload."""

    expectation: str
    path: str
    message: str
    remedy: str = ""
    reason: str = ""
    """Why the operator does not repair it, although the policy asks for that; empty if it does, or need not."""
    line: int = 0
    """Its line in the file, if that is another one than that of the workload."""
    new: bool = False
    """Whether an earlier report does not have it."""


class Entry(Struct, frozen=True):
    """A workload of a page."""

    key: WorkloadKey
    findings: tuple[Found, ...] = ()
    omitted: int = 0
    """How many findings it has that are not listed."""
    passed: int = 0
    failed: int = 0
    """How many expectations it fulfills, and how many it does not."""
    exemptions: tuple[Exempted, ...] = ()
    place: str = ""
    """Its file and line; empty in a cluster."""
    link: str = ""
    """The address of the page about it; empty if there is none."""
    marks: tuple[tuple[str, str], ...] = ()
    """What is special about it, such as `contested`, each with its class."""
    changes: tuple[str, ...] = ()
    """The changes that the operator makes, or would make."""
    restarts: bool = False
    """Whether these changes replace its pods."""
    notes: tuple[str, ...] = ()
    """What else there is to say about the changes."""
    left: Mapping[str, str] = {}
    """The reasons for repairs that are left to a person, by expectation."""
    manifests: tuple[Mapping[str, Any], ...] = ()
    """The patch, and the objects to create."""

    @property
    def title(self) -> str:
        """The name for people, such as `Deployment shop/web`."""
        return self.key.title

    @property
    def number(self) -> int:
        """How many findings it has."""
        return len(self.findings) + self.omitted

    @property
    def new(self) -> int:
        """How many findings are new."""
        return sum(each.new for each in self.findings)

    @property
    def met(self) -> str:
        """How many expectations it fulfills, in words."""
        return f"{self.passed} of {self.passed + self.failed} expectations met"


class Group(Struct, frozen=True):
    """A namespace with its workloads: those with findings first, the worst first."""

    number: int
    name: str
    failing: tuple[Entry, ...]
    compliant: tuple[Entry, ...]

    @property
    def called(self) -> str:
        """Its name, for people."""
        return self.name or "no namespace"

    @property
    def total(self) -> int:
        """How many workloads it has."""
        return len(self.failing) + len(self.compliant)

    @property
    def findings(self) -> int:
        """How many findings it has."""
        return sum(each.number for each in self.failing)


def grouped(entries: Iterable[Entry]) -> list[Group]:
    """Return the namespaces, those with most workloads with findings first."""
    by_name: dict[str, list[Entry]] = {}
    for each in entries:
        by_name.setdefault(each.key.namespace, []).append(each)
    worst_first = sorted(by_name.items(), key=lambda item: (-sum(bool(each.findings) for each in item[1]), item[0]))
    return [_group(number, name, listed) for number, (name, listed) in enumerate(worst_first)]


def _group(number: int, name: str, entries: list[Entry]) -> Group:
    failing = sorted((each for each in entries if each.findings), key=_worst_first)
    compliant = sorted((each for each in entries if not each.findings), key=_worst_first)
    return Group(number, name, tuple(failing), tuple(compliant))


def _worst_first(entry: Entry) -> tuple[int, str, str]:
    """Return the place in a list; those that are alike stay in the order in which they were found."""
    return -entry.number, entry.key.kind, entry.key.name
