"""Quantities of the API, such as `500m`, `1.5Gi` and `2e3`."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import total_ordering
from typing import Any

_WRITTEN = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,3}))?")
_LONGEST = 128
_GREATEST = 10**_LONGEST
_EXACT = Context(prec=2048)
"""More digits than the product of the longest number and the highest power can have."""

_DECIMAL_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_POWERS = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


@total_ordering
class Quantity:
    """An exact amount with its original text. Two spellings of the same amount are equal."""

    __slots__ = ("amount", "text")

    def __init__(self, amount: Decimal, text: str) -> None:
        self.amount = amount
        self.text = text

    @classmethod
    def parse(cls, given: Any) -> Quantity:
        """Return the quantity in a string or a number, neither rounded nor capped.

        Raises:
            ValueError: it is not a quantity.
        """
        text = _text(given)
        found = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST else None
        if found is None:
            raise ValueError("is not a quantity such as 500m or 1.5Gi")
        number, suffix, exponent = found.groups()
        return cls(_EXACT.multiply(Decimal(number), _factor(suffix, exponent)), text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __lt__(self, other: Quantity) -> bool:
        return self.amount < other.amount

    def __hash__(self) -> int:
        return hash(self.amount)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"


def _text(given: Any) -> str:
    """Return the text of a value, which may be a number in a file."""
    if isinstance(given, str):
        return given
    if isinstance(given, bool) or not isinstance(given, (int, float)) or abs(given) >= _GREATEST:
        return ""
    return repr(given)


def _factor(suffix: str | None, exponent: str | None) -> Decimal:
    if suffix in _BINARY_POWERS:
        return Decimal(1024 ** _BINARY_POWERS[suffix])
    power = int(exponent) if exponent else _DECIMAL_POWERS[suffix] if suffix else 0
    return Decimal((0, (1,), power))
