"""API versions: which objects are Kubernetes' own, and which of their versions are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from productionpolicy.expectations import Finding

API_VERSION = "apiVersion"

_CURRENT = {"CronJob": "batch/v1", "Job": "batch/v1", "Pod": "v1", "ReplicationController": "v1"}
_GROUPS = {"ScaledObject": "keda.sh"}
"""The groups of the kinds that matter though they are not Kubernetes' own."""

_REMOVED = {
    "apps/v1beta1": "1.16",
    "apps/v1beta2": "1.16",
    "batch/v1beta1": "1.25",
    "batch/v2alpha1": "1.21",
    "extensions/v1beta1": "1.16",
}


def is_foreign(raw: Mapping[str, Any]) -> bool:
    """Say whether the object is of another API, which uses the same name of a kind: its group has a domain."""
    group, slash, _ = str(raw.get(API_VERSION)).partition("/")
    return bool(slash) and "." in group and group != _GROUPS.get(str(raw.get("kind")))


def findings_of_version(raw: Mapping[str, Any]) -> Iterator[Finding]:
    """Return what is wrong with the API version of a workload, which is judged nevertheless."""
    current, given = _CURRENT.get(str(raw.get("kind")), "apps/v1"), raw.get(API_VERSION)
    if given == current:
        return
    remedy = f"write {API_VERSION}: {current}"
    if isinstance(given, str) and given in _REMOVED:
        message = f"the API version {given} is gone since Kubernetes {_REMOVED[given]}"
        yield Finding(path=API_VERSION, message=message, remedy=remedy)
    else:
        yield Finding(path=API_VERSION, message="the API version is missing or unknown", remedy=remedy)
