"""A budget that the expectation podDisruptionBudget finds to block drains blocks them in a drain, and no other does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from productionpolicy.cli.yardstick import chosen
from productionpolicy.drain import DrainFlags, Options, Result, drain
from productionpolicy.offline import Document, judge
from productionpolicy.offline.pieces import Piece
from support.scenes import Raw, budget, cluster, controller, deployment, node, owner, pod

FLAGS = DrainFlags(ignore_daemonsets=True, force=True)
NODES = [node("a"), node("b")]
BLOCKS = "allows no eviction"

limits = st.one_of(
    st.integers(0, 7), st.integers(0, 100).map(lambda each: f"{each}%"), st.sampled_from(["0%", "50%", "99%", "100%"])
)


def expected_to_block(items: list[Raw]) -> bool:
    documents = [Document(Piece("cluster", ""), each) for each in items]
    judgement = judge(documents, policy=chosen(None, None), today=datetime.now(UTC).date())
    findings = [each for judged in judgement.workloads for each in judged.findings]
    return any(each.expectation == "podDisruptionBudget" and BLOCKS in each.message for each in findings)


def blocks_in_a_drain(items: list[Raw]) -> bool:
    (found,) = drain(cluster(*NODES, items), ["a"], Options(FLAGS, plays=1)).nodes
    return found.result is Result.BLOCKED


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.sampled_from(["minAvailable", "maxUnavailable"]), limits)
@example(1, "minAvailable", 1)
@example(2, "minAvailable", "50%")
def test_of_ready_pods_of_a_deployment(pods: int, field: str, limit: int | str) -> None:
    items = [*deployment("web", ["a"] * pods), budget("web", app="web", **{field: limit})]
    assert blocks_in_a_drain(items) == expected_to_block(items)


@pytest.mark.parametrize("limit", [{"maxUnavailable": 1}, {"minAvailable": "50%"}, {"minAvailable": 1}], ids=str)
@pytest.mark.parametrize("kind", ["Job", "DaemonSet"])
def test_of_pods_that_have_no_scale(kind: str, limit: Raw) -> None:
    other = [controller(kind, "agent", replicas=1), pod("agent-1", "b", app="agent", by=owner(kind, "agent"))]
    items = [*deployment("web", ["a", "b"]), *other, budget("all", **limit)]
    assert blocks_in_a_drain(items) == expected_to_block(items) == (limit != {"minAvailable": 1})
