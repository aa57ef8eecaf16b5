"""What of an object may leave a cluster in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from productionpolicy.kube.ownership import LAST_APPLIED

Raw = dict[str, Any]

_NEVER = frozenset({"ConfigMap", "Secret"})
_COPIES = re.compile(
    r"last-?applied|^objectset\.rio\.cattle\.io/|^kapp\.k14s\.io/original|^kustomize\.toolkit\.fluxcd\.io/.*config",
    re.IGNORECASE,
)
"""The names of annotations in which tools keep a copy of what they have applied, with all of its values."""
_CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})
_VALUE = "value"
_STATUS = "f:status"
_IDENTITIES = (("name",), ("topologyKey", "whenUnsatisfiable"))
"""The fields by which the items of the lists that matter for ownership are identified."""


def redacted(raw: Raw) -> Raw | None:
    """Return an object without secret values; None for an object that is nothing but values.

    What kubectl recorded as applied becomes an entry of managedFields, which names the same fields without values.
    """
    if raw.get("kind") in _NEVER:
        return None
    found = {name: _without_values(value) for name, value in raw.items()}
    metadata = found.get("metadata")
    return {**found, "metadata": _metadata(metadata)} if isinstance(metadata, dict) else found


def _without_values(value: Any, *, within: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _without_values(each, within=name) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    items = [_without_values(each, within="") for each in value]
    return [_without_variables(each) for each in items] if within in _CONTAINERS else items


def _without_variables(container: Any) -> Any:
    """Return a container with the names of its variables, but not their values."""
    if not isinstance(container, dict) or not isinstance(container.get("env"), list):
        return container
    variables = [
        {name: each for name, each in variable.items() if name != _VALUE}
        for variable in container["env"]
        if isinstance(variable, dict)
    ]
    return {**container, "env": variables}


def _metadata(metadata: Raw) -> Raw:
    annotations = metadata.get("annotations")
    if not isinstance(annotations, dict):
        return {**metadata, **_managed(metadata.get("managedFields"))}
    kept = {name: each for name, each in annotations.items() if not _COPIES.search(name)}
    applied = _applied(annotations.get(LAST_APPLIED))
    return {**metadata, "annotations": kept, **_managed(metadata.get("managedFields"), *applied)}


def _managed(entries: Any, *more: Raw) -> Raw:
    """Return the entries without what they say of the status, which matters to nobody, and is long."""
    listed = [_without_status(each) for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    together = [*listed, *more]
    return {"managedFields": together} if together else {}


def _without_status(entry: Raw) -> Raw:
    fields = entry.get("fieldsV1")
    if not isinstance(fields, dict):
        return entry
    return {**entry, "fieldsV1": {name: each for name, each in fields.items() if name != _STATUS}}


def _applied(text: Any) -> Iterator[Raw]:
    """Return an entry that names the fields in a text that kubectl has recorded."""
    try:
        applied = msgspec.json.decode(text) if isinstance(text, str) else None
    except (msgspec.DecodeError, RecursionError):
        return
    if isinstance(applied, Mapping):
        yield {"manager": LAST_APPLIED, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": _fields(applied)}


def _fields(value: Any) -> Raw:
    """Return the trie of the fields in a value; see `Ownership`."""
    if isinstance(value, Mapping):
        # A field that is null is not declared.
        return {f"f:{name}": _fields(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return {key: _fields(each) for each in value if isinstance(each, Mapping) for key in _key(each)}
    return {}


def _key(item: Mapping[str, Any]) -> Iterator[str]:
    for names in _IDENTITIES:
        if all(isinstance(item.get(name), str) for name in names):
            yield f"k:{json.dumps({name: item[name] for name in names}, separators=(',', ':'))}"
            return
