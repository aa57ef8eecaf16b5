"""The object that results from a strategic merge patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from productionpolicy.offline.fix.refusal import Refused

_MERGED_BY_NAME = frozenset({"containers", "initContainers"})
"""The lists of a workload that the API server merges by the names of their items, as far as repairs write them."""


def patched(raw: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object after a strategic merge patch, as the API server merges it.

    Raises:
        Refused: the patch removes a field.
    """
    after = dict(raw) if isinstance(raw, Mapping) else {}
    for name, value in patch.items():
        after[name] = _merged(name, after.get(name), value)
    return after


def _merged(name: str, before: Any, value: Any) -> Any:
    if value is None:
        raise Refused(
            f"the change removes {name}, which the operator has added in the cluster: "
            "remove it from the file, or let the operator withdraw it"
        )
    if isinstance(value, Mapping):
        return patched(before, value)
    if name in _MERGED_BY_NAME and isinstance(before, list):
        changes = {each["name"]: each for each in value}
        return [patched(each, changes[each["name"]]) if each.get("name") in changes else each for each in before]
    return value
