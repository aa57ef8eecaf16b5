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
from control_plane.credentials import ADMIN
from control_plane.installation import SERVICE_ACCOUNT, SYSTEM_NAMESPACE, install
from control_plane.patience import insist
from control_plane.plane import ControlPlane
from owners.manifests import Raw
from productionpolicy.kube.identity import FIELD_MANAGER
from testbed.api import connected, spread
from testbed.client import Client

KINDS = ("Deployment", "StatefulSet")
OPERATOR = f"{SYSTEM_NAMESPACE}.{SERVICE_ACCOUNT}"
"""The user of the operator, by the name of its kubeconfig."""

SEEDERS = 32
_APART = frozenset({SYSTEM_NAMESPACE, workloads.LATE})


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
            await spread(namespaces, api.create, workers=SEEDERS)
            await spread(workloads.services(self.scale), api.create, workers=SEEDERS)
            started = time.monotonic()
            await spread(workloads.seeds(self.scale), api.create, workers=SEEDERS)
            seconds = time.monotonic() - started
            await api.create(workloads.policy())
        return self.size / seconds

    def workloads(self) -> list[Raw]:
        """Return the workloads that are to be repaired."""
        return [each for kind in KINDS for each in self._all(kind)]

    def budgets(self) -> list[Raw]:
        """Return their disruption budgets."""
        return self._all("poddisruptionbudget")

    def _all(self, kind: str) -> list[Raw]:
        return [each for each in Client(self.plane).all(kind) if _namespace(each) not in _APART]

    def inspect(self, *, changes: int) -> list[tuple[str, Any]]:
        """Return what the repairs have made of each workload, in the order of their names.

        Raises:
            NeverHappened: a workload was not written so many times, or has not exactly one budget.
        """
        found, budgets = self.workloads(), self.budgets()
        insist(len(found) == self.size, f"there are {len(found)} workloads")
        _insist_on_changes_of_each(found, changes)
        _insist_on_one_budget_each(found, budgets)
        terms = {each["metadata"]["ownerReferences"][0]["uid"]: each["spec"] for each in budgets}
        return sorted((_name(each), _result(each, terms[each["metadata"]["uid"]])) for each in found)


@contextmanager
def prepared(folder: Path, *, scale: int) -> Iterator[Field]:
    """Yield a fresh control plane with everything installed."""
    with ControlPlane.start(folder, controllers=False) as plane:
        yield Field(plane, install(plane), scale)


def _insist_on_changes_of_each(found: list[Raw], changes: int) -> None:
    """A workload is born with generation 1."""
    wanted = 1 + changes
    generations = Counter(each["metadata"]["generation"] for each in found)
    insist(set(generations) == {wanted}, f"generations and their number are {dict(generations)}, not {wanted} for all")
    managers = Counter(entry["manager"] for each in found for entry in each["metadata"]["managedFields"])
    insist(FIELD_MANAGER not in managers, f"{managers[FIELD_MANAGER]} workloads hold managed fields of the operator")


def _insist_on_one_budget_each(found: list[Raw], budgets: list[Raw]) -> None:
    owned = Counter(owner["uid"] for each in budgets for owner in each["metadata"]["ownerReferences"])
    wanted = Counter(each["metadata"]["uid"] for each in found)
    insist(owned == wanted, f"{len(budgets)} PodDisruptionBudgets belong to {len(owned)} of {len(found)} workloads")


def _result(workload: Raw, terms: Any) -> Any:
    """Return all that a repair may have changed."""
    return (str(workload["spec"]), str(workload["metadata"].get("annotations")), str(terms))


def _namespace(raw: Raw) -> str:
    return str(raw["metadata"]["namespace"])


def _name(raw: Raw) -> str:
    return f"{_namespace(raw)}/{raw['kind']}/{raw['metadata']['name']}"
