"""Workflow commands of GitHub Actions, which annotate the changed lines of a pull request."""

from __future__ import annotations

from typing import TextIO

from productionpolicy.offline import Judgement

_IN_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_MESSAGE, ":": "%3A", ",": "%2C"}
"""Escapes for the characters that delimit the parts of a workflow command."""


def write(judgement: Judgement, out: TextIO) -> None:
    """Write a command for each finding and for each object that could not be read or is not judged."""
    for workload in judgement.workloads:
        for each in workload.findings:
            text = f"{workload.title}, {each.path}: {each.message}; {each.remedy}"
            out.write(annotation("warning", text, file=workload.file, line=each.line, title=each.expectation))
    out.writelines(
        annotation("error", each.message, file=each.file, line=each.line, title="unreadable")
        for each in judgement.unreadable
    )
    for left_out in judgement.not_judged:
        text = f"{left_out.title} is not judged: {left_out.reason}"
        out.write(annotation("notice", text, file=left_out.file, line=left_out.line, title="not judged"))


def annotation(level: str, text: str, *, file: str, line: int, title: str) -> str:
    """Return a workflow command with its line break."""
    place = f"file={_escaped(file, _IN_PROPERTY)},line={line}," if file else ""
    return f"::{level} {place}title={_escaped(title, _IN_PROPERTY)}::{_escaped(text, _IN_MESSAGE)}\n"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return text.translate({ord(each): escape for each, escape in escapes.items()})
