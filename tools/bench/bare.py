"""The same writes as the operator's, one after another for each workload, by a client that does nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.client import Api, connected, spread
from bench.decisions import Decision, decided
from bench.field import APPS, OPERATOR, PLURALS, Field
from bench.load import Load, Meter
from productionpolicy.kube.workloads import FIELD_MANAGER

WORKERS = 16
"""More at a time make it no faster."""

_MERGE = "application/strategic-merge-patch+json"
_PATCH = "application/json-patch+json"
_AS_MANAGER = f"?fieldManager={FIELD_MANAGER}"


@dataclass(frozen=True, slots=True)
class _Writes:
    """A decision as it is sent."""

    workload_path: str
    patch: bytes
    budgets_path: str
    budget: bytes | None


async def write(field: Field, spec: dict[str, Any]) -> Load:
    """Write what a policy with this spec asks for; return what was used from the first request to the last answer."""
    async with connected(field.plane.site, user=OPERATOR) as api:
        writes = [_writes(each) for each in await decided(field, api, spec)]
        meter = Meter([*field.plane.pids, os.getpid()])
        await spread(writes, lambda each: _send(api, each), workers=WORKERS)
        return meter.read()


def _writes(decision: Decision) -> _Writes:
    workload, patch = decision.workload, decision.patch
    identity = {"resourceVersion": workload.resource_version, "uid": workload.uid}
    return _Writes(
        workload_path=f"{APPS}/namespaces/{workload.key.namespace}/{PLURALS[workload.key.kind]}/{workload.key.name}{_AS_MANAGER}",
        patch=msgspec.json.encode({**patch, "metadata": {**patch["metadata"], **identity}}),
        budgets_path=f"/apis/policy/v1/namespaces/{workload.key.namespace}/poddisruptionbudgets{_AS_MANAGER}",
        budget=msgspec.json.encode(decision.budget) if decision.budget else None,
    )


async def _send(api: Api, writes: _Writes) -> None:
    if writes.budget is not None:
        await api.send("POST", writes.budgets_path, writes.budget)
    amended = msgspec.json.decode(await api.send("PATCH", writes.workload_path, writes.patch, content_type=_MERGE))
    managers = [each["manager"] for each in amended["metadata"]["managedFields"]]
    at = f"/metadata/managedFields/{managers.index(FIELD_MANAGER)}"
    release = [{"op": "test", "path": f"{at}/manager", "value": FIELD_MANAGER}, {"op": "remove", "path": at}]
    await api.send("PATCH", writes.workload_path, msgspec.json.encode(release), content_type=_PATCH)
