"""The same writes as the operator's, one after another for each workload, by a client that does nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.decisions import Decision, decided
from bench.field import OPERATOR, Field
from bench.load import Load, Meter
from productionpolicy.controller.resources import BUDGETS, WORKLOADS
from productionpolicy.kube.identity import FIELD_MANAGER
from testbed.api import Api, connected, spread

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


async def write(field: Field, specs: Sequence[dict[str, Any]]) -> list[Load]:
    """Write what policies with these specs ask for, one after another; return what was used for each.

    It is counted from the first request to the last answer.
    """
    loads: list[Load] = []
    async with connected(field.plane.site, user=OPERATOR) as api:
        for spec in specs:
            writes = [_writes(each) for each in decided(field, spec)]
            meter = Meter([*field.plane.pids, os.getpid()])
            await spread(writes, lambda each: _send(api, each), workers=WORKERS)
            loads.append(meter.read())
    return loads


def _writes(decision: Decision) -> _Writes:
    workload, patch, key = decision.workload, decision.patch, decision.workload.key
    identity = {"resourceVersion": workload.resource_version, "uid": workload.uid}
    return _Writes(
        workload_path=WORKLOADS[key.kind].path(key.name, namespace=key.namespace) + _AS_MANAGER,
        patch=msgspec.json.encode({**patch, "metadata": {**patch["metadata"], **identity}}),
        budgets_path=BUDGETS.path(namespace=key.namespace) + _AS_MANAGER,
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
