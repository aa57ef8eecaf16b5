"""Input of any size is judged, or refused with a reason, within a memory that grows with it and no faster."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from productionpolicy.offline import parsing
from support.checking import report, written
from support.manifests import deployment

RUN = """
import atexit, resource, sys
atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))
from productionpolicy.cli.main import main
main(["check", "-", "--fail-on", "never"])
"""
MOST_BYTES_PER_BYTE = 60
"""Python objects are many times as large as the text that they come from."""


def peak(text: str) -> int:
    """Return the most memory that a run takes, in bytes."""
    done = subprocess.run([sys.executable, "-c", RUN], input=text, capture_output=True, text=True, check=True)
    assert "unreadable documents: 0" in done.stdout
    return int(done.stderr.splitlines()[-1]) * 1024


def test_many_documents_take_memory_in_proportion() -> None:
    text = written(*(deployment(f"web-{number}") for number in range(2000)))
    assert peak(text) - peak(written(deployment())) < MOST_BYTES_PER_BYTE * len(text)


def test_one_list_of_many_takes_memory_in_proportion() -> None:
    text = json.dumps({"kind": "List", "items": [deployment(f"web-{number}") for number in range(2000)]})
    assert peak(text) - peak(written(deployment())) < MOST_BYTES_PER_BYTE * len(text)


def test_a_document_of_yaml_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    long = written({"kind": "List", "items": [deployment(f"web-{number}") for number in range(9)]})
    monkeypatch.setattr(parsing, "MOST_CHARACTERS", len(long) - 1)
    found = report("-", stdin=f"{written(deployment())}---\n{long}")
    assert [each["name"] for each in found["workloads"]] == ["web"]
    assert [each["message"] for each in found["unreadable"]] == [
        "a YAML document may have at most 0 million characters: split it, or convert it to JSON"
    ]


def test_json_may_be_longer_but_findings_have_no_lines_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    long = json.dumps({"kind": "List", "items": [deployment("a"), deployment("b", replicas=1)]}, indent=1)
    monkeypatch.setattr(parsing, "MOST_CHARACTERS", len(long) - 1)
    assert [(each["name"], each["line"]) for each in report("-", stdin=long)["workloads"]] == [("a", 1), ("b", 1)]
