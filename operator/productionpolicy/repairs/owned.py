"""Objects that the operator puts beside a workload and owns, whatever their kind."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct

from productionpolicy.kube.identity import MANAGED_BY, NAME, NOTE_ANNOTATION, POLICY_LABEL
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.owned import Ownable, owned_name, within_limit
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.harm import Harm


class OwnedObject(Struct, frozen=True):
    """What an object beside a workload should be. Each kind of object is a subclass."""

    kind: ClassVar[GroupKind]
    version: ClassVar[str] = "v1"
    called: ClassVar[str]
    """What people call several of them, in one word."""
    harm: ClassVar[Harm | None] = None
    """Why one of them is taken back; None where they do no harm."""

    note: str | None = None
    """Why it differs from what the policy says."""

    def words(self) -> str:
        """Return what it asks for, as a person would write it."""
        raise NotImplementedError

    def spec(self, workload: Workload) -> dict[str, Any]:
        """Return its spec, as the API writes it."""
        raise NotImplementedError

    def met_by(self, live: Ownable, workload: Workload) -> bool:
        """Say whether a live object is as it should be."""
        raise NotImplementedError

    def is_harmful(self, live: Ownable) -> bool:
        """Say whether a live object that is as it should be does harm though all pods of its workload are well."""
        return False

    def manifest(self, workload: Workload, *, policy: str) -> dict[str, Any]:
        """Return it as an object to create."""
        metadata: dict[str, Any] = {
            "name": owned_name(workload),
            "namespace": workload.key.namespace,
            "labels": {MANAGED_BY: NAME, POLICY_LABEL: policy},
            "ownerReferences": [_owner(workload)],
        }
        if self.note:
            metadata["annotations"] = {NOTE_ANNOTATION: self.note}
        return self._written(metadata, workload)

    def as_owners(self, workload: Workload) -> dict[str, Any]:
        """Return it as the workload's owner would write it: nothing in it says that it is the operator's.

        It has another name, or the operator would meet its own object with changes that it never made.
        """
        name = within_limit(f"{workload.key.name}-{workload.key.kind.lower()}")
        namespace = {"namespace": workload.key.namespace} if workload.key.namespace else {}
        return self._written({"name": name, **namespace}, workload)

    def _written(self, metadata: dict[str, Any], workload: Workload) -> dict[str, Any]:
        version = f"{self.kind.group}/{self.version}" if self.kind.group else self.version
        return {"apiVersion": version, "kind": self.kind.kind, "metadata": metadata, "spec": self.spec(workload)}


def _owner(workload: Workload) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": workload.key.kind, "name": workload.key.name, "uid": workload.uid}
