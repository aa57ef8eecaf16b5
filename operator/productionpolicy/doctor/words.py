"""Lists of names in sentences."""

from __future__ import annotations

from collections.abc import Iterable

_FEW = 3


def listed(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
    return f"{', '.join(found[:_FEW])}{more}"
