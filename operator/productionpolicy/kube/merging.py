"""What an API server makes of an object by a strategic merge patch of the operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MERGE_KEYS = {"containers": "name", "initContainers": "name", "topologySpreadConstraints": "topologyKey"}
"""The field by which the items of a list merge (apps/v1); lists that are not here are replaced."""


def merged(raw: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object after the patch."""
    after = dict(raw)
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        elif isinstance(value, Mapping):
            after[name] = merged(after.get(name) or {}, value)
        elif name in _MERGE_KEYS:
            after[name] = _merged_items(after.get(name) or [], value, key=_MERGE_KEYS[name])
        elif not name.startswith("$"):
            after[name] = value
    return after


def _merged_items(items: Sequence[Any], patches: Sequence[Mapping[str, Any]], *, key: str) -> list[Any]:
    gone = {each.get(key) for each in patches if each.get("$patch") == "delete"}
    changes = {each.get(key): each for each in patches if "$patch" not in each}
    kept = [merged(each, changes.pop(each.get(key), {})) for each in items if each.get(key) not in gone]
    return [*kept, *changes.values()]
