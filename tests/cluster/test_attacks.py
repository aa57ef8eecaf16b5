"""What somebody may write who may edit workloads: it neither loosens a policy nor does harm where it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.world import Raw, World, container, deployment, eventually, journal, pod_spec
from control_plane.credentials import ADMIN
from control_plane.installation import install
from control_plane.operator_process import OperatorProcess
from control_plane.plane import ControlPlane, KubectlFailed
from owners import manifests
from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.identity import (
    CONTESTED,
    EXEMPT,
    GROUP,
    MODE_LABEL,
    PLURAL,
    POLICY_LABEL,
    REPAIRS,
    REPAIRS_POLICY,
)
from support.hostile import BIDI, CSI, ESCAPES, LINES, MARKUP, TITLE
from testbed.api import connected, spread
from testbed.client import Client

EDITOR = "--as=editor"
HOSTILE = f"{ESCAPES}{TITLE}{CSI}{BIDI}{LINES}{MARKUP}"
SECRET = "hunter2-that-nobody-may-see"


@pytest.fixture
def strict(world: World) -> tuple[str, str]:
    """A policy that honours no exemption, and a namespace of it where somebody may edit whatever `edit` allows."""
    policy = world.policy(exemptions="Ignored")
    namespace = world.namespace(policy)
    world.kubectl("create", "rolebinding", "edits", "--clusterrole=edit", "--user=editor", "-n", namespace)
    return policy, namespace


def test_who_may_edit_a_workload_cannot_exempt_it(world: World, strict: tuple[str, str]) -> None:
    policy, namespace = strict
    claims = {f"{EXEMPT}{each.name}": "because I say so" for each in EXPECTATIONS}
    raw = deployment(replicas=1, metadata={"annotations": claims})
    world.kubectl(EDITOR, "apply", "-n", namespace, "-f", "-", stdin=raw)
    world.repaired("web", namespace)
    status = world.settled(policy, total=1, exempt=0, violating=1)
    assert {each["expectation"] for each in status["violations"]} == {"replicas"}


def test_who_forges_our_notes_hides_nothing(world: World, strict: tuple[str, str]) -> None:
    policy, namespace = strict
    raw = deployment(terminationGracePeriodSeconds=5)
    raw["metadata"]["annotations"] = {
        **{f"{REPAIRS}{each.name}": "owner's" for each in EXPECTATIONS},
        f"{REPAIRS}preStop": "sleep 10s: web",
        REPAIRS_POLICY: "another",
        f"{CONTESTED}spread": "undone 9x, last by nobody [0]",
    }
    world.kubectl(EDITOR, "apply", "-n", namespace, "-f", "-", stdin=raw)
    eventually(lambda: "affinity" in pod_spec(world.get("deployment", "web", namespace)))
    status = world.settled(policy, total=1, compliant=0)
    assert {each["expectation"] for each in status["violations"]} >= {"terminationGracePeriod"}


def test_who_may_edit_a_workload_cannot_reach_what_governs_it(world: World, strict: tuple[str, str]) -> None:
    policy, namespace = strict
    attempts = (
        ("label", "namespace", namespace, f"{POLICY_LABEL}-"),
        ("label", "namespace", namespace, f"{MODE_LABEL}=Audit"),
        ("patch", "productionpolicy", policy, "--type=merge", "-p", '{"spec":{"exemptions":"Honoured"}}'),
        ("patch", "productionpolicy", policy, "--subresource=status", "--type=merge", "-p", '{"status":null}'),
        ("delete", "productionpolicy", policy),
        ("delete", "crd", f"{PLURAL}.{GROUP}"),
        ("scale", "deployment", "productionpolicy", "-n", "productionpolicy-system", "--replicas=0"),
        ("delete", "clusterrolebinding", "productionpolicy"),
    )
    for arguments in attempts:
        with pytest.raises(KubectlFailed, match="forbidden"):
            world.kubectl(EDITOR, *arguments)


def hostile(name: str) -> Raw:
    """Return a Deployment that holds hostile text wherever the API server lets it in, at the limits of length."""
    image = f"registry.example/{ESCAPES}{BIDI}:latest"
    env = [{"name": f"TOKEN_{MARKUP}", "value": SECRET}, {"name": "PASSWORD", "value": f"{SECRET}{HOSTILE}"}]
    told = container("c" * 63, image=image, env=env, command=[HOSTILE, "| tee", SECRET], args=[HOSTILE * 500])
    raw = deployment(name, replicas=1, containers=[told])
    raw["spec"]["selector"]["matchLabels"] = raw["spec"]["template"]["metadata"]["labels"] = {"app": "hostile"}
    annotations = {f"{EXEMPT}preStop": f"{HOSTILE} until={HOSTILE}", f"{EXEMPT}{'x' * 63}": HOSTILE * 100}
    raw["metadata"]["annotations"] = {
        **annotations,
        "note": "a" * 200_000,
        f"{REPAIRS}spread": HOSTILE,
    }
    raw["metadata"]["labels"] = {f"{'l' * 63}.example/{'n' * 63}": "v" * 63}
    return raw


def budget(number: int) -> Raw:
    """Return a budget of an owner; only the first selects a workload that there is."""
    return manifests.budget(f"own-{number}", selector={"app": "web-0" if number == 0 else f"other-{number}"})


def numbered(number: int) -> Raw:
    """Return one of many Deployments."""
    return deployment(f"web-{number}")


def until_guarded(client: Client, *, count: int) -> None:
    """Wait until so many Deployments have a budget of ours."""

    def guarded() -> bool:
        return sum(name.endswith("-productionpolicy") for name in client.budgets("shop")) == count

    eventually(guarded, within=120, poll_seconds=0.5)


def told(raw: Any) -> Iterator[str]:
    """Yield all texts in an object."""
    if isinstance(raw, dict):
        for name, value in raw.items():
            yield from (name, *told(value))
    elif isinstance(raw, list):
        for each in raw:
            yield from told(each)
    elif isinstance(raw, str):
        yield raw


def test_hostile_text_is_shown_as_text_and_secrets_not_at_all(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy)
    name = ".".join(["w" * 61] * 4)
    world.kubectl("create", "-n", namespace, "-f", "-", stdin=hostile(name))
    eventually(lambda: journal(world.get("deployment", name, namespace)).get("preStop"))
    status = world.settled(policy, total=1)
    assert {each["expectation"] for each in status["violations"]} > {"imageTag", "exemptions"}
    events = [
        each["message"]
        for each in world.all("event", namespace)
        if each["source"].get("component") == "productionpolicy"
    ]
    assert events
    shown = [*told(status), *events, *told(world.all("pdb", namespace))]
    assert [each for each in shown if not each.isprintable() or SECRET in each] == []
    log = world.operator.log.read_text()
    assert [each for each in log.split("\n") if not each.isprintable() or SECRET in each] == []


def test_a_workload_with_five_hundred_containers_is_repaired_at_once(world: World) -> None:
    policy = world.policy()
    namespace = world.namespace(policy)
    ports = [[{"containerPort": 8000 + number}] for number in range(500)]
    containers = [container(f"c-{at}", ports=each, readinessProbe=None) for at, each in enumerate(ports)]
    world.kubectl("create", "-n", namespace, "-f", "-", stdin=deployment("crowd", containers=containers))
    spent = world.operator.cpu_seconds
    eventually(lambda: journal(world.get("deployment", "crowd", namespace)).get("preStop"), within=90)
    assert world.operator.cpu_seconds - spent < 5
    sleeps = [
        each["lifecycle"]["preStop"] for each in pod_spec(world.get("deployment", "crowd", namespace))["containers"]
    ]
    assert sleeps == [{"sleep": {"seconds": 10}}] * 500
    assert len(json.dumps(world.status(policy))) < 64 * 1024


def test_a_policy_of_a_megabyte_is_used_and_reported_on(world: World) -> None:
    policy = world.policy(mode="Audit")
    labels = {f"{'d' * 180}.example/{number:060}": "v" * 60 for number in range(3000)}
    patch = json.dumps({"metadata": {"labels": labels}, "spec": {"mode": "Enforce"}})
    file = world.plane.site.folder / "credentials" / "patch.json"
    file.write_text(patch)
    world.kubectl("patch", "productionpolicy", policy, "--type=merge", f"--patch-file={file}")
    assert len(json.dumps(world.get("pp", policy))) > 900_000
    namespace = world.applied(deployment(), policy=policy)
    world.repaired("web", namespace)
    world.settled(policy, total=1, compliant=1)


@pytest.mark.slow
async def test_five_thousand_budgets_in_a_namespace_slow_nothing_down(tmp_path: Path) -> None:
    """Nothing but etcd and the API server runs, so that it is the operator that is measured."""
    with ControlPlane.start(tmp_path / "plane", controllers=False) as plane:
        kubeconfig = install(plane)
        async with connected(plane.site, user=ADMIN) as api:
            Client(plane).create(manifests.namespace("shop", policy="default"))
            await spread(map(budget, range(5000)), lambda each: api.create(each, "shop"), workers=32)
            await spread(map(numbered, range(50)), lambda each: api.create(each, "shop"), workers=32)
            Client(plane).create(manifests.policy("default", rollout={"maxConcurrent": "100%"}))
            with OperatorProcess(kubeconfig, log=plane.log("operator")) as operator:
                until_guarded(Client(plane), count=49)
                spent = operator.cpu_seconds
                assert spent < 20
                await api.create(numbered(50), "shop")
                until_guarded(Client(plane), count=50)
                assert operator.cpu_seconds - spent < 2
