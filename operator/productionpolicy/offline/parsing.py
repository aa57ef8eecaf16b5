"""Parsing of one document within limits: any text results in a value or an error, at a limited cost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from productionpolicy.offline.pieces import Piece

MOST_NODES = 1_000_000
"""The maximum number of values in a document after its aliases are expanded."""
DEEPEST = 200
"""The maximum depth of an object; real objects have fewer than thirty levels."""
MOST_CHARACTERS = 20_000_000
"""The maximum length of a document: its nodes take sixty times the memory of its text."""
_SAFE_TO_COMPOSE = 4_000
"""The maximum depth at which the stack is certainly large enough for the C library."""
_CONTENT = re.compile(r"\S")
_TEMPLATE = re.compile(r"\{\{")
_RENDER = "it looks like a template: render it first, for example with `helm template`"

_ODD_VALUES = (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""The errors of PyYAML for a value that its tag does not allow, such as `!!bool maybe`."""


class NotParsed(ValueError):
    """A document is not YAML or JSON, or exceeds a limit; the message gives the reason."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


_TEXT, _OBJECT, _LIST = (f"tag:yaml.org,2002:{each}" for each in ("str", "map", "seq"))
_NAMES = {_TEXT}
_TAGS = {ScalarNode: _TEXT, MappingNode: _OBJECT, SequenceNode: _LIST}
_PATTERNS = {
    first: [(tag, pattern) for tag, pattern in patterns if tag != "tag:yaml.org,2002:timestamp"]
    for first, patterns in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
"""The patterns of plain scalars that are not strings, by their first letter."""


@lru_cache(maxsize=4096)  # manifests repeat a few words
def _tag_of(word: str) -> str:
    return next((tag for tag, pattern in _PATTERNS.get(word[:1], ()) if pattern.match(word)), _TEXT)


def is_plain_text(word: str) -> bool:
    """Return whether a plain scalar is a string, and not a number, a boolean or null."""
    return _tag_of(word) == _TEXT


class _Loader(yaml.CSafeLoader):
    """Reads YAML as Kubernetes does: dates, and numbers with colons, are strings."""

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        """Return the implicit tag of a node, as the base class does, but much faster."""
        return _tag_of(value) if value is not None and implicit[0] else _TAGS[kind]


_WHOLE = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)")


def _whole_number(loader: _Loader, node: ScalarNode) -> int | str:
    if not _WHOLE.fullmatch(node.value):
        return str(loader.construct_scalar(node))
    return loader.construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def parse(piece: Piece) -> Any:
    """Return the value of a YAML document.

    Raises:
        NotParsed: it is not YAML, or exceeds a limit.
    """
    _refuse_length(piece)
    _refuse_depth_of_text(piece)
    try:
        return _constructed(piece)
    except NotParsed:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _not_parsed(piece, error.problem or "", line=piece.first + (mark.line if mark else 0)) from error
    except _ODD_VALUES as error:
        raise _not_parsed(piece, str(error).partition("\n")[0], line=_line_of(piece, error)) from error


def parse_json(text: str) -> Iterator[tuple[int, Any]]:
    """Return the values of a JSON text, one after another, each with the position of its end.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it has too many levels.
    """
    decoder, end = json.JSONDecoder(), 0
    while True:
        content = _CONTENT.search(text, end)
        if content is None:
            return
        value, end = decoder.raw_decode(text, content.start())
        yield end, value


def compose(piece: Piece) -> Node | None:
    """Return the nodes of a document, which have line numbers; None if it is not YAML."""
    try:
        _refuse_length(piece)
        _refuse_depth_of_text(piece)
        return _Loader(piece.text).get_single_node()
    except (*_ODD_VALUES, NotParsed):
        return None


def too_deep(value: Any, *, most: int = DEEPEST) -> bool:
    """Return whether a value has more levels than an object may have."""
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most == 0 or any(too_deep(each, most=most - 1) for each in inner)


def _constructed(piece: Piece) -> Any:
    loader = _Loader(piece.text)
    node = loader.get_single_node()
    if node is None:
        return None
    if "*" not in piece.text or "&" not in piece.text:
        return _without_aliases(loader, node)
    if _size(node, {}) > MOST_NODES:
        raise NotParsed(f"its aliases expand to more than {MOST_NODES} values, or contain themselves", line=piece.line)
    return loader.construct_document(node)


def _without_aliases(loader: _Loader, root: Node) -> Any:
    """Construct a document without aliases, much faster than the loader, which must expect them."""
    try:
        return _plain(loader, root)
    except RecursionError:
        return loader.construct_document(root)


def _plain(loader: _Loader, node: Node) -> Any:
    """Construct strings, objects and lists; the loader constructs numbers, merge keys and all other values."""
    tag = node.tag
    if tag == _TEXT and isinstance(node, ScalarNode):
        return node.value
    if tag == _OBJECT and isinstance(node, MappingNode) and {key.tag for key, _ in node.value} <= _NAMES:
        return {key.value: _plain(loader, value) for key, value in node.value}
    if tag == _LIST and isinstance(node, SequenceNode):
        return [_plain(loader, each) for each in node.value]
    return loader.construct_object(node, deep=True)


def _size(node: Node, known: dict[int, int]) -> int:
    """Return how many values a node expands to; a node that contains itself exceeds the limit."""
    if isinstance(node, ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1
        known[id(node)] = 1 + sum(_size(each, known) for each in _inner(node))
    return known[id(node)]


def _inner(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, SequenceNode):
        yield from node.value


def _refuse_length(piece: Piece) -> None:
    if len(piece.text) > MOST_CHARACTERS:
        most = f"{MOST_CHARACTERS // 1_000_000} million characters"
        raise NotParsed(f"a YAML document may have at most {most}: split it, or convert it to JSON", line=piece.line)


def _refuse_depth_of_text(piece: Piece) -> None:
    """Refuse a depth at which the C library would exhaust the stack, because it has no limit itself."""
    text = piece.text
    if text.count("[") + text.count("{") + max(map(len, text.split("\n"))) <= _SAFE_TO_COMPOSE:
        return
    try:
        deep = any(depth > _SAFE_TO_COMPOSE for depth in _depths(text))
    except yaml.YAMLError:
        return  # parsing reports the position
    if deep:
        raise NotParsed(f"it has more than {_SAFE_TO_COMPOSE} levels", line=piece.line)


def _depths(text: str) -> Iterator[int]:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        yield depth


def _line_of(piece: Piece, error: Exception) -> int:
    if isinstance(error, yaml.reader.ReaderError) and isinstance(error.position, int):
        return piece.line_at(error.position)
    return piece.line


def _not_parsed(piece: Piece, problem: str, *, line: int) -> NotParsed:
    if _TEMPLATE.search(piece.text):
        return NotParsed(_RENDER, line=line)
    return NotParsed(f"it cannot be parsed: {problem}", line=line)
