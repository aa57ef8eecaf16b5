"""What could not be read makes a drain unknown where it decides the result, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from productionpolicy.drain import DrainFlags, NodeOutcome, Options, Result, drain
from support.scenes import Raw, cluster, controller, deployment, node, owner, pod

A, B = node("a"), node("b")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
BLUE: Raw = {"matchLabels": {"team": "blue"}}


def drained_without(kind: str, *parts: Raw | list[Raw], flags: DrainFlags = DrainFlags(force=True)) -> NodeOutcome:  # noqa: B008  # frozen
    """Drain the node a of a cluster of which a kind could not be read."""
    found = replace(cluster(*parts), unread={kind: "forbidden"})
    (outcome,) = drain(found, ["a"], Options(flags=flags, plays=3)).nodes
    return outcome


def rule(kind: str, selector: Raw) -> Raw:
    """Return an affinity to pods with the label `app: web` in the namespaces that a selector selects."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    return {"affinity": {kind: {REQUIRED: [{**term, "namespaceSelector": selector}]}}}


def elsewhere(name: str, on: str, **more: Any) -> Raw:
    """Return a pod in another namespace with the label `app: web`."""
    found = pod(name, on, app="web", **more)
    found["metadata"]["namespace"] = "other"
    return found


@pytest.mark.parametrize(
    ("own", "other", "result"),
    [
        (rule("podAntiAffinity", BLUE), {}, Result.UNKNOWN),
        (rule("podAffinity", BLUE), {}, Result.UNKNOWN),
        ({}, rule("podAntiAffinity", BLUE), Result.UNKNOWN),
        (rule("podAntiAffinity", {}), {}, Result.DRAINS),
        (rule("podAntiAffinity", {"matchLabels": {"kubernetes.io/metadata.name": "third"}}), {}, Result.DRAINS),
        ({}, {}, Result.DRAINS),
    ],
    ids=["away from", "near", "kept away by", "away from all namespaces", "away from a name", "no rule"],
)
def test_the_labels_of_namespaces_matter_where_affinity_selects_by_them(own: Raw, other: Raw, result: Result) -> None:
    found = drained_without("namespaces", A, B, deployment("web", ["a"], **own), elsewhere("o", "b", **other))
    assert found.result is result


def test_the_labels_of_namespaces_do_not_matter_without_pods_that_affinity_could_select_there() -> None:
    one = deployment("web", ["a"], **rule("podAntiAffinity", BLUE))
    found = drained_without("namespaces", A, B, one, deployment("else", ["b"]))
    assert (found.result, found.unknown) == (Result.DRAINS, ())


def test_a_pod_that_fits_nowhere_does_so_whatever_anti_affinity_excludes() -> None:
    one = deployment("web", ["a"], cpu="5", **rule("podAntiAffinity", BLUE))
    found = drained_without("namespaces", node("a", cpu="8"), B, one, elsewhere("o", "b"))
    assert (found.result, len(found.pending)) == (Result.DRAINS, 1)


@pytest.mark.parametrize(
    ("cpu", "also_on", "result"),
    [("100m", "", Result.UNKNOWN), ("5", "", Result.DRAINS), ("100m", "b", Result.DRAINS)],
    ids=["the limit decides", "fits nowhere anyway", "attached already"],
)
def test_attach_limits_matter_to_a_pod_with_a_volume_that_must_be_attached(
    cpu: str, also_on: str, result: Result
) -> None:
    disk = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}}
    data = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": "data"}}
    parts: list[Raw] = [
        {**disk, "spec": {"csi": {"driver": "ebs.csi.aws.com"}}},
        {**data, "spec": {"volumeName": "disk", "accessModes": ["ReadWriteMany"]}},
    ]
    volumes: list[Raw] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    if also_on:
        parts.append(pod("other", also_on, volumes=volumes))
    web = deployment("web", ["a"], cpu=cpu, volumes=volumes)
    assert drained_without("csinodes.storage.k8s.io", node("a", cpu="8"), B, parts, web).result is result


@pytest.mark.parametrize(
    ("flags", "result"),
    [
        (DrainFlags(ignore_daemonsets=True), Result.UNKNOWN),
        (DrainFlags(force=True), Result.UNKNOWN),
        (DrainFlags(), Result.REFUSED),
    ],
    ids=["--ignore-daemonsets", "--force", "neither"],
)
def test_whether_the_daemon_set_of_a_pod_exists_matters_to_what_kubectl_does_with_it(
    flags: DrainFlags, result: Result
) -> None:
    agent = pod("agent-1", "a", by=owner("DaemonSet", "agent"))
    assert drained_without("daemonsets.apps", A, B, agent, flags=flags).result is result
    known = controller("DaemonSet", "agent", replicas=1)
    ignored = DrainFlags(ignore_daemonsets=True)
    assert drained_without("daemonsets.apps", A, B, agent, known, flags=ignored).result is Result.DRAINS
