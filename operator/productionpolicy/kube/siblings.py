"""Whoever makes pods beside a workload, which a selector may mistake for its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.workloads import controller_of

SIBLINGS = frozenset({"CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"})


def pod_labels(raw: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the labels of the pods that a sibling makes; None for a Job that stands for its CronJob."""
    fields = Fields(raw)
    if (controller_of(fields.mapping("metadata")) or "").startswith("CronJob "):
        return None
    spec = fields.mapping("spec")
    if raw.get("kind") == "CronJob":
        spec = spec.mapping("jobTemplate").mapping("spec")
    return spec.mapping("template").mapping("metadata").text_map("labels")
