"""The workloads by namespace."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from productionpolicy.offline import Judged, Proposed


class Entry(Struct, frozen=True):
    """A workload of the page."""

    judged: Judged
    proposed: Proposed
    new: tuple[bool, ...]
    """For each of its findings, whether it is new."""


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
        return sum(len(each.judged.findings) for each in self.failing)


def grouped(entries: Iterable[Entry]) -> list[Group]:
    """Return the namespaces, those with most workloads with findings first."""
    by_name: dict[str, list[Entry]] = {}
    for each in entries:
        by_name.setdefault(each.judged.key.namespace, []).append(each)
    worst_first = sorted(by_name.items(), key=lambda item: (-sum(each.judged.failed for each in item[1]), item[0]))
    return [_group(number, name, listed) for number, (name, listed) in enumerate(worst_first)]


def _group(number: int, name: str, entries: list[Entry]) -> Group:
    failing = sorted((each for each in entries if each.judged.failed), key=_worst_first)
    compliant = sorted((each for each in entries if not each.judged.failed), key=_worst_first)
    return Group(number, name, tuple(failing), tuple(compliant))


def _worst_first(entry: Entry) -> tuple[int, str, str, str, int]:
    judged = entry.judged
    return -len(judged.findings), judged.key.kind, judged.key.name, judged.file, judged.line
