"""API versions that are no longer served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from productionpolicy.expectations import Finding
from productionpolicy.verdict.notices import API_VERSION

_CURRENT = {
    "CronJob": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Job": "batch/v1",
    "Pod": "v1",
    "PodDisruptionBudget": "policy/v1",
    "ReplicationController": "v1",
}
_ALSO_SERVED = {"HorizontalPodAutoscaler": ("autoscaling/v1",)}
_REMOVED = {
    "apps/v1beta1": "1.16",
    "apps/v1beta2": "1.16",
    "autoscaling/v2beta1": "1.25",
    "autoscaling/v2beta2": "1.26",
    "batch/v1beta1": "1.25",
    "batch/v2alpha1": "1.21",
    "extensions/v1beta1": "1.16",
    "policy/v1beta1": "1.25",
}


def findings_of_version(raw: Mapping[str, Any]) -> Iterator[Finding]:
    """Return what is wrong with the API version of a workload, a budget or an autoscaler."""
    kind, given = str(raw.get("kind")), raw.get(API_VERSION)
    current = _CURRENT.get(kind, "apps/v1")
    if given in (current, *_ALSO_SERVED.get(kind, ())):
        return
    remedy = f"use {API_VERSION}: {current}"
    if isinstance(given, str) and given in _REMOVED:
        message = f"the API version {given} is no longer served since Kubernetes {_REMOVED[given]}"
        yield Finding(path=API_VERSION, message=message, remedy=remedy)
    else:
        yield Finding(path=API_VERSION, message="the API version is missing or unknown", remedy=remedy)
