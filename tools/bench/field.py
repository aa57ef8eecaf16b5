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
from productionpolicy.kube.workloads import FIELD_MANAGER

NAMESPACES = "/api/v1/namespaces"
DEPLOYMENTS = "/apis/apps/v1/deployments"
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
POLICIES = "/apis/productionpolicy.dev/v1alpha1/productionpolicies"
OPERATOR = f"{SYSTEM_NAMESPACE}.{SERVICE_ACCOUNT}"
"""The user of the operator, by the name of its kubeconfig."""

SEEDERS = 32


class NotExact(Exception):
    """What stands in the cluster is not what should; the message says what."""


@dataclass(frozen=True, slots=True)
class Field:
    """One control plane for one measurement."""

    plane: ControlPlane
    kubeconfig: Path
    """That of the operator."""
    scale: int

    async def seed(self) -> float:
        """Create namespaces, workloads and the policy; return how many Deployments were created in a second."""
        async with connected(self.plane.site, user=ADMIN) as api:
            for namespace in workloads.namespaces(self.scale):
                await api.create(NAMESPACES, namespace)
            started = time.monotonic()
            await spread(workloads.deployments(self.scale), lambda each: _create(api, each), workers=SEEDERS)
            seconds = time.monotonic() - started
            await api.create(POLICIES, workloads.policy())
        return self.scale / seconds

    async def inspect(self) -> list[tuple[str, Any]]:
        """Return what the repairs have made of each workload, in the order of their names.

        Raises:
            NotExact: a workload was not written exactly once, or has not exactly one budget.
        """
        async with connected(self.plane.site, user=ADMIN) as api:
            found = [each for each in await api.items(DEPLOYMENTS) if _namespace(each) != SYSTEM_NAMESPACE]
            budgets = await api.items(BUDGETS)
        _insist(len(found) == self.scale, f"there are {len(found)} Deployments")
        _insist_on_one_change_each(found)
        _insist_on_one_budget_each(found, budgets)
        terms = {each["metadata"]["ownerReferences"][0]["uid"]: each["spec"] for each in budgets}
        return sorted((_name(each), _result(each, terms[each["metadata"]["uid"]])) for each in found)


@contextmanager
def prepared(folder: Path, *, scale: int) -> Iterator[Field]:
    """Yield a fresh control plane with everything installed."""
    with ControlPlane.start(folder, controllers=False) as plane:
        yield Field(plane, install(plane), scale)


async def _create(api: Api, deployment: dict[str, Any]) -> None:
    await api.create(f"/apis/apps/v1/namespaces/{_namespace(deployment)}/deployments", deployment)


def _insist_on_one_change_each(found: list[dict[str, Any]]) -> None:
    """A Deployment is born with generation 1."""
    generations = Counter(each["metadata"]["generation"] for each in found)
    _insist(set(generations) == {2}, f"generations and their number are {dict(generations)}; all should be 2")
    managers = Counter(entry["manager"] for each in found for entry in each["metadata"]["managedFields"])
    _insist(FIELD_MANAGER not in managers, f"{managers[FIELD_MANAGER]} Deployments hold managed fields of the operator")


def _insist_on_one_budget_each(found: list[dict[str, Any]], budgets: list[dict[str, Any]]) -> None:
    owned = Counter(owner["uid"] for each in budgets for owner in each["metadata"]["ownerReferences"])
    wanted = Counter(each["metadata"]["uid"] for each in found)
    _insist(owned == wanted, f"{len(budgets)} PodDisruptionBudgets belong to {len(owned)} of {len(found)} Deployments")


def _result(deployment: dict[str, Any], terms: Any) -> Any:
    """Return all that a repair may have changed."""
    return (str(deployment["spec"]), str(deployment["metadata"].get("annotations")), str(terms))


def _namespace(raw: dict[str, Any]) -> str:
    return str(raw["metadata"]["namespace"])


def _name(raw: dict[str, Any]) -> str:
    return f"{_namespace(raw)}/{raw['metadata']['name']}"


def _insist(holds: bool, otherwise: str) -> None:  # noqa: FBT001  # reads like an assertion, which it is
    if not holds:
        raise NotExact(otherwise)
