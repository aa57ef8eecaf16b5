"""Numbers that may be percentages."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.counts import Count
from productionpolicy.kube.fields import Fields

PERCENTAGES = st.integers(0, 200)
TOTALS = st.integers(0, 5000)


@pytest.mark.parametrize(
    ("given_", "count"),
    [(5, Count(5)), (0, Count(0)), ("25%", Count(25, percent=True)), ("0%", Count(0, percent=True))],
)
def test_a_count_is_a_number_or_a_percentage(given_: int | str, count: Count) -> None:
    assert Count.parse(given_) == count


@pytest.mark.parametrize("given_", ["", "5", "%", "-1%", "2.5%", "25 %", "25%%", "٢٥%", "25%\n", "1" * 10 + "%", "x"])
def test_anything_else_is_refused(given_: str) -> None:
    with pytest.raises(ValueError, match="neither a whole number nor a percentage"):
        Count.parse(given_)


PERCENTAGE = "a number, or a whole percentage such as 25%,"
TO_ALL = "a number from 0, or a percentage up to 100%,"


@pytest.mark.parametrize(
    ("given_", "up_to_all", "found", "expected"),
    [
        ("many", True, '"many"', PERCENTAGE),
        ("50.5%", True, '"50.5%"', PERCENTAGE),
        ("20 %", True, '"20 %"', PERCENTAGE),
        ("x" * 99, True, f'"{"x" * 39}…"', PERCENTAGE),
        ("1", True, '"1"', "a number without quotes"),
        ("-1", True, '"-1"', "a number without quotes"),
        (-1, True, "-1", TO_ALL),
        ("150%", True, '"150%"', TO_ALL),
        (-1, False, "-1", "a number from 0, or a percentage,"),
    ],
)
def test_a_field_that_holds_no_count_is_noted(given_: int | str, up_to_all: bool, found: str, expected: str) -> None:
    fields = Fields({"maxSurge": given_}, path="spec")
    assert Count.read(fields, "maxSurge", up_to_all=up_to_all) is None
    assert [(each.path, each.message) for each in fields.problems] == [
        ("spec.maxSurge", f"is {found}, but {expected} is expected")
    ]


def test_a_surge_may_be_above_all() -> None:
    assert Count.read(Fields({"maxSurge": "150%"}), "maxSurge", up_to_all=False) == Count(150, percent=True)


def test_an_absent_field_is_no_count_and_no_problem() -> None:
    fields = Fields({})
    assert (Count.read(fields, "maxSurge"), fields.problems) == (None, ())


@given(percentage=PERCENTAGES, total=TOTALS)
def test_a_percentage_rounds_exactly(percentage: int, total: int) -> None:
    share = Fraction(percentage * total, 100)
    count = Count(percentage, percent=True)
    assert (count.rounded_up(total), count.rounded_down(total)) == (ceil(share), floor(share))


@given(number=st.integers(0, 1000), total=TOTALS)
def test_a_number_is_itself_whatever_the_total(number: int, total: int) -> None:
    assert (Count(number).rounded_up(total), Count(number).rounded_down(total)) == (number, number)


@given(value=st.integers(0, 10**9 - 1), percent=st.booleans())
def test_what_is_written_reads_as_the_same_count(value: int, percent: bool) -> None:
    count = Count(value, percent=percent)
    assert Count.parse(count.as_field()) == count
