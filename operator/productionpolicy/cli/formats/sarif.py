"""SARIF 2.1.0 for code scanning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.offline import NOTICES, Judgement

UNREADABLE = "unreadable"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write(judgement: Judgement, out: TextIO) -> None:
    """Write the report as a SARIF log."""
    json.dump(log(judgement), out, indent=2)
    out.write("\n")


def log(judgement: Judgement) -> dict[str, Any]:
    """Return the SARIF log of one run."""
    driver = {"name": "productionpolicy", "version": version("productionpolicy"), "rules": list(_rules())}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": list(_notifications(judgement))}],
        "columnKind": "unicodeCodePoints",
        "results": list(_results(judgement)),
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules() -> Iterator[dict[str, Any]]:
    for each in EXPECTATIONS:
        yield _rule(each.name, title=each.title, page=each.page, level="warning")
    for name, title in NOTICES.items():
        yield _rule(name, title=title, page=f"{title}.", level="error" if name == UNREADABLE else "warning")


def _rule(name: str, *, title: str, page: str, level: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name[0].upper() + name[1:],
        "shortDescription": {"text": title},
        "fullDescription": {"text": page.partition("\n")[0]},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": level},
    }


def _results(judgement: Judgement) -> Iterator[dict[str, Any]]:
    for workload in judgement.workloads:
        for each in workload.findings:
            text = _unlinked(f"{workload.title}, {each.path}: {each.message}; {each.remedy}")
            where = _place(file=workload.file, line=each.line, title=workload.title)
            yield _result(each.expectation, text, where)
    for unread in judgement.unreadable:
        where = _place(file=unread.file, line=unread.line)
        yield _result(UNREADABLE, _unlinked(unread.message), where, level="error")


def _notifications(judgement: Judgement) -> Iterator[dict[str, Any]]:
    for each in judgement.not_judged:
        text = _unlinked(f"{each.title} is not judged: {each.reason}")
        where = _place(file=each.file, line=each.line, title=each.title)
        yield {"level": "note", "message": {"text": text}, "locations": [where]}


def _result(rule: str, text: str, place: dict[str, Any], *, level: str = "warning") -> dict[str, Any]:
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [place]}


def _place(*, file: str, line: int, title: str = "") -> dict[str, Any]:
    """Return the location in a file, or the name of an object in a cluster."""
    if not file:
        return {"logicalLocations": [{"fullyQualifiedName": title, "kind": "resource"}]}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": {"startLine": line}}}


def _unlinked(text: str) -> str:
    """Return a text without links: SARIF renders `[words](target)` as a link."""
    return text.replace("](", "] (")


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
