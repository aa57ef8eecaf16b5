"""Reports in a control plane: their published definition, and what is wrong with those of the operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from control_plane.plane import ControlPlane
from owners.manifests import Raw
from productionpolicy.reports import report_name
from reports.programs import definition
from testbed.client import Client

OPEN_REPORTS = "openreports.io"
_DEFINITION = f"crd/reports.{OPEN_REPORTS}"
_WORKLOADS = ("deployment", "statefulset")


def serve(plane: ControlPlane) -> None:
    """Install the definition of OpenReports, and wait until the API server serves it."""
    plane.kubectl("apply", "-f", str(definition(OPEN_REPORTS)))
    plane.kubectl("wait", "--for=condition=Established", _DEFINITION, "--timeout=30s")


@contextmanager
def served(plane: ControlPlane) -> Iterator[None]:
    """Have the definition installed until the end of the block."""
    serve(plane)
    try:
        yield
    finally:
        plane.kubectl("delete", _DEFINITION)


def wrong_reports(client: Client, policy: str, namespace: str) -> list[str]:
    """Return what is wrong with the reports in a namespace of few workloads.

    Each workload has one report, which tells of the same findings as the status of the policy.
    """
    violations = client.status(policy).get("violations", [])
    reports = {each["metadata"]["name"]: each for each in client.all("report", namespace)}
    wrong = list[str]()
    for workload in (each for kind in _WORKLOADS for each in client.all(kind, namespace)):
        report = reports.pop(report_name(workload["metadata"]["uid"]), None)
        told, found = _told(report), _found(workload, violations)
        if told != found:
            wrong.append(f"{workload['kind']} {workload['metadata']['name']} has {found}, and its report {told}")
    return [*wrong, *(f"{name} belongs to no workload" for name in reports)]


def _told(report: Raw | None) -> list[str] | None:
    """Return the expectations of which a report tells findings; None if there is no report."""
    results = (report or {}).get("results", [])
    return None if report is None else sorted(each["rule"] for each in results if each["result"] != "skip")


def _found(workload: Raw, violations: Sequence[Raw]) -> list[str]:
    key = (workload["kind"], workload["metadata"]["namespace"], workload["metadata"]["name"])
    return sorted(each["expectation"] for each in violations if (each["kind"], each["namespace"], each["name"]) == key)
