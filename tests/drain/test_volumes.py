"""Where the volumes of a pod let it run."""

from __future__ import annotations

import pytest

from productionpolicy.drain import NodeOutcome, Options, Result, drain
from support.scenes import Raw, cluster, deployment, node, pod, stateful_set

A, B = node("a"), node("b")
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
BETA = "failure-domain.beta.kubernetes.io/zone"
EBS = "ebs.csi.aws.com"
CSI: Raw = {"csi": {"driver": EBS, "volumeHandle": "x"}}
IN_TREE: Raw = {"awsElasticBlockStore": {"volumeID": "x"}}


def volume(name: str, *, labels: Raw | None = None, **spec: Raw) -> Raw:
    """Return a persistent volume."""
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def claim(name: str, bound_to: str, *, mode: str = "ReadWriteOnce", phase: str = "Bound", **metadata: str) -> Raw:
    """Return a claim that is bound to a volume."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "shop", "name": name, **metadata},
        "spec": {"volumeName": bound_to, "accessModes": [mode]},
        "status": {"phase": phase},
    }


def mounting(name: str) -> Raw:
    """Return the fields of a pod that mounts a claim."""
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]}


def attaching(on: str, count: int) -> Raw:
    """Return how many volumes a node can attach."""
    spec = {"drivers": [{"name": EBS, "allocatable": {"count": count}}]}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": on}, "spec": spec}


def drained(*parts: Raw | list[Raw]) -> NodeOutcome:
    """Drain the node a."""
    (found,) = drain(cluster(*parts), ["a"], Options(plays=3)).nodes
    return found


@pytest.mark.parametrize(
    ("of_the_volume", "of_the_node", "fits"),
    [
        (ZONE, {ZONE: "east"}, True),
        (ZONE, {ZONE: "west"}, False),
        (ZONE, {BETA: "east"}, False),
        (ZONE, {REGION: "north"}, False),
        (ZONE, {}, True),
        (BETA, {ZONE: "east"}, True),
        (BETA, {ZONE: "west"}, False),
        (BETA, {BETA: "east"}, True),
        (BETA, {}, True),
    ],
    ids=str,
)
def test_the_zone_in_the_labels_of_a_volume_is_compared_with_nodes_that_have_a_zone_or_region(
    of_the_volume: str, of_the_node: Raw, fits: bool
) -> None:
    there = node("b")
    there["metadata"]["labels"] |= of_the_node
    disk = volume("disk", labels={of_the_volume: "east"})
    parts = disk, claim("data", "disk"), stateful_set("db", ["a"], **mounting("data"))
    found = drained(node("a", zone="east"), there, *parts)
    assert bool(found.pending) is not fits


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([claim("data", "disk", deletionTimestamp="2026-11-28T00:00:00Z"), volume("disk")], "is being deleted"),
        ([claim("data", "disk", phase="Lost")], 'bound to non-existent persistentvolume "disk"'),
        ([claim("data", "disk")], 'bound to non-existent persistentvolume "disk"'),
        ([], "not found"),
    ],
    ids=["deleting", "lost", "without its volume", "missing"],
)
def test_a_pod_fits_nowhere_for_certain_if_its_claim_cannot_be_used(parts: list[Raw], reason: str) -> None:
    found = drained(A, B, parts, deployment("web", ["a"], **mounting("data")))
    assert (found.result, found.unknown) == (Result.DRAINS, ())
    assert [each.reason for each in found.pending] == [
        f'0/2 nodes are available: 2 persistentvolumeclaim "data" {reason}'
    ]


def test_a_pod_fits_nowhere_for_certain_while_another_one_uses_its_claim_of_one_pod() -> None:
    disk = volume("disk", **CSI), claim("data", "disk", mode="ReadWriteOncePod")
    other = deployment("other", ["b"], **mounting("data"))
    found = drained(A, B, *disk, other, deployment("web", ["a"], **mounting("data")))
    assert (found.result, found.unknown) == (Result.DRAINS, ())
    assert [each.workload.name for each in found.pending] == ["web"]


@pytest.mark.parametrize(
    "parts",
    [[], [claim("data-db-0", "disk", deletionTimestamp="2026-11-28T00:00:00Z"), volume("disk", **CSI)]],
    ids=["missing", "deleting"],
)
def test_a_stateful_set_creates_a_claim_of_its_template_again(parts: list[Raw]) -> None:
    db = stateful_set("db", ["a"], **mounting("data-db-0"))
    db[0]["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    found = drained(A, B, parts, db)
    (unknown,) = found.unknown
    assert found.result is Result.UNKNOWN
    assert unknown.startswith("where shop/db-0 runs: its claim data-db-0 is created again with an empty volume")


@pytest.mark.parametrize("source", [CSI, IN_TREE], ids=["csi", "in-tree"])
@pytest.mark.parametrize(("limit", "fits"), [(1, False), (2, True)])
def test_all_volumes_of_the_pods_on_a_node_count_towards_its_attach_limit(source: Raw, limit: int, fits: bool) -> None:
    disks = [volume(each, **source) for each in ("first", "second")]
    claims = [claim("data", "first"), claim("other", "second")]
    pods = deployment("web", ["a"], **mounting("data")), pod("lone", "b", **mounting("other"))
    assert bool(drained(A, B, attaching("b", limit), disks, claims, *pods).pending) is not fits


@pytest.mark.parametrize(("limit", "fits"), [(1, False), (2, True)])
def test_an_ephemeral_volume_counts_towards_the_attach_limit(limit: int, fits: bool) -> None:
    scratch: Raw = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}
    disks = [volume(each, **CSI) for each in ("first", "second")]
    claims = [claim("data", "first"), claim("lone-scratch", "second")]
    pods = deployment("web", ["a"], **mounting("data")), pod("lone", "b", volumes=[scratch])
    assert bool(drained(A, B, attaching("b", limit), disks, claims, *pods).pending) is not fits


def test_a_new_ephemeral_volume_counts_by_its_storage_class() -> None:
    scratch: Raw = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}
    fast: Raw = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}}
    web = deployment("web", ["a", "a"], volumes=[scratch])
    found = drained(A, B, attaching("b", 1), {**fast, "provisioner": EBS}, web)
    assert len(found.pending) == 1
    assert "1 node(s) exceed max volume count" in found.pending[0].reason
