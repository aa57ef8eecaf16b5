"""What a policy tells of what is going on, and why nothing is."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from productionpolicy.expectations.spread import DEAR_FROM
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.verdict import State, WorkloadReport
from productionpolicy.verdict.conditions import progressing, ready
from productionpolicy.verdict.report import Reported, Wait
from productionpolicy.verdict.totals import Totals
from support.policies import policy

FINDING = (Reported("replicas", "spec.replicas", "too few"),)
CHANGES = {"changes": ("preStop (sleep 10s: web)",), "restarts": True}
COMPLIANT: dict[str, Any] = {"state": State.COMPLIANT}
VIOLATING: dict[str, Any] = {"state": State.VIOLATING, "findings": FINDING, "asks": True}
REPAIRING: dict[str, Any] = {"state": State.REPAIRING, **CHANGES}
LATER: dict[str, Any] = {**REPAIRING, "waits": Wait.NEXT_ROLLOUT}
UNSETTLED: dict[str, Any] = {**REPAIRING, "waits": Wait.UNSETTLED}
HELD: dict[str, Any] = {"state": State.VIOLATING, **CHANGES, "waits": Wait.HELD}
REFUSED: dict[str, Any] = {"state": State.FAILED, **CHANGES, "waits": Wait.REFUSED, "asks": True}
PUT_BACK: dict[str, Any] = {"state": State.FAILED, "asks": True}


def totals(*reports: dict[str, Any], namespaces: int = 1) -> Totals:
    made = Totals()
    for number, each in enumerate(reports):
        key = WorkloadKey(f"shop-{number % namespaces}", "Deployment", f"web-{number}")
        made.put(replace(WorkloadReport(key, "default", State.COMPLIANT), **each))
    return made


def told(*reports: dict[str, Any], failed: int = 0, namespaces: int = 1, **spec: Any) -> tuple[str, str, str]:
    keys = [WorkloadKey("shop", "Deployment", f"web-{number}") for number in range(failed)]
    return progressing(policy(spec=spec), totals(*reports, namespaces=namespaces), failed=keys)


@pytest.mark.parametrize(
    ("reports", "status", "reason", "message"),
    [
        ([], "False", "Settled", "nothing is left to do"),
        ([COMPLIANT], "False", "Settled", "nothing is left to do"),
        (
            [VIOLATING, VIOLATING, COMPLIANT],
            "False",
            "ActionRequired",
            "2 workloads need a person: status.violations says what to do",
        ),
        ([PUT_BACK, COMPLIANT], "False", "RolloutsFailed", "1 workload has a rollout that failed and was rolled back"),
        (
            [REFUSED, VIOLATING],
            "False",
            "WritesRefused",
            "1 workload could not be written; the operator tries again",
        ),
        (
            [HELD, HELD, HELD, HELD],
            "False",
            "HeldBack",
            "4 workloads are held back by label productionpolicy.dev/mode of the namespace",
        ),
        (
            [UNSETTLED, COMPLIANT],
            "False",
            "WaitingForPods",
            "1 workload waits until all of its own pods are available; until then no repair replaces them",
        ),
        (
            [LATER],
            "False",
            "NextRollout",
            "1 workload waits for the owner's next change of the pods (timing NextRollout)",
        ),
        (
            [REPAIRING, LATER, HELD, VIOLATING],
            "True",
            "Repairing",
            "1 workload is being repaired or waits for its turn",
        ),
    ],
)
def test_the_reason_says_why_nothing_goes_on(
    reports: list[dict[str, Any]], status: str, reason: str, message: str
) -> None:
    found = told(*reports)
    assert (*found[:2], found[2].partition(". ")[0]) == (status, reason, message)


def test_the_message_tells_all_that_applies() -> None:
    *_, message = told(HELD, REFUSED, VIOLATING)
    assert [each for each in ("tries again", "held back", "2 workloads need a person") if each not in message] == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"mode": "Audit"}, "AuditOnly"), ({"paused": True}, "Paused"), ({"mode": "Audit", "paused": True}, "Paused")],
)
def test_a_policy_that_writes_nothing_says_what_it_would_do_and_who_is_needed(spec: Any, reason: str) -> None:
    violating = {**VIOLATING, **CHANGES}
    status, told_reason, message = told(violating, {**CHANGES, "state": State.VIOLATING}, **spec)
    assert (status, told_reason) == ("False", reason)
    assert "nothing is written. 1 workload needs a person" in message
    assert "Changes that Enforce would make: 2; workloads that restart for them: 2. " in message


@pytest.mark.parametrize(("namespaces", "where"), [(1, "shop-0"), (2, "<namespace>")])
def test_the_message_names_the_command_that_shows_all_changes(namespaces: int, where: str) -> None:
    *_, message = told(REPAIRING, REPAIRING, namespaces=namespaces)
    assert message.endswith(
        "status.pending.workloads lists the first 20; to list all: kubectl get productionpolicy default -o yaml "
        "> policy.yaml && kubectl get deployments,statefulsets,poddisruptionbudgets,horizontalpodautoscalers "
        f"-n {where} -o yaml | productionpolicy check --plan --policy policy.yaml -"
    )


def test_too_many_failed_rollouts_come_first() -> None:
    assert told(REPAIRING, PUT_BACK, failed=3)[:2] == ("False", "TooManyFailedRollouts")


def told_of_readiness(*pods: int, **spread: Any) -> str:
    return ready(policy(spread=spread), totals(*({"pods_with_terms": each} for each in pods)))[2]


def test_a_policy_tells_how_to_switch_when_many_pods_carry_terms() -> None:
    assert told_of_readiness(DEAR_FROM - 10, 10) == "the policy is valid and in use"
    message = told_of_readiness(DEAR_FROM - 10, 11)
    assert "more than 3000 pods" in message
    assert "set spec.expectations.spread.method to TopologySpread" in message


def test_a_policy_whose_method_is_the_other_one_already_does_not() -> None:
    assert told_of_readiness(DEAR_FROM + 1, method="TopologySpread") == "the policy is valid and in use"
