"""The lines of a file for the fields of an object."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from productionpolicy.offline.documents import Document
from productionpolicy.offline.parsing import compose
from productionpolicy.offline.pieces import Piece

_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


def line_of(document: Document, path: str = "") -> int:
    """Return the line of a path, or of its nearest parent that the document contains."""
    if not path and not document.within:
        return document.piece.line
    root = _composed(document.piece)
    if root is None:
        return document.piece.line
    nested = _walk(root, _steps(document.within), document.piece.line - document.piece.first)
    return document.piece.first + _walk(nested[0], _steps(path), nested[1])[1]


def steps_of(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path: names, and indexes of lists."""
    return tuple(name or int(index) for name, index in _STEP.findall(path))


def value_at(value: Any, steps: Iterable[str | int]) -> Any:
    """Return the value at the end of a path that exists."""
    for step in steps:
        value = value[step]
    return value


@lru_cache(maxsize=2)  # findings come file by file, and duplicates refer to a second one; nodes are large
def _composed(piece: Piece) -> Node | None:
    return compose(piece)


def _steps(path: str) -> list[str]:
    return [name or index for name, index in _STEP.findall(path)]


def _walk(node: Node, steps: Iterable[str], line: int) -> tuple[Node, int]:
    for step in steps:
        below = _below(node, step)
        if below is None:
            break
        node, line = below
    return node, line


def _below(node: Node, step: str) -> tuple[Node, int] | None:
    """Return the node one step below, and the line of its key."""
    if isinstance(node, SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        item = node.value[int(step)]
        return item, item.start_mark.line
    if isinstance(node, MappingNode):
        return next((_named(key, value) for key, value in node.value if key.value == step), None)
    return None


def _named(key: Node, value: Node) -> tuple[Node, int]:
    return value, key.start_mark.line
