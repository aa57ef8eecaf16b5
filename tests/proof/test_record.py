"""What a record says of its requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proof.outcome import Outcome, markdown, predictions_markdown, rows, sentence
from proof.record import Drain, Foreseen, Manner, Record, Request


def request(sent: float, *, service: str = "web", failure: str = "", resent: bool = False) -> Request:
    return Request(service, Manner.NEW, sent=sent, ended=sent + 0.25, failure=failure, resent=resent)


def record(*requests: Request) -> Record:
    return Record(requests, marks=(), seconds=10.0)


def test_the_longest_gap_is_the_longest_time_without_an_answer() -> None:
    assert record(request(0.0), request(1.0), request(2.0, failure="refused"), request(4.0)).longest_gap_ms == 3000


def test_an_answer_of_one_service_does_not_fill_the_gap_of_another() -> None:
    answers = [request(at, service="other") for at in (0.0, 1.0, 2.0, 3.0)]
    assert record(*answers, request(0.0), request(3.0)).longest_gap_ms == 3000


def test_a_service_that_never_answers_has_a_gap_from_beginning_to_end() -> None:
    assert record(request(0.0, failure="refused"), request(5.0, failure="refused")).longest_gap_ms == 5250


def test_a_service_that_answers_no_more_has_a_gap_up_to_the_end() -> None:
    assert record(request(0.0), request(7.0, failure="refused")).longest_gap_ms == 7000


def test_the_longest_pause_is_the_longest_time_without_a_request() -> None:
    assert record(request(0.0), request(0.5, service="other"), request(2.5, failure="refused")).longest_pause_ms == 2000


def test_reasons_are_counted_the_most_frequent_first() -> None:
    found = record(request(0, failure="cut off"), request(1, failure="refused"), request(2, failure="refused"))
    assert list(found.reasons.items()) == [("new connection: refused", 2), ("new connection: cut off", 1)]


def test_figures_are_those_after_the_repair_unless_they_say_before() -> None:
    before = record(request(0, failure="refused"), request(1, resent=True))
    after = record(request(0), request(1), request(1.5))
    assert Outcome("drain", before, after).figures() == {
        "name": "drain",
        "requests": 3,
        "failedBefore": 1,
        "failedAfter": 0,
        "longestGapMs": 1000,
        "requestsBefore": 2,
        "longestGapBeforeMs": 1250,
        "longestPauseMs": 1000,
        "longestPauseBeforeMs": 1000,
        "resentBefore": 1,
        "resentAfter": 0,
        "wrongPredictions": 0,
    }


@pytest.mark.parametrize(
    ("predicted", "happened", "wrong"),
    [
        (Drain("drains", frozenset()), Drain("drains", frozenset()), 0),
        (Drain("drains", frozenset({"web"})), Drain("drains", frozenset()), 0),
        (Drain("drains", frozenset()), Drain("drains", frozenset({"web"})), 1),
        (Drain("blocked", frozenset()), Drain("drains", frozenset()), 1),
    ],
)
def test_a_prediction_is_wrong_if_it_promised_more_than_happened(predicted: Drain, happened: Drain, wrong: int) -> None:
    drained = replace(record(request(0)), drain=Foreseen(predicted, happened))
    assert Outcome("node drain", record(request(0)), drained).figures()["wrongPredictions"] == wrong


def test_the_page_tells_what_was_predicted_and_what_happened_in_each_state() -> None:
    dark, lit = Drain("drains", frozenset({"web", "shop"})), Drain("drains", frozenset())
    before, after = (replace(record(request(0)), drain=Foreseen(each, each)) for each in (dark, lit))
    assert predictions_markdown(Outcome("node drain", before, after).predictions())[2:] == [
        "| as written | drains; without a ready pod: shop, web | drains; without a ready pod: shop, web |",
        "| repaired | drains; without a ready pod: none | drains; without a ready pod: none |",
    ]


def test_the_table_ends_with_sums_and_the_longest_of_the_gaps() -> None:
    scenarios = [
        Outcome("drain", record(request(0, failure="refused")), record(request(0), request(1))).figures(),
        Outcome("deploy", record(request(0, failure="refused")), record(request(0), request(3))).figures(),
    ]
    assert rows(scenarios)[-1] == ("together", "4", "2", "0", "250 ms", "3,000 ms")
    assert markdown(scenarios)[2] == "| drain | 2 | 1 | 0 | 250 ms | 1,000 ms |"
    assert "Of 2 requests" in sentence(scenarios)
    assert sentence(scenarios).endswith("of 4 after its repair, 0 failed.")
