"""The difference between the objects in a cluster and what the operator would make of them, like `kubectl diff`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any, TextIO

from productionpolicy.kube.merging import merged
from productionpolicy.kube.yaml import dumped
from productionpolicy.offline import Proposal, Proposed
from productionpolicy.offline.gathering import shown

_SHOWN = ("apiVersion", "kind", "metadata", "spec")
_BY_SERVER = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"})


def write(proposal: Proposal, out: TextIO) -> None:
    """Write one difference for each object that would be changed or created."""
    for each in proposal.changed:
        out.writelines(_lines(each))


def _lines(proposed: Proposed) -> Iterator[str]:
    if proposed.patch and proposed.live:
        yield from _difference(_visible(proposed.live), _visible(merged(proposed.live, proposed.patch)))
    for each in proposed.objects:
        yield from _difference({}, each.manifest)


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    name = _name(after)
    old, new = (dumped(each).splitlines(keepends=True) if each else [] for each in (before, after))
    yield f"diff -u -N LIVE/{name} MERGED/{name}\n"
    for line in unified_diff(old, new, f"LIVE/{name}", f"MERGED/{name}"):
        yield f"{shown(line.rstrip(chr(10)))}\n"


def _name(raw: Mapping[str, Any]) -> str:
    """Return the name that kubectl gives to the file of an object."""
    group, metadata = str(raw["apiVersion"]).replace("/", "."), raw["metadata"]
    return ".".join(filter(None, (group, raw["kind"], metadata.get("namespace"), metadata["name"])))


def _visible(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an owner writes; the rest changes with each write anyway."""
    visible = {name: raw[name] for name in _SHOWN if name in raw}
    metadata = {name: each for name, each in raw["metadata"].items() if name not in _BY_SERVER}
    return {**visible, "metadata": metadata}
