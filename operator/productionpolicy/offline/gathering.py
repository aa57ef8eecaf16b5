"""The workloads to judge among documents, each with its surroundings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.budgets import Budget
from productionpolicy.kube.coverage import Coverages
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.inventory import Inventory
from productionpolicy.kube.kinds import GroupKind
from productionpolicy.kube.neighbours import Neighbour, known_kind
from productionpolicy.kube.surroundings import ServerFeatures, Surroundings
from productionpolicy.kube.text import printable
from productionpolicy.kube.unjudged import UnjudgedPods
from productionpolicy.kube.workloads import (
    WORKLOADS,
    Controller,
    Kind,
    Workload,
    WorkloadKey,
    name_of,
    read_workload,
)
from productionpolicy.offline.documents import Document, Unread
from productionpolicy.offline.makers import group_of, labels_of_pods, makes_pods
from productionpolicy.offline.neighbours import neighbour_in, unreadable_in, without_use
from productionpolicy.offline.parts import PART, is_complete, is_deletion, is_no_object, is_part
from productionpolicy.offline.places import line_of
from productionpolicy.verdict.notices import API_VERSION

_NAMES = frozenset(each.kind for each in WORKLOADS)
"""The names of the kinds of workloads; other APIs can use the same names."""


class Place(Struct, frozen=True):
    """A position in a file."""

    file: str
    line: int


class Source(Struct, frozen=True):
    """What is known of the place that the documents come from."""

    server: ServerFeatures = ServerFeatures()
    """The features of the API server."""
    any_namespace: bool = True
    """Whether an object without a namespace may be in any; see `Inventory`."""
    coverages: Coverages = {}
    """How much of each kind the documents contain."""
    partial: bool = False
    """Whether objects may be missing that the documents refer to."""
    operated: bool = False
    """Whether the operator could make its changes there itself."""
    raw_of: Callable[[WorkloadKey], Mapping[str, Any]] = lambda _key: {}
    """Returns the raw object of a workload, for comparisons; empty if there are none."""


FILES = Source()
"""Files, which are judged for the newest release, and as if there were nothing else."""


class Given(Struct, frozen=True):
    """A workload and its document, of which only apiVersion and kind are kept."""

    document: Document
    workload: Workload
    around: Surroundings
    is_taken: Callable[[GroupKind, str], bool]
    """Says whether there is an object with this kind and name in its namespace."""

    @property
    def place(self) -> Place:
        """The position of the document. An object that comes from no file has an empty file and line 0."""
        return Place(shown_file(self.document.piece.file), line_of(self.document))

    @property
    def api_version(self) -> str:
        """The `apiVersion` of the document."""
        return shown(Fields(self.document.raw).text(API_VERSION) or "")

    @property
    def key(self) -> WorkloadKey:
        """The key of the workload, safe for output."""
        return _fit_to_be_shown(self.workload.key)


class NotJudged(Struct, frozen=True, order=True):
    """An object that was read but is not judged, although a reader may expect it."""

    file: str
    line: int
    api_version: str
    key: WorkloadKey
    reason: str

    @property
    def title(self) -> str:
        """The name for people, such as `Deployment shop/web`."""
        return self.key.title


class Gathered:
    """All objects in the input, in order.

    Args:
        found: the documents; each is released as soon as it is read, because there may be many.
        source: where they come from.
    """

    def __init__(self, found: Iterable[Document | Unread], *, source: Source = FILES) -> None:
        self._faults: list[Unread] = []
        self._not_judged: list[NotJudged] = []
        self._unjudged: list[UnjudgedPods] = []
        latest = list(self._latest(list(self._entries(found))))
        # Only the owner is judged, not the objects that it creates.
        self._workloads = [
            (each.document, each.workload) for each in latest if each.workload and not each.workload.derived
        ]
        others = [each for each in latest if each.workload is None]
        neighbours = [(each.document, neighbour_in(each.kind, each.document.raw)) for each in others]
        self._faults.extend(fault for document, each in neighbours for fault in _not_taken(document, each))
        self._have_budgets = any(isinstance(each, Budget) for _, each in neighbours)
        self._inventory = Inventory(
            server=source.server, any_namespace=source.any_namespace, coverages=source.coverages
        )
        for _, thing in (*neighbours, *self._workloads):
            self._inventory.put(thing)
        for pods in (*self._unjudged, *_made_by_absent([each.workload for each in latest if each.workload])):
            self._inventory.put_unjudged(pods)
        self._not_judged += _left_out(latest, beside={(each.key.kind, each.key.name) for each in self._not_judged})
        if not source.partial:
            for document, each in neighbours:
                self._not_judged += _not_judged(document, without_use(each, self._inventory))

    def __len__(self) -> int:
        return len(self._workloads)

    def __iter__(self) -> Iterator[Given]:
        for document, each in self._workloads:
            is_taken = partial(self._inventory.holds, namespace=each.key.namespace)
            yield Given(document, each, self._inventory.surroundings(each), is_taken)

    @property
    def lacks_budgets(self) -> bool:
        """Whether the input has workloads from a cluster, but no budget."""
        return any(each.uid for _, each in self._workloads) and not self._have_budgets

    @property
    def unreadable(self) -> tuple[Unread, ...]:
        """The documents that could not be read, in the order of files and lines."""
        faults = (Unread(shown_file(each.file), each.line, shown(each.message)) for each in self._faults)
        return tuple(sorted(faults, key=lambda each: (each.file, each.line, each.message)))

    @property
    def not_judged(self) -> tuple[NotJudged, ...]:
        """The objects that were read but are not judged, in the order of files and lines."""
        return tuple(sorted(self._not_judged))

    def _entries(self, found: Iterable[Document | Unread]) -> Iterator[_Entry]:
        for index, each in enumerate(found):
            if isinstance(each, Unread):
                self._faults.append(each)
            elif is_deletion(each.raw) or is_no_object(each.raw):
                continue
            else:
                yield from self._entry(each, index)

    def _entry(self, document: Document, index: int) -> Iterator[_Entry]:
        kind = known_kind(document.raw)
        if kind is None:
            reason = _reason_of_kind(document)
            self._not_judged += _not_judged(document, reason)
            self._unjudged += _made_by_other(document) if reason else ()
        elif kind in WORKLOADS and is_part(document.raw):
            self._faults.append(_fault(document, PART))
        else:
            identity, complete = _identity(document, kind, index), is_complete(document.raw)
            workload = read_workload(document.raw) if kind in WORKLOADS else None
            yield _Entry(_heading(document) if workload else document, kind, identity, complete, workload)

    def _latest(self, entries: Sequence[_Entry]) -> Iterator[_Entry]:
        """Return the last document of each object, as with `kubectl apply`; report the others.

        If only one document of an object has its selector or target, the others are patches of it.
        """
        final = {each.identity: each for each in entries}
        final |= {each.identity: each for each in entries if each.complete}
        for each in entries:
            by = final[each.identity]
            if by is each:
                yield each
            else:
                self._faults.append(_replaced(each, by=by))


_COMMAND = re.compile(r"##(?=\w*\[)")
"""Text that pipeline runners execute as a command anywhere in a line, such as `##[error]` or `##vso[...]`."""

Through = Callable[[Gathered], Iterable[Given]]
"""A function that returns all workloads one by one."""

_Identity = tuple[GroupKind, str, str, int]


class _Entry(Struct, frozen=True):
    """The relevant parts of a document."""

    document: Document
    kind: GroupKind
    identity: _Identity
    complete: bool
    workload: Workload | None


def _heading(document: Document) -> Document:
    return replace(document, raw={name: document.raw.get(name) for name in (API_VERSION, "kind")})


def _identity(document: Document, kind: GroupKind, index: int) -> _Identity:
    """Return the identity of an object; an object without a name is unique."""
    metadata = Fields(document.raw).mapping("metadata")
    name = metadata.text("name")
    return kind, metadata.text("namespace") or "", name or "", -1 if name else index


def _reason_of_kind(document: Document) -> str | None:
    """Return why an object of another API is not judged; None if nobody expects it to be."""
    if document.kind not in _NAMES and not makes_pods(document.raw):
        return None
    api = group_of(document.raw) or "the core API"
    return f"it creates pods, but objects of kind {document.kind} of {api} are not judged"


def _made_by_other(document: Document) -> Iterator[UnjudgedPods]:
    """Return the pods that an object of another API creates."""
    key, kind = _key_of(document), GroupKind.of(document.raw)
    for labels in labels_of_pods(document.raw):
        yield UnjudgedPods.of(Controller(kind, key.name), labels, namespace=key.namespace)


def _made_by_absent(workloads: Sequence[Workload]) -> Iterator[UnjudgedPods]:
    """Return the pods of the controllers that are not in the input, as far as their Jobs, ReplicaSets or Pods are."""
    given = {each.key for each in workloads}
    for each in workloads:
        if each.derived and each.controller and given.isdisjoint(_named(each.controller, each.key.namespace)):
            yield UnjudgedPods.of(each.controller, each.pod_labels, namespace=each.key.namespace)


def _named(controller: Controller, namespace: str) -> Iterator[WorkloadKey]:
    """Return the keys of a controller, and of the Deployment that names a ReplicaSet after itself (apps/v1)."""
    yield WorkloadKey(namespace, controller.kind.kind, controller.name)
    if controller.kind.kind == Kind.REPLICA_SET:
        yield WorkloadKey(namespace, Kind.DEPLOYMENT, controller.name.rpartition("-")[0])


def _left_out(entries: Iterable[_Entry], *, beside: Iterable[tuple[str, str]]) -> Iterator[NotJudged]:
    """Return the workloads that are not judged and whose owner is not in the input.

    Args:
        entries: all workloads, budgets and autoscalers in the input.
        beside: kind and name of the objects of other APIs.
    """
    workloads = [(each.document, each.workload) for each in entries if each.workload]
    given = {f"{kind} {name}" for kind, name in beside} | {f"{each.kind} {each.key.name}" for _, each in workloads}
    for document, workload in workloads:
        if workload.derived and str(workload.controller) not in given:
            yield from _not_judged(document, _reason_of_derived(workload), key=workload.key)


def _reason_of_derived(workload: Workload) -> str:
    if workload.controller:
        return f"{workload.controller} creates it, and is not in the input"
    return "it has terminated" if workload.ended else "it belongs to its node, or to another object"


def _not_judged(document: Document, reason: str | None, *, key: WorkloadKey | None = None) -> Iterator[NotJudged]:
    if reason is not None:
        place, called = Place(shown_file(document.piece.file), line_of(document)), key or _key_of(document)
        version = shown(Fields(document.raw).text(API_VERSION) or "")
        yield NotJudged(place.file, place.line, version, _fit_to_be_shown(called), shown(reason))


def _key_of(document: Document) -> WorkloadKey:
    metadata = Fields(document.raw).mapping("metadata")
    return WorkloadKey(metadata.text("namespace") or "", document.kind, name_of(metadata))


def _fit_to_be_shown(key: WorkloadKey) -> WorkloadKey:
    return WorkloadKey(shown(key.namespace), shown(key.kind), shown(key.name))


def _replaced(entry: _Entry, *, by: _Entry) -> Unread:
    place = f"{by.document.piece.file}:{line_of(by.document)}"
    if by.complete and not entry.complete:
        return _fault(entry.document, f"it is only a part of the object in {place}, which is judged instead")
    return _fault(entry.document, f"the same object is declared again in {place}, which is judged instead")


def _not_taken(document: Document, neighbour: Neighbour) -> Iterator[Unread]:
    """Report a budget or an autoscaler that every API server rejects."""
    name = Fields(document.raw).mapping("metadata").text("name") or "(no name)"
    for each in unreadable_in(neighbour)[:1]:
        problem = f"{document.kind} {name} counts as missing, because the API server rejects it"
        remedy = f"correct its {each.path}, which {each.message}"
        yield Unread(document.piece.file, line_of(document, each.path), f"{problem}: {remedy}")


def _fault(document: Document, message: str) -> Unread:
    return Unread(document.piece.file, line_of(document), message)


def place_of(file: str, line: int) -> str:
    """Return a place for people; empty for an object that comes from no file."""
    return f"{file}:{line}" if file else ""


def shown(text: str) -> str:
    """Return a text without control characters, pipeline commands, and characters that an output cannot contain."""
    return _COMMAND.sub("# #", printable(text))


def shown_file(path: str) -> str:
    """Return the path of a file, safe at the beginning of a line, where `::` would start a workflow command."""
    return shown(f"./{path}" if path.lstrip().startswith("::") else path)
