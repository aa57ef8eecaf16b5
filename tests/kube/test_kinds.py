"""Kinds are known by their group and their name."""

from __future__ import annotations

import pytest

from productionpolicy.controller.resources import LISTED, NAMESPACES, POLICIES, WATCHED
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.neighbours import KNOWN, NEIGHBOURS, known_kind
from productionpolicy.kube.workloads import WORKLOADS


@pytest.mark.parametrize(
    ("version", "name", "group"),
    [
        ("apps/v1", "Deployment", "apps"),
        ("extensions/v1beta1", "Deployment", "apps"),
        (None, "Deployment", "apps"),
        ("v1", "Node", ""),
        ("policy/v1beta1", "PodDisruptionBudget", "policy"),
        ("keda.sh/v1alpha1", "ScaledObject", "keda.sh"),
    ],
)
def test_a_known_kind_is_found_by_its_name_and_a_group_that_is_or_was_its_own(
    version: str | None, name: str, group: str
) -> None:
    assert known_kind({"apiVersion": version, "kind": name}) == GroupKind(group, name)


@pytest.mark.parametrize(("version", "name"), [("example.com/v1", "Deployment"), ("v1", "ConfigMap"), (None, "")])
def test_a_kind_of_another_api_is_not_known_though_it_has_the_same_name(version: str | None, name: str) -> None:
    assert known_kind({"apiVersion": version, "kind": name}) is None


def test_the_controller_reads_only_kinds_that_are_known() -> None:
    read = {each.group_kind for each in (*WATCHED, *LISTED) if each not in (POLICIES, NAMESPACES)}
    assert read <= KNOWN
    assert (KNOWN, WORKLOADS - read) == (WORKLOADS | NEIGHBOURS, frozenset())
