"""The fast reading of manifests gives what PyYAML's own would give, and passes over nothing that matters."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.offline import Document, Wanted, read_documents
from productionpolicy.offline.parsing import parse
from productionpolicy.offline.pieces import Piece, cut

WANTED = Wanted(frozenset({"Deployment"}))

WORDS = [
    *("yes", "No", "on", "OFF", "true", "False", "y", "n", "null", "~", "Null", "", "<", "---x", "..."),
    *(
        "0",
        "-1",
        "+1",
        "010",
        "0o10",
        "0x1F",
        "0b11",
        "1_000",
        "08",
        "1e3",
        "1.5",
        ".5",
        "-.inf",
        ".NaN",
        "1.",
        "6.8e+5",
    ),
    *("'yes'", '"1"', "'010'", '"null"', "!!str 1", "!!int '1'", "!!float 1", "!!null ''", "!!bool 'on'", "! 1"),
    *("!!binary aGVsbG8=", "!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]", "[a, 1, [on]]", "{a: 1, b: {on: ~}}"),
    *("{}", "[]", "|\n  two\n  lines", ">-\n  two\n  words", "{<<: {a: 1}, b: 2}", "{a: 1, <<: [{a: 2}, {b: 3}]}"),
    *("{a: 1, a: 2}", "{1: a, 1.5: b, true: c, ~: d, 0x10: e}", "{=: 1}", "&a x", "a & b * c", "{a: &x [1], b: *x}"),
]


def _in_pyyaml(text: str) -> Any:
    return yaml.load(text, Loader=yaml.SafeLoader)  # it is safe: the pure-Python twin of the C one


@pytest.mark.parametrize("word", WORDS)
def test_a_value_reads_as_in_pyyaml(word: str) -> None:
    text = f"field: {word}\n"
    assert repr(parse(Piece("-", text))) == repr(_in_pyyaml(text))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3), max_leaves=12
)


@given(value=VALUES, flow=st.booleans())
def test_a_document_reads_as_in_pyyaml(value: Any, flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    assert repr(parse(Piece("-", text))) == repr(_in_pyyaml(text))


@pytest.mark.parametrize("feed", ["\n", "\r\n"])
def test_a_file_is_cut_as_yaml_separates_documents(feed: str) -> None:
    lines = ["---", "a: |", "  text", "--- # next", "---", "b: ---", " ---", "----: 1", "...", "c: 1"]
    pieces = list(cut("-", feed.join(lines)))
    assert [piece.text for piece in pieces] == [
        "",
        feed.join(["", "a: |", "  text", ""]),
        feed.join([" # next", ""]),
        feed.join(["", "b: ---", " ---", "----: 1", ""]),
        feed.join(["", "c: 1"]),
    ]
    assert [piece.first for piece in pieces] == [1, 1, 4, 5, 9]


@pytest.mark.parametrize(
    "text",
    [
        "kind: Deployment",
        "a: 1\nkind:\tDeployment # comment",
        "'kind' : \"Deployment\"",
        "{metadata: {}, kind: Deployment}",
        '{"kind":"Deployment"}',
        "kind: List\nitems: [{kind: Deployment}]",
        "kind: ThingList\nitems:\n- metadata: {}\n  kind: Deployment",
        "kind: DeploymentList\nitems: [{metadata: {}}]",
        "kind: ConfigMap\n---\nkind: Deployment",
        "kind: &it Deployment",
        "kind: !!str Deployment",
        "kind:\n  Deployment",
    ],
)
def test_what_matters_is_found_however_it_is_written(text: str) -> None:
    found = [each for each in read_documents("-", text.encode(), wanted=WANTED) if isinstance(each, Document)]
    assert [each.kind for each in found] == ["Deployment"]


@pytest.mark.parametrize(
    "text",
    [
        "kind: ConfigMap\ndata:\n  deployment.yaml: |\n    kind: Deployment",
        "kind: ConfigMapList\nitems: [{data: {a: b}}]",
        "kind: CustomResourceDefinition\nspec:\n  names:\n    kind: Shop",
        "kind: RoleBinding\nroleRef:\n  kind: Role",
    ],
)
def test_what_does_not_matter_is_not_even_parsed(text: str) -> None:
    assert not list(read_documents("-", f"{text}\nbroken: [".encode(), wanted=WANTED))
