"""The same writes as the operator's, one after another for each workload, by a client that does nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import msgspec

from bench import workloads
from bench.client import Api, connected, spread
from bench.field import DEPLOYMENTS, OPERATOR, Field
from bench.load import Load, Meter
from control_plane.installation import SYSTEM_NAMESPACE
from productionpolicy.kube.workloads import FIELD_MANAGER, read_workload
from productionpolicy.policy import Policy, read_policy
from productionpolicy.verdict import Case, plan

WORKERS = 16
"""As many workloads at a time as the operator takes."""

_MERGE = "application/strategic-merge-patch+json"
_PATCH = "application/json-patch+json"
_AS_MANAGER = f"?fieldManager={FIELD_MANAGER}"


@dataclass(frozen=True, slots=True)
class _Writes:
    """What is written for one workload, apart from the release of its fields, which depends on the answer."""

    workload_path: str
    patch: bytes
    budgets_path: str
    budget: bytes


async def write(field: Field) -> Load:
    """Write all repairs and return what was used from the first request to the last answer."""
    async with connected(field.plane.site, user=OPERATOR) as api:
        policy = read_policy({**workloads.policy(), "metadata": {"name": workloads.POLICY, "generation": 1}})
        found = [each for each in await api.items(DEPLOYMENTS) if each["metadata"]["namespace"] != SYSTEM_NAMESPACE]
        writes = [_writes(each, policy) for each in found]
        meter = Meter([*field.plane.pids, os.getpid()])
        await spread(writes, lambda each: _send(api, each), workers=WORKERS)
        return meter.read()


def _writes(raw: dict[str, Any], policy: Policy) -> _Writes:
    """Judge a workload as the operator does, so that the bodies are the same."""
    workload = read_workload({**raw, "kind": "Deployment"})
    planned = plan(Case(workload, policy=policy))
    assert planned.budget is not None
    assert planned.budget.terms is not None
    identity = {"resourceVersion": workload.resource_version, "uid": workload.uid}
    patch = {**planned.patch, "metadata": {**planned.patch["metadata"], **identity}}
    namespace = workload.key.namespace
    return _Writes(
        workload_path=f"/apis/apps/v1/namespaces/{namespace}/deployments/{workload.key.name}{_AS_MANAGER}",
        patch=msgspec.json.encode(patch),
        budgets_path=f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets{_AS_MANAGER}",
        budget=msgspec.json.encode(planned.budget.terms.manifest(workload, policy=policy.name)),
    )


async def _send(api: Api, writes: _Writes) -> None:
    await api.send("POST", writes.budgets_path, writes.budget)
    amended = msgspec.json.decode(await api.send("PATCH", writes.workload_path, writes.patch, content_type=_MERGE))
    managers = [each["manager"] for each in amended["metadata"]["managedFields"]]
    at = f"/metadata/managedFields/{managers.index(FIELD_MANAGER)}"
    release = [{"op": "test", "path": f"{at}/manager", "value": FIELD_MANAGER}, {"op": "remove", "path": at}]
    await api.send("PATCH", writes.workload_path, msgspec.json.encode(release), content_type=_PATCH)
