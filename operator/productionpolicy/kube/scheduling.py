"""Pods that cannot be scheduled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.workloads import Workload


def finds_no_place(workload: Workload, pods: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether the scheduler has found no node for one of the workload's pods."""
    return any(_is_of(workload, each) and _unschedulable(each) for each in map(Fields, pods))


def _is_of(workload: Workload, pod: Fields) -> bool:
    labels = pod.mapping("metadata").text_map("labels")
    return workload.selector is not None and workload.selector.matches(labels)


def _unschedulable(pod: Fields) -> bool:
    conditions = pod.mapping("status").items("conditions")
    return any((each.text("type"), each.text("reason")) == ("PodScheduled", "Unschedulable") for each in conditions)
