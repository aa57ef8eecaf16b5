"""The lines of a workload that repairs are about, as YAML, and how they differ between two moments."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from owners.manifests import Raw
from productionpolicy.kube.identity import DOMAIN

_OF_SPEC = ("replicas", "strategy", "updateStrategy")
_OF_POD = ("affinity", "terminationGracePeriodSeconds")
_OF_CONTAINER = ("image", "lifecycle", "name")
_LONGEST_TEXT = 60
_WHOLE = 10_000
"""Lines of context: more than there are, so that the unchanged lines are all there."""


class _Dumper(yaml.SafeDumper):
    """Writes long texts on lines of their own."""


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">" if len(text) > _LONGEST_TEXT else None)


_Dumper.add_representer(str, _written)


def excerpt(workload: Raw) -> list[str]:
    """Return the lines in the order in which kubectl writes them."""
    metadata, spec = workload["metadata"], workload["spec"]
    pod = spec["template"]["spec"]
    containers = [_chosen(each, _OF_CONTAINER) for each in pod["containers"]]
    shown = {
        "metadata": {"annotations": notes(workload), "name": metadata["name"]},
        "spec": {
            **_chosen(spec, _OF_SPEC),
            "template": {"spec": {**_chosen(pod, _OF_POD), "containers": containers}},
        },
    }
    if not shown["metadata"]["annotations"]:
        del shown["metadata"]["annotations"]
    return yaml.dump(shown, Dumper=_Dumper).splitlines()


def notes(workload: Raw) -> dict[str, str]:
    """Return the annotations of ours: the journal of repairs, and the exemptions that owners write."""
    annotations: Mapping[str, str] = workload["metadata"].get("annotations", {})
    return {key: text for key, text in annotations.items() if key.partition("/")[0].endswith(DOMAIN)}


def difference(before: list[str], after: list[str]) -> list[str]:
    """Return all lines, each with a mark in front: + if it came, - if it went, a blank if it stayed."""
    heading = 3
    return list(difflib.unified_diff(before, after, n=_WHOLE, lineterm=""))[heading:]


def _chosen(fields: Mapping[str, Any], names: tuple[str, ...]) -> Raw:
    return {name: fields[name] for name in names if name in fields}
