"""Under timing NextRollout what replaces pods comes with the owner's next change of them, and not before."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.controller.records import ALONG_SECONDS
from productionpolicy.controller.resources import DEPLOYMENTS, POLICIES
from productionpolicy.kube.identity import EXEMPT, REPAIRS, REPAIRS_POLICY, ROLLOUT_STARTED
from support.harness import Harness, settled
from support.manifests import container

NOTES = {f"{REPAIRS}preStop": "sleep 5s: web", REPAIRS_POLICY: "default"}
HOOK = {"preStop": {"sleep": {"seconds": 5}}}


def repaired(
    version: int, *, image: str = "example/web:1.2.3", rolling: bool = False, exempt: str = ""
) -> dict[str, Any]:
    """Return a Deployment that sleeps 5 seconds because of us."""
    raw = settled()
    raw["metadata"] |= {"resourceVersion": str(version), "generation": version, "annotations": NOTES}
    if exempt:
        raw["metadata"]["annotations"] = {**NOTES, f"{EXEMPT}{exempt}": "drains by itself"}
    raw["spec"]["template"]["spec"]["containers"] = [container("web", lifecycle=HOOK, image=image)]
    updated = 1 if rolling else raw["spec"]["replicas"]
    raw["status"] |= {"observedGeneration": version, "updatedReplicas": updated}
    return raw


@pytest.fixture
def harness() -> Harness:
    """Return a harness whose policy asks for a sleep of 7 seconds."""
    harness = Harness()
    spec = {
        "mode": "Enforce",
        "profile": "Development",
        "rollout": {"timing": "NextRollout"},
        "expectations": {"preStop": {"action": "Repair", "sleepSeconds": 7}},
    }
    harness.store.observe(
        POLICIES, {"metadata": {"name": "default", "generation": 2, "resourceVersion": "2"}, "spec": spec}
    )
    harness.store.observe(DEPLOYMENTS, repaired(30))
    return harness


def sleeps(harness: Harness) -> list[Any]:
    patched = [each["spec"]["template"]["spec"]["containers"] for each in harness.written.patches]
    return [container["lifecycle"]["preStop"] for (container,) in patched]


async def test_a_changed_parameter_waits(harness: Harness) -> None:
    await harness.reconcile()
    harness.store.observe(DEPLOYMENTS, repaired(31, exempt="spread"))
    await harness.reconcile()
    assert harness.written.patches == []


@pytest.mark.parametrize("rolling", [True, False], ids=["while it rolls out", "though it has already rolled out"])
async def test_a_changed_parameter_comes_with_the_owners_next_image(harness: Harness, rolling: bool) -> None:
    await harness.reconcile()
    harness.store.observe(DEPLOYMENTS, repaired(31, image="example/web:1.2.4", rolling=rolling))
    await harness.reconcile()
    assert sleeps(harness) == [{"sleep": {"seconds": 7}}]
    assert ROLLOUT_STARTED not in str(harness.written.patches) or not rolling


async def test_a_withdrawal_comes_with_it_too(harness: Harness) -> None:
    harness.store.observe(DEPLOYMENTS, repaired(31, exempt="preStop"))
    await harness.reconcile()
    before = list(harness.written.patches)
    harness.store.observe(DEPLOYMENTS, repaired(32, image="example/web:1.2.4", rolling=True, exempt="preStop"))
    await harness.reconcile()
    assert (before, len(harness.written.patches)) == ([], 1)
    assert harness.written.patches[0]["metadata"]["annotations"][f"{REPAIRS}preStop"] is None


async def test_it_does_not_come_long_after_the_owners_rollout(harness: Harness) -> None:
    await harness.reconcile()
    harness.store.observe(DEPLOYMENTS, repaired(31, image="example/web:1.2.4"))
    harness.reconciler.evaluate(harness.workload.key)
    harness.seconds += ALONG_SECONDS + 1
    await harness.reconcile()
    assert harness.written.patches == []
