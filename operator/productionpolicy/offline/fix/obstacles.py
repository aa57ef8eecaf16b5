"""Files that a change does not last in, or cannot be made in: generated files and templates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from productionpolicy.offline.fix.refusal import Refused
from productionpolicy.offline.pieces import Piece

_LEADING = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n|---[^\n]*\n|%[^\n]*\n)*")
"""Comments, blank lines and markers before the first content."""
_GENERATED = re.compile(
    r"^[ \t]*#+[ \t]*(?:.*\bdo not (?:edit|modify|change)\b|.*\bauto-?generated\b"
    r"|(?:(?:code|this (?:file|manifest|yaml)\w*|file) (?:(?:is|was|has been) )?)?(?:automatically )?generated\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""Matches a comment that says that the file is generated."""
_HELM = re.compile(
    r"\{\{[^{}]*\.(?:Values|Release|Chart|Capabilities)\b|\{\{-?[ ]*(?:include|template|tpl|toYaml|define) "
)
_VALUE = re.compile(r"\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
_REPAIRED = re.compile(
    r"(?:affinity|topologySpreadConstraints|strategy|maxUnavailable|lifecycle|lifecycleHooks|preStop|preStopSleep\w*"
    r"|terminationGracePeriod\w*|podDisruptionBudget|pdb|imagePullPolicy|pullPolicy|\w*[pP]robe|terminationMessagePolicy)"
)
"""The usual names of values for the fields that repairs write."""


def refuse_file(text: str, piece: Piece) -> None:
    """Refuse a document whose text is not the place for changes.

    Raises:
        Refused: it is generated, or a template.
    """
    heading = _LEADING.match(text)
    own = _LEADING.match(piece.text)
    if any(each and _GENERATED.search(each[0]) for each in (heading, own)):
        raise Refused(
            "the file says that it is generated: change what generates it, or add the repairs on top of it with "
            "`check --plan --write`"
        )
    if is_helm_template(piece.text):
        raise Refused(f"it is a Helm template: {advice_on_values(piece)}")


def is_helm_template(text: str) -> bool:
    """Return whether a text contains expressions of Helm."""
    return _HELM.search(text) is not None


def advice_on_unread(text: str) -> str | None:
    """Return what to do about a file that cannot be read because it is a Helm template."""
    return advice_on_values(Piece("", text)) if is_helm_template(text) else None


def advice_on_values(piece: Piece) -> str:
    """Return what to do about a template: the values of the chart that set fields that repairs write."""
    found: dict[str, int] = {}
    for each in _VALUE.finditer(piece.text):
        name = next(_repaired_parts(each[1]), None)
        if name:
            found.setdefault(name, piece.line_at(each.start()))
    if not found:
        return "add the fields to the template, or render it with `helm template` and judge the output"
    listed = ", ".join(f"{name} (line {line})" for name, line in found.items())
    return f"set the values of the chart that it uses for these fields: {listed}"


def _repaired_parts(path: str) -> Iterator[str]:
    """Return a path of values up to the part that names a field that repairs write."""
    parts = path.lstrip(".").split(".")
    for at, each in enumerate(parts, start=1):
        if _REPAIRED.fullmatch(each):
            yield ".".join(parts[:at])
