"""The nodes that a command line chooses."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import click
from msgspec import Struct

from productionpolicy.cli.drains.told import some
from productionpolicy.cli.label_selectors import LabelSelector
from productionpolicy.cli.reaching import CannotRead
from productionpolicy.drain import Cluster
from productionpolicy.kube.pods import ZONE
from productionpolicy.kube.text import nearest, printable

_RESOURCES = ("no", "node", "nodes")


class Chosen(Struct, frozen=True):
    """Which nodes are drained, or fail."""

    names: Sequence[str] = ()
    every: bool = False
    labels: LabelSelector | None = None
    zone: str | None = None

    @property
    def given(self) -> bool:
        """Whether an option chooses nodes."""
        return bool(self.names or self.every or self.labels or self.zone is not None)

    def conflicts(self) -> Iterator[tuple[str, bool]]:
        """Yield what to do about each conflict, and whether the options have it."""
        by_label = self.labels is not None or self.zone is not None
        yield "the name of a node is empty.", "" in self.names
        yield (
            "--all-nodes chooses all nodes: omit NODE, --node, -l and --zone.",
            self.every and (bool(self.names) or by_label),
        )
        yield (
            "NODE and --node name nodes, and -l and --zone choose them by label: use one of them.",
            bool(self.names) and by_label,
        )

    def of(self, cluster: Cluster, *, place: str) -> list[str]:
        """Return the names of the chosen nodes: in the given order, or sorted.

        Args:
            cluster: the cluster.
            place: what was read, for people.

        Raises:
            CannotRead: the cluster has no nodes, or they may not be read.
            UsageError: it has no such nodes.
        """
        if not cluster.nodes:
            unread = cluster.unread.get("nodes")
            raise CannotRead(f"the nodes could not be read: {unread}" if unread else f"{place} has no nodes")
        if self.names:
            _refuse_unknown("node", self.names, [each.name for each in cluster.nodes])
            return list(dict.fromkeys(self.names))
        return self._by_label(cluster)

    def _by_label(self, cluster: Cluster) -> list[str]:
        nodes = cluster.nodes
        if self.zone is not None:
            _refuse_unknown("zone", [self.zone], sorted({each.zone for each in nodes if each.zone}))
            nodes = tuple(each for each in nodes if each.zone == self.zone)
        found = [each.name for each in nodes if self.labels is None or self.labels.matches(each.labels)]
        if not found:
            raise click.UsageError("no node has the labels of -l.")
        return found


def bare(name: str) -> str:
    """Return the name of a node in `node/a`, as kubectl accepts it, too."""
    resource, slash, rest = name.partition("/")
    return rest if slash and resource in _RESOURCES else name


def _refuse_unknown(kind: str, names: Sequence[str], known: Collection[str]) -> None:
    unknown = next((each for each in names if each not in known), None)
    if unknown is not None:
        raise click.UsageError(f"there is no {kind} {unknown!r}: {_advice(kind, unknown, sorted(known))}")


def _advice(kind: str, unknown: str, known: Sequence[str]) -> str:
    if not known:
        return f"no node has the label {ZONE}."
    if "," in unknown:
        return f"separate the names by spaces, such as {printable(unknown.replace(',', ' '))}."
    meant = nearest(unknown, known)
    return f"did you mean {printable(meant)}?" if meant else f"the {kind}s are {printable(some(known))}."
