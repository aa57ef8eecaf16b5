"""Whatever a prediction gets wrong is seen, and what must never happen makes the run fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drains.comparison import Compared, Difference, Kind, PredictedNode, Prediction, differences
from drains.play import NodeResult, Result, Verdict
from drains.tables import holds, rows

BUDGET = frozenset({"blue/budget"})
WEB = "Deployment blue/web"
DRAINS = PredictedNode("a", Verdict.DRAINED)
BLOCKED = PredictedNode("a", Verdict.BLOCKED, BUDGET)
DRAINED = NodeResult("a", Verdict.DRAINED)
KEPT = NodeResult("a", Verdict.BLOCKED, BUDGET)


def found(said: PredictedNode, was: NodeResult) -> list[Kind]:
    prediction = Prediction((said,), dark=frozenset())
    return [each.kind for each in differences(prediction, Result((was,), lit=frozenset(), dark=frozenset()))]


def dark(said: set[str], was: set[str], *nodes: tuple[PredictedNode, NodeResult]) -> list[Kind]:
    prediction = Prediction(tuple(each for each, _ in nodes), frozenset(said))
    result = Result(tuple(each for _, each in nodes), lit=frozenset({WEB}), dark=frozenset(was))
    return [each.kind for each in differences(prediction, result)]


def compared(*kinds: Kind, unknown: int = 0) -> Compared:
    wrong = tuple(Difference(each, "a", "one thing", "another") for each in kinds)
    return Compared(
        1, 2, wrong, nodes=100, drained=60, said_drains=59, unknown=unknown, pods=500, workloads=100, dark=30
    )


@pytest.mark.parametrize(("said", "was"), [(DRAINS, DRAINED), (BLOCKED, KEPT)])
def test_what_happened_as_predicted_is_no_difference(said: PredictedNode, was: NodeResult) -> None:
    assert found(said, was) == []


@pytest.mark.parametrize(
    ("said", "was"),
    [
        (replace(DRAINS, perhaps_pending=(WEB,)), DRAINED),
        (replace(DRAINS, perhaps_pending=(WEB,)), replace(DRAINED, pending=(WEB,))),
        (replace(BLOCKED, perhaps_budgets=frozenset({"blue/more"})), KEPT),
        (replace(BLOCKED, perhaps_budgets=frozenset({"blue/more"})), replace(KEPT, budgets=BUDGET | {"blue/more"})),
        (replace(BLOCKED, or_else=Verdict.FAILED), replace(KEPT, verdict=Verdict.FAILED)),
        (replace(DRAINS, pending=(WEB,), pending_known=False), DRAINED),
    ],
)
def test_what_is_left_to_chance_may_happen_or_not(said: PredictedNode, was: NodeResult) -> None:
    assert found(said, was) == []


@pytest.mark.parametrize(
    ("said", "was", "kind"),
    [
        (DRAINS, KEPT, Kind.FALSE_DRAINS),
        (DRAINS, replace(KEPT, verdict=Verdict.REFUSED), Kind.FALSE_DRAINS),
        (BLOCKED, DRAINED, Kind.FALSE_BLOCK),
        (BLOCKED, replace(KEPT, budgets=frozenset({"blue/other"})), Kind.BUDGET),
        (BLOCKED, replace(KEPT, verdict=Verdict.FAILED), Kind.BUDGET),
        (DRAINS, replace(DRAINED, pending=(WEB,)), Kind.PENDING),
        (replace(DRAINS, pending=(WEB, WEB)), replace(DRAINED, pending=(WEB,)), Kind.PENDING),
        (replace(DRAINS, perhaps_pending=(WEB,)), replace(DRAINED, pending=(WEB, WEB)), Kind.PENDING),
        (replace(DRAINS, pending=(WEB,), perhaps_pending=(WEB,)), DRAINED, Kind.PENDING),
        (replace(BLOCKED, perhaps_budgets=frozenset({"blue/more"})), replace(KEPT, budgets=frozenset()), Kind.BUDGET),
        (replace(DRAINS, verdict=None), DRAINED, Kind.UNKNOWN),
    ],
)
def test_a_difference_has_a_kind(said: PredictedNode, was: NodeResult, kind: Kind) -> None:
    assert found(said, was) == [kind]


def test_a_workload_that_goes_dark_must_have_been_predicted() -> None:
    assert dark(set(), {WEB}) == [Kind.FALSE_LIGHT]
    assert dark({WEB}, set()) == [Kind.FALSE_DARK]
    assert dark({WEB}, {WEB}) == []


def test_a_workload_that_may_go_dark_may_also_stay_ready() -> None:
    prediction = Prediction((), dark=frozenset(), perhaps_dark=frozenset({WEB}))
    for was in (frozenset[str](), frozenset({WEB})):
        assert list(differences(prediction, Result((), lit=frozenset({WEB}), dark=was))) == []


def test_a_node_that_chance_decides_excuses_no_darkness() -> None:
    by_chance = replace(DRAINS, verdict=None, by_chance=True)
    assert dark(set(), {WEB}, (by_chance, DRAINED)) == [Kind.UNKNOWN, Kind.FALSE_LIGHT]


def test_what_follows_from_a_wrong_node_counts_only_if_it_is_fatal() -> None:
    wrong = (BLOCKED, DRAINED)
    assert dark({WEB}, set(), wrong, (BLOCKED, DRAINED)) == [Kind.FALSE_BLOCK]
    assert dark(set(), {WEB}, wrong, (DRAINS, KEPT)) == [Kind.FALSE_BLOCK, Kind.FALSE_DRAINS, Kind.FALSE_LIGHT]


def test_a_cluster_that_is_not_wholly_known_does_not_promise_that_nothing_goes_dark() -> None:
    assert dark(set(), {WEB}, (replace(DRAINS, verdict=None), DRAINED)) == [Kind.UNKNOWN]


def test_where_kubectl_drains_less_may_go_dark() -> None:
    prediction = Prediction((BLOCKED,), dark=frozenset({WEB}))
    result = Result((replace(KEPT, budgets=frozenset()),), lit=frozenset({WEB}), dark=frozenset(), kubectl=True)
    assert list(differences(prediction, result)) == []
    more = replace(result, dark=frozenset({WEB, "Deployment blue/api"}))
    assert [each.kind for each in differences(prediction, more)] == [Kind.FALSE_LIGHT]


@pytest.mark.parametrize("kind", [each for each in Kind if each.fatal])
def test_one_fatal_difference_fails_the_run(kind: Kind) -> None:
    assert not holds([compared(kind)])


def test_two_in_a_hundred_of_the_other_statements_may_be_wrong() -> None:
    assert holds([compared(*[Kind.PENDING] * 4)])
    assert not holds([compared(*[Kind.PENDING] * 5)])


def test_five_in_a_hundred_nodes_may_be_unknown_and_none_of_them_is_wrong() -> None:
    assert holds([compared(*[Kind.UNKNOWN] * 5, unknown=5)])
    assert not holds([compared(*[Kind.UNKNOWN] * 6, unknown=6)])


def test_the_table_counts_what_was_predicted() -> None:
    counted = {statement: (made, wrong) for statement, made, wrong in rows([compared(Kind.FALSE_BLOCK, unknown=3)])}
    assert counted["the node drains"] == (59, 0)
    assert counted["the node does not drain"] == (38, 1)
    assert counted["it is unknown whether the node drains"] == (3, 0)


def test_the_table_tells_how_much_is_left_to_chance() -> None:
    one = replace(compared(Kind.UNKNOWN), said_dark=20, perhaps_dark=5, perhaps_pending=3)
    counted = {statement: (made, wrong) for statement, made, wrong in rows([one])}
    assert counted["the workload always has a ready pod"] == (75, 0)
    assert counted["the workload is without a ready pod"] == (20, 0)
    assert counted["chance decides whether the workload is without a ready pod"] == (5, 0)
    assert counted["of these, chance decides which pods"] == (3, 0)
