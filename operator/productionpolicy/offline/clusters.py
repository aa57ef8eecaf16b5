"""A cluster as a source of objects: what a report says of it, and its objects as documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from productionpolicy.kube.coverage import Coverage, Read
from productionpolicy.offline.documents import Document
from productionpolicy.offline.pieces import Piece

_NOWHERE = Piece("", "", 0)
"""The place of an object that comes from no file."""


class Cluster(Struct, frozen=True):
    """A cluster at one moment."""

    context: str
    server_version: str
    taken_at: str
    """In UTC."""
    coverage: Mapping[str, Coverage]
    """How much of each kind was read, by its name in rights, such as `pods` or `deployments.apps`."""
    incomplete: bool = False
    """Whether something is missing that was asked for."""

    @property
    def gaps(self) -> dict[str, str]:
        """What was not read, or is not served, by kind, with the reason for people."""
        return {name: _gap(each) for name, each in self.coverage.items() if each.reason}


def documents_of(objects: Iterable[Mapping[str, Any]]) -> Iterator[Document]:
    """Return the objects of a cluster as documents."""
    return (Document(_NOWHERE, each) for each in objects)


def _gap(coverage: Coverage) -> str:
    if coverage.read is Read.NAMESPACES:
        return f"only in {', '.join(coverage.namespaces)}: {coverage.reason}"
    return coverage.reason
