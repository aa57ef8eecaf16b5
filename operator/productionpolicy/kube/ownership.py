"""Who wrote which field: managed fields, and kubectl's record of the last applied configuration.

Only what an owner declares counts as written: an `Apply` entry of managedFields, or last-applied-configuration.
`Update` entries list fields that the API server filled in beside those that somebody wrote, so they do not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from productionpolicy.kube.fields import Fields

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of managedFields."""

    manager: str
    operation: str
    time: str
    subresource: str
    owned: Mapping[str, Any]


class Ownership:
    """What the metadata of an object tells about its writers."""

    __slots__ = ("_applied", "entries")

    def __init__(self, metadata: Fields) -> None:
        self.entries = tuple(_read_entries(metadata))
        self._applied = _last_applied(metadata)

    def declared(self, *path: str) -> bool:
        """Say whether an owner's declared configuration holds the field.

        Args:
            path: the names that lead to it; a list item is named `name=web`.
        """
        declared = any(each.operation == "Apply" and _owns(each.owned, path) for each in self.entries)
        return declared or _holds(self._applied, path)

    def listed(self, *path: str) -> bool:
        """Say whether any writer is recorded as an owner of the field."""
        return any(_owns(each.owned, path) for each in self.entries)

    def has_entry_of(self, manager: str) -> bool:
        """Say whether the manager has an entry for the object itself (not for a subresource)."""
        return any(each.manager == manager and not each.subresource for each in self.entries)

    @property
    def last_writer(self) -> str:
        """The manager whose entry is the newest, status writers aside; empty where none is recorded."""
        entries = [each for each in self.entries if not each.subresource]
        return max(entries, key=lambda each: each.time).manager if entries else ""


def _read_entries(metadata: Fields) -> Iterator[Entry]:
    for each in metadata.items("managedFields"):
        owned = each.raw("fieldsV1")
        yield Entry(
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
    except msgspec.DecodeError:
        return None


def _owns(owned: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Walk a FieldsV1 trie; its keys are `f:name` for a field and `k:{"name":"web"}` for a list item."""
    below: Any = owned
    for name in path:
        key, _, value = name.partition("=")
        below = below.get(f'k:{{"{key}":"{value}"}}' if value else f"f:{name}") if isinstance(below, Mapping) else None
    return below is not None


def _holds(applied: Any, path: tuple[str, ...]) -> bool:
    below = applied
    for name in path:
        key, _, value = name.partition("=")
        below = _item(below, key, value) if value else below.get(name) if isinstance(below, Mapping) else None
    return below is not None


def _item(items: Any, key: str, value: str) -> Any:
    if not isinstance(items, list):
        return None
    return next((each for each in items if isinstance(each, Mapping) and each.get(key) == value), None)
