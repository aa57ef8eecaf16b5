"""Label selectors (meta/v1 LabelSelector) and indexes that find matches without trying every pair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from productionpolicy.kube.fields import Fields

Labels = Mapping[str, str]
Pair = tuple[str, str]
Key = TypeVar("Key", bound=Hashable)
Filed = TypeVar("Filed", bound=Hashable)


_OPERATORS = "one of In, NotIn, Exists, DoesNotExist"


class Operator(StrEnum):
    """How a requirement compares a label with its values."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Struct, frozen=True):
    """One of `matchExpressions`."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Return whether the labels meet the requirement. `NotIn` is met if the label is absent."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


class Selector(Struct, frozen=True):
    """A label selector: all requirements must be met, and an empty selector selects everything."""

    match_labels: tuple[Pair, ...] = ()
    match_expressions: tuple[Requirement, ...] = ()

    @classmethod
    def read(cls, owner: Fields, name: str) -> Selector | None:
        """Return the selector in a field, or None if it is absent: an absent selector selects nothing."""
        if name not in owner:
            return None
        fields = owner.mapping(name)
        fields.reject_unknown("matchLabels", "matchExpressions")
        expressions = (_read_requirement(each) for each in fields.items("matchExpressions"))
        return cls(
            match_labels=tuple(sorted(fields.label_map("matchLabels").items())),
            match_expressions=tuple(each for each in expressions if each),
        )

    @classmethod
    def of_labels(cls, labels: Labels) -> Selector:
        """Return the selector that requires exactly these labels."""
        return cls(match_labels=tuple(sorted(labels.items())))

    def matches(self, labels: Labels) -> bool:
        """Return whether the selector matches these labels."""
        pairs = all(labels.get(key) == value for key, value in self.match_labels)
        return pairs and all(each.matches(labels) for each in self.match_expressions)

    def limited_to(self, key: str) -> Selector:
        """Return the selector with only its requirements for one label."""
        return Selector(
            match_labels=tuple(pair for pair in self.match_labels if pair[0] == key),
            match_expressions=tuple(each for each in self.match_expressions if each.key == key),
        )

    def without_values(self, keys: frozenset[str]) -> Selector:
        """Return the selector without its requirements on the values of some labels."""
        return Selector(
            match_labels=tuple(pair for pair in self.match_labels if pair[0] not in keys),
            match_expressions=tuple(each for each in self.match_expressions if not (each.values and each.key in keys)),
        )

    def as_field(self) -> dict[str, object]:
        """Return the selector as the API writes it."""
        field: dict[str, object] = {}
        if self.match_labels:
            field["matchLabels"] = dict(self.match_labels)
        if self.match_expressions:
            field["matchExpressions"] = [_written(each) for each in self.match_expressions]
        return field


class LabelIndex(Generic[Key]):
    """An index that finds the objects whose labels a selector matches."""

    __slots__ = ("_by_pair", "_labels")

    def __init__(self) -> None:
        self._labels: dict[Key, Labels] = {}
        self._by_pair: defaultdict[Pair, set[Key]] = defaultdict(set)

    def put(self, key: Key, labels: Labels) -> None:
        """Add an object with its labels, or replace its labels."""
        if self._labels.get(key) == labels:
            return
        self.drop(key)
        self._labels[key] = labels
        for pair in labels.items():
            self._by_pair[pair].add(key)

    def drop(self, key: Key) -> None:
        """Remove an object."""
        for pair in self._labels.pop(key, {}).items():
            _discard(self._by_pair, pair, key)

    def labels_of(self, key: Key) -> Labels | None:
        """Return the labels of an object; None if it is not in the index."""
        return self._labels.get(key)

    def selected_by(self, selector: Selector) -> set[Key]:
        """Return the objects that the selector matches."""
        filed = [self._by_pair.get(pair, set()) for pair in selector.match_labels] or [set(self._labels)]
        return {key for key in min(filed, key=len) if selector.matches(self._labels[key])}


class SelectorIndex(Generic[Key]):
    """An index that finds the selectors that match given labels."""

    __slots__ = ("_by_pair", "_selectors")

    def __init__(self) -> None:
        self._selectors: dict[Key, Selector] = {}
        self._by_pair: defaultdict[Pair | None, set[Key]] = defaultdict(set)

    def put(self, key: Key, selector: Selector) -> None:
        """Add or replace a selector."""
        if self._selectors.get(key) == selector:
            return
        self.drop(key)
        self._selectors[key] = selector
        self._by_pair[_first_pair(selector)].add(key)

    def drop(self, key: Key) -> None:
        """Remove a selector."""
        selector = self._selectors.pop(key, None)
        if selector is not None:
            _discard(self._by_pair, _first_pair(selector), key)

    def selecting(self, labels: Labels) -> set[Key]:
        """Return the keys of the selectors that match these labels."""
        pairs: tuple[Pair | None, ...] = (None, *labels.items())
        candidates = (key for pair in pairs for key in self._by_pair.get(pair, ()))
        return {key for key in candidates if self._selectors[key].matches(labels)}


def _first_pair(selector: Selector) -> Pair | None:
    """Return the label under which a selector is indexed: every match has this label."""
    return max(selector.match_labels, key=lambda pair: len(pair[1]), default=None)


def _discard(index: dict[Filed, set[Key]], filed: Filed, key: Key) -> None:
    index[filed].discard(key)
    if not index[filed]:
        del index[filed]


def _read_requirement(fields: Fields) -> Requirement | None:
    key, operator = fields.text("key"), fields.text("operator")
    if "key" not in fields:
        fields.reject_absent("key", expected="the key of a label")
    if "operator" not in fields:
        fields.reject_absent("operator", expected=_OPERATORS)
    elif operator is not None and operator not in set(Operator):
        fields.reject("operator", expected=_OPERATORS)
    if key is None or operator not in set(Operator):
        return None
    return _with_its_values(Requirement(key=key, operator=Operator(operator), values=fields.texts("values")), fields)


def _with_its_values(requirement: Requirement, fields: Fields) -> Requirement | None:
    """Return the requirement; None if the API server rejects it for its values."""
    compares, lists = requirement.operator in {Operator.IN, Operator.NOT_IN}, bool(fields.raw("values"))
    if compares == lists:
        return requirement
    if compares:
        fields.reject_absent("values", expected="at least one value")
    else:
        fields.reject("values", expected=f"no value with {requirement.operator}")
    return None


def _written(requirement: Requirement) -> dict[str, object]:
    field: dict[str, object] = {"key": requirement.key, "operator": str(requirement.operator)}
    return {**field, "values": list(requirement.values)} if requirement.values else field
