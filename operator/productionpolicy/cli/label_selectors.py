"""Label selectors in the notation of kubectl: `app=web,tier!=test,zone in (a,b),!legacy`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import click
from msgspec import Struct

_KEY = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?"
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
_PARTS = re.compile(r",(?![^()]*\))")


class InvalidSelector(ValueError):
    """A text is not a label selector."""


class _Requirement(Struct, frozen=True):
    """One part of a selector."""

    key: str
    values: frozenset[str] | None
    """The values that count; None for any."""
    negated: bool = False
    """Whether labels must not have them. A missing label has none of them."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        found = self.key in labels and (self.values is None or labels[self.key] in self.values)
        return found is not self.negated


class LabelSelector(Struct, frozen=True):
    """A label selector."""

    requirements: tuple[_Requirement, ...]

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Return the selector in a text.

        Raises:
            InvalidSelector: the text is none.
        """
        return cls(tuple(map(_requirement, _parts(text))))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels meet all requirements."""
        return all(each.matches(labels) for each in self.requirements)


class SelectorParameter(click.ParamType[LabelSelector]):
    """The value of an option that is a label selector."""

    name = "selector"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LabelSelector:
        """Read the text; fail with a message that names the option if it is no label selector."""
        try:
            return value if isinstance(value, LabelSelector) else LabelSelector.parse(value)
        except InvalidSelector as error:
            self.fail(str(error), param, ctx)


def _parts(text: str) -> Iterator[str]:
    for each in _PARTS.split(text):
        if not each.strip():
            raise InvalidSelector(f"{text!r} has an empty part; write it like app=web,tier!=test")
        yield each.strip()


def _requirement(text: str) -> _Requirement:
    if found := _EQUAL.fullmatch(text):
        return _Requirement(found[1], frozenset({found[3]}), negated=found[2] == "!=")
    if found := _SET.fullmatch(text):
        values = frozenset(each.strip() for each in found[3].split(","))
        return _Requirement(found[1], values, negated=found[2] == "notin")
    if found := _EXISTS.fullmatch(text):
        return _Requirement(found[2], None, negated=bool(found[1]))
    raise InvalidSelector(f"{text!r} is not a label selector; write it like app=web,tier!=test,zone in (a,b),!legacy")
