"""The objects in a file, each with its position."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from productionpolicy.offline.makers import MAKERS, makes_pods
from productionpolicy.offline.parsing import NotParsed, parse, parse_json, too_deep
from productionpolicy.offline.pieces import Piece, cut, has_containers, mentions


class Unread(Struct, frozen=True):
    """A document that could not be read, and the reason."""

    file: str
    line: int
    message: str


class Document(Struct, frozen=True):
    """One object in a file."""

    piece: Piece
    raw: Mapping[str, Any]
    within: str = ""
    """The path of the object in a list, such as `items[2]`; empty if it is not in a list."""

    @property
    def kind(self) -> str:
        """The `kind` of the object."""
        return str(self.raw.get("kind"))


class Wanted(Struct, frozen=True):
    """Which objects of a file are returned. Others are not parsed if their text already rules them out."""

    kinds: frozenset[str]
    makers: bool = False
    """Whether all other objects that create pods are wanted, too."""

    def in_text(self, text: str) -> bool:
        """Return whether a text may contain a wanted object."""
        return mentions(text, self._named) or (self.makers and has_containers(text))

    def in_piece(self, piece: Piece) -> bool:
        """Return whether the text of a document may contain a wanted object."""
        return piece.may_hold(self._named) or (self.makers and piece.may_have_containers())

    def includes(self, document: Document) -> bool:
        """Return whether an object is wanted."""
        return document.kind in self.kinds or (self.makers and makes_pods(document.raw))

    @property
    def _named(self) -> frozenset[str]:
        return self.kinds | MAKERS if self.makers else self.kinds


def read_documents(file: str, content: bytes, *, wanted: Wanted) -> Iterator[Document | Unread]:
    """Return the wanted objects in a file, in order."""
    try:
        text = decoded(content)
    except UnicodeDecodeError as error:
        yield Unread(file, 1 + content.count(b"\n", 0, error.start), "it is neither UTF-8 nor UTF-16")
        return
    if not wanted.in_text(text):
        return
    if text.lstrip().startswith("{") and (found := _json(file, text, wanted)) is not None:
        yield from found
        return
    for piece in cut(file, text):
        if wanted.in_piece(piece):
            yield from _parsed(piece, wanted)


def decoded(content: bytes) -> str:
    """Decode a file; PowerShell writes UTF-16."""
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf16 else "utf-8-sig")


def _json(file: str, text: str, wanted: Wanted) -> list[Document | Unread] | None:
    """Return the objects in a JSON text; None if it is not JSON, because YAML may begin in the same way."""
    found: list[Document | Unread] = []
    start, line = 0, 1
    try:
        for end, value in parse_json(text):
            found.extend(_objects(Piece(file, text[start:end], line, start), value, wanted))
            start, line = end, line + text.count("\n", start, end)
    except (ValueError, RecursionError):
        return None
    return found


def _parsed(piece: Piece, wanted: Wanted) -> Iterator[Document | Unread]:
    try:
        value = parse(piece)
    except NotParsed as error:
        yield Unread(piece.file, error.line, str(error))
        return
    yield from _objects(piece, value, wanted)


def _objects(piece: Piece, value: Any, wanted: Wanted) -> Iterator[Document | Unread]:
    if not isinstance(value, Mapping):
        return
    if too_deep(value):
        yield Unread(piece.file, piece.line, "it has more levels than any Kubernetes object")
        return
    for document in _listed(Document(piece, value)):
        if isinstance(document, Unread) or wanted.includes(document):
            yield document


def _listed(document: Document) -> Iterator[Document | Unread]:
    """Return the objects of a list and of lists in it. An object that is not a list is returned as it is."""
    if not document.kind.endswith("List") or "items" not in document.raw:
        yield document
        return
    items, piece = document.raw["items"], document.piece
    if not isinstance(items, list):
        yield from [Unread(piece.file, piece.line, "its items are not a list")] if items is not None else []
        return
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            path = f"{document.within}.items[{index}]".lstrip(".")
            yield from _listed(Document(piece, {**_implied(document), **item}, path))
        else:
            yield Unread(piece.file, piece.line, f"items[{index}] is not an object")


def _implied(document: Document) -> dict[str, Any]:
    """Return the fields that the API server omits in the items of a list of one kind."""
    kind = document.kind.removesuffix("List")
    return {"apiVersion": document.raw.get("apiVersion"), "kind": kind} if kind else {}
