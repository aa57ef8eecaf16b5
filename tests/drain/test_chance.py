"""What chance decides is not promised."""

from __future__ import annotations

from productionpolicy.drain.chance import combined
from productionpolicy.drain.cluster import Key
from productionpolicy.drain.outcome import Dark, NodeOutcome, Outcome, Result

WEB = Key("shop", "Deployment", "web")


def played(*results: Result, dark: tuple[Dark, ...] = ()) -> Outcome:
    return Outcome(tuple(NodeOutcome(f"node-{number}", each) for number, each in enumerate(results)), dark)


def results(*plays: Outcome) -> list[Result]:
    return [each.result for each in combined(plays[0], plays[1:]).nodes]


def test_a_node_that_drains_in_some_plays_only_is_unknown() -> None:
    both = [played(Result.DRAINS), played(Result.BLOCKED)]
    assert results(*both) == results(*reversed(both)) == [Result.UNKNOWN]
    assert combined(both[0], both[1:]).nodes[0].unknown == (
        "it drains in 1 of 2 plays: which nodes the scheduler chooses decides",
    )


def test_what_is_so_in_all_plays_is_certain() -> None:
    assert results(played(Result.DRAINS), played(Result.DRAINS)) == [Result.DRAINS]
    assert results(played(Result.STUCK), played(Result.BLOCKED)) == [Result.STUCK]
    assert results(played(Result.REFUSED), played(Result.REFUSED)) == [Result.REFUSED]


def test_a_workload_that_goes_dark_in_any_play_goes_dark() -> None:
    dark = Dark(WEB, steps=1, first=3)
    assert combined(played(Result.DRAINS), [played(Result.DRAINS, dark=(dark,))]).dark == (dark,)
