"""Outside of the rollout windows nothing restarts pods; all else goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from productionpolicy.controller.resources import DEPLOYMENTS, NAMESPACES, POLICIES
from productionpolicy.kube.identity import FINALIZER, POLICY_LABEL, REPAIRS, REPAIRS_POLICY, ROLLOUT_WINDOWS
from productionpolicy.verdict.conditions import next_opening, progressing
from productionpolicy.verdict.report import Wait
from support.harness import WEB, Harness, settled
from support.manifests import container

CLOSED = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
OPEN = datetime(2026, 12, 2, 3, 0, tzinfo=UTC)
NIGHT = {"from": "02:00", "to": "05:00"}


class Night:
    """A harness whose policy repairs at night, on a Deployment that needs a sleep and a budget."""

    def __init__(self) -> None:
        self.harness = Harness()
        self.version = 100
        self.govern()
        self.observe(settled())
        self.at(CLOSED)

    def at(self, moment: datetime) -> None:
        self.harness.written.clock.heard(format_datetime(moment, usegmt=True))

    def govern(self, *, deleted: bool = False, **rollout: Any) -> None:
        self.version += 1
        expectations = {"podDisruptionBudget": {"action": "Repair"}, "preStop": {"action": "Repair"}}
        spec = {
            "mode": "Enforce",
            "profile": "Development",
            "onRemoval": "Revert",
            "rollout": {"windows": [NIGHT], **rollout},
            "expectations": expectations,
        }
        metadata = {"name": "default", "generation": self.version, "resourceVersion": str(self.version)}
        if deleted:
            metadata |= {"deletionTimestamp": "2026-12-01T12:00:00Z", "finalizers": [FINALIZER]}
        self.harness.store.observe(POLICIES, {"metadata": metadata, "spec": spec})

    def observe(self, raw: dict[str, Any], **template: Any) -> None:
        self.version += 1
        raw["metadata"] |= {"resourceVersion": str(self.version), "generation": self.version}
        raw["spec"]["template"]["spec"]["containers"] = [container("web", ports=[{"containerPort": 80}], **template)]
        raw["status"]["observedGeneration"] = self.version
        self.harness.store.observe(DEPLOYMENTS, raw)

    def label(self, windows: str) -> None:
        self.version += 1
        metadata = {
            "name": "shop",
            "labels": {POLICY_LABEL: "default"},
            "annotations": {ROLLOUT_WINDOWS: windows},
            "resourceVersion": str(self.version),
        }
        self.harness.store.observe(NAMESPACES, {"metadata": metadata})

    async def reconcile(self) -> int:
        """Return how many patches of the pod template were written."""
        before = len(self.harness.written.patches)
        await self.harness.reconcile()
        return len(self.harness.written.patches) - before


@pytest.fixture
async def night() -> Night:
    return Night()


async def test_repairs_that_restart_pods_wait_while_the_budget_is_made(night: Night) -> None:
    assert await night.reconcile() == 0
    assert len(night.harness.written.budgets) == 1
    report = night.harness.policies.totals["default"].reports[WEB]
    assert (report.waits, report.restarts) == (Wait.WINDOW, True)


async def test_the_workload_is_due_when_the_window_opens(night: Night) -> None:
    await night.reconcile()
    assert night.harness.later[-1] == pytest.approx(timedelta(hours=14).total_seconds(), abs=3)


async def test_in_a_window_they_are_written(night: Night) -> None:
    night.at(OPEN)
    assert await night.reconcile() == 1


async def test_an_evaluation_from_before_the_window_closed_is_not_acted_on(night: Night) -> None:
    night.at(OPEN)
    await night.harness.reconciler.evaluate_all([WEB])
    night.at(OPEN + timedelta(hours=9))
    assert await night.reconcile() == 0


async def test_in_a_freeze_they_wait(night: Night) -> None:
    night.govern(freezes=[{"from": "2026-12-02", "to": "2026-12-03"}])
    night.at(OPEN)
    assert await night.reconcile() == 0


async def test_they_go_along_when_the_owner_replaces_the_pods(night: Night) -> None:
    assert await night.reconcile() == 0
    night.observe(settled(), image="example/web:1.2.4")
    assert await night.reconcile() == 1


async def test_an_owners_change_while_a_window_was_open_is_no_reason_to_restart_after_it(night: Night) -> None:
    await night.reconcile()
    night.govern(maxConcurrent=1)
    night.at(OPEN)
    night.harness.reconciler.evaluate(WEB)
    night.observe(settled(), image="example/web:1.2.4")
    night.harness.reconciler.evaluate(WEB)
    night.at(OPEN + timedelta(hours=9))
    assert await night.reconcile() == 0


async def test_a_namespace_can_narrow_the_windows(night: Night) -> None:
    night.label('[{"from": "04:00", "to": "05:00"}]')
    night.at(OPEN)
    assert await night.reconcile() == 0
    night.at(OPEN + timedelta(hours=1))
    assert await night.reconcile() == 1


async def test_a_namespace_whose_windows_are_not_valid_has_none_and_the_reason_is_known(night: Night) -> None:
    night.label("at night")
    night.at(OPEN)
    assert await night.reconcile() == 0
    assert night.harness.store.namespaces["shop"].fault == "it is not JSON"


async def test_a_withdrawal_waits_for_a_window_and_holds_its_policy_until_then(night: Night) -> None:
    raw = settled()
    raw["metadata"]["annotations"] = {f"{REPAIRS}preStop": "sleep 10s: web", REPAIRS_POLICY: "default"}
    night.observe(raw, lifecycle={"preStop": {"sleep": {"seconds": 10}}})
    night.govern(deleted=True)
    assert await night.reconcile() == 0
    night.at(OPEN)
    assert await night.reconcile() == 1


async def test_the_condition_says_when_the_next_window_opens(night: Night) -> None:
    night.harness.reconciler.evaluate(WEB)
    stored = night.harness.store.policies["default"].policy
    assert stored is not None
    totals = night.harness.policies.totals["default"]
    opening = next_opening(stored, totals, now=CLOSED)
    assert opening.at == "2026-12-02T02:00:00Z"
    status, reason, message = progressing(stored, totals, failed=[], opening=opening)
    assert (status, reason) == ("False", "WaitingForWindow")
    assert "1 workload waits for the next rollout window, which opens at 2026-12-02T02:00:00Z" in message
