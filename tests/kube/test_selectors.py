"""Label selectors, and the indexes that must find what trying every pair would find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.fields import Fields, Unreadable
from productionpolicy.kube.selectors import LabelIndex, Operator, Requirement, Selector, SelectorIndex
from support.manifests import Raw
from support.strategies import LABELS

KEYS = st.sampled_from(["app", "tier", "track"])
VALUES = st.sampled_from(["web", "api", ""])
REQUIREMENTS = st.one_of(
    st.builds(
        Requirement,
        KEYS,
        st.sampled_from([Operator.IN, Operator.NOT_IN]),
        st.lists(VALUES, min_size=1, max_size=2).map(tuple),
    ),
    st.builds(Requirement, KEYS, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])),
)
SELECTORS = st.builds(
    lambda labels, expressions: Selector(tuple(sorted(labels.items())), tuple(expressions)),
    LABELS,
    st.lists(REQUIREMENTS, max_size=2),
)
NAMES = st.sampled_from(["a", "b", "c", "d"])


@pytest.mark.parametrize(
    ("operator", "values", "with_it", "with_another", "without"),
    [
        (Operator.IN, ("web", "api"), True, False, False),
        (Operator.NOT_IN, ("web", "api"), False, True, True),
        (Operator.EXISTS, (), True, True, False),
        (Operator.DOES_NOT_EXIST, (), False, False, True),
    ],
)
def test_a_requirement_holds_as_in_kubernetes(
    operator: Operator,
    values: tuple[str, ...],
    with_it: bool,
    with_another: bool,
    without: bool,
) -> None:
    requirement = Requirement("app", operator, values)
    held = [requirement.matches(labels) for labels in ({"app": "web"}, {"app": "other"}, {"tier": "web"})]
    assert held == [with_it, with_another, without]


def test_all_parts_of_a_selector_must_hold() -> None:
    selector = Selector((("app", "web"),), (Requirement("track", Operator.NOT_IN, ("beta",)),))
    held = [selector.matches(labels) for labels in ({"app": "web"}, {"app": "web", "track": "beta"}, {"track": "x"})]
    assert held == [True, False, False]


def test_a_selector_without_parts_selects_everything() -> None:
    assert [Selector().matches(labels) for labels in ({}, {"app": "web"})] == [True, True]


def test_an_absent_selector_is_none_and_an_empty_one_is_not() -> None:
    fields = Fields({"empty": {}, "null": None})
    read = [Selector.read(fields, name) for name in ("absent", "null", "empty")]
    assert read == [None, None, Selector()]


def test_an_expression_that_cannot_be_read_is_noted_and_the_rest_is_read() -> None:
    fields = Fields(
        {"selector": {"matchExpressions": [{"key": "app", "operator": "Like"}, {"key": "tier", "operator": "Exists"}]}}
    )
    assert Selector.read(fields, "selector") == Selector((), (Requirement("tier", Operator.EXISTS),))
    message = 'is "Like", but one of In, NotIn, Exists, DoesNotExist is expected'
    assert fields.problems == (Unreadable("selector.matchExpressions[0].operator", message),)


@pytest.mark.parametrize(
    ("expression", "name", "message"),
    [
        ({"operator": "Exists"}, "key", "is missing, but the key of a label is expected"),
        ({"key": "app"}, "operator", "is missing, but one of In, NotIn, Exists, DoesNotExist is expected"),
        ({"key": "app", "operator": 1}, "operator", "is a number, but a string is expected"),
    ],
)
def test_an_expression_that_is_not_whole_is_noted_once(expression: Raw, name: str, message: str) -> None:
    fields = Fields({"selector": {"matchExpressions": [expression]}})
    assert Selector.read(fields, "selector") == Selector()
    assert fields.problems == (Unreadable(f"selector.matchExpressions[0].{name}", message),)


@pytest.mark.parametrize(
    ("selector", "path", "message"),
    [
        ({"app": "web"}, "app", "is unknown, but one of matchLabels, matchExpressions is expected"),
        ({"app": None}, "app", "is unknown, but one of matchLabels, matchExpressions is expected"),
        ({"matchlabels": {"app": "web"}}, "matchlabels", "is unknown, but matchLabels is expected"),
        ({"matchLabels": {"app": None}}, "matchLabels.app", "is empty, but a string is expected"),
    ],
)
def test_a_selector_that_clients_and_server_refuse_is_noted(selector: Raw, path: str, message: str) -> None:
    fields = Fields({"selector": selector})
    Selector.read(fields, "selector")
    assert fields.problems == (Unreadable(f"selector.{path}", message),)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"operator": "In"}, "is missing, but at least one value is expected"),
        ({"operator": "In", "values": []}, "is missing, but at least one value is expected"),
        ({"operator": "NotIn", "values": None}, "is missing, but at least one value is expected"),
        ({"operator": "Exists", "values": ["web"]}, "is a list, but no value with Exists is expected"),
        ({"operator": "DoesNotExist", "values": ["web"]}, "is a list, but no value with DoesNotExist is expected"),
    ],
)
def test_an_expression_whose_values_the_api_server_rejects_is_noted(expression: Raw, message: str) -> None:
    fields = Fields({"selector": {"matchExpressions": [{"key": "app", **expression}]}})
    assert Selector.read(fields, "selector") == Selector()
    assert fields.problems == (Unreadable("selector.matchExpressions[0].values", message),)


@given(selector=SELECTORS)
def test_a_selector_that_is_written_reads_as_the_same(selector: Selector) -> None:
    assert Selector.read(Fields({"selector": selector.as_field()}), "selector") == selector


def test_the_selector_of_labels_asks_for_all_of_them() -> None:
    selector = Selector.of_labels({"tier": "front", "app": "web"})
    assert selector.as_field() == {"matchLabels": {"app": "web", "tier": "front"}}


@given(
    things=st.lists(st.tuples(NAMES, LABELS), max_size=8),
    dropped=st.lists(NAMES, max_size=2),
    selector=SELECTORS,
)
def test_the_index_of_labels_finds_what_trying_every_thing_finds(
    things: list[tuple[str, dict[str, str]]], dropped: list[str], selector: Selector
) -> None:
    index: LabelIndex[str] = LabelIndex()
    for name, labels in things:
        index.put(name, labels)
    for name in dropped:
        index.drop(name)
    there = {name: labels for name, labels in things if name not in dropped}
    assert index.selected_by(selector) == {name for name, labels in there.items() if selector.matches(labels)}
    assert {name: index.labels_of(name) for name in "abcd"} == {name: there.get(name) for name in "abcd"}


@given(
    selectors=st.lists(st.tuples(NAMES, SELECTORS), max_size=8),
    dropped=st.lists(NAMES, max_size=2),
    labels=LABELS,
)
def test_the_index_of_selectors_finds_what_trying_every_selector_finds(
    selectors: list[tuple[str, Selector]], dropped: list[str], labels: dict[str, str]
) -> None:
    index: SelectorIndex[str] = SelectorIndex()
    for name, selector in selectors:
        index.put(name, selector)
    for name in dropped:
        index.drop(name)
    there = {name: selector for name, selector in selectors if name not in dropped}
    assert index.selecting(labels) == {name for name, selector in there.items() if selector.matches(labels)}


@given(things=st.dictionaries(NAMES, LABELS))
def test_an_index_forgets_all_about_what_is_dropped(things: dict[str, dict[str, str]]) -> None:
    index: LabelIndex[str] = LabelIndex()
    for name, labels in things.items():
        index.put(name, labels)
    for name in things:
        index.drop(name)
    assert (index._labels, dict(index._by_pair)) == ({}, {})
