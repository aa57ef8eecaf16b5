"""Workflow commands of GitHub Actions, which annotate the changed lines of a pull request."""

from __future__ import annotations

from typing import TextIO

from productionpolicy.offline import Judgement

_IN_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_MESSAGE, ":": "%3A", ",": "%2C"}
"""What a command would take for its own punctuation."""


def write(judgement: Judgement, out: TextIO) -> None:
    """Write one command for each finding and each document that could not be read."""
    for workload in judgement.workloads:
        for each in workload.findings:
            text = f"{workload.title}, {each.path}: {each.message}; {each.remedy}"
            out.write(annotation("warning", text, file=workload.file, line=each.line, title=each.expectation))
    out.writelines(
        annotation("error", each.message, file=each.file, line=each.line, title="unreadable")
        for each in judgement.unreadable
    )


def annotation(level: str, text: str, *, file: str, line: int, title: str) -> str:
    """Return a command, with its line end."""
    place = f"file={_escaped(file, _IN_PROPERTY)},line={line},title={_escaped(title, _IN_PROPERTY)}"
    return f"::{level} {place}::{_escaped(text, _IN_MESSAGE)}\n"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return text.translate({ord(each): escape for each, escape in escapes.items()})
