"""What is judged together, by what, and what the exit code says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from productionpolicy.kube.identity import API_VERSION, EXEMPT
from support.checking import check, report, verdict, written
from support.manifests import Raw, autoscaler, budget, container, deployment, job, stateful_set

PASSES = ["--expectation", "replicas"]
"""Judges what `deployment()` fulfils."""
FAILS = ["--expectation", "podDisruptionBudget"]


def without_namespace(raw: Raw) -> Raw:
    return {**raw, "metadata": {name: value for name, value in raw["metadata"].items() if name != "namespace"}}


def named_by_the_server(raw: Raw) -> Raw:
    kept = {name: value for name, value in raw["metadata"].items() if name != "name"}
    return {**raw, "metadata": {**kept, "generateName": "one-"}}


def in_a_file(raw: Raw) -> Raw:
    """Return an object as it is in a file: no API server has given it a uid."""
    return {**raw, "metadata": {name: value for name, value in raw["metadata"].items() if name != "uid"}}


def in_namespace(raw: Raw, namespace: str) -> Raw:
    return {**raw, "metadata": {**raw["metadata"], "namespace": namespace}}


def test_nothing_failed() -> None:
    assert check("-", *PASSES, stdin=written(deployment())).code == 0


def test_findings() -> None:
    assert check("-", *FAILS, stdin=written(deployment())).code == 1


def test_findings_that_shall_not_fail() -> None:
    assert check("-", *FAILS, "--fail-on", "never", stdin=written(deployment())).code == 0


def test_what_could_not_be_read_is_no_success() -> None:
    assert check("-", stdin="kind: Deployment\nspec: [").code == 2


def test_a_mistake_in_yaml_is_the_reason_why_there_is_nothing_to_judge() -> None:
    done = check("-", stdin="kind: Deployment\nspec: [")
    assert "nothing to judge in standard input: 1 document could not be read. Correct the places" in done.err


def test_findings_count_before_what_could_not_be_read() -> None:
    assert check("-", *FAILS, stdin=f"{written(deployment())}\n---\nkind: Deployment\nspec: [").code == 1


@pytest.mark.parametrize("text", ["", "# nothing\n", "kind: ConfigMap\n", written(budget())])
@pytest.mark.parametrize("options", [(), ("--plan",), ("--fail-on", "never")])
def test_nothing_to_judge_is_no_success(text: str, options: tuple[str, ...]) -> None:
    done = check("-", *options, stdin=text)
    assert done.code == 2
    assert "nothing to judge in standard input: no Deployment, StatefulSet," in done.err


def test_the_places_without_a_workload_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()
    done = check(tmp_path, tmp_path / "empty.yaml")
    assert (done.code, f"nothing to judge in {tmp_path}, {tmp_path / 'empty.yaml'}:" in done.err) == (2, True)


@pytest.mark.parametrize("options", [(), ("--plan",)])
def test_nothing_to_judge_may_be_allowed(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = check(tmp_path, "--allow-empty", *options)
    assert (done.code, done.err) == (0, "")


def test_objects_of_a_cluster_without_any_budget_bring_a_hint() -> None:
    listed = ("-", *FAILS)
    hint = "use `kubectl get all,poddisruptionbudgets -o yaml`"
    assert hint in check(*listed, stdin=written(deployment())).err
    assert hint in check(*listed, "--plan", stdin=written(deployment())).err
    assert check(*listed, stdin=written(deployment(), budget(name="other", selector={}))).err == ""
    assert check(*listed, stdin=written(in_a_file(deployment()))).err == ""
    assert check("-", *PASSES, stdin=written(deployment())).err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the files to judge"),
        (["nowhere.yaml"], "'nowhere.yaml' does not exist"),
        (["-", "--expectation", "none"], "Invalid value for '--expectation'"),
        (["-", "--profile", "none"], "Invalid value for '--profile'"),
        (["-", "-o", "none"], "Invalid value for '-o'"),
        (["-", "--policy", "nowhere.yaml"], "Invalid value for '--policy'"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    done = check(*arguments, stdin="")
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: Deployment", "contains 0 documents of kind ProductionPolicy"),
        ("kind: ProductionPolicy\nspec: {mode: Maybe}", "spec.mode: Invalid enum value 'Maybe'"),
        ("kind: ProductionPolicy\nspec: [", "it cannot be parsed"),
    ],
)
def test_a_policy_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    done = check("-", "--policy", file, stdin="")
    assert done.code == 2
    assert message in done.err


def policy_file(folder: Path, **spec: object) -> Path:
    file = folder / "policy.yaml"
    raw = {"apiVersion": API_VERSION, "kind": "ProductionPolicy", "metadata": {"name": "p"}}
    file.write_text(written({**raw, "spec": {"mode": "Enforce", **spec}}))
    return file


def test_the_policy_of_a_file(tmp_path: Path) -> None:
    file = policy_file(tmp_path, expectations={"replicas": {"minimum": 9}})
    assert verdict("replicas", "-", stdin=written(deployment())) == "passed"
    assert verdict("replicas", "-", "--policy", file, stdin=written(deployment())) == "failed"


def test_a_profile_in_place_of_the_policys(tmp_path: Path) -> None:
    file = policy_file(tmp_path, profile="Production")
    (judged,) = report("-", "--policy", file, "--profile", "Development", stdin=written(deployment()))["workloads"]
    assert "podDisruptionBudget" not in judged["verdicts"]


def test_only_the_named_expectations_are_judged_even_if_the_profile_ignores_them() -> None:
    chosen = ["--profile", "Development", "--expectation", "replicas", "--expectation", "spread"]
    (judged,) = report("-", *chosen, stdin=written(deployment()))["workloads"]
    assert sorted(judged["verdicts"]) == ["replicas", "spread"]


def test_who_is_exempt_until_when_is_listed() -> None:
    notes = {
        f"{EXEMPT}replicas": "one writer; until=2099-12-31",
        f"{EXEMPT}all": "x",
    }
    raw = {**deployment(), "metadata": {"name": "web", "namespace": "shop", "annotations": notes}}
    assert [each for each in check("-", stdin=written(raw)).out.splitlines() if each.startswith("exempt")][-2:] == [
        "exempt: Deployment shop/web from all, without an end date: x",
        "exempt: Deployment shop/web from replicas, until 2099-12-31: one writer",
    ]
    (judged,) = json.loads(check("-", "-o", "json", stdin=written(raw)).out)["workloads"]
    assert judged["exemptions"] == [
        {"expectation": "all", "reason": "x", "until": ""},
        {"expectation": "replicas", "reason": "one writer", "until": "2099-12-31"},
    ]


def test_an_exemption() -> None:
    notes = {"annotations": {f"{EXEMPT}podDisruptionBudget": "one is enough"}}
    done = check("-", *FAILS, stdin=written(deployment(metadata=notes)))
    assert done.code == 0


def test_a_folder_holds_all_that_is_below_it(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "deep/er/c.json", "d.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(deployment(name.replace("/", "-"))))
    names = [each["name"] for each in report(tmp_path)["workloads"]]
    assert names == ["a.yaml", "b.yml", "deep-er-c.json"]


def test_a_file_that_is_given_twice_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(written(deployment()))
    found = report(tmp_path, file)
    assert (len(found["workloads"]), found["unreadable"]) == (1, [])


def test_a_budget_in_another_file_counts(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(written(deployment()))
    (tmp_path / "budget.yaml").write_text(written(budget(maxUnavailable=1)))
    assert verdict("podDisruptionBudget", tmp_path) == "passed"
    assert verdict("podDisruptionBudget", tmp_path / "web.yaml") == "failed"


def test_an_autoscaler_in_another_file_counts(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(written(deployment()))
    (tmp_path / "autoscaler.json").write_text(json.dumps(autoscaler(1, 4)))
    assert verdict("replicas", tmp_path) == "failed"
    assert verdict("replicas", tmp_path / "web.yaml") == "passed"


@pytest.mark.parametrize("other", [stateful_set("other"), job("other", labels={"app": "web"})], ids=["set", "job"])
def test_pods_of_others_in_another_file_count(tmp_path: Path, other: Raw) -> None:
    other["spec"]["template"]["metadata"]["labels"] = {"app": "web"}
    (tmp_path / "web.yaml").write_text(written(deployment()))
    (tmp_path / "other.yaml").write_text(written(other))
    messages = [
        finding["message"]
        for judged in report(tmp_path, *FAILS)["workloads"]
        for finding in judged["findings"]
        if judged["name"] == "web"
    ]
    assert any("other" in each for each in messages)


@pytest.mark.parametrize(
    ("workload", "beside", "expected"),
    [
        (without_namespace(deployment()), budget(maxUnavailable=1), "passed"),
        (deployment(), without_namespace(budget(maxUnavailable=1)), "passed"),
        (deployment(), in_namespace(budget(maxUnavailable=1), "elsewhere"), "failed"),
    ],
    ids=["workload without", "budget without", "another"],
)
def test_an_absent_namespace_matches_any(workload: Raw, beside: Raw, expected: str) -> None:
    assert verdict("podDisruptionBudget", "-", stdin=written(workload, beside)) == expected


@pytest.mark.parametrize(("second", "expected"), [("bank", "passed"), ("elsewhere", "failed"), (None, "failed")])
def test_budgets_of_two_namespaces_never_select_the_same_pods(second: str | None, expected: str) -> None:
    first, other = budget("first", maxUnavailable=1), budget("other", maxUnavailable=1)
    placed = in_namespace(other, second) if second else without_namespace(other)
    objects = without_namespace(deployment()), in_namespace(first, "elsewhere"), placed
    assert verdict("podDisruptionBudget", "-", stdin=written(*objects)) == expected


def test_budgets_that_the_server_will_name_are_judged_each_at_its_own_pods() -> None:
    wide = named_by_the_server(budget(selector={}, minAvailable=3))
    narrow = named_by_the_server(budget(selector={"matchLabels": {"app": "db"}}, maxUnavailable=1))
    found = report("-", stdin=written(deployment(replicas=2), stateful_set("db", replicas=3), wide, narrow))
    findings = [each for each in found["workloads"][1]["findings"] if each["expectation"] == "podDisruptionBudget"]
    assert [each["message"] for each in findings] == [
        "PodDisruptionBudgets (no name), (no name) all select the pods, so the pods cannot be evicted"
    ]


@pytest.mark.parametrize("kind", ["List", "DeploymentList"])
@pytest.mark.parametrize("form", [json.dumps, yaml.safe_dump, lambda raw: json.dumps(raw, indent="\t")])
def test_lists(kind: str, form: object) -> None:
    assert callable(form)
    items = [deployment("a"), deployment("b")]
    if kind != "List":
        items = [{name: value for name, value in each.items() if name in {"metadata", "spec"}} for each in items]
    found = report("-", stdin=form({"apiVersion": "apps/v1", "kind": kind, "items": items}))
    assert [(each["kind"], each["name"]) for each in found["workloads"]] == [("Deployment", "a"), ("Deployment", "b")]


def test_json_documents_one_after_another() -> None:
    text = "\n".join(json.dumps(deployment(name)) for name in ("a", "b"))
    assert [(each["name"], each["line"]) for each in report("-", stdin=text)["workloads"]] == [("a", 1), ("b", 2)]


def test_lines() -> None:
    text = f"# a comment\n--- # another\n\n{written(budget())}---\n{written(deployment(replicas=1))}"
    (judged,) = report("-", "--expectation", "replicas", stdin=text)["workloads"]
    lines = text.splitlines()
    assert judged["line"] == lines.index("apiVersion: apps/v1") + 1
    shown = check("-", "--expectation", "replicas", "-o", "github", stdin=text).out
    assert f"line={lines.index('  replicas: 1') + 1}," in shown


def test_the_line_of_a_finding_in_a_list() -> None:
    listed = {"kind": "List", "items": [deployment("a"), deployment("b", replicas=1)]}
    text = yaml.safe_dump(listed, sort_keys=False)
    shown = check("-", "--expectation", "replicas", "-o", "github", stdin=text).out
    assert f"line={text.splitlines().index('    replicas: 1') + 1}," in shown


def test_what_only_the_operator_needs_is_not_loaded() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "productionpolicy", "check", "-", "--allow-empty"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert loaded & {"rich", "kopf", "kubernetes", "aiohttp", "prometheus_client", "structlog"} == {"rich"}


def test_the_whole_command() -> None:
    command = [sys.executable, "-W", "error", "-m", "productionpolicy", "check", "-", *FAILS]
    text = written(in_a_file(deployment(pod={"containers": [container(image="web:1")]})))
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "\x1b" not in done.stdout
    assert "Deployment shop/web  stdin:1" in done.stdout
