"""Constraints that an owner brings where a policy spreads by constraints: they come out as they were written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import pytest

from cluster.governing import admitting
from cluster.test_admission_plan import manifest
from cluster.world import Raw, eventually, journal
from owners import manifests
from testbed.client import Client

NAMESPACE = "by-constraints"
HOST, ZONE, RACK = "kubernetes.io/hostname", "topology.kubernetes.io/zone", "example.com/rack"
LABELS = {"app": "web", "tier": "front"}
SOFT, HARD = "ScheduleAnyway", "DoNotSchedule"


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with admitting(tmp_path_factory.mktemp("constraints"), manifest(NAMESPACE)) as client:
        eventually(lambda: journal(client.tried(deployment("probe"))))
        yield client


def deployment(name: str, *, image: str = "one", **pod: Any) -> Raw:
    web = manifests.container(image=f"example/web:{image}")
    raw = manifests.deployment(name, replicas=4, containers=[web], metadata={"namespace": NAMESPACE}, **pod)
    raw["spec"]["selector"]["matchLabels"] = raw["spec"]["template"]["metadata"]["labels"] = LABELS
    return raw


def constraint(key: str = HOST, unsatisfiable: str = SOFT, *, labels: Raw = LABELS, **more: Any) -> Raw:
    given = {"topologyKey": key, "whenUnsatisfiable": unsatisfiable, "maxSkew": 1}
    return {**given, "labelSelector": {"matchLabels": labels}, **more}


OURS = [constraint(key, matchLabelKeys=["pod-template-hash"]) for key in (HOST, ZONE)]
WAYS = {
    "apply": ("apply", "-f", "-"),
    "apply --server-side": ("apply", "--server-side", "-f", "-"),
    "replace": ("replace", "-f", "-"),
    "patch": ("patch", "deployment", "-n", NAMESPACE, "--type=strategic"),
}


def write(client: Client, way: str, raw: Raw) -> None:
    """Let the owner write in some way."""
    if way == "patch":
        pod = raw["spec"]["template"]["spec"]
        change = {name: pod[name] for name in ("containers", "topologySpreadConstraints") if name in pod}
        patch = json.dumps({"spec": {"template": {"spec": change}}})
        client.kubectl(*WAYS[way], raw["metadata"]["name"], "-p", patch)
    else:
        client.kubectl(*WAYS[way], stdin=raw)


def live(client: Client, name: str) -> Raw:
    return client.get("deployment", name, NAMESPACE)


def constraints(raw: Raw) -> list[Raw]:
    return sorted(raw["spec"]["template"]["spec"].get("topologySpreadConstraints", []), key=itemgetter("topologyKey"))


def created(client: Client, way: str, name: str) -> Raw:
    client.kubectl(*WAYS[way if way == "apply --server-side" else "apply"], stdin=deployment(name))
    found = live(client, name)
    assert constraints(found) == sorted(OURS, key=itemgetter("topologyKey"))
    assert journal(found)["spread"] == f"TopologySpread per rollout: {HOST},{ZONE}"
    return found


OWN: dict[str, list[Raw]] = {
    "another-skew": [constraint(maxSkew=2)],
    "a-hard-one": [constraint(unsatisfiable=HARD, minDomains=2)],
    "on-zones": [constraint(ZONE, HARD, nodeTaintsPolicy="Honor")],
    "on-racks": [constraint(RACK)],
    "on-both-keys": [constraint(maxSkew=3), constraint(ZONE, HARD)],
    "with-another-label-key": [constraint(matchLabelKeys=["pool"])],
    "with-another-selector": [constraint(labels={**LABELS, "pool": "a"})],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("own", OWN)
def test_an_owners_constraint_is_stored_as_it_was_written(governed: Client, way: str, own: str) -> None:
    name = f"{own}-{way}".replace(" --", "-")
    created(governed, way, name)
    write(governed, way, deployment(name, topologySpreadConstraints=OWN[own]))
    found = live(governed, name)
    assert constraints(found) == sorted(OWN[own], key=itemgetter("topologyKey"))
    assert "spread" not in journal(found)


@pytest.mark.parametrize("way", ["apply", "apply --server-side", "patch"])
def test_ours_stay_when_the_owner_changes_something_else(governed: Client, way: str) -> None:
    name = f"image-{way}".replace(" --", "-")
    created(governed, way, name)
    write(governed, way, deployment(name, image="two"))
    found = live(governed, name)
    assert constraints(found) == sorted(OURS, key=itemgetter("topologyKey"))
    assert journal(found)["spread"] == f"TopologySpread per rollout: {HOST},{ZONE}"


def test_they_come_back_when_a_replacement_takes_them_away_with_the_note(governed: Client) -> None:
    created(governed, "apply", "replaced")
    write(governed, "replace", deployment("replaced", image="two"))
    assert constraints(live(governed, "replaced")) == sorted(OURS, key=itemgetter("topologyKey"))


def test_where_nothing_is_done_at_admission_a_merge_leaves_our_label_key_in_it(governed: Client) -> None:
    """The documented cell: `default` is not governed here, so the API server only merges."""
    own, elsewhere = [constraint(maxSkew=2)], {"name": "merged", "namespace": "default"}
    governed.kubectl(*WAYS["apply"], stdin={**deployment("merged"), "metadata": elsewhere})
    patch = json.dumps({"spec": {"template": {"spec": {"topologySpreadConstraints": OURS}}}})
    governed.kubectl("patch", "deployment", "merged", "--type=strategic", "-p", patch)
    # As after a write of the operator, the constraints belong to nobody.
    governed.kubectl("patch", "deployment", "merged", "--type=merge", "-p", '{"metadata": {"managedFields": [{}]}}')
    changed = {**deployment("merged", topologySpreadConstraints=own), "metadata": elsewhere}
    governed.kubectl(*WAYS["apply"], stdin=changed)
    found = governed.get("deployment", "merged", "default")
    assert constraints(found) == [constraint(maxSkew=2, matchLabelKeys=["pod-template-hash"]), OURS[1]]


@pytest.mark.parametrize("way", ["apply", "apply --server-side"])
def test_a_label_key_that_the_owner_declares_stays(governed: Client, way: str) -> None:
    name = f"declared-{way}".replace(" --", "-")
    own = [constraint(maxSkew=2, matchLabelKeys=["pod-template-hash"])]
    created(governed, way, name)
    write(governed, way, deployment(name, topologySpreadConstraints=own))
    assert constraints(live(governed, name)) == own


@pytest.mark.parametrize("way", ["apply", "apply --server-side", "patch"])
def test_a_constraint_that_says_nothing_else_changes_nothing(governed: Client, way: str) -> None:
    """The documented cell: nothing of the template changes, so the API server has nothing to mend."""
    name = f"the-same-{way}".replace(" --", "-")
    before = created(governed, way, name)
    write(governed, way, deployment(name, topologySpreadConstraints=[constraint()]))
    assert live(governed, name)["spec"] == before["spec"]


@pytest.mark.parametrize("way", ["apply", "patch"])
def test_a_strategic_merge_keeps_labels_that_the_owners_selector_leaves_out(governed: Client, way: str) -> None:
    """The documented cell: the API server merges the two selectors, and nobody can tell afterwards who wrote what."""
    name = f"fewer-labels-{way}"
    created(governed, way, name)
    write(governed, way, deployment(name, topologySpreadConstraints=[constraint(maxSkew=2, labels={"app": "web"})]))
    assert constraints(live(governed, name)) == [constraint(maxSkew=2)]
