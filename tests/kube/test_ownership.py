"""Who wrote what."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.ownership import LAST_APPLIED, Ownership
from support.manifests import Raw, container, deployment
from support.server import client_side_applied, fields_v1, server_side_applied, updated

GRACE = ("spec", "template", "spec", "terminationGracePeriodSeconds")
SECONDS = ("spec", "template", "spec", "containers", "name=api", "lifecycle", "preStop", "sleep", "seconds")


def raw() -> Raw:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    return deployment(pod={"containers": [container(), container("api", **hook)], "terminationGracePeriodSeconds": 30})


def ownership(written: Raw) -> Ownership:
    return Ownership(Fields(written["metadata"]), ours="productionpolicy")


def entry(manager: str, **more: Any) -> Raw:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields_v1({"spec": {"paused": True}}), **more}


def entries(*found: Any) -> Ownership:
    return ownership({"metadata": {"managedFields": list(found)}})


def test_what_is_applied_server_side_is_declared() -> None:
    owned = ownership(server_side_applied(raw()))
    assert (owned.declared(*GRACE), owned.declared(*SECONDS), owned.listed(*SECONDS)) == (True, True, True)


def test_what_is_merely_updated_is_listed_and_not_declared() -> None:
    owned = ownership(updated(raw()))
    assert (owned.declared(*GRACE), owned.listed(*GRACE), owned.listed(*SECONDS)) == (False, True, True)


def test_what_is_applied_client_side_is_declared_and_not_listed() -> None:
    owned = ownership(client_side_applied(raw()))
    assert (owned.declared(*GRACE), owned.declared(*SECONDS), owned.listed(*GRACE)) == (True, True, False)


def test_what_nobody_wrote_is_neither() -> None:
    owned = ownership(server_side_applied(raw()))
    assert (owned.declared("spec", "paused"), owned.listed("spec", "paused")) == (False, False)


def test_a_list_item_is_told_by_its_name() -> None:
    of_web = ("spec", "template", "spec", "containers", "name=web", "lifecycle")
    for written in (server_side_applied(raw()), client_side_applied(raw())):
        assert ownership(written).declared(*of_web) is False


def test_the_manifest_counts_and_not_what_stands_beside_it() -> None:
    owned = ownership(client_side_applied(raw(), manifest=deployment()))
    assert (owned.declared("spec", "replicas"), owned.declared(*GRACE)) == (True, False)


def test_a_null_in_the_manifest_declares_nothing() -> None:
    owned = ownership(client_side_applied(raw(), manifest={"spec": {"replicas": None}}))
    assert owned.declared("spec", "replicas") is False


ODD_RECORDS = ["", "{", "[]", "null", '"spec"', "5", '{"spec": []}', '{"spec": {"template": 5}}', "[" * 100_000]


@pytest.mark.parametrize("text", ODD_RECORDS, ids=lambda each: each[:30])
def test_an_odd_record_of_the_manifest_declares_nothing(text: str) -> None:
    owned = ownership({"metadata": {"annotations": {LAST_APPLIED: text}}})
    assert (owned.declared(*GRACE), owned.declared(*SECONDS)) == (False, False)


@pytest.mark.parametrize("odd", [None, 5, "x", {}, {"fieldsV1": []}, {"fieldsV1": {"f:spec": 5}}, {"manager": 5}])
def test_an_odd_entry_declares_nothing(odd: Any) -> None:
    assert entries(odd).declared(*GRACE) is False


def test_an_entry_of_ours_for_the_object_is_left_over_and_one_for_its_status_is_not() -> None:
    told = [
        entries(each).holds_fields
        for each in (entry("productionpolicy"), entry("productionpolicy", subresource="status"))
    ]
    assert told == [True, False]


def test_our_own_entry_tells_nothing_about_the_owner() -> None:
    assert entries(entry("productionpolicy")).listed("spec", "paused") is False


def test_the_last_writer_is_the_one_with_the_newest_entry() -> None:
    owned = entries(
        entry("helm", time="2026-01-01T00:00:00Z"),
        entry("argocd", time="2026-03-01T00:00:00Z"),
        entry("kubectl", time="2026-02-01T00:00:00Z"),
    )
    assert owned.last_update.manager == "argocd"


def test_neither_status_writers_nor_we_are_the_last_writer() -> None:
    owned = entries(
        entry("helm", time="2026-01-01T00:00:00Z"),
        entry("kube-controller-manager", time="2026-03-01T00:00:00Z", subresource="status"),
        entry("productionpolicy", time="2026-04-01T00:00:00Z"),
    )
    assert owned.last_update.manager == "helm"


def test_without_entries_there_is_no_last_writer() -> None:
    assert entries().last_update.manager == ""
