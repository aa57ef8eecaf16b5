"""The API server repairs at admission as the operator plans where it knows nothing of the surroundings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.governing import Try, admitting, as_written, under_all, under_one_each
from cluster.test_one_judgement import ON_REAL_MANIFESTS, real_groups, usable
from cluster.world import Raw, eventually, journal
from control_plane.credentials import ADMIN
from control_plane.plane import ControlPlane, RequestFailed
from owners import manifests
from owners.manifests import deployment
from productionpolicy.kube.workloads import REPAIRED, read_workload
from productionpolicy.policy import read_policy
from productionpolicy.verdict import Inputs, plan
from support.examples import distinct, examples
from support.server import patched
from support.strategies import workloads
from support.world import TODAY
from testbed.api import Api, connected, spread
from testbed.client import Client
from testbed.comparison import differences as differences_of

PLAIN = "plain"
AT_A_TIME = 4
POLICIES: dict[str, Raw] = {
    "production": {},
    "development": {"profile": "Development"},
    "careful": {
        "exemptContainers": ["pro*", "s?decar"],
        "expectations": {
            "terminationMessage": {"action": "Repair"},
            "spread": {"topologyKeys": ["topology.kubernetes.io/zone"]},
            "preStop": {"sleepSeconds": 45, "containers": "All"},
            "terminationGracePeriod": {"shutdownSeconds": 5},
        },
    },
    "apart": {
        "exemptions": "Ignored",
        "expectations": {
            "spread": {"strength": "Required"},
            "terminationGracePeriod": {"action": "Audit"},
            "preStop": {"sleepSeconds": 25, "handler": "Exec"},
            "terminationMessage": {"action": "Repair"},
        },
    },
    "by-constraints": {"expectations": {"spread": {"method": "TopologySpread"}}},
    "only-audits": {"mode": "Audit"},
    "paused": {"paused": True},
}


def manifest(name: str) -> Raw:
    return manifests.policy(name, **POLICIES[name])


@pytest.fixture(scope="module")
def admitting_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane in which each policy governs a namespace of its own name, and none the namespace `plain`."""
    with admitting(tmp_path_factory.mktemp("admitting"), *map(manifest, POLICIES)) as client:
        client.create(manifests.namespace(PLAIN))
        eventually(lambda: "sleep" in str(client.tried(PROBE, "apart")))
        yield client.plane


PROBE = deployment("probe", containers=[{"name": "probe", "image": "probe", "ports": [{"containerPort": 1}]}])


async def made(api: Api, raw: Raw, namespace: str, *, way: str) -> Raw | None:
    """Return what the API server makes of a workload, without keeping it; None where it refuses it."""
    workload = as_written(raw, namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/{raw['kind'].lower()}s"
    name = workload["metadata"]["name"]
    verb, where, content_type = {
        "created": ("POST", f"{path}?dryRun=All", "application/json"),
        "applied": ("PATCH", f"{path}/{name}?dryRun=All&fieldManager=owner&force=true", "application/apply-patch+yaml"),
    }[way]
    try:
        answer = await api.send(verb, where, msgspec.json.encode(workload), content_type=content_type)
    except RequestFailed:
        return None
    found: Raw = msgspec.json.decode(answer)
    return found


def planned(raw: Raw, name: str) -> Raw:
    """Return the workload as the operator would have it, where nothing is known of its surroundings."""
    policy = read_policy(manifest(name))
    if not policy.writes:
        return raw
    inputs = Inputs(read_workload(raw), policy=policy, today=TODAY)
    return patched(raw, plan(inputs, restarting=True).patch)


def compared(raw: Raw) -> Raw:
    return {"annotations": raw["metadata"].get("annotations", {}), "spec": raw["spec"]}


async def differences(plane: ControlPlane, tries: Iterable[Try], *, way: str) -> list[str]:
    """Return what the API server made otherwise than the operator would have, of any workload under its policies."""
    found: list[str] = []
    async with connected(plane.site, user=ADMIN) as api:

        async def compare(each: Try) -> None:
            raw, names = each
            plain = await made(api, raw, PLAIN, way=way)
            if plain is None:
                return
            for name in names:
                created = await made(api, raw, name, way=way)
                assert created, f"{raw['metadata']['name']} is refused under {name}"
                deviations = differences_of(compared(created), compared(planned(plain, name)))
                found.extend(f"{raw['metadata']['name']} under {name}: {each}" for each in deviations)

        await spread(tries, compare, workers=AT_A_TIME)
    return found


def repairable(raws: list[Raw]) -> list[Raw]:
    return distinct(each for each in raws if each["kind"] in REPAIRED)


def test_some_examples_are_repaired_at_admission(admitting_plane: ControlPlane) -> None:
    assert journal(Client(admitting_plane).tried(PROBE, "apart")) == {
        "policy": "apart",
        "preStop": "exec sleep 25s: probe",
        "terminationMessage": "FallbackToLogsOnError: probe",
    }


def example_workloads() -> list[Raw]:
    return repairable([each.workload for each in examples()])


def real_workloads() -> list[Raw]:
    return repairable([each for group in real_groups() for each in usable(group)])


async def test_on_the_examples_of_all_expectations_under_one_policy_each(admitting_plane: ControlPlane) -> None:
    assert await differences(admitting_plane, under_one_each(example_workloads(), POLICIES), way="created") == []


@ON_REAL_MANIFESTS
async def test_on_real_manifests_under_one_policy_each(admitting_plane: ControlPlane) -> None:
    assert await differences(admitting_plane, under_one_each(real_workloads(), POLICIES), way="applied") == []


@pytest.mark.parametrize(
    "way",
    [pytest.param("created", marks=pytest.mark.slow), pytest.param("applied", marks=pytest.mark.exhaustive)],
)
async def test_on_the_examples_of_all_expectations(admitting_plane: ControlPlane, way: str) -> None:
    assert await differences(admitting_plane, under_all(example_workloads(), POLICIES), way=way) == []


@ON_REAL_MANIFESTS
@pytest.mark.slow
@pytest.mark.parametrize("way", ["created", "applied"])
async def test_on_real_manifests(admitting_plane: ControlPlane, way: str) -> None:
    assert await differences(admitting_plane, under_all(real_workloads(), POLICIES), way=way) == []


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=workloads(), way=st.sampled_from(["created", "applied"]))
def test_on_generated_workloads(admitting_plane: ControlPlane, raw: Raw, way: str) -> None:
    assert asyncio.run(differences(admitting_plane, under_all([raw], POLICIES), way=way)) == []
