"""The answer to each request: a page, JSON, or what is wrong with the request and which addresses there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.text import nearest, printable
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.overview.cluster import api, listing, one
from productionpolicy.overview.cluster.frame import frame
from productionpolicy.overview.cluster.home import home
from productionpolicy.overview.cluster.links import Links
from productionpolicy.overview.cluster.snapshot import Filter, Known, Snapshot
from productionpolicy.page import tag
from productionpolicy.page.part import part
from productionpolicy.verdict import State
from productionpolicy.verdict.notices import TITLES

HTML, JSON = "text/html; charset=utf-8", "application/json"
ADDRESSES = ("/", "/namespaces", "/workloads", "/workloads/NAMESPACE/KIND/NAME")
"""The pages."""
OF_JSON = ("/api/v1/policies", "/api/v1/workloads", "/api/v1/workloads/NAMESPACE/KIND/NAME")
"""The addresses of the JSON."""

_API = "/api"
_FILTERS = ("policy", "namespace", "expectation", "state")
_LONGEST = 300
"""Of what a message repeats of a request."""
_MOST_COMPARED = 1000


class Answer(Struct, frozen=True):
    """An answer to a request."""

    status: int
    type: str
    body: bytes


class Refused(Exception):
    """The request is not possible; the message says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request(Struct, frozen=True):
    """What a client asks for."""

    path: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, target: str) -> Request:
        """Return what a target asks for, such as `/workloads?namespace=shop`.

        Raises:
            Refused: its query cannot be read.
        """
        path, _, query = target.partition("?")
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=10)
        except ValueError as error:
            raise Refused(400, f"the query cannot be read: {error}") from error
        return cls(path, dict(pairs))

    def takes(self, *names: str) -> None:
        """Check that there are no other fields than these.

        Raises:
            Refused: there are.
        """
        for each in self.fields:
            if each not in names:
                taken = f"takes {', '.join(names)}" if names else "takes no query"
                raise Refused(400, f"this address {taken}, not {_quoted(each)}")

    def number(self, name: str, default: int, *, most: int = 1_000_000) -> int:
        """Return a field that is a number.

        Raises:
            Refused: it is none, or not in the range.
        """
        text = self.fields.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
            raise Refused(400, f"{name} is a number from 1 to {most}, not {_quoted(text)}")
        return int(text)

    @property
    def segments(self) -> list[str]:
        """The parts of the path."""
        return [unquote(each) for each in self.path.split("/")[1:]]


def answer(snapshot: Snapshot, target: str) -> Answer:
    """Return the answer to a request for a target, which is any text."""
    target = target.encode("utf-8", errors="replace").decode("utf-8")
    path = target.partition("?")[0]
    of_json = path == _API or path.startswith(f"{_API}/")
    try:
        request = Request.of(target)
        return _json(200, _reply(snapshot, request)) if of_json else _html(200, _page(snapshot, request))
    except Refused as refused:
        message = str(refused)
        if of_json:
            return _json(refused.status, api.ErrorReply(status=refused.status, error=message, see=list(OF_JSON)))
        return _html(refused.status, _problem(snapshot, path, message))


def _page(snapshot: Snapshot, request: Request) -> str:
    links = Links.at(request.path)
    match request.segments:
        case [""]:
            request.takes("policy")
            return home(snapshot, links, policy=_policy(snapshot, request))
        case ["namespaces"]:
            request.takes("page")
            return listing.namespaces(snapshot, links, page=request.number("page", 1))
        case ["workloads"]:
            request.takes(*_FILTERS, "page")
            chosen = _filter(snapshot, request)
            return listing.listing(snapshot, links, chosen, page=request.number("page", 1))
        case ["workloads", namespace, kind, name]:
            request.takes()
            return one.one(snapshot, links, _known(snapshot, WorkloadKey(namespace, kind, name)))
        case _:
            raise Refused(404, f"there is no page {_quoted(request.path)}")


def _reply(snapshot: Snapshot, request: Request) -> api.Reply:
    match request.segments[1:]:
        case ["v1", "policies"]:
            request.takes()
            return api.policies(snapshot)
        case ["v1", "workloads"]:
            request.takes(*_FILTERS, "page", "limit")
            limit = request.number("limit", api.WORKLOADS, most=api.MOST_WORKLOADS)
            return api.workloads(snapshot, _filter(snapshot, request), page=request.number("page", 1), limit=limit)
        case ["v1", "workloads", namespace, kind, name]:
            request.takes()
            return api.workload(snapshot, _known(snapshot, WorkloadKey(namespace, kind, name)))
        case _:
            raise Refused(404, f"there is nothing at {_quoted(request.path)}")


def _policy(snapshot: Snapshot, request: Request) -> str:
    name = request.fields.get("policy", "")
    known = [each.name for each in snapshot.policies]
    if name and name not in known:
        raise Refused(404, f"there is no ProductionPolicy {_quoted(name)}{_meant(name, known)}")
    return name


def _filter(snapshot: Snapshot, request: Request) -> Filter:
    chosen = Filter(**{name: request.fields[name] for name in _FILTERS if name in request.fields})
    _policy(snapshot, request)
    names = [*(each.name for each in EXPECTATIONS), *TITLES]
    if chosen.expectation and chosen.expectation not in names:
        meant = _meant(chosen.expectation, names)
        raise Refused(404, f"there is no expectation {_quoted(chosen.expectation)}{meant}")
    if chosen.state and chosen.state not in list(State):
        raise Refused(400, f"state is one of {', '.join(State)}, not {_quoted(chosen.state)}")
    namespaces = [each.name for each in snapshot.namespaces]
    if chosen.namespace and chosen.namespace not in namespaces:
        raise Refused(
            404,
            f"no policy governs a workload in namespace {_quoted(chosen.namespace)}"
            f"{_meant(chosen.namespace, namespaces)}",
        )
    return chosen


def _known(snapshot: Snapshot, key: WorkloadKey) -> Known:
    known = snapshot.workload(key)
    if known is not None:
        return known
    kinds = {each.key.name: each.key.kind for each in snapshot.workloads if each.key.namespace == key.namespace}
    kind = kinds.get(key.name)
    advice = f"; there is a {kind} of this name" if kind else _meant(key.name, kinds)
    raise Refused(404, f"no policy governs a workload {_quoted(key.title)}{advice}")


def _meant(word: str, known: Iterable[str]) -> str:
    # To compare a long word with all names of a large cluster would take seconds.
    found = nearest(word, islice(known, _MOST_COMPARED)) if len(word) <= _LONGEST else None
    return f"; did you mean {found}?" if found else ""


def _quoted(text: str) -> str:
    return f"“{printable(text, longest=_LONGEST)}”"


def _problem(snapshot: Snapshot, path: str, message: str) -> str:
    links = Links.at(path) if path.startswith("/") else Links("./")
    lead = tag("p", f"{message[:1].upper()}{message[1:]}.".replace("?.", "?"), class_="lead")
    listed = tag("ul", *(tag("li", tag("code", each)) for each in (*ADDRESSES, *OF_JSON)))
    see = part("addresses", "What there is", listed)
    return frame(snapshot, links, "Not possible", see, head=[lead])


def _html(status: int, text: str) -> Answer:
    return Answer(status, HTML, text.encode("utf-8", errors="replace"))


def _json(status: int, reply: api.Reply) -> Answer:
    made: Callable[..., bytes] = msgspec.json.encode
    return Answer(status, JSON, made(reply) + b"\n")
