"""Files with the changes in them: every other byte stays as it is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from productionpolicy.offline.documents import decoded
from productionpolicy.offline.fix.answers import Answer
from productionpolicy.offline.fix.edits import Edit, edited
from productionpolicy.offline.fix.emission import Style, block
from productionpolicy.offline.fix.obstacles import refuse_file
from productionpolicy.offline.fix.patching import patched
from productionpolicy.offline.fix.refusal import Refused
from productionpolicy.offline.fix.spans import Source, edits_between, newline_of, refuse_open_scalar, same, source_of
from productionpolicy.offline.fix.tasks import Left, Task
from productionpolicy.offline.gathering import shown, shown_file
from productionpolicy.offline.parsing import NotParsed, compose, parse
from productionpolicy.offline.pieces import Piece, cut
from productionpolicy.offline.places import steps_of, value_at
from productionpolicy.offline.proposal import ProposedObject
from productionpolicy.verdict import Change

_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ENDS_WITH_MARKER = re.compile(r"(?:\A|\n)---[ \t]*(?:#[^\n]*)?(?:\r?\n\s*)?\Z")


class Done(Struct, frozen=True):
    """A change that was made."""

    file: str
    line: int
    title: str
    what: str


class Aside(Struct, frozen=True):
    """An object to create in another file."""

    task: Task
    made: ProposedObject
    change: Change
    style: Style


class Rewritten(Struct, frozen=True):
    """A file after the changes."""

    content: bytes
    edits: tuple[Edit, ...]
    """What distinguishes its text from the old one."""
    done: tuple[Done, ...] = ()
    refused: tuple[Left, ...] = ()
    asides: tuple[Aside, ...] = ()
    """The objects to create that are not in it."""


class Corrupt(Exception):
    """The new text does not have the intended meaning. This is an error of the program, and nothing is written."""


def rewritten(file: str, content: bytes, tasks: Sequence[Task], *, append: bool = True) -> Rewritten:
    """Return a file with changes.

    Args:
        file: its path.
        content: its content.
        tasks: the changes of the objects in it.
        append: whether the objects to create become documents at its end. Otherwise they are left out.

    Raises:
        Corrupt: the result would not be what was intended.
    """
    draft = _Draft(file, decoded(content))
    possible = [each for each in tasks if draft.admits(each)]
    for task in possible:
        draft.change(task)
    asides = [each for task in possible for each in draft.asides(task)]
    for each in asides if append else ():
        draft.append(each, note="as a new document")
    return draft.finished(content, asides=() if append else tuple(asides))


def with_documents(file: str, content: bytes, asides: Sequence[Aside]) -> Rewritten:
    """Return a file with objects as new documents at its end; the file may be empty.

    Raises:
        Corrupt: the result would not be what was intended.
    """
    draft = _Draft(file, decoded(content))
    for each in asides:
        draft.append(each, note=f"in {shown_file(file)}")
    return draft.finished(content)


def with_entries(file: str, content: bytes, field: str, entries: Sequence[Any]) -> Rewritten:
    """Return a kustomization with more entries in a list.

    Raises:
        Corrupt: the result would not be what was intended.
        Refused: it cannot be changed safely.
    """
    draft = _Draft(file, decoded(content))
    draft.extend(field, entries)
    return draft.finished(content)


def encoded(text: str, *, like: bytes) -> bytes:
    """Encode a text as another file is encoded, with its byte order mark."""
    for mark, name in _UTF_16.items():
        if like.startswith(mark):
            return mark + text.encode(name)
    return (codecs.BOM_UTF8 if like.startswith(codecs.BOM_UTF8) else b"") + text.encode()


class _Draft:
    """The edits of one file, and what its documents should mean after them."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._pieces = list(cut(file, text))
        self._indexes = {each.start: index for index, each in enumerate(self._pieces)}
        self._sources: dict[int, Source] = {}
        self._intended: dict[int, Any] = {}
        """What documents should mean, by their index."""
        self._edits: list[Edit] = []
        self._added: list[Edit] = []
        self._documents: list[Any] = []
        """What the documents at the end should mean."""
        self._done: list[Done] = []
        self._refused: list[Left] = []

    def admits(self, task: Task) -> bool:
        """Return whether the document of an object can be changed, or note why not."""
        try:
            self._source(self._index(task.document.piece))
        except Refused as refusal:
            self._refused.append(refused(task, str(refusal)))
            return False
        return True

    def change(self, task: Task) -> None:
        """Make the changes of one object, or note why not."""
        if not task.words:
            return
        try:
            index = self._index(task.document.piece)
            before = value_at(parse(task.document.piece), steps_of(task.document.within))
            after = patched(before, task.patch)
            for each in task.answers:
                after = _with(after, steps_of(each.path), each.value)
            self._replace(index, steps_of(task.document.within), before, after)
            self._done += [_done(task, each) for each in task.words]
        except Refused as refusal:
            self._refuse(task, [*task.changes, *task.answers], refusal)

    def asides(self, task: Task) -> list[Aside]:
        """Return the objects to create next to an object."""
        style = self._source(self._index(task.document.piece)).style
        return [Aside(task, *each, style) for each in zip(task.objects, task.creations, strict=True)]

    def append(self, aside: Aside, *, note: str) -> None:
        """Add an object as a document at the end, or note why not."""
        try:
            self._append(aside)
        except Refused as refusal:
            self._refuse(aside.task, [aside.change], refusal)
            return
        reason = f", because {aside.made.note}" if aside.made.note else ""
        self._done.append(_done(aside.task, shown(f"{aside.change}{reason}, {note}")))

    def extend(self, field: str, entries: Sequence[Any]) -> None:
        """Add entries to a list of the first document.

        Raises:
            Refused: it cannot be done safely.
        """
        index = next((at for at, each in enumerate(self._pieces) if isinstance(_parsed(each), Mapping)), None)
        if index is None:
            raise Refused("it cannot be read")
        before = _parsed(self._pieces[index])
        self._replace(index, (), before, {**before, field: [*(before.get(field) or ()), *entries]})

    def finished(self, content: bytes, *, asides: tuple[Aside, ...] = ()) -> Rewritten:
        """Return the file, after a check that its new text means what was intended.

        Raises:
            Corrupt: it does not.
        """
        edits = (*self._edits, *self._added)
        text = edited(self._text, edits)
        if not self._is_as_intended(text):
            raise Corrupt(self._file)
        done, refused = tuple(self._done), tuple(self._refused)
        return Rewritten(encoded(text, like=content), edits, done, refused, asides)

    def _is_as_intended(self, text: str) -> bool:
        pieces, count = list(cut(self._file, text)), len(self._pieces)
        kept = all(self._means(index, each) for index, each in enumerate(pieces[:count]))
        return len(pieces) >= count and kept and same([_parsed(each) for each in pieces[count:]], self._documents)

    def _means(self, index: int, after: Piece) -> bool:
        before = self._pieces[index]
        if index in self._intended:
            return same(_parsed(after), self._intended[index])
        return after.text == before.text or same(_parsed(after), _parsed(before))

    def _replace(self, index: int, path: tuple[str | int, ...], before: Any, after: Any) -> None:
        piece = self._pieces[index]
        edits = edits_between(self._source(index), before, after, path=path)
        self._edits += [each.moved(piece.start) for each in edits]
        self._intended[index] = _with(self._intended.get(index, _parsed(piece)), path, after)

    def _append(self, aside: Aside) -> None:
        last, end = self._pieces[-1], len(self._text)
        root, newline = compose(last), newline_of(self._text, end)
        if root is not None:
            refuse_open_scalar(last.text, root)
        lines = block(aside.made.manifest, aside.style)
        if self._added or not (_ENDS_WITH_MARKER.search(self._text) or not self._text.strip()):
            lines = ["---", *lines]
            self._documents.append(aside.made.manifest)
        else:
            self._intended[len(self._pieces) - 1] = aside.made.manifest
        written = newline.join(lines)
        closed = not self._text or self._text.endswith("\n")
        self._added.append(Edit(end, end, f"{written}{newline}" if closed else f"{newline}{written}"))

    def _index(self, piece: Piece) -> int:
        """Return the index of a document.

        Raises:
            Refused: its text is not the place for changes.
        """
        refuse_file(self._text, piece)
        index = self._indexes.get(piece.start)
        if index is None or self._pieces[index] != piece:
            raise Refused("it is JSON: convert it to YAML, or add the repairs with `check --plan --write`")
        return index

    def _source(self, index: int) -> Source:
        """Return the source of a document.

        Raises:
            Refused: it is not in block style.
        """
        if index not in self._sources:
            root = compose(self._pieces[index])
            if root is None or getattr(root, "flow_style", False):
                raise Refused(
                    "its top level is in flow style, as in JSON: write it in block style, or add the repairs with "
                    "`check --plan --write`"
                )
            self._sources[index] = source_of(self._pieces[index].text, root)
        return self._sources[index]

    def _refuse(self, task: Task, changes: Iterable[Change | Answer], refusal: Refused) -> None:
        line = task.document.piece.line_at(refusal.position) if refusal.position else task.line
        self._refused.append(_left(task, changes, str(refusal), line=line))


def refused(task: Task, reason: str) -> Left:
    """Return the note that nothing of a task was done."""
    return _left(task, (*task.creations, *task.changes, *task.answers), reason, line=task.line)


def _left(task: Task, changes: Iterable[Change | Answer], reason: str, *, line: int) -> Left:
    names = ", ".join(dict.fromkeys(each.expectation for each in changes))
    return Left(shown_file(task.document.piece.file), line, task.title, names, shown(reason))


def _done(task: Task, what: str) -> Done:
    return Done(shown_file(task.document.piece.file), task.line, task.title, what)


def _parsed(piece: Piece) -> Any:
    try:
        return parse(piece)
    except NotParsed as error:
        return error


def _with(value: Any, path: Sequence[str | int], new: Any) -> Any:
    """Return a value in which a nested value is another one."""
    if not path:
        return new
    step, below = path[0], path[1:]
    if isinstance(step, int):
        return [_with(each, below, new) if at == step else each for at, each in enumerate(value)]
    return {**value, step: _with(value.get(step), below, new)}
