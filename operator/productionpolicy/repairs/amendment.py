"""The common form of all amendments, and how their patches become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol, Self

from msgspec import Struct

from productionpolicy.kube.pods import Container
from productionpolicy.kube.repairable import RepairableField
from productionpolicy.kube.workloads import Workload
from productionpolicy.repairs.harm import Harm

Patch = dict[str, Any]
"""A strategic merge patch, or a part of one; None removes a field."""


TOPOLOGY_KEY = "topologyKey"


class Illegible(ValueError):
    """The operator did not write a note in the journal."""


class Need(Struct, frozen=True):
    """What one amendment needs of another. Otherwise the API server refuses it, or it has no effect."""

    of: type[Amendment]
    """The amendment that can meet the need."""
    broken: Callable[[Workload, Amendment | None], bool]
    """Returns whether a workload with all its amendments violates it; the second argument is the one with the need."""
    reason: str
    """Why the amendment is omitted if the need cannot be met, for people."""


class Notation(Protocol):
    """How the repair of an expectation is noted: as one kind of amendment, or as one of several."""

    fields: ClassVar[tuple[RepairableField, ...]]
    needs: ClassVar[tuple[Need, ...]]
    harm: ClassVar[Harm | None]
    restarts: ClassVar[bool]
    subject: ClassVar[str]

    @classmethod
    def parse(cls, note: str) -> Amendment:
        """Return the amendment that a note in the journal tells of.

        Raises:
            Illegible: it tells of none.
        """


class Amendment(Struct, frozen=True):
    """A change that the operator makes to the workload of an owner. Each kind of change is a subclass."""

    fields: ClassVar[tuple[RepairableField, ...]]
    """The fields that it writes."""

    needs: ClassVar[tuple[Need, ...]] = ()
    """What it needs of other amendments."""

    harm: ClassVar[Harm | None] = None
    """The harm because of which it is withdrawn; None if it does no harm. The only harm of an amendment is that a
    rollout stops because it asks for an additional pod and the pod cannot be scheduled."""

    restarts: ClassVar[bool] = True
    """Whether it changes the pod template, so that pods are replaced."""

    subject: ClassVar[str] = ""
    """The field that a note speaks of, for people; empty where the note or its expectation names it."""

    @classmethod
    def parse(cls, note: str) -> Self:
        """Return the amendment that a note in the journal tells of.

        Raises:
            Illegible: it tells of none.
        """
        raise NotImplementedError

    def note(self) -> str:
        """Return the words for the journal; `parse` reads them."""
        raise NotImplementedError

    def drift(self, workload: Workload) -> Drift:
        """Say what has become of it on the live workload."""
        raise NotImplementedError

    def satisfies(self, wanted: Amendment) -> bool:
        """Say whether it can stay where `wanted` would be written today; by default if it is the very same."""
        return self == wanted

    def exceeds(self, wanted: Amendment) -> bool:
        """Say whether it is more than `wanted`, and can wait for the pods to restart anyway; by default it never is."""
        return False

    def applied(self, workload: Workload) -> Workload:
        """Return the workload with it."""
        raise NotImplementedError

    def removed(self, workload: Workload) -> Workload:
        """Return the workload as its owner sees it: without it."""
        raise NotImplementedError

    def patch(self, workload: Workload) -> Patch:
        """Return the strategic merge patch that makes it."""
        raise NotImplementedError

    def withdrawal(self, workload: Workload) -> Patch:
        """Return the strategic merge patch that takes it back and leaves no trace in the pod template."""
        raise NotImplementedError


class Drift(Struct, frozen=True):
    """What has become of an amendment."""

    kept: Amendment | None
    """The part of it that is unchanged; the rest is the owner's now."""
    undone: bool = False
    """Whether somebody took away what the operator had added."""
    restored: bool = False
    """Whether somebody put back the value that the operator had changed: from then on it is the owner's."""


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Patch:
    """Return one patch that does what both do; where they differ the second counts.

    Lists of named items (containers) are merged by name, as the API server does. Of lists that it merges by topology
    key, the later item of a key takes the place of the earlier one. All other lists are replaced.
    """
    both = dict(first)
    for name, value in second.items():
        both[name] = _merged_value(both.get(name), value)
    return both


def in_the_order_of(workload: Workload, patch: Patch) -> Patch:
    """Return a patch of a workload that names containers in their order.

    The API server takes over the order of a patch. The first container is the one that `kubectl logs` and `exec` take,
    and the order in the owner's manifest is the owner's.
    """
    spec = patch.get("spec", {})
    if "template" not in spec:
        return patch
    place = {each.name: at for at, each in enumerate(workload.template.containers)}
    ordered = {
        field: sorted(value, key=lambda each: place[each["name"]]) if _named(value) else value
        for field, value in spec["template"]["spec"].items()
    }
    return {**patch, "spec": {**spec, "template": {**spec["template"], "spec": ordered}}}


def _merged_value(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return merged(first, second)
    if _named(first) and _named(second):
        by_name = {item["name"]: item for item in first}
        for item in second:
            by_name[item["name"]] = merged(by_name.get(item["name"], {}), item)
        return list(by_name.values())
    if _keyed(first, TOPOLOGY_KEY) and _keyed(second, TOPOLOGY_KEY):
        return list({item[TOPOLOGY_KEY]: item for item in (*first, *second)}.values())
    return second


def _named(items: Any) -> bool:
    return _keyed(items, "name")


def _keyed(items: Any, key: str) -> bool:
    return isinstance(items, list) and all(isinstance(each, Mapping) and key in each for each in items)


def in_pod_template(pod_spec: Patch) -> Patch:
    """Return the patch of a workload that changes its pods' spec."""
    return {"spec": {"template": {"spec": pod_spec}}} if pod_spec else {}


def in_containers(containers: Iterable[Container], change: Callable[[Container], Patch]) -> Patch:
    """Return the patch of a workload that changes some of its containers."""
    pod_spec: dict[str, list[Any]] = {}
    for each in containers:
        field = "initContainers" if each.init else "containers"
        pod_spec.setdefault(field, []).append({"name": each.name, **change(each)})
    return in_pod_template(pod_spec)
