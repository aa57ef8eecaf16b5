"""Reports for other tools, with the definitions that their projects publish, on a real API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from cluster.conftest import ROOT
from cluster.world import Raw, World, deployment, eventually, lacking_probe
from control_plane.installation import apply, operators_kubeconfig
from control_plane.operator_process import OperatorProcess, at_work
from control_plane.plane import ControlPlane
from productionpolicy.reports import report_name
from productionpolicy.reports.documents import LARGEST
from reports.programs import DECODE, definition
from reports.served import serve

OFTEN = ("--listing-interval", "1")
"""So often all is listed again, and it is looked up which kinds are served."""

JUDGED = {"expectations": {"readinessProbe": {"action": "Audit"}}, "profile": "Development"}
Places = dict[str, tuple[str, str]]
"""By the test that uses it, a policy and a namespace that it governs."""

WRITES = {"create", "patch", "delete", "update"}
BINDING = "productionpolicy-reports"
CONFLICT = 409
"""The answer to the second of two operators that create the same report."""


@pytest.fixture(scope="module")
def reports_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that serves the reports of OpenReports."""
    with ControlPlane.start(tmp_path_factory.mktemp("reports-plane"), audit=True) as started:
        serve(started)
        apply(started)
        yield started


@pytest.fixture(scope="module")
def reporting(reports_plane: ControlPlane) -> Iterator[OperatorProcess]:
    """The operator in it."""
    kubeconfig, log = operators_kubeconfig(reports_plane), reports_plane.log("operator")
    with at_work(kubeconfig, log=log, arguments=OFTEN) as process:
        yield process


@pytest.fixture(scope="module")
def world(reports_plane: ControlPlane, reporting: OperatorProcess) -> World:
    """One world for all tests: a report is written some seconds after a change, so what they need is made at once."""
    return World(reports_plane, reporting)


@pytest.fixture(scope="module")
def places(world: World) -> Places:
    """Return a policy and a namespace with a Deployment, which has a report, for each of the tests."""
    made = {name: governed(world) for name in ("first", "steady", "deleted", "off", "released", "kept", "moving")}
    world.apply(made["first"][1], deployment("fine"), lacking_probe("emptied"), lacking_probe("removed"))
    world.apply(made["kept"][1], lacking_probe("going"))
    for _, namespace in made.values():
        written(world, namespace)
    return made


def governed(world: World, *workloads: Raw, **spec: Any) -> tuple[str, str]:
    """Create a policy, and a namespace that names it with some workloads in it; return the names of both."""
    return world.governed(*(workloads or [lacking_probe()]), **{**JUDGED, **spec})


def found(world: World, namespace: str, name: str = "web", kind: str = "report") -> Raw:
    """Return the report on a Deployment; empty if there is none."""
    uid = world.get("deployment", name, namespace)["metadata"]["uid"]
    return world.find(kind, report_name(uid), namespace)


def written(world: World, namespace: str, name: str = "web", kind: str = "report") -> Raw:
    """Return the report on a Deployment as soon as there is one."""
    return dict(eventually(lambda: found(world, namespace, name, kind)))


def failing(report: Raw) -> list[str]:
    return [each["rule"] for each in report["results"] if each["result"] == "fail"]


def version(report: Raw) -> str:
    return str(report["metadata"]["resourceVersion"])


def writes(world: World, *, of: str) -> list[str]:
    """Return the verbs with which the reports of a namespace were written so far."""
    entries = map(json.loads, world.plane.site.audit_log.read_text().splitlines())
    asked = (
        (each["verb"], each.get("objectRef", {}), each.get("responseStatus", {}).get("code", 0)) for each in entries
    )
    return [
        verb
        for verb, about, code in asked
        if about.get("resource") == "reports" and about.get("namespace") == of and verb in WRITES and code < CONFLICT
    ]


def decoded(*reports: Raw) -> str:
    """Return how many reports the types of their projects hold without a remainder."""
    text = b"\n".join(map(msgspec.json.encode, reports))
    return subprocess.run([DECODE.ensure()], input=text, check=True, capture_output=True).stdout.decode().strip()


def test_each_workload_has_a_report_that_belongs_to_it(world: World, places: Places) -> None:
    policy, namespace = places["first"]
    report, fine = written(world, namespace), written(world, namespace, "fine")
    workload = world.get("deployment", "web", namespace)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": workload["metadata"]["uid"]}
    assert report["metadata"]["ownerReferences"] == [owner]
    assert report["scope"] == {**owner, "namespace": namespace}
    assert (report["source"], failing(report), failing(fine)) == ("productionpolicy", ["readinessProbe"], [])
    assert (report["summary"]["fail"], fine["summary"]["fail"]) == (1, 0)
    assert decoded(report, fine) == "2"
    assert len(msgspec.json.encode(report)) < LARGEST
    assert eventually(lambda: world.told(policy, "Reports") == ("True", "Written"))


def test_nothing_is_written_unless_a_finding_changes(world: World, places: Places) -> None:
    _, namespace = places["steady"]
    before = written(world, namespace)
    with OperatorProcess(
        world.operator.kubeconfig, log=world.operator.log.with_name("second.log"), arguments=OFTEN
    ) as second:
        second.wait_ready(30)
        world.operator.kill()
        world.operator.start()
        world.operator.wait_ready(30)
        world.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=5")
        world.kubectl("label", "deployment/web", "-n", namespace, "flap=1")
        world.apply(namespace, lacking_probe("canary"))
        written(world, namespace, "canary")
        assert version(written(world, namespace)) == version(before)
        assert len(writes(world, of=namespace)) == 2

        world.apply(namespace, deployment("web"))
        eventually(lambda: failing(written(world, namespace)) == [])
        assert len(world.all("report", namespace)) == 2


def test_reports_that_nobody_asks_for_are_deleted(world: World, places: Places) -> None:
    chosen = [places[name] for name in ("deleted", "off", "released", "kept")]
    namespaces = [namespace for _, namespace in chosen]
    (deleted, _), (off, in_off), (_, in_released), (_, in_kept) = chosen
    going = written(world, in_kept, "going")
    foreign = {**going, "metadata": {"name": "foreign", "namespace": in_off, "labels": going["metadata"]["labels"]}}
    world.kubectl("create", "-f", "-", stdin=foreign)

    world.kubectl("delete", "productionpolicy", deleted)
    world.change_policy(off, reports={"mode": "Off"})
    world.label(in_released, "productionpolicy.dev/policy-")
    world.kubectl("delete", "deployment/going", "-n", in_kept)

    def left() -> list[list[str]]:
        return [[each["metadata"]["name"] for each in world.all("report", namespace)] for namespace in namespaces]

    kept = written(world, in_kept)["metadata"]["name"]
    eventually(lambda: left() == [[], ["foreign"], [], [kept]])
    eventually(lambda: world.told(off, "Reports") == ("", ""))


def test_what_others_do_to_a_report_is_put_right(world: World, places: Places) -> None:
    _, namespace = places["first"]
    removed, emptied = (written(world, namespace, each)["metadata"]["name"] for each in ("removed", "emptied"))
    world.kubectl("delete", "report", removed, "-n", namespace)
    world.kubectl("patch", "report", emptied, "-n", namespace, "--type=merge", "-p", '{"results":[]}')

    for each in ("removed", "emptied"):
        eventually(lambda name=each: failing(written(world, namespace, name)) == ["readinessProbe"])  # type: ignore[misc]  # bound


def test_it_says_why_reports_are_missing(world: World) -> None:
    named, _ = governed(world, reports={"mode": "PolicyReport"})
    limited, in_limited = governed(world, deployment("first"))
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    full = {**quota, "spec": {"hard": {"count/reports.openreports.io": "0"}}}
    world.kubectl("apply", "-n", in_limited, "-f", "-", stdin=full)
    eventually(lambda: world.told(named, "Reports") == ("False", "NotServed"))
    world.apply(in_limited, lacking_probe())
    eventually(lambda: world.told(limited, "Reports") == ("False", "Refused"))


def test_forbidden_reports_are_told_and_written_once_they_are_allowed(world: World) -> None:
    world.kubectl("delete", "clusterrolebinding", BINDING)
    policy, namespace = governed(world)
    eventually(lambda: world.told(policy, "Reports") == ("False", "Forbidden"))
    assert found(world, namespace) == {}
    world.kubectl("apply", "-k", str(ROOT / "manifests" / "reports"))
    written(world, namespace)
    eventually(lambda: world.told(policy, "Reports") == ("True", "Written"))


def test_policy_reports_take_their_place_and_give_it_back(world: World, places: Places) -> None:
    policy, namespace = places["moving"]
    world.kubectl("apply", "-f", str(definition("wgpolicyk8s.io")))
    world.change_policy(policy, reports={"mode": "PolicyReport"})

    report = written(world, namespace, kind="policyreport")
    assert (failing(report), decoded(report)) == (["readinessProbe"], "1")
    eventually(lambda: found(world, namespace) == {})
    world.change_policy(policy, reports={"mode": "Auto"})
    written(world, namespace)
    eventually(lambda: found(world, namespace, kind="policyreport") == {})
