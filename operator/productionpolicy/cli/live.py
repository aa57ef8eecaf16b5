"""A cluster, or the file of one, as what `productionpolicy check` judges."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from productionpolicy.cli.live_options import Options
from productionpolicy.cli.progress import counting
from productionpolicy.cli.reaching import CannotRead, reaching
from productionpolicy.cli.yardstick import PRODUCTION
from productionpolicy.controller.resources import LISTED, NAMESPACES, POLICIES, WATCHED, Resource
from productionpolicy.kube.coverage import VALUES, Coverage, Read
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.moments import read_moment
from productionpolicy.kube.surroundings import ServerFeatures
from productionpolicy.kube.workloads import REPAIRED, WORKLOADS, WorkloadKey, read_controller
from productionpolicy.live.snapshot import Snapshot, load, save
from productionpolicy.live.taking import Request, take
from productionpolicy.offline import ByCluster, Cluster, Document, Gathered, Given, Governing, Source, documents_of
from productionpolicy.offline.gathering import shown
from productionpolicy.policy import Policy

_POLICIES = replace(POLICIES, optional=True)
"""Without the CustomResourceDefinition there are no policies."""
_GOVERNING = (_POLICIES, NAMESPACES)
_JUDGED = (*(each for each in WATCHED if each not in (POLICIES, NAMESPACES)), *LISTED)
_BY_NAME = {each.called: each for each in (*_GOVERNING, *_JUDGED)}
_MAKERS = WORKLOADS | {GroupKind("", "Node")}
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_NO_VALUES = "a saved cluster has none"
_NOT_SAVED = "the file does not have this kind"


class Reading:
    """A cluster to judge.

    Args:
        given: the options.
        with_policies: whether to read the policies, and the namespaces, which name them.
    """

    def __init__(self, given: Options, *, with_policies: bool) -> None:
        self._given = given
        self._kinds = (*_GOVERNING, *_JUDGED) if with_policies else _JUDGED
        self.snapshot = _loaded(given.from_file) if given.from_file else self._taken()
        if given.save is not None:
            _save(self.snapshot, given.save)
        self._selected: set[WorkloadKey] = set()
        self._items: dict[WorkloadKey, bytes] = {}

    @property
    def cluster(self) -> Cluster:
        """What the report says of the cluster."""
        taken = self.snapshot
        coverage = {each.called: self._coverage(each) for each in self._kinds}
        incomplete = any(self._is_gap(each) for each in self._kinds)
        return Cluster(shown(taken.context), shown(taken.server_version), taken.taken_at, coverage, incomplete)

    def documents(self, *, comparing: bool = False) -> Iterator[Document]:
        """Return the objects to judge, and what surrounds them.

        Args:
            comparing: whether the objects are compared with what they would become.
        """
        return documents_of(self._objects(comparing=comparing))

    def source(self) -> Source:
        """Return what is known of the cluster as a source of documents."""
        coverages: dict[GroupKind, Coverage] = {each.group_kind: self._coverage(each) for each in self._kinds}
        if not self.snapshot.whole:
            coverages[VALUES] = Coverage(Read.NONE, reason=_NO_VALUES)
        return Source(
            server=ServerFeatures.of(_version(self.snapshot.server_version)),
            any_namespace=False,
            coverages=coverages,
            partial=self.cluster.incomplete,
            operated=True,
            raw_of=self._raw_of,
        )

    def governing(self, adapted: Callable[[Policy], Policy]) -> Governing:
        """Return by what the workloads are judged: by the policies of the cluster, and the others by the defaults.

        Args:
            adapted: changes each policy.

        Raises:
            CannotRead: only governed workloads are judged, but it is not known which these are.
        """
        if self._given.governed:
            self._refuse_unknown_policies()
        raws = (each for each in self.snapshot.objects() if each.get("kind") in (POLICIES.kind, NAMESPACES.kind))
        others = None if self._given.governed else adapted(PRODUCTION)
        found = ByCluster(raws, others=others, adapted=adapted, now=read_moment(self.snapshot.taken_at))
        for name, fault in sorted(found.invalid.items()):
            click.echo(
                shown(f"ProductionPolicy {name} is not valid, so what it governs is not judged: {fault}"), err=True
            )
        return found

    def chosen(self, gathered: Gathered) -> Iterable[Given]:
        """Return the workloads that the options choose."""
        if self._given.selector is None:
            return gathered
        return [each for each in gathered if each.workload.key in self._selected]

    @property
    def place(self) -> str:
        """Where it was looked for workloads, in words."""
        where = f"namespace {self._given.namespace}" if self._given.namespace else "the chosen namespaces"
        return f"{where} of {shown(self.snapshot.context)}"

    def _taken(self) -> Snapshot:
        given = self._given
        request = Request(self._kinds, given.namespace, everywhere=given.all_namespaces, keep=is_worth_reading)
        with counting("Reading") as count, reaching():
            return asyncio.run(
                take(given.access, request, now=datetime.now(UTC), told=lambda kind, more: count(kind.called, more))
            )

    def _objects(self, *, comparing: bool) -> Iterator[dict[str, Any]]:
        for item in self.snapshot.items:
            raw = msgspec.json.decode(item)
            kind, key = GroupKind.of(raw), _key(raw)
            if self._given.namespace and key.namespace not in ("", self._given.namespace):
                continue
            if kind in WORKLOADS and self._given.selector and self._given.selector.matches(_labels(raw)):
                self._selected.add(key)
            if comparing and kind.kind in REPAIRED:
                self._items[key] = item
            if kind in _READ:
                yield raw

    def _raw_of(self, key: WorkloadKey) -> Mapping[str, Any]:
        item = self._items.get(key)
        return msgspec.json.decode(item) if item is not None else {}

    def _coverage(self, resource: Resource) -> Coverage:
        return self.snapshot.coverage.get(resource.called, Coverage(Read.NONE, reason=_NOT_SAVED))

    def _is_gap(self, resource: Resource) -> bool:
        """Say whether something of a kind is missing that was asked for.

        In one namespace, nodes are not: they only matter for a few verdicts, which are unknown then.
        """
        coverage = self._coverage(resource)
        if coverage.read is Read.ALL:
            return False
        namespace = self._given.namespace or self._only_namespace()
        if namespace is None:
            return True
        if resource.namespaced or resource == NAMESPACES:
            return not coverage.covers(namespace)
        return resource == _POLICIES

    def _only_namespace(self) -> str | None:
        """Return the one namespace that was asked for, if it was only one.

        Then no kind was asked for as a whole, so none has a reason why it was not read as such.
        """
        read = [self._coverage(each) for each in _JUDGED if each.namespaced]
        whole = any(each.read is Read.ALL and not each.reason for each in read)
        names = {name for each in read for name in each.namespaces if not each.reason}
        return names.pop() if len(names) == 1 and not whole else None

    def _refuse_unknown_policies(self) -> None:
        policies, namespaces = self._coverage(_POLICIES), self._coverage(NAMESPACES)
        if policies.read is not Read.ALL:
            raise CannotRead(f"--governed needs the right to list {_POLICIES.called}: {policies.reason}")
        if policies.reason:
            raise CannotRead("this cluster has no ProductionPolicies, so nothing is governed: omit --governed")
        if self._is_gap(NAMESPACES):
            raise CannotRead(f"--governed needs the right to list namespaces: {namespaces.reason}")


_READ = frozenset(each.group_kind for each in _JUDGED)


def tell(cluster: Cluster) -> None:
    """Print what was read, and what was not."""
    click.echo(f"context {cluster.context}, Kubernetes {cluster.server_version}, {cluster.taken_at}", err=True)
    read = [name for name, each in cluster.coverage.items() if each.read is not Read.NONE and not each.reason]
    click.echo(f"read: {', '.join(read) or 'nothing'}", err=True)
    for name, why in cluster.gaps.items():
        served = cluster.coverage[name].read is not Read.ALL
        click.echo(shown(f"not read: {name}, {why}" if served else f"not served: {name}"), err=True)


def is_worth_reading(resource: Resource, raw: Mapping[str, Any]) -> bool:
    """Return whether an object is judged, or surrounds one that is: what a workload or a node makes is not."""
    if resource.group_kind not in WORKLOADS:
        return True
    controller = read_controller(Fields(raw).mapping("metadata"))
    return controller is None or controller.kind not in _MAKERS


def _loaded(path: Path) -> Snapshot:
    with reaching():
        return load(path)


def _save(snapshot: Snapshot, path: Path) -> None:
    with reaching():
        save(snapshot, path)
    click.echo(f"saved to {path}: {len(snapshot.items)} objects, without values of environment variables", err=True)


def _version(text: str) -> tuple[int, ...]:
    """Return major, minor and patch; the newest ones if the text is unclear, as for files."""
    found = _VERSION.match(text)
    return tuple(int(each or 0) for each in found.groups()) if found else (1, 99, 0)


def _key(raw: Mapping[str, Any]) -> WorkloadKey:
    metadata = Fields(raw).mapping("metadata")
    return WorkloadKey(metadata.text("namespace") or "", str(raw.get("kind")), metadata.text("name") or "")


def _labels(raw: Mapping[str, Any]) -> dict[str, str]:
    return Fields(raw).mapping("metadata").text_map("labels")
