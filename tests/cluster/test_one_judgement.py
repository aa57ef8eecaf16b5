"""One judgement: `check` says of files what the operator says of the objects that a real API server makes of them."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.conftest import ROOT
from cluster.world import Raw
from control_plane.credentials import ADMIN
from control_plane.installation import NotServedError, operators_kubeconfig
from control_plane.plane import ControlPlane, RequestFailed
from corpus.manifests import KINDS as USABLE
from corpus.manifests import placed, variants
from owners import manifests
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.operator import Operator, Options
from productionpolicy.controller.resources import WATCHED
from productionpolicy.controller.watches import Watches
from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline import judge, read_documents
from productionpolicy.offline.judgement import WANTED
from productionpolicy.policy import read_policy
from productionpolicy.verdict import Verdict, audit
from support.examples import CASES, documents
from support.world import TODAY
from testbed.api import Api, connected, spread
from testbed.client import Client

REAL_MANIFESTS = Path(os.environ.get("CORPUS", ROOT.parent / "shared" / "realworld"))
ON_REAL_MANIFESTS = pytest.mark.skipif(
    not REAL_MANIFESTS.is_dir(), reason="no folder of real manifests; name one by CORPUS=folder"
)
POLICY = manifests.policy(
    "judged", mode="Audit", expectations={each.name: {"action": "Audit"} for each in EXPECTATIONS}
)

GIVEN_BY_THE_SERVER = {"deletionTimestamp", "managedFields", "ownerReferences"}
UNLIKE_THE_FILE = {
    "fails.stateful-set-more-than-there-are",
    "fails.stateful-set-percentage",
    "fails.stateful-set-several-at-once",
    *(each.stem for each in CASES.glob("rollingUpdate/*.stateful-set-several-at-once-on-*")),
    "fails.latest-behind-a-placeholder",
}
"""Examples that a server changes: it drops a field, unless its feature gate MaxUnavailableStatefulSet is on, and has
an image that is not filled in pulled as if it had no tag."""

Told = dict[str, tuple[str, frozenset[str]]]
"""What each expectation says of a workload: the outcome, and the paths of what it found."""

GROUPS_AT_A_TIME = 12

_numbers = itertools.count(1)


def as_told(verdicts: tuple[Verdict, ...]) -> Told:
    return {each.expectation: (str(each.outcome), frozenset(f.path for f in each.findings)) for each in verdicts}


async def created(api: Api, raw: Raw) -> bool:
    """Create an object; say whether the API server accepted it."""
    try:
        await api.create(raw)
    except RequestFailed:
        return False
    return True


async def a_namespace(api: Api) -> str:
    """Create a namespace that names the policy, with the service account that a controller would create there."""
    name = f"judged-{next(_numbers)}"
    await api.create(manifests.namespace(name, policy="judged"))
    await api.create({"kind": "ServiceAccount", "metadata": {"name": "default"}}, name)
    return name


async def accepted(api: Api, group: list[Raw]) -> list[Raw]:
    """Create the objects in a namespace of their own; return those that the API server accepted, as they were given."""
    namespace = await a_namespace(api)
    given = [placed(each, namespace) for each in group]
    return [each for each in given if await created(api, each)]


async def told_by_the_operator(plane: ControlPlane) -> dict[WorkloadKey, Told]:
    """Return what the operator says, with its own credentials, of all it finds in the cluster."""
    kubeconfig = operators_kubeconfig(plane)
    connection = await Connection.load(kubeconfig)
    async with connection.client() as client:
        watches = Watches(WATCHED, clock=Clock())
        operator = Operator(Cluster(client), watches, Options(kubeconfig=None, host="", port=0))
        await operator.listing.complete()
    judgements = {key: operator.reconciler.evaluate(key) for key in operator.store.all_workloads()}
    return {key: as_told(audit(each.inputs)) for key, each in judgements.items() if each is not None}


def told_by_check(objects: list[Raw]) -> dict[WorkloadKey, Told]:
    """Return what `check` says of the objects as a file."""
    text = yaml.dump_all(objects, Dumper=yaml.CSafeDumper, sort_keys=False)
    judged = judge(read_documents("-", text.encode(), wanted=WANTED), policy=read_policy(POLICY), today=TODAY)
    return {each.key: as_told(each.verdicts) for each in judged.workloads}


async def all_accepted(plane: ControlPlane, groups: list[list[Raw]]) -> list[Raw]:
    """Create the objects of all groups, and return those that the API server accepts, as it returns them."""
    objects: list[Raw] = []
    async with connected(plane.site, user=ADMIN) as api:

        async def create(group: list[Raw]) -> None:
            objects.extend(await accepted(api, group))

        await spread(groups, create, workers=GROUPS_AT_A_TIME)
    return objects


async def told_by_both(
    plane: ControlPlane, groups: list[list[Raw]]
) -> tuple[dict[WorkloadKey, Told], dict[WorkloadKey, Told]]:
    objects = await all_accepted(plane, groups)
    assert objects
    namespaces = {each["metadata"]["namespace"] for each in objects}
    live = await told_by_the_operator(plane)
    return told_by_check(objects), {key: told for key, told in live.items() if key.namespace in namespaces}


def differences(by_check: dict[WorkloadKey, Told], by_operator: dict[WorkloadKey, Told]) -> dict[str, Any]:
    """Return what is said differently, for each workload that either of them knows."""
    found = {}
    for key in by_check.keys() | by_operator.keys():
        check, operator = by_check.get(key, {}), by_operator.get(key, {})
        names = {name for name in check.keys() | operator.keys() if check.get(name) != operator.get(name)}
        if names:
            found[str(key)] = {name: (check.get(name), operator.get(name)) for name in sorted(names)}
    return found


@pytest.fixture(scope="module", autouse=True)
def policy(quiet_plane: ControlPlane) -> None:
    Client(quiet_plane).create(POLICY)


def usable(group: list[Any]) -> list[Raw]:
    """Return the objects that matter, less those with what only a server could have written."""
    named = (each for each in group if each.get("kind") in USABLE and each.get("metadata", {}).get("name"))
    return [each for each in named if "status" not in each and not each["metadata"].keys() & GIVEN_BY_THE_SERVER]


def example_groups() -> list[list[Raw]]:
    files = sorted(each for each in CASES.glob("*/*.yaml") if each.stem not in UNLIKE_THE_FILE)
    return [usable(documents(each)) for each in files]


def portable_groups() -> list[list[Raw]]:
    """Return the examples that every release of the API server keeps as they are."""
    return [each for each in example_groups() if not any(map(asks_for_the_pod_as_a_whole, each))]


async def test_on_the_examples_of_all_expectations(quiet_plane: ControlPlane) -> None:
    by_check, by_operator = await told_by_both(quiet_plane, portable_groups())
    assert len(by_check) > len(EXPECTATIONS)
    assert differences(by_check, by_operator) == {}


async def test_on_the_examples_with_resources_of_the_pod_as_a_whole(quiet_plane: ControlPlane) -> None:
    if not serves_resources_of_pods(quiet_plane):
        raise NotServedError("resources of a pod as a whole")
    groups = [each for each in example_groups() if any(map(asks_for_the_pod_as_a_whole, each))]
    by_check, by_operator = await told_by_both(quiet_plane, groups)
    assert by_check
    assert differences(by_check, by_operator) == {}


def asks_for_the_pod_as_a_whole(raw: Raw) -> bool:
    return "resources" in raw.get("spec", {}).get("template", {}).get("spec", {})


def serves_resources_of_pods(plane: ControlPlane) -> bool:
    """Say whether the API server keeps what a pod asks for as a whole; one that does not know of it drops it."""
    [probe] = documents(CASES / "resources" / "passes.pod-as-a-whole.yaml")[:1]
    return asks_for_the_pod_as_a_whole(Client(plane).tried(placed(probe, "default")))


@ON_REAL_MANIFESTS
@pytest.mark.slow
async def test_on_real_manifests(quiet_plane: ControlPlane) -> None:
    by_check, by_operator = await told_by_both(quiet_plane, real_groups())
    assert by_check
    assert differences(by_check, by_operator) == {}


def real_groups() -> list[list[Raw]]:
    """Return the objects of each project, in groups without two of one kind and name."""
    projects = sorted(each for each in REAL_MANIFESTS.iterdir() if each.is_dir())
    return [group for each in projects for group in variants(each)]
