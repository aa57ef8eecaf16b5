"""Reading of raw objects: typed, located, and never failing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.fields import Fields
from support.strategies import NONSENSE


def problems(fields: Fields) -> list[tuple[str, str]]:
    return [(each.path, each.message) for each in fields.problems]


def test_a_path_is_written_as_the_api_server_writes_it() -> None:
    fields = Fields({"spec": {"containers": [{}, {"lifecycle": {}}]}})
    _, second = fields.mapping("spec").items("containers")
    assert second.mapping("lifecycle").path_of("preStop") == "spec.containers[1].lifecycle.preStop"


def test_what_is_absent_reads_as_nothing_and_is_no_problem() -> None:
    fields = Fields({})
    read = (
        fields.text("a"),
        fields.integer("b"),
        fields.boolean("c"),
        fields.int_or_text("d"),
        fields.texts("e"),
        fields.text_map("f"),
        list(fields.items("g")),
        fields.mapping("h").text("i"),
        fields.raw("j"),
    )
    assert read == (None, None, False, None, (), {}, [], None, None)
    assert fields.problems == ()


def test_null_is_absent() -> None:
    fields = Fields({"a": None, "b": 1})
    assert ("a" in fields, "b" in fields, fields.names(), fields.text("a")) == (False, True, frozenset({"b"}), None)
    assert fields.problems == ()


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        ("text", 5, "is a number, but a string is expected"),
        ("text", ["x"], "is a list, but a string is expected"),
        ("integer", "5", "is a string, but a whole number is expected"),
        ("integer", 5.5, "is a fraction, but a whole number is expected"),
        ("integer", float("inf"), "is a fraction, but a whole number is expected"),
        ("text", 5.0, "is a number, but a string is expected"),
        ("integer", True, "is a boolean, but a whole number is expected"),
        ("boolean", "true", "is a string, but true or false is expected"),
        ("boolean", 1, "is a number, but true or false is expected"),
        ("int_or_text", False, "is a boolean, but a whole number or a percentage is expected"),
        ("int_or_text", {}, "is an object, but a whole number or a percentage is expected"),
        ("texts", "x", "is a string, but a list is expected"),
        ("mapping", [1], "is a list, but an object is expected"),
        ("mapping", object(), "is a value of another type, but an object is expected"),
    ],
)
def test_a_value_of_a_wrong_type_is_noted_and_reads_as_absent(read: str, value: Any, message: str) -> None:
    fields = Fields({"it": value}, path="spec")
    found = getattr(fields, read)("it")
    assert (found.names() if isinstance(found, Fields) else found or None) in (None, frozenset())
    assert problems(fields) == [("spec.it", message)]


@pytest.mark.parametrize("read", ["integer", "int_or_text"])
def test_a_fraction_that_is_whole_is_the_number_that_kubectl_sends(read: str) -> None:
    fields = Fields({"replicas": 2.0})
    assert repr(getattr(fields, read)("replicas")) == "2"
    assert problems(fields) == []


def test_a_problem_is_noted_once_however_often_it_is_read() -> None:
    fields = Fields({"spec": {"replicas": "two"}})
    for _ in range(3):
        fields.mapping("spec").integer("replicas")
    assert problems(fields) == [("spec.replicas", "is a string, but a whole number is expected")]


def test_problems_of_all_parts_are_told_in_the_order_of_reading() -> None:
    fields = Fields({"b": [1, {"c": 2}], "a": "x"})
    for each in fields.items("b"):
        each.text("c")
    fields.mapping("a")
    assert [path for path, _ in problems(fields)] == ["b[0]", "b[1].c", "a"]


def test_a_problem_does_not_repeat_the_value_which_may_be_secret() -> None:
    fields = Fields({"password": ["hunter2"]})
    fields.text("password")
    assert "hunter2" not in str(fields.problems)


def test_the_rest_of_a_broken_list_is_still_read() -> None:
    fields = Fields({"names": ["a", 5, "b"], "labels": {"x": "1", "y": 2}})
    assert (fields.texts("names"), fields.text_map("labels")) == (("a", "b"), {"x": "1"})
    assert [path for path, _ in problems(fields)] == ["names[1]", "labels.y"]


def test_a_null_is_no_label_and_absent_elsewhere() -> None:
    fields = Fields({"labels": {"app": "web", "track": None}, "annotations": {"note": None}})
    assert (fields.label_map("labels"), fields.text_map("annotations")) == ({"app": "web"}, {})
    assert problems(fields) == [("labels.track", "is empty, but a string is expected")]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "is -1, but more is expected"),
        (10**40, "is a number, but more is expected"),
        ("two", 'is "two", but more is expected'),
        ("a\x1b[31m", 'is "a\N{REPLACEMENT CHARACTER}[31m", but more is expected'),
        ("x" * 41, f'is "{"x" * 39}…", but more is expected'),
        ({"a": 1}, "is an object, but more is expected"),
    ],
)
def test_a_value_of_the_right_type_is_named_fit_to_be_shown(value: Any, message: str) -> None:
    fields = Fields({"it": value})
    fields.reject("it", expected="more")
    assert problems(fields) == [("it", message)]


def test_an_object_that_is_none_is_noted_as_a_whole() -> None:
    assert problems(Fields("nonsense")) == [("(object)", "is a string, but an object is expected")]


@given(values=st.dictionaries(st.sampled_from("abc"), NONSENSE, max_size=3), name=st.sampled_from("abc"))
def test_no_reading_ever_fails(values: dict[str, Any], name: str) -> None:
    fields = Fields(values)
    fields.text(name), fields.integer(name), fields.boolean(name), fields.int_or_text(name)
    fields.texts(name), fields.text_map(name), fields.mapping(name), list(fields.items(name))
    assert all(each.message.startswith("is ") for each in fields.problems)
