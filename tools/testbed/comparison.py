"""How what was found differs from what it should be: the same comparison for all experiments."""

from __future__ import annotations

from typing import Any

MOST_SHOWN = 120


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of a value by their paths; items of a list go by their names, or else by their places."""
    if isinstance(value, dict) and value:
        return {at: leaf for name, each in value.items() for at, leaf in flat(each, f"{path}.{name}").items()}
    if isinstance(value, list) and value:
        named = all(isinstance(each, dict) and "name" in each for each in value)
        keys = [each["name"] if named else str(place) for place, each in enumerate(value)]
        pairs = zip(keys, value, strict=True)
        return {at: leaf for key, each in pairs for at, leaf in flat(each, f"{path}[{key}]").items()}
    return {path: value}


def differences(found: Any, wanted: Any, *, at: str = "") -> list[str]:
    """Return, for each path at which two values differ, a sentence with both; `at` is where the two are."""
    one, other = flat(found, at), flat(wanted, at)
    unlike = (path for path in sorted(one.keys() | other.keys()) if _of(one, path) != _of(other, path))
    return [f"{path or 'all'} is {_of(one, path)[:MOST_SHOWN]}, not {_of(other, path)[:MOST_SHOWN]}" for path in unlike]


def _of(leaves: dict[str, Any], path: str) -> str:
    return repr(leaves[path]) if path in leaves else "missing"
