"""Who wrote which field: managed fields, and kubectl's record of the last applied configuration.

Only declared configuration counts as written: an `Apply` entry of managedFields, or last-applied-configuration.
`Update` entries also list fields that the API server filled in, so they do not count.
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
    """The field manager that wrote an object, and when, by the API server's clock."""

    manager: str = ""
    time: str = ""

    def since(self, moment: str) -> str:
        """Return the manager if it wrote after a moment. Removing fields leaves no trace in managedFields."""
        return self.manager if moment and self.time > moment else ""


NO_UPDATE = LastUpdate()


class Ownership:
    """The writers of an object other than the operator, from its metadata.

    Args:
        metadata: the metadata of the object.
        ours: the field manager of the operator.
        manifest: the object as its file declares it: every value in it is the owner's. None for a live object.
    """

    __slots__ = ("_applied", "entries", "holds_fields", "left_at")

    def __init__(self, metadata: Fields, *, ours: str, manifest: Mapping[str, Any] | None = None) -> None:
        entries = tuple(_read_entries(metadata))
        own = [each for each in entries if each.manager == ours and not each.subresource]
        self.holds_fields = bool(own)
        """Whether the operator has an entry for the object itself (not for a subresource)."""
        self.left_at = max((each.time for each in own), default="")
        """The time of this entry, by the API server's clock."""
        self.entries = tuple(each for each in entries if each.manager != ours)
        self._applied = _last_applied(metadata) if manifest is None else manifest

    def declared(self, *path: str) -> bool:
        """Return whether an owner has declared the field.

        Applying a subresource does not declare fields of the object: an autoscaler may write `scale` in this way.

        Args:
            path: the names on the path to the field; a list item has the form `name=web`, or `first=a,second=b`.
        """
        applied = (each for each in self.entries if each.operation == "Apply" and not each.subresource)
        declared = any(_owns(each.owned, path) for each in applied)
        return declared or _holds(self._applied, path)

    def listed(self, *path: str) -> bool:
        """Return whether any writer is recorded as an owner of the field."""
        return any(_owns(each.owned, path) for each in self.entries)

    @property
    def last_update(self) -> LastUpdate:
        """The manager with the newest entry, except writers of the status; empty if none is recorded."""
        entries = [each for each in self.entries if not each.subresource]
        newest = max(entries, key=lambda each: each.time, default=None)
        return LastUpdate(newest.manager, newest.time) if newest else NO_UPDATE


class FieldOwnership(Struct, frozen=True):
    """A part of an object, and the writers of its fields; none if they are not known."""

    ownership: Ownership | None = None
    path: tuple[str, ...] = ()

    def below(self, *path: str) -> FieldOwnership:
        """Return the ownership of a part of this part."""
        return FieldOwnership(self.ownership, (*self.path, *path))

    def declared(self, *path: str) -> bool:
        """Return whether an owner has declared the field."""
        return self.ownership is not None and self.ownership.declared(*self.path, *path)

    def listed(self, *path: str) -> bool:
        """Return whether any writer is recorded as an owner of the field."""
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
    """Walk a FieldsV1 trie, whose keys are `f:name` for a field and `k:{"name":"web"}` for a list item."""
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
    """Return the fields that identify a list item, with their values; none for the name of a field."""
    if "=" not in name:
        return ()
    return tuple((key, value) for key, _, value in (each.partition("=") for each in name.split(",")))
