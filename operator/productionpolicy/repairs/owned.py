"""Objects of any kind that the operator creates for a workload and owns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count
from typing import Any, ClassVar

from msgspec import Struct

from productionpolicy.kube.identity import MANAGED_BY, NAME, NOTE_ANNOTATION, POLICY_LABEL
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.owned import Ownable, owned_name, within_limit
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.harm import Harm


class OwnedObject(Struct, frozen=True):
    """The desired state of an object that belongs to a workload. Each kind of object is a subclass."""

    kind: ClassVar[GroupKind]
    version: ClassVar[str] = "v1"
    called: ClassVar[str]
    """The plural in messages, in one word."""
    harm: ClassVar[Harm | None] = None
    """The harm because of which one of them is withdrawn; None if they do no harm."""

    note: str | None = None
    """Why it differs from the policy."""

    def words(self) -> str:
        """Return what it asks for, in words for people."""
        raise NotImplementedError

    def spec(self, workload: Workload) -> dict[str, Any]:
        """Return its spec in the form of the API."""
        raise NotImplementedError

    def met_by(self, live: Ownable, workload: Workload) -> bool:
        """Return whether a live object has the desired state."""
        raise NotImplementedError

    def is_harmful(self, live: Ownable) -> bool:
        """Return whether a live object in the desired state does harm although all pods of the workload are healthy."""
        return False

    def manifest(self, workload: Workload, *, policy: str) -> dict[str, Any]:
        """Return the manifest to create."""
        metadata: dict[str, Any] = {
            "name": owned_name(workload),
            "namespace": workload.key.namespace,
            "labels": {MANAGED_BY: NAME, POLICY_LABEL: policy},
            "ownerReferences": [_owner(workload)],
        }
        if self.note:
            metadata["annotations"] = {NOTE_ANNOTATION: self.note}
        return self._written(metadata, workload)

    def as_owners(self, workload: Workload, *, is_taken: Callable[[GroupKind, str], bool]) -> dict[str, Any]:
        """Return the manifest for the workload's owner, without the operator's labels and annotations.

        It has a different name. Otherwise the operator would take it for its own object, changed by others.

        Args:
            workload: the workload.
            is_taken: says whether an object with this kind and name exists. Then the name gets a number.
        """
        usual = f"{workload.key.name}-{workload.key.kind.lower()}"
        names = (within_limit(each) for each in chain([usual], (f"{usual}-{number}" for number in count(2))))
        name = next(each for each in names if not is_taken(self.kind, each))
        namespace = {"namespace": workload.key.namespace} if workload.key.namespace else {}
        return self._written({"name": name, **namespace}, workload)

    def _written(self, metadata: dict[str, Any], workload: Workload) -> dict[str, Any]:
        version = f"{self.kind.group}/{self.version}" if self.kind.group else self.version
        return {"apiVersion": version, "kind": self.kind.kind, "metadata": metadata, "spec": self.spec(workload)}


def _owner(workload: Workload) -> dict[str, Any]:
    key = workload.key
    return {"apiVersion": key.api_version, "kind": key.kind, "name": key.name, "uid": workload.uid}
