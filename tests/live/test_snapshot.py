"""The snapshot: what it keeps, and what never leaves the cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from productionpolicy.kube.coverage import Coverage, Read
from productionpolicy.kube.ownership import LAST_APPLIED
from productionpolicy.kube.workloads import Workload, read_workload
from productionpolicy.live.redaction import redacted
from productionpolicy.live.snapshot import NoSnapshot, Snapshot, load, save
from support.manifests import Raw, container, deployment
from support.server import client_side_applied, server_side_applied

SECRET = "hunter2"


def snapshot(*objects: Raw) -> Snapshot:
    return Snapshot(
        taken_at="2026-11-28T03:00:00Z",
        context="prod",
        server_version="v1.37.2",
        coverage={
            "deployments.apps": Coverage(Read.ALL),
            "nodes": Coverage(Read.NONE, reason="Forbidden: no"),
            "pods": Coverage(Read.NAMESPACES, ("a",), "Forbidden: no"),
        },
        items=[msgspec.json.encode(each) for each in objects],
    )


def secretive() -> Raw:
    variables = [{"name": "PASSWORD", "value": SECRET}, {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "k"}}}]
    plain = deployment(
        containers=[container(env=variables)], pod={"initContainers": [container("init", env=variables)]}
    )
    return client_side_applied(plain)


def test_a_saved_snapshot_has_the_agreed_form(tmp_path: Path) -> None:
    save(snapshot(deployment()), tmp_path / "cluster.json")
    found = json.loads((tmp_path / "cluster.json").read_text())
    assert {name: found[name] for name in found if name != "items"} == {
        "apiVersion": "productionpolicy.dev/v1",
        "kind": "ClusterSnapshot",
        "takenAt": "2026-11-28T03:00:00Z",
        "context": "prod",
        "serverVersion": "v1.37.2",
        "coverage": {
            "deployments.apps": {"read": "All"},
            "nodes": {"read": "None", "reason": "Forbidden: no"},
            "pods": {"read": "Namespaces", "namespaces": ["a"], "reason": "Forbidden: no"},
        },
    }
    (item,) = found["items"]
    assert (item["apiVersion"], item["kind"], item["metadata"]["name"]) == ("apps/v1", "Deployment", "web")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = snapshot(deployment("web"), deployment("api"))
    save(saved, tmp_path / "cluster.json")
    loaded = load(tmp_path / "cluster.json")
    assert list(loaded.objects()) == [redacted(each) for each in saved.objects()]
    assert (loaded.coverage, loaded.context, loaded.whole) == (saved.coverage, "prod", False)


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    save(snapshot(), tmp_path / "cluster.json")
    assert (tmp_path / "cluster.json").stat().st_mode & 0o077 == 0


def test_no_value_of_a_variable_is_saved(tmp_path: Path) -> None:
    save(snapshot(secretive()), tmp_path / "cluster.json")
    text = (tmp_path / "cluster.json").read_text()
    assert SECRET not in text
    assert "PASSWORD" in text
    assert "secretKeyRef" in text


@pytest.mark.parametrize(
    "name",
    [
        LAST_APPLIED,
        "argocd.example/last-applied",
        "objectset.rio.cattle.io/applied",
        "kapp.k14s.io/original",
        "banzaicloud.com/last-applied",
    ],
)
def test_no_copy_of_what_was_applied_is_saved(name: str) -> None:
    raw = deployment(metadata={"annotations": {name: SECRET, "team": "shop"}})
    found = redacted(raw)
    assert found is not None
    assert found["metadata"]["annotations"] == {"team": "shop"}
    assert SECRET not in json.dumps(found)


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_neither_secrets_nor_config_maps_are_saved(kind: str) -> None:
    assert redacted({"apiVersion": "v1", "kind": kind, "data": {"key": SECRET}}) is None


class TestOwnership:
    def views(self, raw: Raw) -> list[Workload]:
        return [read_workload(each) for each in (raw, redacted(raw)) if each is not None]

    @pytest.mark.parametrize("applied", [client_side_applied, server_side_applied])
    def test_what_the_owner_declared_is_still_known(self, applied: Callable[[Raw], Raw]) -> None:
        constraint = {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
        raw = deployment(
            pod={
                "containers": [container(lifecycle={"preStop": {"sleep": {"seconds": 5}}})],
                "terminationGracePeriodSeconds": 40,
                "topologySpreadConstraints": [constraint],
            },
        )
        before, after = self.views(applied(raw))
        assert before.written
        assert before.written == after.written
        assert before.template.asked_constraints == after.template.asked_constraints


class TestFilesThatAreNoSnapshots:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "kind: ClusterSnapshot",
            "[]",
            "{}",
            '{"apiVersion": "productionpolicy.dev/v1", "kind": "ClusterSnapshot"}',
            '{"apiVersion": "v1", "kind": "List", "items": []}',
        ],
    )
    def test_they_are_refused_with_the_remedy(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "cluster.json").write_text(text)
        with pytest.raises(NoSnapshot, match="--save FILE"):
            load(tmp_path / "cluster.json")

    def test_one_that_was_cut_off_is_refused(self, tmp_path: Path) -> None:
        save(snapshot(deployment()), tmp_path / "cluster.json")
        whole = (tmp_path / "cluster.json").read_text()
        (tmp_path / "cluster.json").write_text(whole[: len(whole) // 2])
        with pytest.raises(NoSnapshot, match="not a complete snapshot"):
            load(tmp_path / "cluster.json")

    def test_one_that_is_missing_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(NoSnapshot, match=r"cluster\.json cannot be read"):
            load(tmp_path / "cluster.json")

    def test_items_that_are_no_objects_are_refused(self, tmp_path: Path) -> None:
        save(snapshot(), tmp_path / "cluster.json")
        text = (tmp_path / "cluster.json").read_text()
        (tmp_path / "cluster.json").write_text(text.replace('"items":[', '"items":[3'))
        with pytest.raises(NoSnapshot, match="an item is not an object"):
            load(tmp_path / "cluster.json")
