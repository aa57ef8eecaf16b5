"""A seed decides a cluster, and among a few hundred clusters nothing that a drain depends on is missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from drains.generator import NEVER, Flags, Scenario, scenario
from drains.more import LATE

SCENARIOS = [scenario(7, number) for number in range(200)]
OBJECTS = list(chain.from_iterable(each.objects for each in SCENARIOS))
KINDS = {
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Pod",
    "ReplicaSet",
    "ReplicationController",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "Node",
    "CSINode",
}


def of(made: Scenario, kind: str) -> list[Any]:
    return [each for each in made.objects if each["kind"] == kind]


def pod_specs() -> Iterator[Any]:
    for each in OBJECTS:
        if each["kind"] == "Pod":
            yield each["spec"]
        elif "template" in each["spec"]:
            yield each["spec"]["template"]["spec"]


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        yield from chain.from_iterable(map(keys, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(keys, value))


def test_the_same_seed_gives_the_same_cluster_whichever_were_made_before() -> None:
    assert scenario(7, 13) == SCENARIOS[13]
    assert scenario(8, 13).objects != SCENARIOS[13].objects


@pytest.mark.parametrize("made", SCENARIOS, ids=lambda each: str(each.number))
def test_the_cluster_can_be_made(made: Scenario) -> None:
    assert 2 <= len(of(made, "Node")) <= 12
    assert set(made.order) <= {each["metadata"]["name"] for each in of(made, "Node")}
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in made.objects]
    assert len(set(names)) == len(names)
    taken = [each for each in of(made, "PersistentVolume") if "claimRef" in each["spec"]]
    assert len(taken) == len(of(made, "PersistentVolumeClaim"))
    assert not set(made.order[:1]) & set(made.cordoned)


def test_all_kinds_are_there() -> None:
    assert {each["kind"] for each in OBJECTS} == KINDS


@pytest.mark.parametrize(
    "rule",
    [
        "podAffinity",
        "podAntiAffinity",
        "nodeAffinity",
        "topologySpreadConstraints",
        "minDomains",
        "nodeTaintsPolicy",
        "namespaceSelector",
        "nodeSelector",
        "tolerations",
        "hostPort",
        "emptyDir",
        "initContainers",
        "example.com/gpu",
        "persistentVolumeClaim",
        "priorityClassName",
    ],
)
def test_pods_have_every_rule(rule: str) -> None:
    assert any(rule in set(keys(each)) for each in pod_specs())


def test_some_clusters_have_static_pods_attach_limits_and_volumes_that_are_bound_late() -> None:
    assert any("kubernetes.io/config.mirror" in each["metadata"].get("annotations", {}) for each in OBJECTS)
    volumes = [each["spec"] for each in OBJECTS if each["kind"] == "PersistentVolume"]
    assert any("csi" in each for each in volumes)
    assert any(each["storageClassName"] == LATE for each in volumes)
    claims = [
        claim["spec"]["storageClassName"]
        for each in OBJECTS
        for claim in each.get("spec", {}).get("volumeClaimTemplates", ())
    ]
    assert {"", LATE} <= set(claims)


def test_budgets_have_every_form() -> None:
    specs = [each["spec"] for each in OBJECTS if each["kind"] == "PodDisruptionBudget"]
    forms = {(name, type(each[name])) for each in specs for name in ("minAvailable", "maxUnavailable") if name in each}
    assert forms == {(name, form) for name in ("minAvailable", "maxUnavailable") for form in (int, str)}
    policies = {each.get("unhealthyPodEvictionPolicy") for each in specs}
    assert policies == {None, "AlwaysAllow", "IfHealthyBudget"}
    assert {} in [each["selector"] for each in specs]


def test_some_pods_never_become_ready_and_some_never_start() -> None:
    annotations = [value for each in OBJECTS for value in _annotations(each)]
    assert {"ready", "started"} <= set(annotations)


def _annotations(raw: Any) -> list[str]:
    holder = raw["spec"].get("template", raw)
    found = holder["metadata"].get("annotations", {})
    return [found[NEVER]] if NEVER in found else []


def test_flags_are_those_of_kubectl() -> None:
    said = Flags(force=False).as_arguments()
    assert said == ["--ignore-daemonsets=true", "--delete-emptydir-data=true", "--force=false"]
