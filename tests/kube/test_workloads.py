"""Workloads as they are read."""

from __future__ import annotations

import datetime
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.counts import Count
from productionpolicy.kube.identity import EXEMPT
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.workloads import Hook, Kind, Strategy, Workload, WorkloadKey, is_made, read_workload
from support.manifests import Raw, container, deployment, job, pod, stateful_set
from support.policies import policy
from support.server import client_side_applied, defaulted, server_side_applied, updated
from support.strategies import workloads
from support.world import World

ROLLED_OUT = {"observedGeneration": 1, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4, "availableReplicas": 4}


def with_status(raw: Raw, **status: Any) -> Workload:
    return read_workload({**raw, "status": {**ROLLED_OUT, **status}})


def changed(raw: Raw, **pod: Any) -> Raw:
    after = deepcopy(raw)
    after["spec"]["template"]["spec"].update(pod)
    return after


def test_a_workload_is_read_whole() -> None:
    raw = deployment(
        metadata={
            "resourceVersion": "9",
            "ownerReferences": [{"kind": "App", "name": "shop", "uid": "x", "controller": True}],
            "annotations": {f"{EXEMPT}spread": "because", "example.com/note": "x"},
            "deletionTimestamp": "2026-01-01T00:00:00Z",
        },
        strategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "1%", "maxSurge": 2}},
        paused=True,
    )
    read = read_workload(raw)
    assert (read.key, read.resource_version) == (WorkloadKey("shop", "Deployment", "web"), "9")
    assert (read.kind, read.replicas, read.generation, str(read.controller)) == (Kind.DEPLOYMENT, 4, 1, "App shop")
    assert read.notes == {f"{EXEMPT}spread": "because"}
    assert read.strategy == Strategy("RollingUpdate", Count(1, percent=True), Count(2))
    assert (read.paused, read.deleting, read.unreadable) == (True, True, ())


def test_what_stands_in_a_file_is_its_owners_word() -> None:
    raw = deployment()
    del raw["metadata"]["uid"]
    assert "replicas" in read_workload(raw).written


def test_what_a_server_has_printed_is_not() -> None:
    raw = deployment()
    assert "replicas" not in read_workload(raw).written
    del raw["metadata"]["uid"]
    assert "replicas" not in read_workload({**raw, "status": ROLLED_OUT}).written


def test_what_is_applied_to_the_scale_is_not_its_owners_word() -> None:
    raw = server_side_applied(deployment())
    assert "replicas" in read_workload(raw).written
    raw["metadata"]["managedFields"][0]["subresource"] = "scale"
    assert "replicas" not in read_workload(raw).written


def test_a_stateful_set_has_its_strategy_elsewhere() -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": 3}}
    read = read_workload(stateful_set(updateStrategy=strategy))
    assert (read.strategy_path, read.strategy) == (
        "spec.updateStrategy",
        Strategy("RollingUpdate", max_unavailable=Count(3), partition=2),
    )


def test_what_is_not_given_has_the_defaults_of_the_api() -> None:
    read = read_workload({"kind": "Deployment"})
    assert (read.replicas, read.strategy.type, read.template.grace_seconds, read.selector) == (
        1,
        "RollingUpdate",
        30,
        None,
    )
    assert (read.strategy.unavailable, read.strategy.surge) == (Count(25, percent=True), Count(25, percent=True))


def test_what_cannot_be_read_is_told_with_its_path_and_the_rest_is_read() -> None:
    raw = deployment(replicas="four", pod={"containers": [container(image=5)], "terminationGracePeriodSeconds": "1m"})
    read = read_workload(raw)
    assert [each.path for each in read.unreadable] == [
        "spec.replicas",
        "spec.template.spec.containers[0].image",
        "spec.template.spec.terminationGracePeriodSeconds",
    ]
    assert read.template.containers[0].serving


NEGATIVE, ABOVE = {"maxSurge": -1, "maxUnavailable": 0}, {"maxSurge": 1, "maxUnavailable": "101%"}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (deployment(strategy={"type": "recreate"}), "type"),
        (deployment(strategy={"type": "OnDelete"}), "type"),
        (stateful_set(updateStrategy={"type": "Rolling"}), "type"),
        (deployment(strategy={"rollingUpdate": NEGATIVE}), "rollingUpdate.maxSurge"),
        (deployment(strategy={"rollingUpdate": {"maxUnavailable": -1}}), "rollingUpdate.maxUnavailable"),
        (deployment(strategy={"rollingUpdate": ABOVE}), "rollingUpdate.maxUnavailable"),
        (stateful_set(updateStrategy={"rollingUpdate": {"maxUnavailable": -1}}), "rollingUpdate.maxUnavailable"),
        (stateful_set(updateStrategy={"rollingUpdate": {"partition": -1}}), "rollingUpdate.partition"),
        (deployment(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}), "rollingUpdate"),
        (stateful_set(updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}), "rollingUpdate"),
    ],
)
def test_a_strategy_that_the_api_server_refuses_is_told(raw: Raw, path: str) -> None:
    read = read_workload(raw)
    assert [each.path for each in read.unreadable] == [f"{read.strategy_path}.{path}"]


@pytest.mark.parametrize(
    "raw",
    [
        deployment(strategy={"type": "Recreate", "rollingUpdate": None}),
        deployment(strategy={"rollingUpdate": {"maxSurge": "150%", "maxUnavailable": "100%"}}),
        deployment(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "1%"}}),
        deployment(strategy={"rollingUpdate": {"maxUnavailable": 0}}),
        stateful_set(updateStrategy={"type": "Recreate"}),
        {**deployment(updateStrategy={"type": "OnDelete", "rollingUpdate": {"maxSurge": 0}}), "kind": "DaemonSet"},
    ],
)
def test_a_strategy_that_the_api_server_takes_is_not(raw: Raw) -> None:
    assert read_workload(raw).unreadable == ()


def test_a_label_of_pods_without_a_value_is_told() -> None:
    raw = deployment()
    raw["spec"]["template"]["metadata"]["labels"]["track"] = None
    assert [each.path for each in read_workload(raw).unreadable] == ["spec.template.metadata.labels.track"]


def test_only_a_replication_controller_has_a_selector_that_is_a_map_of_labels() -> None:
    raw = {**deployment(selector={"app": "web"}), "kind": "ReplicationController"}
    assert (read_workload(raw).selector, read_workload(raw).unreadable) == (Selector.of_labels({"app": "web"}), ())
    read = read_workload({**raw, "kind": "Deployment"})
    assert (read.selector, [each.path for each in read.unreadable]) == (None, ["spec.selector.app"])


@pytest.mark.parametrize(
    "odd",
    [{None: 1}, {True: 1}, {1: 2, "a": 3}, datetime.date(2026, 1, 1), b"x", {1, 2}, "\ud800", float("nan"), 10**40],
)
def test_what_only_a_file_can_hold_is_read_all_the_same(odd: Any) -> None:
    assert read_workload(deployment(pod={"odd": odd})).replicas == 4


def test_a_file_that_contains_itself_is_read_all_the_same() -> None:
    itself: list[Any] = []
    itself.append(itself)
    assert read_workload(deployment(pod={"odd": itself})).replicas == 4


def test_a_reference_to_an_owner_that_does_not_control_is_no_controller() -> None:
    owners = [
        {"kind": "App", "name": "shop", "uid": "x"},
        {"kind": "App", "name": "b", "uid": "y", "controller": False},
    ]
    assert read_workload(deployment(metadata={"ownerReferences": owners})).controller is None


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        ({}, True),
        ({"observedGeneration": 0}, False),
        ({"updatedReplicas": 3}, False),
        ({"availableReplicas": 3}, False),
        ({"replicas": 5}, False),
        ({"observedGeneration": 2}, True),
    ],
)
def test_a_workload_is_settled_when_all_its_pods_are_new_and_available(status: Raw, settled: bool) -> None:
    assert with_status(deployment(), **status).settled is settled


@pytest.mark.parametrize(
    "raw",
    [
        deployment(paused=True),
        stateful_set(replicas=4, updateStrategy={"type": "OnDelete"}),
        stateful_set(replicas=4, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
    ],
    ids=["paused", "OnDelete", "partition"],
)
def test_what_waits_for_a_person_is_settled_with_old_pods_too(raw: Raw) -> None:
    old = with_status(raw, updatedReplicas=0)
    assert (old.holds_back, old.settled) == (True, True)
    assert with_status(raw, availableReplicas=3).settled is False


@pytest.mark.parametrize("raw", [deployment(), stateful_set(updateStrategy={"rollingUpdate": {"partition": 0}})])
def test_nothing_else_holds_back(raw: Raw) -> None:
    assert read_workload(raw).holds_back is False


def test_a_workload_scaled_to_nothing_is_settled_and_runs_no_pod() -> None:
    none = with_status(deployment(replicas=0), replicas=0, updatedReplicas=0, availableReplicas=0)
    assert (none.settled, none.runs_no_pod) == (True, True)


@pytest.mark.parametrize(
    ("status", "runs_none"),
    [
        ({"replicas": 0}, True),
        ({"replicas": 0, "observedGeneration": 0}, True),
        ({"replicas": 1}, False),
        ({"replicas": 0, "observedGeneration": 3}, False),
    ],
)
def test_a_workload_runs_no_pod_if_its_controller_says_so_of_what_is_there(status: Raw, runs_none: bool) -> None:
    assert with_status(deployment(), **status).runs_no_pod is runs_none


def test_a_new_workload_runs_no_pod() -> None:
    assert read_workload(deployment()).runs_no_pod


def test_a_rollout_past_its_deadline_is_stalled() -> None:
    conditions = [
        {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
    ]
    told = [with_status(deployment(), conditions=each).progress.stalled for each in (conditions, conditions[:1])]
    assert told == [True, False]


@pytest.mark.parametrize(
    ("recorded", "written"),
    [
        (client_side_applied, {"terminationGracePeriodSeconds", "maxUnavailable", "replicas"}),
        (server_side_applied, {"terminationGracePeriodSeconds", "maxUnavailable", "replicas"}),
        (updated, set()),
        (lambda raw: raw, set()),
    ],
)
def test_only_what_an_owner_declares_counts_as_written(recorded: Any, written: set[str]) -> None:
    assert read_workload(recorded(defaulted(deployment()))).written == written


def test_a_grace_period_may_rise_only_if_nobody_wrote_it() -> None:
    raw = defaulted(deployment())
    told = [
        read_workload(each).grace_may_rise
        for each in (raw, updated(raw), server_side_applied(raw), changed(raw, terminationGracePeriodSeconds=29))
    ]
    assert told == [True, True, False, False]


def test_an_entry_of_ours_is_left_over() -> None:
    raw = updated(deployment(), manager="productionpolicy")
    assert (read_workload(raw).holds_fields, read_workload(updated(deployment())).holds_fields) == (True, False)


def test_a_workload_without_some_containers_is_itself_if_it_has_none_of_them() -> None:
    read = read_workload(deployment())
    assert read.without_containers(lambda name: name == "x") is read


@given(raw=workloads(), seconds=st.integers(1, 60))
def test_the_rest_is_what_no_repair_touches(raw: Raw, seconds: int) -> None:
    strict = policy(
        spread={"topologyKeys": ["kubernetes.io/hostname"]},
        preStop={"sleepSeconds": seconds, "containers": "All"},
        terminationGracePeriod={"shutdownSeconds": 60},
    )
    world = World(raw, policy=strict)
    before = world.inputs.workload.rest
    world.reconcile()
    assert world.inputs.workload.rest == before


@given(raw=workloads(), replicas=st.integers(0, 9))
def test_the_number_of_replicas_is_no_part_of_the_digest(raw: Raw, replicas: int) -> None:
    scaled = deepcopy(raw)
    scaled["spec"]["replicas"] = replicas
    assert read_workload(scaled).digest == read_workload(raw).digest


@pytest.mark.parametrize(
    "pod",
    [
        {"containers": [container(image="registry.example/web:2.0")]},
        {"containers": [container(lifecycle={"postStart": {"exec": {"command": ["x"]}}})]},
        {"affinity": {"nodeAffinity": {}}},
        {"hostNetwork": True},
        {"initContainers": [container("setup")]},
    ],
    ids=["image", "postStart", "nodeAffinity", "hostNetwork", "initContainers"],
)
def test_any_other_change_of_the_template_changes_the_rest(pod: Raw) -> None:
    assert read_workload(changed(deployment(), **pod)).rest != read_workload(deployment()).rest


@pytest.mark.parametrize(
    "pod",
    [
        {"terminationGracePeriodSeconds": 31},
        {"containers": [container(lifecycle={"preStop": {"exec": {"command": ["x"]}}})]},
        {"containers": [container(terminationMessagePolicy="File")]},
        {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "x"}]}}},
    ],
    ids=["grace", "preStop", "terminationMessagePolicy", "podAntiAffinity"],
)
def test_what_a_repair_could_touch_changes_the_digest_and_not_the_rest(pod: Raw) -> None:
    before, after = read_workload(deployment()), read_workload(changed(deployment(), **pod))
    assert (after.rest == before.rest, after.digest == before.digest) == (True, False)


def test_the_order_of_keys_is_no_change() -> None:
    raw = deployment()
    turned = {**raw, "spec": dict(reversed(raw["spec"].items()))}
    assert read_workload(turned).digest == read_workload(raw).digest


def test_a_key_reads_as_a_person_would_say_it() -> None:
    assert str(WorkloadKey("shop", "Deployment", "web")) == "Deployment shop/web"


def replication_controller(**spec: Any) -> Raw:
    template = deployment()["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "web"},
        "spec": {"template": template} | spec,
    }


@pytest.mark.parametrize("spec", [{}, {"selector": {"app": "web"}}], ids=["of its pods", "of its own"])
def test_a_replication_controller_selects_by_labels(spec: Raw) -> None:
    assert read_workload(replication_controller(**spec)).selector == Selector.of_labels({"app": "web"})


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController"])
@pytest.mark.parametrize("controlled", [True, False])
def test_it_is_judged_where_nothing_controls_it(kind: str, controlled: bool) -> None:
    owner = {"apiVersion": "example.com/v1", "kind": "Maker", "name": "web", "uid": "x", "controller": controlled}
    raw = {**replication_controller(), "kind": kind, "metadata": {"name": "web", "ownerReferences": [owner]}}
    assert (read_workload(raw).derived, is_made(raw)) == (controlled, controlled)


@pytest.mark.parametrize(
    ("metadata", "made"),
    [
        ({}, False),
        ({"ownerReferences": [{"kind": "App", "name": "web", "uid": "x"}]}, True),
        ({"annotations": {"kubernetes.io/config.mirror": "0a1b"}}, True),
        ({"annotations": {"kubernetes.io/config.source": "file"}}, False),
    ],
    ids=["nobody", "an owner", "its node", "another annotation"],
)
def test_a_pod_is_judged_where_nothing_owns_it(metadata: Raw, made: bool) -> None:
    raw = pod(**metadata)
    assert (read_workload(raw).derived, is_made(raw)) == (made, made)


@pytest.mark.parametrize(
    ("annotations", "hook"),
    [
        ({}, None),
        ({"helm.sh/hook": " "}, None),
        ({"helm.sh/hook-delete-policy": "hook-succeeded"}, None),
        ({"helm.sh/hook": "test"}, Hook(stays=True)),
        ({"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "before-hook-creation"}, Hook(stays=True)),
        ({"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "hook-failed, hook-succeeded"}, Hook(stays=False)),
        ({"argocd.argoproj.io/hook": "PreSync"}, Hook(stays=True)),
        (
            {"argocd.argoproj.io/hook": "Sync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"},
            Hook(stays=False),
        ),
    ],
)
def test_hooks(annotations: dict[str, str], hook: Hook | None) -> None:
    assert read_workload(job(annotations=annotations)).hook == hook
    assert read_workload(pod(annotations=annotations)).hook == hook
    assert read_workload(deployment(metadata={"annotations": annotations})).hook is None


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"name": "web"}, "web"),
        ({"generateName": "web-"}, "web-"),
        ({"name": "web", "generateName": "w-"}, "web"),
        ({}, ""),
    ],
)
def test_the_name_may_be_generated(metadata: Raw, name: str) -> None:
    assert read_workload({**job(), "metadata": metadata}).key.name == name
