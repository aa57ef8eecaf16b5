"""What a run has come to, in a form in which two of them can be compared: one fact after another."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from chaos.workloads import NAMESPACES
from owners.manifests import Raw
from productionpolicy.kube.identity import DOMAIN
from testbed import comparison
from testbed.client import Client

Picture = dict[str, Any]
"""Each fact by its name."""

MANAGER = "productionpolicy"
ROLLOUTS = "rollouts"
MOMENT = re.compile(r" at \d{4}-\d\d-\d\dT[\d:]+Z")
"""When a rollout began is told in its note, and differs from run to run."""

ONCE = "undone 1x"
"""That an owner has taken a repair away once is noted by an operator that saw it, and has no effect."""
REVISION = "deployment.kubernetes.io/revision"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
TEMPLATES = ("ReplicaSet", "ControllerRevision")
BUDGET = "PodDisruptionBudget"
REPORT = "Report"


def taken(client: Client, run: str) -> Picture:
    """Return the picture of the run of that name. The names of its policy and its namespaces stand in no fact."""
    objects = {kind: _objects(client, kind, run) for kind in (*WORKLOADS, *TEMPLATES, BUDGET, REPORT)}
    policy = client.get("pp", run)
    facts = {**_of_workloads(objects), **_of_budgets(objects), **_of_reports(objects[REPORT]), **_of_status(policy)}
    neutral: Picture = json.loads(json.dumps(facts).replace(f"{run}-", "").replace(run, "POLICY"))
    return neutral


def differences(picture: Picture, calm: Picture) -> list[str]:
    """Return what is not as in the baseline; extra rollouts are counted apart."""
    unlike = (name for name in sorted(picture.keys() | calm.keys()) if picture.get(name) != calm.get(name))
    return [
        each
        for name in unlike
        if not name.endswith(ROLLOUTS)
        for each in comparison.differences(picture.get(name, "missing"), calm.get(name, "missing"), at=name)
    ]


def extra_rollouts(picture: Picture, calm: Picture) -> int:
    """Return how many pod templates there have been beyond those of the baseline."""
    found = (fact - calm.get(name, fact) for name, fact in picture.items() if name.endswith(ROLLOUTS))
    return sum(each for each in found if each > 0)


def _objects(client: Client, kind: str, run: str) -> list[Raw]:
    return [raw for each in NAMESPACES for raw in client.all(kind, f"{run}-{each}")]


def _of_workloads(objects: Mapping[str, list[Raw]]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for kind in WORKLOADS:
        for raw in objects[kind]:
            facts.update({f"{kind} {_title(raw)} {name}": fact for name, fact in _of_workload(raw, objects).items()})
    return facts


def _of_workload(raw: Raw, objects: Mapping[str, list[Raw]]) -> dict[str, Any]:
    annotations = raw["metadata"].get("annotations", {})
    managers = {each["manager"] for each in raw["metadata"].get("managedFields", [])}
    return {
        "spec": raw["spec"],
        "notes": {
            key: MOMENT.sub("", text)
            for key, text in annotations.items()
            if f"{DOMAIN}/" in key and not text.startswith(ONCE)
        },
        "ours": [MANAGER in managers, raw["metadata"].get("finalizers", [])],
        "pods": _pods(raw),
        ROLLOUTS: _rollouts(raw, objects),
    }


def _pods(raw: Raw) -> Any:
    """Say whether the pods are those of the template, as far as the workload's owner lets them be replaced."""
    status = raw.get("status", {})
    if raw["kind"] == "DaemonSet" or raw["spec"]["replicas"] == 0:
        return None
    return [status.get("replicas"), status.get("updatedReplicas"), status.get("availableReplicas")]


def _rollouts(raw: Raw, objects: Mapping[str, list[Raw]]) -> int:
    """Return how often the pod template was another one: how often it went on from revision to revision."""
    uid = raw["metadata"]["uid"]
    owned = [each for kind in TEMPLATES for each in objects[kind] if uid in _owners(each)]
    return max((_revision(each) for each in owned), default=0)


def _revision(raw: Raw) -> int:
    return int(raw["revision"] if "revision" in raw else raw["metadata"].get("annotations", {}).get(REVISION, 0))


def _of_budgets(objects: Mapping[str, list[Raw]]) -> dict[str, Any]:
    alive = {each["metadata"]["uid"] for kind in WORKLOADS for each in objects[kind]}
    return {
        f"{BUDGET} {_title(each)}": {
            "spec": each["spec"],
            "labels": each["metadata"].get("labels"),
            "orphaned": bool(_owners(each)) and not alive & _owners(each),
        }
        for each in objects[BUDGET]
    }


def _of_reports(reports: list[Raw]) -> dict[str, Any]:
    return {
        f"{REPORT} {each['scope']['kind']} {each['scope']['namespace']}/{each['scope']['name']}": {
            "summary": each["summary"],
            "results": each["results"],
        }
        for each in reports
    }


def _of_status(policy: Raw) -> dict[str, Any]:
    status = policy.get("status", {})
    plain = [{**each, "lastTransitionTime": ""} for each in status.get("conditions", [])]
    facts = {**status, "conditions": plain, "finalizers": policy["metadata"].get("finalizers", [])}
    return {f"status {name}": fact for name, fact in facts.items()}


def _owners(raw: Raw) -> set[str]:
    return {each["uid"] for each in raw["metadata"].get("ownerReferences", [])}


def _title(raw: Raw) -> str:
    return f"{raw['metadata']['namespace']}/{raw['metadata']['name']}"
