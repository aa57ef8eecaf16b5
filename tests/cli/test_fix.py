"""What `fix` writes into files, what it refuses, and what its exit code says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from productionpolicy.cli import files
from productionpolicy.kube.identity import API_VERSION
from support.checking import check, fix

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web  # the shop window
spec:
  replicas: 8
  selector:
    matchLabels: {app: web}

  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: "registry.example/web:1.0"
          ports: [{containerPort: 8080}]
          # env:
          #   - name: DEBUG
      # the pods need no token
      automountServiceAccountToken: false
"""

FIXED = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web  # the shop window
spec:
  replicas: 8
  selector:
    matchLabels: {app: web}
  strategy:
    rollingUpdate:
      maxUnavailable: "1%"

  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: "registry.example/web:1.0"
          ports: [{containerPort: 8080}]
          # env:
          #   - name: DEBUG
          lifecycle:
            preStop:
              sleep:
                seconds: 10
      # the pods need no token
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 40
"""

CONTAINER = """\
        - name: web
          image: "registry.example/web:1.0"
          ports: [{containerPort: 8080}]
          # env:
          #   - name: DEBUG
"""
ANCHORED = "x: &web {name: web, image: 'a:1', ports: [{containerPort: 1}]}\n"
REPAIRS = ("rollingUpdate", "preStop", "terminationGracePeriod")
THREE = [word for name in REPAIRS for word in ("--expectation", name)]


def policy(folder: Path, **expectations: object) -> Path:
    file = folder / "policy.txt"
    spec = {"mode": "Audit", "expectations": {"rollingUpdate": {"action": "Repair"}, **expectations}}
    raw = {"apiVersion": API_VERSION, "kind": "ProductionPolicy", "metadata": {"name": "p"}, "spec": spec}
    file.write_text(yaml.safe_dump(raw))
    return file


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return put(tmp_path / "deploy" / "web.yaml", WEB)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_only_the_lines_of_the_repairs_are_added(web: Path) -> None:
    done = fix(web, *THREE)
    assert web.read_text() == FIXED
    assert done.code == 0
    assert done.out.splitlines() == [
        f"{web}:1: Deployment web: rollingUpdate (maxUnavailable 25% -> 1%)",
        f"{web}:1: Deployment web: preStop (sleep 10s: web)",
        f"{web}:1: Deployment web: terminationGracePeriod (30 -> 40)",
        "workloads: 1, files changed: 1, changes: 3, not changed: 0, left to you: 0, unreadable documents: 0",
    ]


def test_afterwards_there_is_nothing_to_repair(web: Path) -> None:
    assert fix(web).code == 0
    assert check(web, "--plan").code == 0
    before = web.read_bytes()
    assert fix(web).out.startswith("workloads: 1, files changed: 0, changes: 0, ")
    assert web.read_bytes() == before


def test_a_budget_becomes_a_document_at_the_end(web: Path) -> None:
    done = fix(web)
    documents = list(yaml.safe_load_all(web.read_text()))
    assert [each["kind"] for each in documents] == ["Deployment", "PodDisruptionBudget"]
    assert "podDisruptionBudget (maxUnavailable 25%), as a new document" in done.out


def test_a_budget_becomes_a_file_beside_which_later_runs_know(web: Path) -> None:
    done = fix(web, "--budgets", "file")
    budgets = web.with_name("web-budgets.yaml")
    assert [each["kind"] for each in yaml.safe_load_all(budgets.read_text())] == ["PodDisruptionBudget"]
    assert f"podDisruptionBudget (maxUnavailable 25%), in {budgets}" in done.out
    for where in (web, web.parent):
        assert fix(where).out.startswith("workloads: 1, files changed: 0")


def test_a_file_of_budgets_is_listed_where_the_workload_is(web: Path) -> None:
    kustomization = put(web.with_name("kustomization.yaml"), "resources:\n# what we run\n- web.yaml\nnamespace: shop\n")
    fix(web.parent, "--budgets", "file")
    expected = "resources:\n# what we run\n- web.yaml\n- web-budgets.yaml\nnamespace: shop\n"
    assert kustomization.read_text() == expected


def test_a_kustomization_outside_of_path_is_left_to_a_person(web: Path) -> None:
    kustomization = put(web.with_name("kustomization.yaml"), "resources: [web.yaml]\n")
    done = fix(web, "--budgets", "file")
    assert kustomization.read_text() == "resources: [web.yaml]\n"
    assert "does not list web-budgets.yaml: add it to its resources" in done.err


def test_a_diff_changes_nothing_and_can_be_applied(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(web.parents[1])
    put(Path("deploy/last.yaml"), WEB.replace("web", "last").rstrip("\n"))
    before = [each.read_bytes() for each in sorted(Path("deploy").iterdir())]
    done = fix("deploy", "--diff", "--budgets", "file")
    assert done.code == 1
    assert [each.read_bytes() for each in sorted(Path("deploy").iterdir())] == before
    put(Path("changes.patch"), done.out)
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["git", "apply", "changes.patch"], check=True)
    applied = {each.name: each.read_bytes() for each in Path("deploy").iterdir()}
    for name, content in zip(("last.yaml", "web.yaml"), before, strict=True):
        Path("deploy", name).write_bytes(content)
    for each in Path("deploy").glob("*-budgets.yaml"):
        each.unlink()
    assert fix("deploy", "--budgets", "file").code == 0
    assert {each.name: each.read_bytes() for each in Path("deploy").iterdir()} == applied
    assert fix("deploy", "--diff").code == 0


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (ANCHORED + WEB.replace(CONTAINER, "        - *web\n"),
         16, "an alias of another one: write it out"),
        (ANCHORED + WEB.replace(CONTAINER, "        - <<: *web\n"), 16, "has a merge key (<<): write its fields out"),
        (WEB.replace("    spec:\n", "    spec: &pod\n") + "x: *pod\n", 13, "has an anchor"),
        (WEB.replace(CONTAINER, "        - {name: web, image: 'a:1',\n           ports: [{containerPort: 1}]}\n"), 15,
         "in flow style ({...}) and has several lines: write it in block style"),
        ("# Code generated by make. DO NOT EDIT.\n" + WEB, 2, "it is generated: change what generates it"),
        (WEB.replace("1.0", "{{ .Values.web.tag }}").replace("env:", "{{ .Values.web.lifecycle }}"), 1,
         "it is a Helm template: set the values of the chart that it uses for these fields: web.lifecycle (line 18)"),
        (WEB.replace("1.0", "{{ .Values.web.tag }}"), 1, "add the fields to the template"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_safely_is_refused(web: Path, text: str, line: int, reason: str) -> None:
    put(web, text)
    done = fix(web, "--expectation", "preStop")
    assert web.read_text() == text
    assert done.code == 1
    assert f"{web}:{line}: not changed: Deployment web: preStop: " in done.out
    assert reason in done.out


def test_what_was_refused_does_not_hinder_the_rest(web: Path) -> None:
    anchored = WEB.replace("    spec:\n", "    spec: &pod\n") + "x: *pod\n"
    put(web, f"{anchored}---\n{WEB.replace('web', 'two')}")
    done = fix(web, *THREE)
    names = "rollingUpdate, preStop, terminationGracePeriod"
    assert f"not changed: Deployment web: {names}: the value has an anchor" in done.out
    assert web.read_text() == f"{anchored}---\n{FIXED.replace('web', 'two')}"


def test_json_is_refused(web: Path) -> None:
    done = check(web, "-o", "json")
    assert done.report["workloads"]
    file = put(web.with_suffix(".json"), yaml.safe_dump(yaml.safe_load(WEB), default_flow_style=True, width=10**6))
    before = file.read_bytes()
    done = fix(file)
    assert (done.code, file.read_bytes()) == (1, before)
    assert "its top level is in flow style, as in JSON" in done.out


def test_a_template_that_is_no_yaml_names_the_values(web: Path) -> None:
    put(web, WEB.replace("      # the pods", "      {{- with .Values.affinity }}\n      # the pods"))
    done = fix(web)
    assert done.code == 2
    assert "not read: it looks like a template: render it first" in done.out
    assert "for these fields: affinity (line 20)" in done.out


def test_a_link_out_of_the_path_is_not_followed(web: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked" / "web.yaml"
    link.parent.mkdir()
    link.symlink_to(web)
    for path in (link, link.parent):
        done = fix(path)
        assert done.code == 1
        assert "it is a link to a file outside PATH" in done.out
    assert web.read_text() == WEB


def test_new_files_are_not_written_through_links(web: Path, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere" / "budgets.yaml", "# mine\n")
    web.with_name("web-budgets.yaml").symlink_to(elsewhere)
    assert "is a link to another folder" in fix(web.parent, "--budgets", "file").out
    folder = overlay(web).parent
    (folder / "repairs").symlink_to(elsewhere.parent)
    assert "repairs is outside PATH" in fix(folder).out
    assert [each.read_text() for each in elsewhere.parent.iterdir()] == ["# mine\n"]


def test_a_link_within_the_path_stays_a_link(web: Path) -> None:
    link = web.with_name("link.yaml")
    link.symlink_to(web.name)
    assert fix(web.parent, *THREE).code == 0
    assert link.is_symlink()
    assert web.read_text() == FIXED


def test_the_mode_of_a_file_stays_and_nothing_is_left_behind(web: Path) -> None:
    web.chmod(0o640)
    fix(web)
    assert oct(web.stat().st_mode & 0o777) == "0o640"
    assert [each.name for each in web.parent.iterdir()] == ["web.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_file_that_cannot_be_written_is_named(web: Path) -> None:
    web.chmod(0o400)
    done = fix(web)
    assert done.code == 2
    assert f"{web} cannot be written, and stays as it was" in done.err
    assert web.read_text() == WEB


def test_a_file_that_has_changed_meanwhile_stays(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = files.replace

    def late(path: Path, *, before: bytes | None, after: bytes) -> None:
        put(path, "# newer\n")
        replace(path, before=before, after=after)

    monkeypatch.setattr(files, "replace", late)
    done = fix(web)
    assert done.code == 2
    assert "stays as it was: it has changed since it was read" in done.err
    assert web.read_text() == "# newer\n"


def test_a_result_with_another_meaning_is_not_written(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("productionpolicy.offline.fix.rewriting.edited", lambda text, _edits: f"{text}    other: 1\n")
    done = fix(web)
    assert done.code == 2
    assert f"{web} stays as it was: internal error" in done.err
    assert web.read_text() == WEB


def answered(web: Path, name: str, text: str, *options: str | Path) -> list[tuple[str, str]]:
    """Return the lines that differ after the findings of an expectation are fixed."""
    put(web, text)
    fix(web, "--expectation", name, *options)
    after = web.read_text().splitlines()
    assert len(after) >= len(text.splitlines())
    if len(after) > len(text.splitlines()):
        return [("", each) for each in after if each not in text.splitlines()]
    return [(old.strip(), new.strip()) for old, new in zip(text.splitlines(), after, strict=True) if old != new]


def test_findings_with_one_right_answer_are_fixed_if_asked(web: Path) -> None:
    moving = WEB.replace('"registry.example/web:1.0"', "web:latest\n          imagePullPolicy: 'IfNotPresent'  # fast")
    assert answered(web, "imagePullPolicy", moving) == [
        ("imagePullPolicy: 'IfNotPresent'  # fast", "imagePullPolicy: 'Always'  # fast")
    ]
    assert answered(web, "terminationMessage", WEB) == [
        ("", "          terminationMessagePolicy: FallbackToLogsOnError")
    ]


@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe", "startupProbe"])
def test_a_probe_of_a_missing_port_gets_the_only_port(web: Path, probe: str) -> None:
    wrong = WEB.replace(
        "          # env:", f"          {probe}: {{httpGet: {{port: http, path: /}}}}\n          # env:"
    )
    (change,) = answered(web, probe, wrong)
    assert change[1] == f"{probe}: {{httpGet: {{port: 8080, path: /}}}}"
    named = wrong.replace("{containerPort: 8080}", "{containerPort: 8080, name: web}")
    (change,) = answered(web, probe, named)
    assert change[1] == f"{probe}: {{httpGet: {{port: web, path: /}}}}"
    several = wrong.replace("{containerPort: 8080}", "{containerPort: 1}, {containerPort: 2}")
    assert answered(web, probe, several) == []


def test_a_budget_allows_the_eviction_of_unhealthy_pods_if_the_policy_says_so(web: Path, tmp_path: Path) -> None:
    budget = (
        "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec:\n  maxUnavailable: 1\n"
    )
    text = f"{WEB}{budget}  selector:\n    matchLabels: {{app: web}}\n"
    asked = policy(tmp_path, podDisruptionBudget={"unhealthyPods": "AlwaysAllow"})
    assert answered(web, "podDisruptionBudget", text) == []
    assert answered(web, "podDisruptionBudget", text, "--policy", asked) == [
        ("", "  unhealthyPodEvictionPolicy: AlwaysAllow")
    ]


def test_without_being_asked_only_the_plan_is_carried_out(web: Path) -> None:
    put(web, WEB.replace("replicas: 8", "replicas: 1").replace('"registry.example/web:1.0"', "web:main"))
    fix(web)
    assert "imagePullPolicy" not in web.read_text()
    assert "terminationMessagePolicy" not in web.read_text()


def test_an_exemption_is_honoured(web: Path) -> None:
    put(web, WEB.replace("spec:\n", "  annotations: {exempt.productionpolicy.dev/all: drained by hand}\nspec:\n", 1))
    assert fix(web).out.startswith("workloads: 1, files changed: 0")


def test_what_the_plan_leaves_to_a_person_is_told(web: Path) -> None:
    put(web, WEB.replace("automount", "terminationGracePeriodSeconds: 5\n      automount"))
    done = fix(web, "--expectation", "preStop")
    assert f"{web}:1: left to you: Deployment web: preStop: the owner's grace period of 5 s" in done.out
    assert done.code == 0


def test_standard_input_and_missing_workloads_are_errors(tmp_path: Path) -> None:
    assert "fix changes files in place, so it cannot read standard input" in fix("-").err
    put(tmp_path / "a.yaml", "kind: ConfigMap\n")
    assert (fix(tmp_path).code, fix(tmp_path, "--allow-empty").code) == (2, 0)


def overlay(web: Path, fields: str = "") -> Path:
    """Write an overlay of the workload, in a folder of its own."""
    put(web.with_name("kustomization.yaml"), "resources: [web.yaml]\n")
    text = f"# production\nresources:\n  - ../deploy\n{fields}namespace: shop\n"
    return put(web.parents[1] / "production" / "kustomization.yaml", text)


def test_a_workload_from_a_base_elsewhere_is_repaired_in_the_overlay(web: Path) -> None:
    kustomization = overlay(web)
    done = fix(kustomization.parent)
    assert done.code == 0
    assert web.read_text() == WEB
    expected = "# production\nresources:\n  - ../deploy\nnamespace: shop\ncomponents:\n  - repairs\n"
    assert kustomization.read_text() == expected
    repairs = kustomization.parent / "repairs"
    assert f"{web}:1: Deployment web: preStop (sleep 10s: web), in {repairs}" in done.out.replace("production/../", "")
    made = sorted(str(each.relative_to(repairs)) for each in repairs.rglob("*") if each.is_file())
    assert made == ["budgets.yaml", "kustomization.yaml", "patches/deployment-web.yaml"]


def test_the_overlay_is_repaired_once(web: Path) -> None:
    folder = overlay(web).parent
    assert fix(folder, "--diff").code == 1
    assert not (folder / "repairs").exists()
    fix(folder)
    assert fix(folder, "--diff").code == 0
    assert fix(folder).out.startswith("workloads: 1, files changed: 0, changes: 0, not changed: 0")


def test_what_the_plan_leaves_in_a_base_is_told(web: Path) -> None:
    put(web, WEB.replace("automount", "terminationGracePeriodSeconds: 5\n      automount"))
    assert "left to you: Deployment web: preStop: the owner's grace period of 5 s" in fix(overlay(web).parent).out


def test_a_base_within_path_is_repaired_itself(web: Path) -> None:
    kustomization = overlay(web)
    fix(web.parents[1], *THREE)
    assert web.read_text() == FIXED
    assert not (kustomization.parent / "repairs").exists()


def test_what_an_overlay_may_change_is_left_to_kustomize(web: Path) -> None:
    kustomization = overlay(web, "replicas: [{name: web, count: 1}]\n")
    before = kustomization.read_text()
    done = fix(kustomization.parent)
    assert done.code == 1
    assert kustomization.read_text() == before
    assert (
        f"these fields may change it: replicas in {kustomization}. Pass its file, too, or judge the result: "
        in done.out
    )


def test_a_folder_of_others_in_the_overlay_is_not_touched(web: Path) -> None:
    kustomization = overlay(web)
    put(kustomization.parent / "repairs" / "notes", "mine")
    done = fix(kustomization.parent)
    assert done.code == 1
    assert "notes is not from an earlier run" in done.out


def test_the_documentation_shows_what_fix_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "fix.md").read_text()
    manifest, difference = re.findall(r"<!-- checked: .*? -->\n```[a-z]+\n(.*?)```\n", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    put(Path("web.yaml"), manifest)
    asked = policy(tmp_path, spread={"action": "Ignore"})
    assert fix("web.yaml", "--diff", "--policy", asked).out == difference
