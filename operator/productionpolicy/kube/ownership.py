"""Who wrote which field: managed fields, and kubectl's record of the last applied configuration.

Only what an owner declares counts as written: an `Apply` entry of managedFields, or last-applied-configuration.
`Update` entries list fields that the API server filled in beside those that somebody wrote, so they do not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from productionpolicy.kube.fields import Fields

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class ManagedFieldsEntry(Struct, frozen=True):
    """One entry of managedFields."""

    manager: str
    operation: str
    time: str
    subresource: str
    owned: Mapping[str, Any]


class LastUpdate(Struct, frozen=True):
    """Who wrote an object, and when, by the API server's clock."""

    manager: str = ""
    time: str = ""

    def since(self, moment: str) -> str:
        """Return the manager if it wrote after a moment; who only removes fields leaves no trace in managedFields."""
        return self.manager if moment and self.time > moment else ""


NO_UPDATE = LastUpdate()


class Ownership:
    """What the metadata of an object tells about its writers other than us.

    Args:
        metadata: where the object says so.
        ours: our field manager.
        stands: the object itself, where no API server has seen it: all that stands in it is its owner's word.
    """

    __slots__ = ("_applied", "entries", "holds_fields", "left_at")

    def __init__(self, metadata: Fields, *, ours: str, stands: Mapping[str, Any] | None = None) -> None:
        entries = tuple(_read_entries(metadata))
        own = [each for each in entries if each.manager == ours and not each.subresource]
        self.holds_fields = bool(own)
        """Whether we have an entry for the object itself (not for a subresource)."""
        self.left_at = max((each.time for each in own), default="")
        """When we made it, by the API server's clock."""
        self.entries = tuple(each for each in entries if each.manager != ours)
        self._applied = _last_applied(metadata) if stands is None else stands

    def declared(self, *path: str) -> bool:
        """Say whether an owner's declared configuration holds the field.

        What is applied to a subresource is no configuration of the object: an autoscaler may so write its `scale`.

        Args:
            path: the names that lead to it; a list item is named `name=web`, by several fields `first=a,second=b`.
        """
        applied = (each for each in self.entries if each.operation == "Apply" and not each.subresource)
        declared = any(_owns(each.owned, path) for each in applied)
        return declared or _holds(self._applied, path)

    def listed(self, *path: str) -> bool:
        """Say whether any writer is recorded as an owner of the field."""
        return any(_owns(each.owned, path) for each in self.entries)

    @property
    def last_update(self) -> LastUpdate:
        """The manager whose entry is the newest, status writers aside; empty where none is recorded."""
        entries = [each for each in self.entries if not each.subresource]
        newest = max(entries, key=lambda each: each.time, default=None)
        return LastUpdate(newest.manager, newest.time) if newest else NO_UPDATE


class FieldOwnership(Struct, frozen=True):
    """A part of an object, and who wrote the fields in it; nobody where that is not known."""

    ownership: Ownership | None = None
    path: tuple[str, ...] = ()

    def below(self, *path: str) -> FieldOwnership:
        """Return a part of the part."""
        return FieldOwnership(self.ownership, (*self.path, *path))

    def declared(self, *path: str) -> bool:
        """Say whether an owner's declared configuration holds the field."""
        return self.ownership is not None and self.ownership.declared(*self.path, *path)

    def listed(self, *path: str) -> bool:
        """Say whether any writer is recorded as an owner of the field."""
        return self.ownership is not None and self.ownership.listed(*self.path, *path)


def _read_entries(metadata: Fields) -> Iterator[ManagedFieldsEntry]:
    for each in metadata.items("managedFields"):
        owned = each.raw("fieldsV1")
        yield ManagedFieldsEntry(
            manager=each.text("manager") or "",
            operation=each.text("operation") or "",
            time=each.text("time") or "",
            subresource=each.text("subresource") or "",
            owned=owned if isinstance(owned, Mapping) else {},
        )


def _last_applied(metadata: Fields) -> Any:
    written = metadata.mapping("annotations").raw(LAST_APPLIED)
    try:
        return msgspec.json.decode(written) if isinstance(written, str) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _owns(owned: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Walk a FieldsV1 trie; its keys are `f:name` for a field and `k:{"name":"web"}` for a list item."""
    below: Any = owned
    for name in path:
        below = below.get(_owned_key(name)) if isinstance(below, Mapping) else None
    return below is not None


def _owned_key(name: str) -> str:
    keys = _keys(name)
    pairs = ",".join(f'"{key}":"{value}"' for key, value in keys)
    return f"k:{{{pairs}}}" if keys else f"f:{name}"


def _holds(applied: Any, path: tuple[str, ...]) -> bool:
    below = applied
    for name in path:
        keys = _keys(name)
        below = _item(below, keys) if keys else below.get(name) if isinstance(below, Mapping) else None
    return below is not None


def _item(items: Any, keys: Iterable[tuple[str, str]]) -> Any:
    if not isinstance(items, list):
        return None
    found = (each for each in items if isinstance(each, Mapping))
    return next((each for each in found if all(each.get(key) == value for key, value in keys)), None)


def _keys(name: str) -> tuple[tuple[str, str], ...]:
    """Return the fields that name a list item, with their values; none for the name of a field."""
    if "=" not in name:
        return ()
    return tuple((key, value) for key, _, value in (each.partition("=") for each in name.split(",")))
