"""The values of the chart, as charts/productionpolicy/values.yaml gives and explains them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Value:
    """A value that is explained by a comment above it.

    Attributes:
        path: its name and those of what it is part of.
        default: what it is unless somebody sets it.
        text: the comment.
        section: whether it only holds other values that are explained, as `image` does.
    """

    path: tuple[str, ...]
    default: Any
    text: str
    section: bool

    @property
    def name(self) -> str:
        """The path as Helm's --set takes it."""
        return ".".join(self.path)


class NotExplained(Exception):
    """A value has no comment above it; the message names it."""


def read(text: str) -> list[Value]:
    """Return the values in their order, each section before what it holds.

    Raises:
        NotExplained: a value that is not part of a default has no comment.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return list(_values(root, yaml.safe_load(text), path=(), lines=text.splitlines()))


def _values(node: yaml.MappingNode, given: Any, *, path: tuple[str, ...], lines: list[str]) -> Iterator[Value]:
    for key, held in node.value:
        own = (*path, key.value)
        text = _comment(key, lines)
        if not text:
            raise NotExplained(f"{'.'.join(own)} of values.yaml needs a comment above it that says what it is")
        section = isinstance(held, yaml.MappingNode) and any(_comment(each, lines) for each, _ in held.value)
        yield Value(own, given[key.value], text, section)
        if section:
            yield from _values(held, given[key.value], path=own, lines=lines)


def _comment(key: yaml.Node, lines: list[str]) -> str:
    """Return the comment right above a key, as one line."""
    found: list[str] = []
    for line in reversed(lines[: key.start_mark.line]):
        if not line.lstrip().startswith("#"):
            break
        found.insert(0, line.lstrip().removeprefix("#").strip())
    return " ".join(found)
