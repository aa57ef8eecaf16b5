"""The page for people: what it says, in which form, and what it compares."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from productionpolicy.overview import form
from support.checking import check, report, written
from support.hostile import BIDI, MARKUP
from support.manifests import budget, container, deployment

EXAMPLES = Path(__file__).parents[2] / "examples"
UNTIL = "9999-12-31"


def page(*arguments: str | Path, stdin: str | None = None) -> str:
    return check(*arguments, "-o", "html", stdin=stdin).out


def text_of(html: str) -> str:
    """Return what a reader sees, on one line."""
    body = html.partition("<body>")[2]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


def test_each_finding_has_path_reason_remedy_and_patch() -> None:
    html = text_of(page(EXAMPLES))
    for workload in report(EXAMPLES)["workloads"]:
        for finding in workload["findings"]:
            assert f"{finding['path']} " in html
            assert f"{finding['message']} Remedy: {finding['remedy']}" in html


def test_each_patch_is_that_of_the_plan() -> None:
    shown = [yaml.safe_load_all(unescape(each)) for each in re.findall(r"<pre>(.*?)</pre>", page(EXAMPLES), re.DOTALL)]
    planned = check(EXAMPLES, "--plan", "-o", "json").report["workloads"]
    expected = [each for workload in planned for each in (workload["patch"], workload["budget"]) if each]
    found = [each for documents in shown for each in documents]
    assert len(found) == len(expected) > 10
    assert all(each in found for each in expected)


def test_totals_are_those_of_the_report() -> None:
    html, summary = text_of(page(EXAMPLES)), report(EXAMPLES)["summary"]
    compliant = summary["workloads"] - summary["failed"]
    assert re.search(rf"{compliant} of {summary['workloads']} workloads (has|have) no findings\.", html)
    for name, tally in summary["expectations"].items():
        numbers = [tally[each] for each in ("passed", "failed", "exempt", "notApplicable")]
        judged = tally["passed"] + tally["failed"]
        share = f"{tally['passed'] * 100 // judged}%" if judged else "n/a"
        assert re.search(rf" {name} [^%/]* {share} {' '.join(map(str, numbers))} ", html), name


def test_it_names_exemptions_and_what_is_not_judged() -> None:
    exempt = {"exempt.productionpolicy.dev/preStop": f"it only reads until={UNTIL}"}
    manifests = written(deployment(metadata={"annotations": exempt}), budget(selector={"matchLabels": {"app": "x"}}))
    html = text_of(page("-", stdin=f"{manifests}---\nkind: Deployment\nspec: [\n"))
    assert f"Deployment shop/web preStop {UNTIL} it only reads" in html
    assert "PodDisruptionBudget shop/web stdin:" in html
    assert "selects no pods of the workloads in the input" in html
    assert "it cannot be parsed" in html


def test_it_says_what_was_judged_by_what_and_when(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    spec = {"mode": "Audit", "profile": "Development"}
    policy.write_text(yaml.safe_dump({"kind": "ProductionPolicy", "metadata": {"name": "strict"}, "spec": spec}))
    html = text_of(page(EXAMPLES, "--policy", policy))
    assert re.search(r"Time \d{4}-\d\d-\d\d \d\d:\d\d UTC Version productionpolicy \d", html)
    assert f"Input {EXAMPLES} Judged by {policy}, policy strict, profile Development" in html


def test_input_without_workloads_is_a_page_too() -> None:
    html = page("-", "--allow-empty", stdin="")
    assert "0 of 0 workloads have no findings." in text_of(html)


def test_equal_input_gives_an_equal_page() -> None:
    pages = {re.sub(r"\d\d:\d\d UTC", "", page(EXAMPLES)) for _ in range(2)}
    assert len(pages) == 1


def test_a_page_that_would_be_too_large_names_each_reason_once(monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = written(*(deployment(f"web-{number}") for number in range(40)))
    full = page("-", stdin=manifests)
    monkeypatch.setattr(form, "MOST_BYTES", len(full) - 1)
    linked = page("-", stdin=manifests)
    monkeypatch.setattr(form, "MOST_BYTES", 0)
    short = page("-", stdin=manifests)
    assert len(full) > len(linked) > len(short)
    assert [each.count("add a readinessProbe that") for each in (full, linked, short)] == [41, 1, 1]
    assert [each.count("<pre>") for each in (full, linked, short)] == [40, 40, 0]
    assert "productionpolicy check --plan" in text_of(short)
    for each in (full, linked, short):
        links = set(re.findall(r"href=#([\w-]+)", each))
        assert links <= set(re.findall(r" id=([\w-]+)", each))
        assert text_of(each).count("spec.template.spec.containers[0].readinessProbe") == 40
        assert "sleep 10s: web" in text_of(each)


def old(tmp_path: Path, *manifests: dict[str, Any]) -> Path:
    file = tmp_path / "old.json"
    file.write_text(check("-", "-o", "json", stdin=written(*manifests)).out)
    return file


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_comparison_marks_what_is_new_and_what_is_gone(tmp_path: Path, form: str) -> None:
    before = old(tmp_path, deployment("web", replicas=1), deployment("gone"))
    probed = container(readinessProbe={"httpGet": {"path": "/", "port": 8080}}, terminationMessagePolicy="File")
    now = written(deployment("web", pod={"containers": [probed]}))
    shown = check("-", "-o", form, "--compare", before, stdin=now).out
    told = text_of(shown) if form == "html" else re.sub(r"\s+", " ", shown)
    assert re.search(r"terminationMessage .{0,90}\bnew\b", told)
    assert "the workload is not in this report" in told
    assert re.search(r"Deployment shop/web (gone )?(replicas|readinessProbe)", told)
    counts = {"text": r"new findings: \d+, gone: \d+, before: \d+", "html": r"\d+ findings are new and \d+ are gone"}
    assert re.search(counts[form], told)


def test_a_comparison_with_itself_finds_nothing(tmp_path: Path) -> None:
    before = old(tmp_path, deployment())
    shown = text_of(page("-", "--compare", before, stdin=written(deployment())))
    assert f"Since {before}, 0 findings are new and 0 are gone." in shown
    assert "No finding is gone." in shown


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"kind: Deployment", "JSON is malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `workloads`"),
        (b"\xff\xfe", "JSON is malformed"),
        (b"[" * 100_000, ""),
        (json.dumps({"workloads": [{MARKUP: BIDI}]}).encode(), "at `$.workloads[0]`"),
    ],
)
def test_a_comparison_with_something_else_is_an_error(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "old.json"
    file.write_bytes(content)
    done = check(EXAMPLES, "-o", "html", "--compare", file)
    assert (done.code, done.out) == (2, "")
    assert f"{file} is not a report of `check -o json`: " in done.err
    assert reason in done.err
    assert BIDI not in done.err


def test_a_comparison_with_a_plan_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text(check(EXAMPLES, "--plan", "-o", "json").out)
    assert "is not a report of `check -o json`" in check(EXAMPLES, "--compare", file).err


@pytest.mark.parametrize("arguments", [["-o", "json"], ["-o", "sarif"], ["--plan"]])
def test_other_formats_do_not_compare(tmp_path: Path, arguments: list[str]) -> None:
    done = check(EXAMPLES, *arguments, "--compare", old(tmp_path, deployment()))
    assert (done.code, "--compare is for findings, with -o text or -o html." in done.err) == (2, True)


def test_the_page_is_no_format_for_plans() -> None:
    done = check(EXAMPLES, "--plan", "-o", "html")
    assert (done.code, "-o html is a format for findings" in done.err) == (2, True)
