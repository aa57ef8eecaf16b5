"""Exemptions: who may opt out, from what, and until when."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.identity import EXEMPT, REPAIRS
from productionpolicy.policy import Exemption, exemptions_of

TODAY = date(2026, 6, 15)
PREFIX = EXEMPT


def exemption(text: str, *, name: str = "spread") -> Exemption:
    found, *others = exemptions_of({f"{PREFIX}{name}": text}, today=TODAY)
    assert others == []
    return found


def test_a_reason_is_enough() -> None:
    assert exemption("single writer") == Exemption("spread", "single writer")


@pytest.mark.parametrize("text", ["", "   ", "until=2030-01-01", " until=2030-01-01 ; "])
def test_without_a_reason_it_does_not_hold(text: str) -> None:
    assert exemption(text).fault == "it gives no reason"


@pytest.mark.parametrize(
    ("until", "holds"), [("2026-06-14", False), ("2026-06-15", True), ("2026-06-16", True), ("2025-12-31", False)]
)
def test_it_holds_until_the_end_of_its_last_day(until: str, holds: bool) -> None:
    assert exemption(f"migration until={until}").holds is holds


def test_one_that_has_expired_says_when() -> None:
    assert exemption("until=2026-06-14 migration").fault == "it expired on 2026-06-14"


@pytest.mark.parametrize(
    "text",
    [
        "until=2030-01-01 migration",
        "migration until=2030-01-01",
        "migration; until=2030-01-01",
        "migration (until=2030-01-01).",
    ],
)
def test_the_date_may_stand_anywhere(text: str) -> None:
    assert (exemption(text).until, exemption(text).holds) == (date(2030, 1, 1), True)


def test_the_date_is_no_part_of_the_reason() -> None:
    assert exemption("migration; until=2030-01-01").reason == "migration"


@pytest.mark.parametrize(
    "until",
    ["", "soon", "01.02.2030", "2030-1-1", "20300101", "2030-W01-1", "2030-01-01T00:00"],
)
def test_a_date_of_another_form_makes_it_void(until: str) -> None:
    assert exemption(f"migration until={until}").fault == "its date is not in the form until=YYYY-MM-DD"


@pytest.mark.parametrize("day", ["2026-13-01", "2026-02-30"])
def test_a_day_that_does_not_exist_makes_it_void(day: str) -> None:
    assert exemption(f"migration until={day}").fault == f"{day} is not a valid date"


@pytest.mark.parametrize(
    "text",
    [
        "migration Until=2020-01-01",
        "migration UNTIL 2020-01-01",
        "migration until 2020-01-01",
        "migration until: 2020-01-01",
        "migration until next quarter",
        "migration expires=2020-01-01",
        "migration, expiry 1.1.2020",
        "migration (2020-01-01)",
        "migration 01/02/2020",
    ],
)
def test_an_end_that_cannot_be_read_makes_it_void_instead_of_permanent(text: str) -> None:
    found = exemption(text)
    assert (found.fault, found.remedy) == (
        "its date is not in the form until=YYYY-MM-DD",
        "write its last day as until=YYYY-MM-DD",
    )


@pytest.mark.parametrize("text", ["needs 10.2.34 of 2020", "since 2020-01-01; until=2030-01-01", "see CHG-20200101"])
def test_other_numbers_do_no_harm(text: str) -> None:
    assert exemption(text).holds


def test_all_stands_for_every_expectation() -> None:
    found = exemption("is replaced soon", name="all")
    assert [found.covers(name) for name in ("spread", "preStop")] == [True, True]
    assert [exemption("x").covers(name) for name in ("spread", "preStop")] == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "remedy"),
    [
        ("prestop", "x", "did you mean preStop?"),
        ("sprad", "x", "did you mean spread?"),
        ("ALL", "x", "did you mean all?"),
        ("qqqqqqqq", "x", "`productionpolicy explain` lists the names"),
        ("spread", "", "write the reason into the annotation"),
        ("spread", "x until=2020-01-01", "remove the annotation, or write a later until=YYYY-MM-DD"),
        ("spread", "x", "remove the annotation"),
    ],
)
def test_each_cause_has_its_remedy(name: str, text: str, remedy: str) -> None:
    assert exemption(text, name=name).remedy == remedy


def test_until_within_a_word_is_no_date() -> None:
    assert exemption("runs validuntil=x").holds


def test_a_name_that_no_expectation_has_is_void() -> None:
    assert exemption("because", name="sprad").fault == "no expectation has this name"


def test_other_annotations_are_no_exemptions() -> None:
    annotations = {
        "productionpolicy.dev/spread": "x",
        f"{REPAIRS}spread": "x",
        "exempt.other.dev/a": "x",
    }
    assert exemptions_of(annotations, today=TODAY) == ()


def test_they_are_sorted_by_expectation() -> None:
    found = exemptions_of({f"{PREFIX}{name}": "because" for name in ("spread", "imageTag", "preStop")}, today=TODAY)
    assert [each.expectation for each in found] == ["imageTag", "preStop", "spread"]


def test_one_says_where_it_stands() -> None:
    assert exemption("because").path == "metadata.annotations[exempt.productionpolicy.dev/spread]"


@given(text=st.text(), name=st.text())
def test_any_text_holds_or_says_why_not(text: str, name: str) -> None:
    found = exemption(text, name=name)
    assert found.holds is (found.fault is None)
