"""The manual of an expectation: its page, its fields in a policy, and its built-in lists."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import Any

from productionpolicy.expectations import Expectation
from productionpolicy.policy.schema import COUNT, INT_OR_STRING, Schema, structure

_WIDTH = 120
_JOINED = "\0"
"""A space at which a line must not break."""
_WORDS = {"integer": "a number", "boolean": "true or false", "array": "a list", "string": "a text"}


def manual(expectation: Expectation[Any]) -> str:
    """Return the manual in Markdown."""
    return "\n\n".join([expectation.page.rstrip(), *_sections(expectation)])


def _sections(expectation: Expectation[Any]) -> Iterator[str]:
    word = " It is a heuristic, so reports warn of it." if expectation.heuristic else ""
    yield f"## In reports\nSeverity {expectation.severity}, category {expectation.category}.{word}"
    fields = structure(expectation.parameters)["properties"].items()
    yield f"## Fields\nUnder `spec.expectations.{expectation.name}`.\n\n" + "\n".join(_field(*each) for each in fields)
    built_in = expectation.parameters.built_in
    if built_in:
        yield "## Built in\n" + "\n\n".join(_list(_camel(name), entries) for name, entries in built_in.items())


def _field(name: str, schema: Schema) -> str:
    default = f", default {_word(schema['default'])}" if "default" in schema else ""
    description = schema["description"].removeprefix(COUNT)
    return _filled(f"- `{name}` ({_kind(schema)}{default}): {description}", indent="  ")


def _kind(schema: Schema) -> str:
    if INT_OR_STRING in schema:
        return "a number or a percentage"
    if "enum" in schema:
        *others, last = schema["enum"]
        return f"{', '.join(others)} or {last}"
    return _WORDS[schema["type"]]


def _word(default: Any) -> str:
    if isinstance(default, tuple):
        return f"[{', '.join(default)}]"
    return str(default).lower() if isinstance(default, bool) else str(default)


def _list(name: str, entries: tuple[str, ...]) -> str:
    listed = ", ".join(f"`{each.replace(' ', _JOINED)}`" for each in entries)
    return _filled(f"{name}: {listed}", indent="").replace(_JOINED, " ")


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _filled(text: str, *, indent: str) -> str:
    return fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
