"""Messages that say what is wrong with a value, where, and which value was probably intended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import inspect

_STEP = re.compile(r"\.(\w+)|\[[^\]]*\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_ENUM = "Invalid enum value"
_FEW = 12
"""The maximum number of names that a message lists."""


def located(error: msgspec.ValidationError, of: Any, *, root: str) -> str:
    """Turn `... - at `$.rollout.maxConcurrent`` into `spec.rollout.maxConcurrent: ...`, and add the possible values.

    Args:
        error: the error of the conversion.
        of: the type that the value was converted to.
        root: the path of the whole value.
    """
    problem, _, place = str(error).rpartition(" - at `$") if " - at `$" in str(error) else (str(error), "", "")
    place = place.rstrip("`")
    advice = _advice(problem, [each[1] for each in _STEP.finditer(place)], inspect.type_info(of), root)
    return f"{root}{place}: {problem}{advice}"


def _advice(problem: str, steps: list[str | None], whole: inspect.Type, root: str) -> str:
    unknown, missing = _UNKNOWN.fullmatch(problem), _MISSING.fullmatch(problem)
    if unknown:
        return _meant(unknown[1], _at(whole, steps), whole, root)
    if missing:
        return _values(_at(whole, [*steps, missing[1]]), None)
    if problem.startswith(_ENUM):
        return _values(_at(whole, steps), _at(whole, steps[:-1]))
    return ""


def _values(kind: inspect.Type | None, above: inspect.Type | None) -> str:
    """List the values of an enumeration; an expectation supports only some actions."""
    if not isinstance(kind, inspect.EnumType):
        return ""
    possible: Sequence[Any] = list(kind.cls)
    if isinstance(above, inspect.StructType):
        possible = getattr(above.cls, "actions", possible) if kind.cls.__name__ == "Action" else possible
    return f": use {_either([str(each.value) for each in possible])}"


def _meant(name: str, there: inspect.Type | None, whole: inspect.Type, root: str) -> str:
    """Suggest the field that was probably intended: one with a similar name, or one with that name elsewhere."""
    names = [each.encode_name for each in _fields(there)]
    meant = similar(name, names)
    if meant:
        return f": did you mean {meant}?"
    elsewhere = next((path for path, field in _all(whole, root) if field == name), None)
    if elsewhere:
        return f": did you mean {elsewhere}?"
    return f": use {_either(names)}" if 0 < len(names) <= _FEW else ""


def similar(name: str, names: list[str]) -> str | None:
    """Return the name that was probably intended, regardless of case, or None."""
    by_letters = {each.lower(): each for each in names}
    close = get_close_matches(name.lower(), by_letters, n=1, cutoff=0.75)
    added = [each for each in names if each.lower() == f"additional{name}".lower()]
    return next(iter([*added, *(by_letters[each] for each in close)]), None)


def _all(kind: inspect.Type | None, path: str) -> Iterator[tuple[str, str]]:
    """Return all fields below a type, each with its path."""
    for field in _fields(kind):
        below = f"{path}.{field.encode_name}"
        yield below, field.encode_name
        yield from _all(_plain(field.type), below)


def _at(kind: inspect.Type | None, steps: Sequence[str | None]) -> inspect.Type | None:
    """Return the type at the end of a path; a step without a name leads into a list."""
    for step in steps:
        kind = _below(kind, step)
    return _plain(kind)


def _below(kind: inspect.Type | None, step: str | None) -> inspect.Type | None:
    plain = _plain(kind)
    if step is None:
        return getattr(plain, "item_type", None)
    return next((each.type for each in _fields(plain) if each.encode_name == step), None)


def _plain(kind: inspect.Type | None) -> inspect.Type | None:
    """Return a type without its description, and without None."""
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((_plain(each) for each in kind.types if not isinstance(each, inspect.NoneType)), None)
    return kind


def _fields(kind: inspect.Type | None) -> tuple[inspect.Field, ...]:
    return kind.fields if isinstance(kind, inspect.StructType) else ()


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
