"""Quantities as the API writes them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.quantity import Quantity

FACTORS = {
    "": Fraction(1),
    **{suffix: Fraction(1, 1000**power) for power, suffix in enumerate("mun", start=1)},
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
    **{f"{letter}{power}": Fraction(10) ** power for letter in "eE" for power in (-9, -1, 0, 3, 18)},
    "e+3": Fraction(1000),
}
NUMBERS = st.builds(
    lambda sign, whole, rest: f"{sign}{whole}{rest}",
    st.sampled_from(["", "+", "-"]),
    st.integers(0, 10**30),
    st.sampled_from(["", ".", ".0", ".5", ".000000001", f".{'123456789' * 4}"]),
)
SUFFIXES = st.sampled_from(sorted(FACTORS))


def exact(number: str, suffix: str) -> Fraction:
    return Fraction(Decimal(number)) * FACTORS[suffix]


@given(number=NUMBERS, suffix=SUFFIXES)
def test_its_amount_is_exact(number: str, suffix: str) -> None:
    assert Fraction(Quantity.parse(f"{number}{suffix}").amount) == exact(number, suffix)


@given(first=st.tuples(NUMBERS, SUFFIXES), second=st.tuples(NUMBERS, SUFFIXES))
def test_two_compare_as_their_amounts_do(first: tuple[str, str], second: tuple[str, str]) -> None:
    one, other = Quantity.parse("".join(first)), Quantity.parse("".join(second))
    amounts = exact(*first), exact(*second)
    assert (one < other, one == other, one >= other) == (
        amounts[0] < amounts[1],
        amounts[0] == amounts[1],
        amounts[0] >= amounts[1],
    )


@given(number=NUMBERS)
def test_equal_amounts_are_equal_however_they_are_written(number: str) -> None:
    one, other = Quantity.parse(f"{number}k"), Quantity.parse(f"{number}e3")
    assert (one == other, hash(one) == hash(other)) == (True, True)


@given(number=st.integers(0, 10**20) | st.floats(0, 1e30, allow_nan=False))
def test_a_number_without_quotes_is_a_quantity(number: float) -> None:
    assert Quantity.parse(number).amount == Decimal(repr(number))


@pytest.mark.parametrize(
    ("smaller", "larger"), [("953Mi", "1G"), ("1G", "1Gi"), ("999m", "1"), ("1n", "1u"), ("1E", "1Ei"), (".5", "501m")]
)
def test_suffixes_have_their_order(smaller: str, larger: str) -> None:
    assert Quantity.parse(smaller) < Quantity.parse(larger)


@pytest.mark.parametrize(
    "given_",
    [
        *("", " ", ".", "m", "1 Gi", "1gi", "1K", "1ki", "1mi", "1e", "1e1.5", "1Gi2", "0x1", "--1", "1\n", "\u0661"),
        *("1_0", "NaN", "inf", "1e9999", "1" * 129, True, None, [], {}),
        *(float("nan"), float("inf"), 10**400, -(10**400)),
    ],
)
def test_anything_else_is_refused(given_: Any) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        Quantity.parse(given_)


def test_it_reads_as_it_was_written() -> None:
    assert (str(Quantity.parse("0.50Gi")), repr(Quantity.parse(1))) == ("0.50Gi", "Quantity('1')")


def test_only_nothing_is_nothing() -> None:
    assert [bool(Quantity.parse(each)) for each in ("0", "0Gi", "-0", "1n", "-1")] == [False, False, False, True, True]


def test_it_equals_nothing_else() -> None:
    assert Quantity.parse("1") != 1
