"""Whatever stands in a manifest, no output is more than text: no terminal, pipeline, viewer or reader obeys it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.checking import check
from support.hostile import COMMANDS, MARKUP, TEXTS, hostile, obeyed
from support.manifests import deployment

FINDINGS = ("text", "json", "sarif", "junit", "github", "html")
PLANS = ("text", "json", "yaml")
OURS = ("::warning file=", "::error file=")


def told(text: str, *arguments: str) -> str:
    """Return the output of a run, from JSON: YAML refuses much of this."""
    return check("-", *arguments, stdin=json.dumps({"kind": "List", "items": hostile(text)})).out


@pytest.mark.parametrize("output", FINDINGS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_findings_are_only_text(text: str, output: str) -> None:
    out = told(text, "-o", output)
    assert obeyed(out) == []
    assert [each for each in out.split("\n") if each.lstrip().startswith("::") and not each.startswith(OURS)] == []


@pytest.mark.parametrize("output", PLANS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_plans_are_only_text(text: str, output: str) -> None:
    out = told(text, "--plan", "-o", output)
    assert obeyed(out) == []
    assert [each for each in out.split("\n") if each.lstrip().startswith("::")] == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_programs_read_can_be_read(text: str) -> None:
    ET.fromstring(told(text, "-o", "junit").encode())  # of our own output
    for output in ("json", "sarif"):
        assert isinstance(json.loads(told(text, "-o", output)), dict)
    assert isinstance(json.loads(told(text, "--plan", "-o", "json")), dict)
    assert list(yaml.safe_load_all(told(text, "--plan", "-o", "yaml")))


def test_markup_is_shown_as_it_is() -> None:
    assert "[bold red]x[/] <script>alert(1)</script>" in told(MARKUP, "-o", "text")


def test_nothing_is_a_link_for_viewers_of_sarif() -> None:
    results = json.loads(told(MARKUP, "-o", "sarif"))["runs"][0]["results"]
    assert [each["message"]["text"] for each in results if "](" in each["message"]["text"]] == []
    assert any("[click] (https://registry.example)" in each["message"]["text"] for each in results)


def test_each_annotation_of_a_pipeline_is_one_command() -> None:
    lines = told("x\n::stop-commands::y", "-o", "github").splitlines()
    assert [each for each in lines if not each.startswith(OURS)] == []


def test_a_file_whose_name_is_a_command_begins_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("::stop-commands::x.yaml", " ::error::y.yaml", "\x1b[2J.yaml", "::warning::z.yaml"):
        Path(name).write_text("kind: Deployment\nspec: [")
    Path("::warning::z.yaml").write_text(yaml.safe_dump(deployment(replicas=1)))
    for arguments in (["-o", "text"], ["--plan", "-o", "text"], ["--plan", "-o", "yaml"]):
        out = check(".", *arguments).out
        assert [each for each in out.split("\n") if each.lstrip().startswith("::")] == []
        assert obeyed(out) == []


@pytest.mark.parametrize("field", ["profile", "exemptions"])
def test_a_policy_that_is_not_valid_is_told_of_in_plain_text(tmp_path: Path, field: str) -> None:
    file = tmp_path / "policy.json"
    spec: dict[str, Any] = {"mode": "Audit", field: "".join(TEXTS.values())}
    file.write_text(json.dumps({"kind": "ProductionPolicy", "metadata": {"name": "p"}, "spec": spec}))
    done = check("-", "--policy", file, stdin="")
    assert done.code == 2
    assert obeyed(done.err.replace(COMMANDS, "")) == []
