"""Pods that find no place."""

from __future__ import annotations

import pytest

from productionpolicy.kube.scheduling import finds_no_place
from productionpolicy.kube.workloads import read_workload
from support.manifests import Raw, deployment


def waiting(labels: Raw, reason: str = "Unschedulable") -> Raw:
    return {"metadata": {"labels": labels}, "status": {"conditions": [{"type": "PodScheduled", "reason": reason}]}}


@pytest.mark.parametrize(
    ("pod", "no_room"),
    [
        (waiting({"app": "web", "pod-template-hash": "1"}), True),
        (waiting({"app": "other"}), False),
        (waiting({"app": "web"}, "SchedulingGated"), False),
        ({"metadata": {"labels": {"app": "web"}}}, False),
    ],
    ids=["its own", "of another", "held back", "not yet looked at"],
)
def test_a_pod_finds_no_place_if_the_scheduler_says_so(pod: Raw, no_room: bool) -> None:
    assert finds_no_place(read_workload(deployment()), [pod]) is no_room
