"""What an audit of drains tells a policy."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from productionpolicy.drain import Blocker, Cluster, Key, NodeOutcome, Outcome, Result, complete_coverage, read
from productionpolicy.drain.audit import Findings, Played, findings, not_played, play
from productionpolicy.policy.status import MOST_BLOCKED_NODES, MOST_DARK_WORKLOADS
from support.scenes import budget, cluster, deployment, node, stateful_set

NOW = datetime(2026, 11, 28, 7, 0, 0, 5, tzinfo=UTC)
A, B = node("a", zone="one"), node("b", zone="two")


def audited(found: Cluster, *, governed: str = "shop") -> Findings:
    return findings(play(found), lambda namespace: namespace == governed, at=NOW)


def test_nodes_that_drain_meet_the_condition() -> None:
    found = audited(cluster(A, B, deployment("web", ["a", "b"]), budget("web", app="web", maxUnavailable=1)))
    assert (found.verdict.status, found.verdict.reason) == ("True", "AllNodesDrain")
    assert (found.status.nodes, found.status.zones, found.status.pods) == (2, 2, 2)
    assert (found.status.blocked_nodes, found.status.dark_by_node, found.status.dark_by_zone) == (0, 0, 0)


def test_a_node_that_a_budget_blocks_is_told_with_workload_budget_and_remedy() -> None:
    found = audited(cluster(A, B, deployment("web", ["a", "b"]), budget("all", app="web", minAvailable=2)))
    assert (found.verdict.status, found.verdict.reason) == ("False", "NodesBlocked")
    assert (
        "2 of 2 nodes could not be drained: a (Deployment shop/web), b (Deployment shop/web)" in found.verdict.message
    )
    assert [(each.node, each.name, each.budgets) for each in found.status.blocked] == [
        ("a", "web", ("shop/all",)),
        ("b", "web", ("shop/all",)),
    ]
    assert found.status.blocked[0].remedy.startswith("use maxUnavailable: 1")


def test_what_blocks_in_a_namespace_of_another_policy_is_not_told() -> None:
    parts = deployment("web", ["a", "b"]), budget("all", app="web", minAvailable=2)
    found = audited(cluster(A, B, *parts), governed="other")
    assert (found.verdict.status, found.status.blocked_nodes, found.status.dark) == ("True", 0, ())


def test_workloads_that_one_node_or_one_zone_takes_down_are_told() -> None:
    c = node("c", zone="two")
    parts = deployment("lone", ["a"]), deployment("near", ["b", "c"]), deployment("far", ["a", "b"])
    status = audited(cluster(A, B, c, *parts)).status
    assert (status.dark_by_node, status.dark_by_zone) == (1, 2)
    assert [(each.name, each.node, each.zone) for each in status.dark] == [("lone", "a", "one"), ("near", "", "two")]


def test_a_stateful_set_is_dark_until_its_node_is_back() -> None:
    status = audited(cluster(A, B, stateful_set("db", ["a"]), deployment("web", ["a"]))).status
    assert {each.name: each.until_it_is_back for each in status.dark} == {"db": True, "web": False}


def test_without_zones_the_failure_of_a_zone_is_not_played() -> None:
    found = audited(cluster(node("a"), node("b"), deployment("lone", ["a"])))
    assert (found.status.zones, found.status.dark_by_zone, found.status.dark_by_node) == (0, 0, 1)
    assert "zones: not played" in found.verdict.message


def test_a_single_zone_is_the_whole_cluster_and_does_not_fail() -> None:
    found = audited(cluster(node("a", zone="one"), node("b", zone="one"), deployment("web", ["a", "b"])))
    assert (found.status.zones, found.status.dark_by_zone) == (0, 0)


def test_a_cluster_without_nodes_is_unknown() -> None:
    assert audited(cluster()).verdict.reason == "NoNodes"


def test_what_could_not_be_read_makes_it_unknown() -> None:
    coverage = {
        **complete_coverage(),
        "persistentvolumes": {"read": "None", "reason": "forbidden; apply the component"},
    }
    found = audited(read([A, B, *deployment("web", ["a", "b"])], coverage))
    assert (found.verdict.status, found.verdict.reason) == ("Unknown", "NotAllRead")
    expected = "not everything could be read (persistent volumes): forbidden; apply the component"
    assert found.verdict.message.startswith(expected)


def test_what_blocks_is_told_although_not_everything_could_be_read() -> None:
    coverage = {**complete_coverage(), "persistentvolumes": {"read": "None", "reason": "forbidden"}}
    parts = [*deployment("web", ["a", "b"]), budget("all", app="web", minAvailable=2)]
    assert audited(read([A, B, *parts], coverage)).verdict.reason == "NodesBlocked"


def test_a_node_of_which_something_is_not_known_is_not_said_to_drain() -> None:
    """What replaces the pods of an owner that is not there is not known."""
    parts = deployment("web", ["a", "b"])[2:]
    found = audited(cluster(A, B, *parts))
    assert (found.verdict.status, found.verdict.reason, found.status.unknown_nodes) == ("Unknown", "NotKnown", 2)
    assert "whether ReplicaSet web-1 replaces its pods" in found.verdict.message
    assert audited(cluster(A, B, *parts), governed="other").verdict.status == "True"


def test_what_blocks_a_node_in_some_plays_only_is_not_known_to_block_it() -> None:
    def blocker(name: str, *, certain: bool) -> Blocker:
        return Blocker(f"shop/{name}-1", Key("shop", "Deployment", name), f"{name} blocks", "mend it", certain=certain)

    def told(*blockers: Blocker) -> Findings:
        node = NodeOutcome("a", Result.BLOCKED, blockers=blockers)
        return findings(Played(2, Outcome((node,))), lambda _: True, at=NOW)

    doubtful, sure = blocker("doubtful", certain=False), blocker("sure", certain=True)
    assert (told(doubtful).verdict.reason, told(doubtful).status.unknown_nodes) == ("NotKnown", 1)
    assert "a: doubtful blocks" in told(doubtful).verdict.message
    assert [(each.name, each.workloads) for each in told(doubtful, sure).status.blocked] == [("sure", 1)]


def test_the_lists_are_limited_and_the_counts_are_not() -> None:
    names = [f"n{number:03}" for number in range(60)]
    blocked = [each for name in names for each in deployment(f"web-{name}", [name])]
    found = audited(cluster(*map(node, names), blocked, budget("all", maxUnavailable=0)))
    assert (found.status.blocked_nodes, len(found.status.blocked)) == (60, MOST_BLOCKED_NODES)
    assert (found.status.dark_by_node, len(found.status.dark)) == (60, MOST_DARK_WORKLOADS)
    assert "n000 (Deployment shop/web-n000), " in found.verdict.message
    assert found.verdict.message.split(";")[0].endswith(" and 57 more")


def test_the_same_cluster_gives_the_same_words_at_another_time() -> None:
    there = cluster(A, B, deployment("web", ["a", "b"]), budget("all", app="web", minAvailable=2))
    later = findings(play(there), lambda _: True, at=NOW.replace(hour=13))
    now = audited(there)
    assert later.verdict == now.verdict
    assert msgspec.structs.replace(later.status, last_audit_time=now.status.last_audit_time) == now.status


def test_what_is_not_played_is_unknown_and_names_no_node() -> None:
    found = not_played("TooLarge", "not played: too large", at=NOW, request="now")
    assert (found.verdict.status, found.verdict.reason, found.status.nodes) == ("Unknown", "TooLarge", 0)
    assert (found.status.last_audit_time, found.status.handled_request) == (NOW, "now")
