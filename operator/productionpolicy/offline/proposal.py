"""The changes that the operator would make to all workloads among documents, for the files that contain them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.workloads import Workload, WorkloadKey
from productionpolicy.offline.clusters import Cluster
from productionpolicy.offline.documents import Document, Unread
from productionpolicy.offline.gathering import (
    FILES,
    Gathered,
    Given,
    NotJudged,
    Source,
    Through,
    place_of,
    shown,
)
from productionpolicy.offline.governing import Governing, governed
from productionpolicy.offline.versions import findings_of_version
from productionpolicy.policy import Policy
from productionpolicy.repairs import OwnedObject
from productionpolicy.verdict import Change, Inputs, Plan, plan
from productionpolicy.verdict.report import WAITS, wait

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAMESPACE = _CONTAINER = re.compile(_LABEL)
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


class ProposedObject(Struct, frozen=True):
    """An object to create for a workload."""

    kind: GroupKind
    manifest: Mapping[str, Any]
    note: str
    """Why it differs from the policy; empty if it does not."""


class Proposed(Struct, frozen=True):
    """The changes of one workload.

    On a live workload, annotations and labels distinguish the operator's changes and objects from the owner's. These
    changes have none, because everything in a file belongs to its owner.
    """

    file: str
    line: int
    key: WorkloadKey
    api_version: str
    changes: tuple[Change, ...] = ()
    """The repairs, and withdrawals of earlier ones, in the form of the journal."""
    patch: Mapping[str, Any] = {}
    """A strategic merge patch with the identity of the workload; empty if the workload stays as it is."""
    objects: tuple[ProposedObject, ...] = ()
    """The objects to create."""
    left: Mapping[str, str] = {}
    """The reasons for repairs that are left to a person, by expectation."""
    waits: str = ""
    """What the operator waits for before it makes the changes; only in a cluster."""
    live: Mapping[str, Any] = {}
    """The object in the cluster, if it is to be compared."""

    @property
    def restarts(self) -> bool:
        """Whether the changes replace its pods."""
        return any(each.restarts for each in self.changes)

    def objects_of(self, kind: GroupKind) -> list[ProposedObject]:
        """Return the objects of a kind to create."""
        return [each for each in self.objects if each.kind == kind]

    @property
    def title(self) -> str:
        """The name for people, such as `Deployment shop/web`."""
        return self.key.title

    @property
    def place(self) -> str:
        """File and line; empty in a cluster."""
        return place_of(self.file, self.line)


class Proposal(Struct, frozen=True):
    """The result of planning."""

    workloads: tuple[Proposed, ...]
    unreadable: tuple[Unread, ...]
    not_judged: tuple[NotJudged, ...] = ()
    lacks_budgets: bool = False
    """Whether the input has workloads from a cluster, but no budget."""
    cluster: Cluster | None = None
    """The cluster for which the changes are planned; None for files."""

    @property
    def changed(self) -> tuple[Proposed, ...]:
        """The workloads with changes."""
        return tuple(each for each in self.workloads if each.changes)

    def number_of(self, kind: GroupKind) -> int:
        """Return the number of objects of a kind to create."""
        return sum(len(each.objects_of(kind)) for each in self.workloads)


def propose(
    found: Iterable[Document | Unread],
    *,
    policy: Policy | Governing,
    today: date,
    through: Through = iter,
    source: Source = FILES,
) -> Proposal:
    """Plan for all workloads among the documents as in mode Enforce. The arguments are those of `judge`.

    In files, the pace and the time of restarts have no effect, because they apply only in a cluster.
    """
    return propose_gathered(Gathered(found, source=source), policy=policy, today=today, through=through, source=source)


def propose_gathered(
    gathered: Gathered,
    *,
    policy: Policy | Governing,
    today: date,
    through: Through = iter,
    source: Source = FILES,
) -> Proposal:
    """Plan for what is gathered already. The other arguments are those of `propose`."""
    pairs = governed(through(gathered), policy, today=today)
    workloads = tuple(proposed(given, inputs, source) for given, inputs in pairs)
    return Proposal(workloads, gathered.unreadable, gathered.not_judged, gathered.lacks_budgets)


def proposed(given: Given, inputs: Inputs, source: Source = FILES) -> Proposed:
    """Return the changes of one workload."""
    planned, place = plan(inputs), given.place
    # Without a policy in the cluster there are no notes and labels that the operator could write.
    operated = source.operated and inputs.policy is not None and bool(inputs.policy.name)
    left = {name: shown(reason) for name, reason in planned.refusals.items()}
    obstacle = _obstacle(given)
    if obstacle:
        left |= {each.expectation: obstacle for each in planned.changes}
        return Proposed(place.file, place.line, given.key, given.api_version, left=left)
    return Proposed(
        place.file,
        place.line,
        given.key,
        given.api_version,
        changes=planned.changes,
        patch=_patch(given, planned, whole=operated),
        objects=tuple(
            ProposedObject(each.kind, _manifest(each, given, inputs, operated=operated), each.note or "")
            for each in _created(planned)
        ),
        left=left,
        waits=_waits(inputs, planned) if operated else "",
        live=source.raw_of(given.workload.key) if planned.patch else {},
    )


def _manifest(thing: OwnedObject, given: Given, inputs: Inputs, *, operated: bool) -> dict[str, Any]:
    """Return an object as the operator creates it in a cluster, or as an owner would write it into a file."""
    if not operated:
        return thing.as_owners(inputs.workload, is_taken=given.is_taken)
    return thing.manifest(inputs.workload, policy=inputs.policy.name if inputs.policy else "")


def _waits(inputs: Inputs, planned: Plan) -> str:
    found = wait(inputs, planned)
    return WAITS[found] if found is not None else ""


def _created(planned: Plan) -> Iterator[OwnedObject]:
    """Return the objects to create. An object of the operator that already exists stays under its control."""
    return (each.wanted for each in planned.objects if each.wanted is not None and each.live is None)


def _patch(given: Given, planned: Plan, *, whole: bool) -> dict[str, Any]:
    """Return the patch; without the journal, which is its only change of the metadata, unless it is to be whole."""
    if "spec" not in planned.patch and not (whole and planned.patch):
        return {}
    key = given.key
    namespace = {"namespace": key.namespace} if key.namespace else {}
    metadata = {"name": key.name, **namespace, **(planned.patch.get("metadata", {}) if whole else {})}
    spec = {"spec": planned.patch["spec"]} if "spec" in planned.patch else {}
    return {"apiVersion": given.api_version, "kind": key.kind, "metadata": metadata, **spec}


def _obstacle(given: Given) -> str | None:
    """Return what a person must correct first, because a patch would not match the workload or would merge wrongly.

    Lists merge by the names of their items only in API versions that kustomize and the API server know.
    """
    if given.workload.unreadable:
        return f"{shown(given.workload.unreadable[0].path)} cannot be read: correct it first"
    version = next(findings_of_version(given.document.raw), None)
    if version:
        return f"{version.message}: {version.remedy} first"
    return None if _named(given.workload) else "a patch matches a workload and its containers only by valid names"


def _named(workload: Workload) -> bool:
    namespace, name = workload.key.namespace, workload.key.name
    containers = [each.name for each in workload.template.containers]
    distinct = len(set(containers)) == len(containers) and all(map(_CONTAINER.fullmatch, containers))
    return distinct and bool(_NAME.fullmatch(name)) and (not namespace or bool(_NAMESPACE.fullmatch(namespace)))
