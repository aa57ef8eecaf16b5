"""Several patches in one."""

from __future__ import annotations

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.workloads import read_workload
from productionpolicy.repairs import Patch, in_the_order_of, merged
from support.manifests import Raw, container, deployment
from support.server import patched

VALUES = st.one_of(st.none(), st.integers(0, 3), st.lists(st.integers(0, 3), max_size=2))
MAPPINGS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
CONTAINERS = st.lists(
    st.builds(lambda name, more: {"name": name, **more}, st.sampled_from(["web", "api"]), MAPPINGS),
    unique_by=lambda each: each["name"],
    max_size=2,
)
PATCHES = st.fixed_dictionaries({}, optional={"metadata": MAPPINGS, "spec": MAPPINGS, "containers": CONTAINERS})


def test_mappings_are_merged_at_any_depth() -> None:
    assert merged({"spec": {"a": {"x": 1}}}, {"spec": {"a": {"y": 2}, "b": 3}}) == {
        "spec": {"a": {"x": 1, "y": 2}, "b": 3}
    }


def test_where_they_differ_the_second_counts() -> None:
    assert merged({"a": None, "b": 1, "c": {"x": 1}}, {"a": {"x": 1}, "b": None, "c": 2}) == {
        "a": {"x": 1},
        "b": None,
        "c": 2,
    }


def test_containers_are_merged_by_name() -> None:
    first = {"containers": [{"name": "web", "lifecycle": None}, {"name": "api", "image": "x"}]}
    second = {"containers": [{"name": "api", "lifecycle": {}}, {"name": "new"}]}
    assert merged(first, second) == {
        "containers": [
            {"name": "web", "lifecycle": None},
            {"name": "api", "image": "x", "lifecycle": {}},
            {"name": "new"},
        ]
    }


def test_lists_without_names_are_replaced() -> None:
    assert merged({"terms": [{"weight": 1}]}, {"terms": [{"weight": 2}]}) == {"terms": [{"weight": 2}]}


@given(first=PATCHES, second=PATCHES)
def test_neither_patch_is_changed(first: Patch, second: Patch) -> None:
    before = deepcopy((first, second))
    merged(first, second)
    assert (first, second) == before


@given(patch=PATCHES)
def test_nothing_is_merged_into_nothing(patch: Patch) -> None:
    assert (merged({}, patch), merged(patch, {})) == (patch, patch)


@given(first=PATCHES, second=PATCHES)
def test_one_patch_does_what_both_do_one_after_the_other(first: Patch, second: Patch) -> None:
    raw = deployment(pod={"containers": [container("web", a=5), container("api")]})
    one, other, both = (of_pods(raw, each) for each in (first, second, merged(first, second)))
    assert patched(raw, both) == patched(patched(raw, one), other)


def of_pods(raw: Raw, pod_spec: Patch) -> Patch:
    return in_the_order_of(read_workload(raw), {"spec": {"template": {"spec": pod_spec}}})
