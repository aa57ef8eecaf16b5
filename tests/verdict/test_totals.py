"""Totals over all workloads of a policy: always exact, sorted and capped."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from productionpolicy.expectations import EXPECTATIONS, Action
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.policy.status import Condition, Status
from productionpolicy.verdict import Outcome, State, WorkloadReport
from productionpolicy.verdict.report import Exempted, Reported, Wait
from productionpolicy.verdict.rollout_notes import FailedRollout
from productionpolicy.verdict.totals import Totals
from support.policies import only, policy

NAMES = [each.name for each in EXPECTATIONS]
KEYS = st.builds(
    WorkloadKey,
    st.sampled_from(["shop", "bank", "lab"]),
    st.sampled_from(["Deployment", "StatefulSet"]),
    st.sampled_from("ab"),
)
FINDINGS = st.lists(
    st.builds(Reported, st.sampled_from(NAMES), st.just("spec"), st.sampled_from(["x", "y"])), max_size=3
)
GOVERNED_BY = policy()
FAILED_ROLLOUT = FailedRollout(
    ("preStop",),
    at="2026-06-15T11:00:00Z",
    workload="aa",
    policy=GOVERNED_BY.edition,
    resumed=GOVERNED_BY.resumption,
)
REPORTS = st.builds(
    WorkloadReport,
    key=KEYS,
    policy=st.just("default"),
    state=st.sampled_from(State),
    outcomes=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(Outcome), max_size=4).map(
        lambda each: tuple(each.items())
    ),
    repaired=st.frozensets(st.sampled_from(NAMES), max_size=3),
    findings=FINDINGS.map(tuple),
    in_effect=st.booleans(),
    changes=st.lists(st.sampled_from(["preStop (sleep 10s: web)", "spread withdrawn"]), max_size=3).map(tuple),
    restarts=st.booleans(),
    waits=st.sampled_from([None, *Wait]),
    asks=st.booleans(),
    enforced=st.booleans(),
    pods_with_terms=st.integers(0, 9),
    failed_rollout=st.sampled_from([None, FAILED_ROLLOUT]),
)
STEPS = st.lists(st.one_of(REPORTS, KEYS), max_size=12)


def report(
    name: str = "web", *, namespace: str = "shop", findings: int = 0, state: State | None = None
) -> WorkloadReport:
    found = tuple(Reported("spread", f"path{number}", "message") for number in range(findings))
    judged = State.VIOLATING if findings else State.COMPLIANT
    return WorkloadReport(WorkloadKey(namespace, "Deployment", name), "default", state or judged, findings=found)


def totals_of(*reports: WorkloadReport) -> Totals:
    totals = Totals()
    for each in reports:
        totals.put(each)
    return totals


def status(*reports: WorkloadReport) -> Status:
    return totals_of(*reports).status(policy(), namespaces=1, conditions=())


@given(steps=STEPS)
def test_the_totals_equal_a_recount_whatever_came_and_went(steps: list[WorkloadReport | WorkloadKey]) -> None:
    totals, there = Totals(), dict[WorkloadKey, WorkloadReport]()
    for step in steps:
        if isinstance(step, WorkloadReport):
            assert totals.put(step) is (there.get(step.key) != step)
            there[step.key] = step
        else:
            assert totals.drop(step) == there.pop(step, None)
    assert totals.reports == there
    assert totals.failed_rollouts(GOVERNED_BY) == sorted(key for key, each in there.items() if each.failed_rollout)
    assert totals.status(policy(), namespaces=3, conditions=()) == recounted(list(there.values()))


def recounted(reports: list[WorkloadReport]) -> Status:
    """Return the status of the reports, counted from nothing."""
    return totals_of(*sorted(reports, key=lambda each: each.key)).status(policy(), namespaces=3, conditions=())


@given(reports=st.lists(REPORTS, unique_by=lambda each: each.key, max_size=6))
def test_the_totals_are_those_of_the_reports(reports: list[WorkloadReport]) -> None:
    found = status(*reports)
    states = Counter(str(each.state) for each in reports)
    assert msgspec.to_builtins(found.workloads) == {
        "total": len(reports),
        **{str(each): states[each] for each in State},
    }
    assert (found.pending.repairs, found.pending.restarts, found.repaired) == (
        sum(len(each.changes) for each in reports),
        sum(each.restarts for each in reports),
        sum(each.in_effect for each in reports),
    )
    assert sum(msgspec.to_builtins(found.summary).values()) == len(reports)
    totals = totals_of(*reports)
    assert (totals.overall.asking, totals.overall.enforced) == (
        sum(each.asks for each in reports),
        sum(each.enforced for each in reports),
    )
    assert totals.overall.pods_with_terms == sum(each.pods_with_terms for each in reports)
    assert [totals.waiting(each) for each in Wait] == [sum(told.waits is each for told in reports) for each in Wait]
    assert len(found.violations) + found.violations_omitted == sum(len(each.findings) for each in reports)


@given(reports=st.lists(REPORTS, unique_by=lambda each: each.key, max_size=6))
def test_the_namespaces_add_up(reports: list[WorkloadReport]) -> None:
    found = status(*reports)
    assert {each.name: each.total for each in found.by_namespace} == Counter(each.key.namespace for each in reports)
    assert sum(each.violating for each in found.by_namespace) == sum(bool(each.findings) for each in reports)
    assert sum(each.repaired for each in found.by_namespace) == found.repaired


@given(reports=st.lists(REPORTS, unique_by=lambda each: each.key, max_size=6))
def test_the_expectations_add_up(reports: list[WorkloadReport]) -> None:
    outcomes = Counter(outcome for each in reports for outcome in each.outcomes)
    repairs = Counter(name for each in reports for name in each.repaired)
    for each in status(*reports).expectations:
        assert (each.passed, each.failed, each.exempt, each.repaired) == (
            outcomes[each.name, Outcome.PASSED],
            outcomes[each.name, Outcome.FAILED],
            outcomes[each.name, Outcome.EXEMPT],
            repairs[each.name],
        )


def test_only_what_the_policy_does_not_ignore_has_a_row() -> None:
    found = Totals().status(only("imageTag", preStop={"action": "Audit"}), namespaces=0, conditions=())
    assert [(each.name, each.action) for each in found.expectations] == [
        ("preStop", Action.AUDIT),
        ("imageTag", Action.AUDIT),
    ]


def test_a_policy_without_workloads_has_no_share_of_compliant_ones() -> None:
    found = status()
    assert (found.compliance, found.workloads.total, found.violations, found.by_namespace) == ("n/a", 0, (), ())


@pytest.mark.parametrize(
    ("compliant", "total", "share"), [(0, 3, "0%"), (2, 3, "66%"), (3, 3, "100%"), (199, 200, "99%")]
)
def test_the_share_of_compliant_workloads_rounds_down(compliant: int, total: int, share: str) -> None:
    assert status(*(report(str(each), findings=int(each >= compliant)) for each in range(total))).compliance == share


def test_what_is_exempt_is_not_asked_for_and_so_compliant() -> None:
    found = status(report("a"), report("b", state=State.EXEMPT), report("c", findings=1))
    assert (found.compliance, found.summary.compliant) == ("66%", 2)


def test_what_is_only_audited_does_not_lower_the_share_of_what_is_enforced() -> None:
    audited, unmended = report("a", findings=1), replace(report("b", findings=1), enforced=False)
    found = status(audited, unmended, report("c"))
    assert (found.compliance, found.enforced_compliance) == ("33%", "66%")


def test_what_is_undone_or_put_back_counts_as_failed() -> None:
    found = status(report("a", state=State.CONTESTED), report("b", state=State.FAILED))
    assert msgspec.to_builtins(found.summary) == {"compliant": 0, "violating": 0, "failed": 2, "pending": 0}


def test_the_exemptions_that_hold_are_listed_and_capped() -> None:
    exempt = (Exempted("spread", "one writer", "2030-01-01"), Exempted("preStop", "drains\nitself"))
    found = status(*(replace(report(f"{each:03}"), exemptions=exempt) for each in range(30)))
    assert (len(found.exemptions), found.exemptions_omitted) == (50, 10)
    assert [(each.name, each.expectation, each.reason, each.until) for each in found.exemptions[:2]] == [
        ("000", "spread", "one writer", "2030-01-01"),
        ("000", "preStop", "drains\ufffditself", ""),
    ]


def coming(name: str, *changes: str, restarts: bool = False) -> WorkloadReport:
    return replace(report(name), changes=changes, restarts=restarts)


def test_the_workloads_that_restart_come_first_among_those_to_be_changed() -> None:
    reports = [coming("b", "x", restarts=True), coming("a", "y"), coming("c", "z", restarts=True), report("d")]
    found = status(*reports).pending
    assert [(each.name, each.restarts, each.changes) for each in found.workloads] == [
        ("b", True, ("x",)),
        ("c", True, ("z",)),
        ("a", False, ("y",)),
    ]


def test_the_workloads_to_be_changed_are_capped_and_all_are_counted() -> None:
    found = status(*(coming(f"{each:03}", "x", "y") for each in range(30))).pending
    assert (found.repairs, len(found.workloads), found.workloads[-1].name) == (60, 20, "019")


def test_the_ledger_knows_whether_there_is_any_finding() -> None:
    totals = totals_of(report("a"), report("b", findings=1))
    told = [(totals.overall.total, totals.compliant, totals.count(State.VIOLATING))]
    totals.drop(report("b").key)
    told.append((totals.overall.total, totals.compliant, totals.count(State.VIOLATING)))
    assert told == [(2, False, 1), (1, True, 0)]


def test_the_workloads_with_the_most_findings_come_first_and_then_by_name() -> None:
    found = status(report("b", findings=1), report("c", findings=2), report("a", findings=1))
    assert [(each.name, each.path) for each in found.violations] == [
        ("c", "path0"),
        ("c", "path1"),
        ("a", "path0"),
        ("b", "path0"),
    ]


def test_the_namespaces_with_the_most_violating_workloads_come_first() -> None:
    found = status(
        report("a", namespace="quiet"),
        report("a", namespace="b", findings=1),
        report("a", namespace="worst", findings=1),
        report("b", namespace="worst", findings=1),
        report("a", namespace="a", findings=1),
    )
    assert [(each.name, each.violating) for each in found.by_namespace] == [
        ("worst", 2),
        ("a", 1),
        ("b", 1),
        ("quiet", 0),
    ]


def test_violations_are_capped_and_the_rest_is_counted() -> None:
    found = status(*(report(f"{each:03}", findings=3) for each in range(40)))
    assert (len(found.violations), found.violations_omitted) == (50, 70)
    assert [each.name for each in found.violations][-2:] == ["016", "016"]


def test_namespaces_are_capped() -> None:
    found = status(*(report("a", namespace=f"{each:03}", findings=int(each == 149)) for each in range(150)))
    assert (len(found.by_namespace), found.by_namespace[0].name, found.by_namespace[-1].name) == (100, "149", "098")
    assert found.workloads.total == 150


def told(message: str, path: str = "spec") -> tuple[str, str]:
    finding = Reported("spread", path, message)
    (violation,) = status(WorkloadReport(report().key, "default", State.VIOLATING, findings=(finding,))).violations
    return violation.message, violation.path


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("simple", "simple"),
        ("größer als 5 €", "größer als 5 €"),
        ("two\nlines", "two\ufffdlines"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("a\u202eb\u200bc", "a\ufffdb\ufffdc"),
        ("\ud800", "\ufffd"),
    ],
)
def test_control_characters_are_replaced(text: str, plain: str) -> None:
    assert told(text, text) == (plain, plain)


def test_a_long_message_is_cut() -> None:
    message, _ = told("x" * 513)
    assert message == "x" * 511 + "…"
    assert told("x" * 512)[0] == "x" * 512


@given(text=st.text(max_size=600))
def test_any_text_can_be_stored(text: str) -> None:
    message, _ = told(text)
    assert len(message) <= 512
    assert message.isprintable()


def test_a_status_says_what_it_speaks_of() -> None:
    ready = Condition(
        type="Ready", status="True", reason="InUse", message="", last_transition_time=datetime(2026, 1, 1, tzinfo=UTC)
    )
    found = Totals().status(policy(), namespaces=4, conditions=(ready,))
    assert (found.observed_generation, found.namespaces, found.conditions) == (1, 4, (ready,))


def test_a_status_is_written_with_the_names_of_the_api() -> None:
    written = msgspec.to_builtins(status(report(findings=1)))
    assert {"observedGeneration", "byNamespace", "violationsOmitted", "pending", "workloads"} <= set(written)


def test_a_report_that_is_the_same_is_no_news() -> None:
    totals = totals_of(report(findings=1))
    assert [totals.put(report(findings=1)), totals.put(report(findings=2)), totals.drop(report("other").key)] == [
        False,
        True,
        None,
    ]


def failed(*names: str) -> Totals:
    return totals_of(*(replace(report(name), failed_rollout=FAILED_ROLLOUT) for name in names))


def test_failed_rollouts_are_counted_for_the_policy_under_which_they_failed() -> None:
    assert [each.name for each in failed("b", "a").failed_rollouts(GOVERNED_BY)] == ["a", "b"]


def test_a_failed_rollout_no_longer_counts_once_the_policy_has_changed() -> None:
    changed = type(GOVERNED_BY)(GOVERNED_BY.name, policy(spec={}).spec, uid=GOVERNED_BY.uid, generation=2)
    assert failed("a").failed_rollouts(changed) == []
