"""Reading of raw objects that never fails: fields that cannot be read are recorded and count as absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from productionpolicy.kube.text import nearest, printable

_LONGEST_VALUE = 40
_LARGEST_NUMBER = 10**18


class Unreadable(Struct, frozen=True):
    """A field with a value that the API does not allow."""

    path: str
    message: str


class Fields:
    """One mapping of an object, with its path.

    Reads are typed. A value of a wrong type is recorded once, in a list of problems that all parts of an object share,
    and reads as absent, so that the rest of the object can still be judged.
    """

    __slots__ = ("_problems", "_values", "path")

    def __init__(self, values: Any, *, path: str = "", problems: list[Unreadable] | None = None) -> None:
        self._problems: list[Unreadable] = [] if problems is None else problems
        self.path = path
        self._values: Mapping[str, Any] = {} if values is None else values
        # Nearly all values are dicts, and a check against Mapping takes six times as long as one against dict.
        if not isinstance(self._values, dict) and not isinstance(values, Mapping):
            self._values = {}
            self._note(path, _type_of(values), "an object")

    @property
    def problems(self) -> tuple[Unreadable, ...]:
        """The fields that could not be read so far, in the order of reading."""
        return tuple(self._problems)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def names(self) -> frozenset[str]:
        """Return the names of the fields with a value."""
        return frozenset(str(name) for name, value in self._values.items() if value is not None)

    def path_of(self, name: str) -> str:
        """Return the path of a field, in the form of the API server's messages."""
        return f"{self.path}.{name}" if self.path else name

    def mapping(self, name: str) -> Fields:
        """Return the fields below `name`; empty if it is absent."""
        return Fields(self._values.get(name), path=self.path_of(name), problems=self._problems)

    def below(self, *names: str) -> Fields:
        """Return the fields at the end of a path of names."""
        return self.mapping(names[0]).below(*names[1:]) if names else self

    def items(self, name: str) -> Iterator[Fields]:
        """Return the mappings in a list, with the index in their paths."""
        for index, value in enumerate(self._sequence(name)):
            yield Fields(value, path=f"{self.path_of(name)}[{index}]", problems=self._problems)

    def text(self, name: str) -> str | None:
        """Return a string, or None."""
        found: str | None = self._typed(name, str, "a string")
        return found

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None."""
        found: int | None = self._typed(name, int, "a whole number")
        return found

    def natural(self, name: str, *, least: int = 0) -> int | None:
        """Return a whole number from `least`, or None."""
        found = self.integer(name)
        if found is None or found >= least:
            return found
        self.reject(name, expected=f"a whole number from {least}")
        return None

    def boolean(self, name: str) -> bool:
        """Return a boolean; false if absent."""
        return bool(self._typed(name, bool, "true or false"))

    def int_or_text(self, name: str, *, expected: str = "a whole number or a percentage") -> int | str | None:
        """Return the value of an int-or-string field, or None."""
        found: int | str | None = self._typed(name, (int, str), expected)
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the strings in a list."""
        values = self._sequence(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self._note(f"{self.path_of(name)}[{index}]", _type_of(value), "a string")
        return tuple(value for value in values if isinstance(value, str))

    def text_map(self, name: str) -> dict[str, str]:
        """Return a mapping of strings to strings, such as annotations. A null, such as in a patch, is absent."""
        below = self.mapping(name)
        found = {key: below.text(key) for key in sorted(below.names())}
        return {key: value for key, value in found.items() if value is not None}

    def label_map(self, name: str) -> dict[str, str]:
        """Return labels. A null, such as an empty value in a template, is none: clients refuse it."""
        values = self._values.get(name)
        if isinstance(values, Mapping):
            for key in sorted(str(key) for key, value in values.items() if value is None):
                self._note(f"{self.path_of(name)}.{key}", "empty", "a string")
        return self.text_map(name)

    def raw(self, name: str) -> Any:
        """Return a value without a type check, for managed fields."""
        return self._values.get(name)

    def reject(self, name: str, *, expected: str) -> None:
        """Record a field of the right type with its value, which is not an expected one. It must not be a secret."""
        self._note(self.path_of(name), shown(_number(self._values.get(name))), expected)

    def reject_unknown(self, *known: str) -> None:
        """Record the first field with another name than the known ones, which clients and the API server refuse."""
        name = min((each for each in map(str, self._values) if each not in known), default=None)
        if name is not None:
            expected = nearest(name, known) or f"one of {', '.join(known)}"
            self._note(self.path_of(name), "unknown", expected)

    def reject_absent(self, name: str, *, expected: str) -> None:
        """Record that a required field is absent."""
        self._add(Unreadable(path=self.path_of(name), message=f"is missing, but {expected} is expected"))

    def reject_surplus(self, name: str, *, found: Sequence[str]) -> None:
        """Record that a field contains several alternatives."""
        self._add(Unreadable(path=self.path_of(name), message=f"has {' and '.join(found)}, but only one is expected"))

    def _sequence(self, name: str) -> Sequence[Any]:
        return self._typed(name, (list, tuple), "a list") or ()

    def _typed(self, name: str, kind: Any, expected: str) -> Any:
        value = self._values.get(name)
        if value is None:
            return None
        value = _number(value)
        if isinstance(value, kind) and (type(value) is not bool or kind is bool):
            return value
        self._note(self.path_of(name), _type_of(value), expected)
        return None

    def _note(self, path: str, found: str, expected: str) -> None:
        self._add(Unreadable(path=path or "(object)", message=f"is {found}, but {expected} is expected"))

    def _add(self, problem: Unreadable) -> None:
        if problem not in self._problems:
            self._problems.append(problem)


def _number(value: Any) -> Any:
    """Return a number such as 2.0 as the whole number that the API server gets.

    kubectl and Helm convert YAML to JSON with sigs.k8s.io/yaml, by json.Marshal of a float64, which writes 2.
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def shown(value: Any) -> str:
    """Return a number or a short text for people; of any other value, its type."""
    if isinstance(value, str):
        return f'"{printable(value, longest=_LONGEST_VALUE)}"'
    small = isinstance(value, int) and abs(value) <= _LARGEST_NUMBER
    return str(value) if small and not isinstance(value, bool) else _type_of(value)


def _type_of(value: Any) -> str:
    """Describe the type of a value without the value itself, which may be long or secret."""
    names = {bool: "a boolean", int: "a number", float: "a fraction", str: "a string", list: "a list"}
    return "an object" if isinstance(value, Mapping) else names.get(type(value), "a value of another type")
