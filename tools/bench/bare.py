"""The same writes as the operator's, one after another for each workload, by a client that does nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bench import workloads
from bench.client import Api, connected, spread
from bench.field import BUDGETS, OPERATOR, Field, collection
from bench.load import Load, Meter
from productionpolicy.kube.budgets import Budget, read_budget
from productionpolicy.kube.surroundings import Surroundings
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
    budget: bytes | None


async def write(field: Field, spec: dict[str, Any]) -> Load:
    """Write what a policy with this spec asks for; return what was used from the first request to the last answer."""
    metadata = {"name": workloads.POLICY, "generation": 1}
    policy = read_policy({**workloads.policy(), "metadata": metadata, "spec": spec})
    async with connected(field.plane.site, user=OPERATOR) as api:
        budgets = {each.owner_uids: each for each in map(read_budget, await api.items(BUDGETS))}
        writes = [_writes(each, policy, budgets) for each in await field.workloads()]
        meter = Meter([*field.plane.pids, os.getpid()])
        await spread(writes, lambda each: _send(api, each), workers=WORKERS)
        return meter.read()


def _writes(raw: dict[str, Any], policy: Policy, budgets: Mapping[tuple[str, ...], Budget]) -> _Writes:
    """Judge a workload as the operator does, so that the bodies are the same."""
    workload = read_workload(raw)
    budget = budgets.get((workload.uid,))
    planned = plan(Case(workload, around=Surroundings(budgets=(budget,) if budget else ()), policy=policy))
    identity = {"resourceVersion": workload.resource_version, "uid": workload.uid}
    patch = {**planned.patch, "metadata": {**planned.patch["metadata"], **identity}}
    terms = planned.budget.terms if planned.budget else None
    return _Writes(
        workload_path=f"{collection(raw)}/{workload.key.name}{_AS_MANAGER}",
        patch=msgspec.json.encode(patch),
        budgets_path=f"/apis/policy/v1/namespaces/{workload.key.namespace}/poddisruptionbudgets{_AS_MANAGER}",
        budget=msgspec.json.encode(terms.manifest(workload, policy=policy.name)) if terms else None,
    )


async def _send(api: Api, writes: _Writes) -> None:
    if writes.budget is not None:
        await api.send("POST", writes.budgets_path, writes.budget)
    amended = msgspec.json.decode(await api.send("PATCH", writes.workload_path, writes.patch, content_type=_MERGE))
    managers = [each["manager"] for each in amended["metadata"]["managedFields"]]
    at = f"/metadata/managedFields/{managers.index(FIELD_MANAGER)}"
    release = [{"op": "test", "path": f"{at}/manager", "value": FIELD_MANAGER}, {"op": "remove", "path": at}]
    await api.send("PATCH", writes.workload_path, msgspec.json.encode(release), content_type=_PATCH)
