"""A control plane with nothing but etcd and the API server, filled with workloads, and what stands in it afterwards."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import workloads
from bench.client import Api, connected, spread
from control_plane.credentials import ADMIN
from control_plane.installation import SERVICE_ACCOUNT, SYSTEM_NAMESPACE, install
from control_plane.plane import ControlPlane
from productionpolicy.kube.identity import API_VERSION, FIELD_MANAGER

NAMESPACES = "/api/v1/namespaces"
APPS = "/apis/apps/v1"
PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
POLICIES = f"/apis/{API_VERSION}/productionpolicies"
OPERATOR = f"{SYSTEM_NAMESPACE}.{SERVICE_ACCOUNT}"
"""The user of the operator, by the name of its kubeconfig."""

SEEDERS = 32
_APART = frozenset({SYSTEM_NAMESPACE, workloads.LATE})


class NotExact(Exception):
    """What stands in the cluster is not what should; the message says what."""


@dataclass(frozen=True, slots=True)
class Field:
    """One control plane for one measurement."""

    plane: ControlPlane
    kubeconfig: Path
    """That of the operator."""
    scale: int
    """How many Deployments it has; how many of the rest follows from it."""

    @property
    def size(self) -> int:
        """How many workloads are to be repaired."""
        return self.scale + workloads.stateful_sets_at(self.scale)

    async def seed(self, *, governed: int | None = None) -> float:
        """Create namespaces, workloads and the policy; return how many workloads were created in a second.

        Args:
            governed: how many Deployments are in namespaces that name the policy; None for all.
        """
        namespaces = workloads.namespaces(self.scale, governed=self.scale if governed is None else governed)
        async with connected(self.plane.site, user=ADMIN) as api:
            await spread(namespaces, lambda each: api.create(NAMESPACES, each), workers=SEEDERS)
            await spread(workloads.services(self.scale), lambda each: _create(api, each), workers=SEEDERS)
            started = time.monotonic()
            await spread(workloads.seeds(self.scale), lambda each: _create(api, each), workers=SEEDERS)
            seconds = time.monotonic() - started
            await api.create(POLICIES, workloads.policy())
        return self.size / seconds

    async def workloads(self) -> list[dict[str, Any]]:
        """Return the workloads that are to be repaired, each with its kind."""
        async with connected(self.plane.site, user=ADMIN) as api:
            return [
                {**each, "kind": kind}
                for kind, plural in PLURALS.items()
                for each in await api.items(f"{APPS}/{plural}")
                if _namespace(each) not in _APART
            ]

    async def budgets(self) -> list[dict[str, Any]]:
        """Return their disruption budgets."""
        async with connected(self.plane.site, user=ADMIN) as api:
            return [each for each in await api.items(BUDGETS) if _namespace(each) not in _APART]

    async def inspect(self, *, changes: int) -> list[tuple[str, Any]]:
        """Return what the repairs have made of each workload, in the order of their names.

        Raises:
            NotExact: a workload was not written so many times, or has not exactly one budget.
        """
        found, budgets = await self.workloads(), await self.budgets()
        _insist(len(found) == self.size, f"there are {len(found)} workloads")
        _insist_on_changes_of_each(found, changes)
        _insist_on_one_budget_each(found, budgets)
        terms = {each["metadata"]["ownerReferences"][0]["uid"]: each["spec"] for each in budgets}
        return sorted((_name(each), _result(each, terms[each["metadata"]["uid"]])) for each in found)


@contextmanager
def prepared(folder: Path, *, scale: int) -> Iterator[Field]:
    """Yield a fresh control plane with everything installed."""
    with ControlPlane.start(folder, controllers=False) as plane:
        yield Field(plane, install(plane), scale)


def collection(raw: dict[str, Any]) -> str:
    """Return the path where an object is created."""
    if raw["kind"] == "Service":
        return f"{NAMESPACES}/{_namespace(raw)}/services"
    return f"{APPS}/namespaces/{_namespace(raw)}/{PLURALS[raw['kind']]}"


async def _create(api: Api, raw: dict[str, Any]) -> None:
    await api.create(collection(raw), raw)


def _insist_on_changes_of_each(found: list[dict[str, Any]], changes: int) -> None:
    """A workload is born with generation 1."""
    wanted = 1 + changes
    generations = Counter(each["metadata"]["generation"] for each in found)
    _insist(set(generations) == {wanted}, f"generations and their number are {dict(generations)}, not {wanted} for all")
    managers = Counter(entry["manager"] for each in found for entry in each["metadata"]["managedFields"])
    _insist(FIELD_MANAGER not in managers, f"{managers[FIELD_MANAGER]} workloads hold managed fields of the operator")


def _insist_on_one_budget_each(found: list[dict[str, Any]], budgets: list[dict[str, Any]]) -> None:
    owned = Counter(owner["uid"] for each in budgets for owner in each["metadata"]["ownerReferences"])
    wanted = Counter(each["metadata"]["uid"] for each in found)
    _insist(owned == wanted, f"{len(budgets)} PodDisruptionBudgets belong to {len(owned)} of {len(found)} workloads")


def _result(workload: dict[str, Any], terms: Any) -> Any:
    """Return all that a repair may have changed."""
    return (str(workload["spec"]), str(workload["metadata"].get("annotations")), str(terms))


def _namespace(raw: dict[str, Any]) -> str:
    return str(raw["metadata"]["namespace"])


def _name(raw: dict[str, Any]) -> str:
    return f"{_namespace(raw)}/{raw['kind']}/{raw['metadata']['name']}"


def _insist(holds: bool, otherwise: str) -> None:  # noqa: FBT001  # reads like an assertion, which it is
    if not holds:
        raise NotExact(otherwise)
