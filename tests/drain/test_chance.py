"""What chance decides is not promised."""

from __future__ import annotations

from productionpolicy.drain import Options, drain
from productionpolicy.drain.chance import Plays
from productionpolicy.drain.cluster import Key
from productionpolicy.drain.outcome import Blocker, Dark, NodeOutcome, Outcome, PendingPod, Result
from support.scenes import cluster, deployment, node

WEB, API = (Key("shop", "Deployment", each) for each in ("web", "api"))


def played(*results: Result, dark: tuple[Dark, ...] = ()) -> Outcome:
    return Outcome(tuple(NodeOutcome(f"node-{number}", each) for number, each in enumerate(results)), dark)


def waiting(*workloads: Key) -> Outcome:
    pods = tuple(PendingPod(f"shop/{each.name}-{number}", each, "full") for number, each in enumerate(workloads))
    return Outcome((NodeOutcome("node-0", Result.DRAINS, pending=pods),), pending=pods)


def combined(first: Outcome, *others: Outcome) -> Outcome:
    plays = Plays(first)
    for each in others:
        plays.add(each)
    return plays.combined()


def results(*plays: Outcome) -> list[Result]:
    return [each.result for each in combined(*plays).nodes]


def test_a_node_that_drains_in_some_plays_only_is_unknown() -> None:
    both = [played(Result.DRAINS), played(Result.BLOCKED)]
    assert results(*both) == results(*reversed(both)) == [Result.UNKNOWN]
    assert combined(*both).nodes[0].unknown == (
        "it drains in 1 of 2 plays: the choices of the scheduler or the order of the evictions decide",
    )


def test_a_node_that_kubectl_refuses_in_some_plays_only_is_unknown() -> None:
    both = [played(Result.REFUSED), played(Result.DRAINS)]
    assert results(*both) == results(*reversed(both)) == [Result.UNKNOWN]


def test_what_is_so_in_all_plays_is_certain() -> None:
    assert results(played(Result.DRAINS), played(Result.DRAINS)) == [Result.DRAINS]
    assert results(played(Result.STUCK), played(Result.BLOCKED)) == [Result.STUCK]
    assert results(played(Result.REFUSED), played(Result.REFUSED)) == [Result.REFUSED]


def test_a_workload_that_goes_dark_in_some_plays_may_go_dark() -> None:
    dark = Dark(WEB, steps=1, first=3)
    found = combined(played(Result.DRAINS), played(Result.DRAINS, dark=(dark,))).dark
    assert [(each.workload, each.certain) for each in found] == [(WEB, False)]
    both = played(Result.DRAINS, dark=(dark,))
    assert combined(both, both).dark == (dark,)


def test_of_the_pods_without_a_node_those_are_certain_that_all_plays_have() -> None:
    found = combined(waiting(WEB, WEB), waiting(WEB), waiting(WEB, API))
    expected = [(WEB, True), (WEB, False), (API, False)]
    assert [(each.workload, each.certain) for each in found.nodes[0].pending] == expected
    assert [(each.workload, each.certain) for each in found.pending] == expected


def test_of_the_budgets_that_block_those_are_certain_that_block_in_all_plays() -> None:
    def kept(*budgets: str) -> Outcome:
        blockers = tuple(Blocker("shop/web-1", WEB, "no", "", (each,)) for each in budgets)
        return Outcome((NodeOutcome("node-0", Result.BLOCKED, blockers=blockers),))

    (found,) = combined(kept("shop/one"), kept("shop/one", "shop/two")).nodes
    assert [(each.budgets, each.certain) for each in found.blockers] == [(("shop/one",), True), (("shop/two",), False)]


def test_a_play_is_new_only_if_it_is_outside_of_what_was_seen() -> None:
    plays = Plays(waiting(WEB))
    assert [plays.add(each) for each in (waiting(WEB), waiting(), waiting(WEB), waiting(API))] == [
        False,
        True,
        False,
        True,
    ]


def test_which_of_two_workloads_finds_room_is_left_to_chance() -> None:
    parts = deployment("web", ["a"], cpu="2"), deployment("api", ["a"], cpu="2")
    found = drain(cluster(node("a"), node("b", cpu="2"), *parts), ["a"])
    waiting = sorted((each.workload.name, each.certain) for each in found.nodes[0].pending)
    assert waiting == [("api", False), ("web", False)]
    assert {each.workload.name for each in found.dark} == {"api", "web"}


def test_one_play_knows_no_chance() -> None:
    parts = deployment("web", ["a"], cpu="2"), deployment("api", ["a"], cpu="2")
    found = drain(cluster(node("a"), node("b", cpu="2"), *parts), ["a"], Options(plays=1))
    assert [each.certain for each in found.nodes[0].pending] == [True]
