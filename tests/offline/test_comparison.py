"""A judgement in comparison with an earlier one: what is new, what is gone, and why."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline import (
    Comparison,
    EarlierFinding,
    EarlierWorkload,
    Gathered,
    Judgement,
    compare,
    judge_gathered,
    read_documents,
)
from productionpolicy.offline.judgement import WANTED
from productionpolicy.policy import Mode, Policy, Spec
from support.hostile import BIDI
from support.manifests import Raw, container, deployment

PRODUCTION = Policy(name="", spec=Spec(mode=Mode.AUDIT))
PROBED = {"readinessProbe": {"httpGet": {"path": "/", "port": 8080}}}


def judged(*workloads: Raw, policy: Policy = PRODUCTION) -> Judgement:
    text = json.dumps({"kind": "List", "items": workloads})
    return judge_gathered(Gathered(read_documents("all", text.encode(), wanted=WANTED)), policy=policy, today=date.min)


def earlier(judgement: Judgement) -> list[EarlierWorkload]:
    return [
        EarlierWorkload(
            each.key,
            tuple(EarlierFinding(found.expectation, found.path, found.message) for found in each.findings),
            frozenset(verdict.expectation for verdict in each.verdicts),
        )
        for each in judgement.workloads
    ]


def compared(now: Judgement, before: Judgement) -> Comparison:
    return compare(now, earlier(before), name="old.json")


def new(comparison: Comparison, judgement: Judgement) -> list[str]:
    flags = [flag for each in comparison.new for flag in each]
    findings = [found.expectation for each in judgement.workloads for found in each.findings]
    return [name for name, flag in zip(findings, flags, strict=True) if flag]


def gone(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [(each.title, each.expectation, each.reason) for each in comparison.gone]


def test_in_comparison_with_itself_nothing_is_new_or_gone() -> None:
    judgement = judged(deployment(replicas=1), deployment("cart", pod={"containers": [container(), container("side")]}))
    comparison = compared(judgement, judgement)
    assert judgement.findings > 0
    assert (comparison.added, comparison.gone, comparison.before) == (0, (), judgement.findings)
    assert comparison.notes == []


def test_what_begins_to_fail_is_new_and_what_is_fixed_is_gone() -> None:
    before = judged(deployment(replicas=1))
    now = judged(deployment(replicas=4, pod={"containers": [container(**PROBED)]}))
    forward = compared(now, before)
    assert ("Deployment shop/web", "replicas", "fixed") in gone(forward)
    assert "replicas" in new(compared(before, now), before)
    assert len(forward.gone) - forward.added == before.findings - now.findings


def test_a_workload_that_is_not_in_the_report_any_more() -> None:
    now, before = judged(deployment()), judged(deployment(), deployment("cart"))
    comparison = compared(now, before)
    assert comparison.added == 0
    assert {(title, reason) for title, _, reason in gone(comparison)} == {
        ("Deployment shop/cart", "the workload is not in this report")
    }


def test_a_finding_from_which_the_workload_is_now_exempt() -> None:
    annotations = {"exempt.productionpolicy.dev/preStop": "a batch server"}
    now, before = judged(deployment(metadata={"annotations": annotations})), judged(deployment())
    assert gone(compared(now, before)) == [("Deployment shop/web", "preStop", "exempt")]


def test_another_place_in_the_list_of_containers_changes_nothing() -> None:
    side = container("side", ports=[])
    before = judged(deployment(pod={"containers": [container()]}))
    now = judged(deployment(pod={"containers": [side, container()]}))
    comparison = compared(now, before)
    assert [each for each in gone(comparison) if each[1] in {"preStop", "readinessProbe"}] == []
    assert [name for name in new(comparison, now) if name == "readinessProbe"] == []


def test_another_number_in_the_message_changes_nothing() -> None:
    finding = EarlierFinding("replicas", "spec.replicas", "replicas is 0, and at least 2 are expected")
    before = [EarlierWorkload(WorkloadKey("shop", "Deployment", "web"), (finding,), frozenset())]
    now = judged(deployment(replicas=1))
    comparison = compare(now, before, name="old.json")
    assert (gone(comparison), "replicas" in new(comparison, now)) == ([], False)


def test_workloads_without_a_name_are_counted() -> None:
    unnamed: dict[str, Any] = {"name": None, "generateName": "web-"}
    two = judged(deployment(metadata=unnamed), deployment(metadata=unnamed))
    one = judged(deployment(metadata=unnamed))
    assert compared(two, one).added == one.findings
    assert len(compared(one, two).gone) == one.findings


def test_what_only_one_of_the_two_judges_is_named() -> None:
    judgement = judged(deployment())
    before = [EarlierWorkload(WorkloadKey("shop", "Deployment", "web"), (), frozenset({"preStop", "older"}))]
    comparison = compare(judgement, before, name="old.json")
    assert comparison.only_before == ("older",)
    assert "preStop" not in comparison.only_now
    assert [each.split(":")[0] for each in comparison.notes] == [
        "The earlier report did not judge",
        "This report does not judge",
    ]


def test_the_text_of_the_earlier_report_is_only_text() -> None:
    before = [EarlierWorkload(WorkloadKey(BIDI, BIDI, BIDI), (EarlierFinding(BIDI, BIDI, BIDI),), frozenset({BIDI}))]
    comparison = compare(judged(deployment()), before, name=BIDI)
    (only,) = comparison.gone
    shown = [comparison.name, only.title, only.expectation, only.path, only.message, *comparison.notes]
    assert [each for each in shown if not each.isprintable()] == []
