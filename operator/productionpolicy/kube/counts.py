"""Numbers that may be percentages (IntOrString in the API)."""

from __future__ import annotations

import re

from msgspec import Struct

from productionpolicy.kube.fields import Fields

_PERCENTAGE = re.compile(r"([0-9]{1,9})%")
_WHOLE_PERCENTAGE = "a number, or a whole percentage such as 25%,"
_ALL = 100


class Count(Struct, frozen=True):
    """A number of pods, or a percentage of them."""

    value: int
    percent: bool = False

    @classmethod
    def parse(cls, given: int | str) -> Count:
        """Return the count of `5` or `"25%"`.

        Raises:
            ValueError: the value is neither.
        """
        if isinstance(given, int):
            return cls(given)
        found = _PERCENTAGE.fullmatch(given)
        if found is None:
            raise ValueError(f"{given[:40]!r} is neither a whole number nor a percentage such as 25%")
        return cls(int(found.group(1)), percent=True)

    @classmethod
    def read(cls, fields: Fields, name: str, *, up_to_all: bool = True) -> Count | None:
        """Return the count in a field, or None.

        Args:
            fields: the parent of the field.
            name: the name of the field.
            up_to_all: whether the API server refuses a percentage above 100%. It refuses negative numbers everywhere.
        """
        given = fields.int_or_text(name)
        if given is None:
            return None
        try:
            found = cls.parse(given)
        except ValueError:
            quoted = given.strip().lstrip("-").isdecimal()  # type: ignore[union-attr]  # numbers are always read
            fields.reject(name, expected="a number without quotes" if quoted else _WHOLE_PERCENTAGE)
            return None
        if found.value >= 0 and not (up_to_all and found.percent and found.value > _ALL):
            return found
        fields.reject(name, expected=f"a number from 0, or a percentage{' up to 100%' if up_to_all else ''},")
        return None

    def rounded_up(self, total: int) -> int:
        """Return the number of `total`, rounded up."""
        return -(-total * self.value // 100) if self.percent else self.value

    def rounded_down(self, total: int) -> int:
        """Return the number of `total`, rounded down."""
        return total * self.value // 100 if self.percent else self.value

    def as_field(self) -> int | str:
        """Return the value as the API writes it."""
        return str(self) if self.percent else self.value

    def __str__(self) -> str:
        return f"{self.value}%" if self.percent else str(self.value)
