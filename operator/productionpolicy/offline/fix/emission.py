"""YAML for values that are inserted into a file, in the style of that file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct

from productionpolicy.offline.parsing import is_plain_text

WORD = re.compile(r"[A-Za-z/][A-Za-z0-9./_-]+")
"""Text that every YAML parser reads as a string; some read `1e3` as a number and `y` as a boolean."""


class Style(Struct, frozen=True):
    """How a file indents."""

    step: int = 2
    """The number of columns by which a nested mapping is indented."""
    dash: int = 0
    """The number of columns by which the dashes of a list are indented below the key of the list."""


def block(fields: Mapping[str, Any], style: Style) -> list[str]:
    """Return the lines of a mapping in block style, without indentation of their own."""
    return list(_mapping(fields, style))


def block_item(value: Any, style: Style) -> list[str]:
    """Return the lines of one item of a list in block style, without indentation of their own."""
    first, *others = _mapping(value, style) if isinstance(value, Mapping) and value else [flow(value)]
    return [f"- {first}", *(f"  {each}" for each in others)]


def flow(value: Any, *, quoted: bool = False) -> str:
    """Return a value in flow style, on one line.

    Args:
        value: the value.
        quoted: whether all strings and keys are quoted, as in JSON.
    """
    if isinstance(value, Mapping):
        return f"{{{', '.join(flow_pairs(value, quoted=quoted))}}}"
    if isinstance(value, list):
        return f"[{', '.join(flow(each, quoted=quoted) for each in value)}]"
    return scalar(value, quote='"' if quoted else None)


def flow_pairs(fields: Mapping[str, Any], *, quoted: bool) -> Iterator[str]:
    """Return the keys of a mapping with their values in flow style."""
    return (f"{flow(key, quoted=quoted)}: {flow(value, quoted=quoted)}" for key, value in fields.items())


def scalar(value: Any, *, quote: str | None = None) -> str:
    """Return a scalar, in the given quotes if it is a string. Without them, a string has quotes if they may matter."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if quote is None and WORD.fullmatch(value) and is_plain_text(value):
        return value
    style = quote if quote == "'" and value.isprintable() else '"'
    written: str = yaml.dump(value, default_style=style, width=float("inf"), allow_unicode=True)
    return written.rstrip("\n")


def _mapping(fields: Mapping[str, Any], style: Style) -> Iterator[str]:
    for key, value in fields.items():
        name = scalar(key)
        if isinstance(value, Mapping) and value:
            yield f"{name}:"
            yield from (f"{' ' * style.step}{line}" for line in _mapping(value, style))
        elif isinstance(value, list) and value:
            yield f"{name}:"
            yield from (f"{' ' * style.dash}{line}" for each in value for line in block_item(each, style))
        else:
            yield f"{name}: {flow(value)}"
