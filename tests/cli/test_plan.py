"""What `check --plan` shows, in each form, and what its exit code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from jsonschema import Draft202012Validator

from productionpolicy.cli.formats.json import schema
from productionpolicy.cli.plans.json import Report
from productionpolicy.kube.identity import API_VERSION, EXEMPT, REPAIRS
from support.checking import Done, check, report, written
from support.manifests import Raw, autoscaler, budget, container, deployment, job, stateful_set
from support.strategies import mangled, workloads

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "plan.schema.json").read_text())
READY = {"httpGet": {"path": "/", "port": 8080}}


def without_uid(raw: Raw) -> Raw:
    """Return an object as it stands in a file: no API server has seen it."""
    return {**raw, "metadata": {name: value for name, value in raw["metadata"].items() if name != "uid"}}


def web(name: str = "web", **spec: Any) -> Raw:
    return without_uid(deployment(name, **spec))


def plan(*objects: Raw, options: tuple[str, ...] = ()) -> Any:
    """Return what is planned for the first workload."""
    return report("-", "--plan", *options, stdin=written(*objects))["workloads"][0]


def shown(form: str, *objects: Raw, options: tuple[str, ...] = ()) -> Done:
    return check("-", "--plan", "-o", form, *options, stdin=written(*objects))


def changed(planned: Any) -> dict[str, str]:
    return {each["expectation"]: each["after"] for each in planned["changes"]}


def test_the_changes_are_told_in_the_words_of_the_journal() -> None:
    assert changed(plan(web())) == {
        "podDisruptionBudget": "maxUnavailable 25%",
        "spread": "Preferred: kubernetes.io/hostname,topology.kubernetes.io/zone",
        "rollingUpdate": "25% -> 1%",
        "preStop": "sleep 10s: web",
        "terminationGracePeriod": "30 -> 40",
    }


def test_the_patch_changes_the_spec_alone() -> None:
    options = ("--expectation", "preStop", "--expectation", "terminationGracePeriod")
    hook = {"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    assert plan(web(), options=options)["patch"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": [hook], "terminationGracePeriodSeconds": 40}}},
    }


def test_nothing_in_the_budget_says_that_it_is_the_operators() -> None:
    assert plan(web(replicas=8))["budget"] == {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web-deployment", "namespace": "shop"},
        "spec": {
            "maxUnavailable": "25%",
            "selector": {"matchLabels": {"app": "web"}},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def test_with_its_budget_in_the_files_a_workload_needs_no_other() -> None:
    made = plan(web())["budget"]
    again = plan(web(), made)
    assert again["budget"] is None
    assert "podDisruptionBudget" not in changed(again)


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([("web-deployment", "shop")], "web-deployment-2"),
        ([("web-deployment", None)], "web-deployment-2"),
        ([("web-deployment", "shop"), ("web-deployment-2", "shop")], "web-deployment-3"),
        ([("web-deployment", "bank")], "web-deployment"),
        ([("web", "shop")], "web-deployment"),
    ],
    ids=str,
)
def test_a_budget_gets_no_name_that_another_one_has(taken: list[tuple[str, str | None]], name: str) -> None:
    others = [budget(each, selector={"matchLabels": {"app": "cart"}}, maxUnavailable=1) for each, _ in taken]
    for other, (_, namespace) in zip(others, taken, strict=True):
        other["metadata"] = {"name": other["metadata"]["name"], **({"namespace": namespace} if namespace else {})}
    assert plan(web(), *others)["budget"]["metadata"] == {"name": name, "namespace": "shop"}


def test_why_a_budget_is_not_as_the_policy_says(tmp_path: Path) -> None:
    policy = policy_file(tmp_path, podDisruptionBudget={"minAvailable": 9})
    planned = plan(web(), options=("--policy", str(policy)))
    assert planned["budget"]["spec"]["maxUnavailable"] == 1
    assert planned["note"]
    text = shown("text", web(), options=("--policy", str(policy))).out
    assert f"  note: {planned['note']}\n" in text
    assert f"# {planned['note']}\n" in shown("yaml", web(), options=("--policy", str(policy))).out


def policy_file(folder: Path, mode: str = "Audit", **expectations: Raw) -> Path:
    raw = {"apiVersion": API_VERSION, "kind": "ProductionPolicy", "metadata": {"name": "p"}}
    file = folder / "policy.yaml"
    file.write_text(written({**raw, "spec": {"mode": mode, "paused": True, "expectations": expectations}}))
    return file


def test_mode_and_pause_of_a_policy_play_no_part(tmp_path: Path) -> None:
    plans = [plan(web(), options=("--policy", str(policy_file(tmp_path, mode=mode)))) for mode in ("Audit", "Enforce")]
    assert plans[0] == plans[1] == plan(web())


def test_what_the_policy_only_audits_is_not_planned(tmp_path: Path) -> None:
    policy = policy_file(tmp_path, preStop={"action": "Audit"}, spread={"action": "Ignore"})
    assert {"preStop", "spread"} & set(changed(plan(web(), options=("--policy", str(policy))))) == set()


def test_an_exemption_is_honoured() -> None:
    notes = {"annotations": {f"{EXEMPT}preStop": "it drains by itself"}}
    exempt = without_uid(deployment(metadata=notes))
    assert "preStop" not in changed(plan(exempt))
    assert "spread" in changed(plan(exempt))


def test_surroundings_count() -> None:
    assert changed(plan(web(replicas=1)).copy()).keys().isdisjoint({"podDisruptionBudget", "spread"})
    assert changed(plan(web(replicas=1), autoscaler(2, 9))).keys() > {"podDisruptionBudget", "spread"}
    assert "podDisruptionBudget" not in changed(plan(web(), budget(maxUnavailable=1)))


@pytest.mark.parametrize(
    ("spec", "expectation", "reason"),
    [
        (
            {"pod": {"terminationGracePeriodSeconds": 30}},
            "terminationGracePeriod",
            "the owner has declared a grace period of 30 s",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "25%"}}},
            "rollingUpdate",
            "the owner has declared maxUnavailable",
        ),
    ],
)
def test_what_stands_in_a_file_is_its_owners_word_even_where_it_is_the_default(
    spec: Raw, expectation: str, reason: str
) -> None:
    planned = plan(web(**spec))
    assert expectation not in changed(planned)
    assert {"expectation": expectation, "reason": reason} in planned["left"]


def test_in_a_dump_of_a_cluster_defaults_are_nobodys_word() -> None:
    assert "terminationGracePeriod" in changed(plan(deployment(pod={"terminationGracePeriodSeconds": 30})))


def test_in_a_dump_of_a_cluster_what_the_operator_has_repaired_is_done() -> None:
    journal = {"annotations": {f"{REPAIRS}preStop": "sleep 10s: web"}}
    hooked = container(lifecycle={"preStop": {"sleep": {"seconds": 10}}})
    dumped = deployment(metadata=journal, pod={"containers": [hooked]})
    planned = plan(dumped, options=("--expectation", "replicas"))
    assert (planned["changes"], planned["patch"]) == ([], None)
    assert "preStop" not in changed(plan(dumped))


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (
            {"apiVersion": "extensions/v1beta1"},
            "the API version extensions/v1beta1 is no longer served since Kubernetes 1.16",
        ),
        ({"metadata": {"generateName": "web-"}}, "only by valid names"),
        ({"metadata": {"name": "../web"}}, "only by valid names"),
        ({"metadata": {"name": "web", "namespace": "${NAMESPACE}"}}, "only by valid names"),
        ({"spec": {**web()["spec"], "paused": "no"}}, "spec.paused cannot be read"),
    ],
)
def test_what_a_patch_would_not_find_or_spoil_is_left_to_a_person(spoilt: Raw, reason: str) -> None:
    planned = plan({**web(), **spoilt})
    assert (planned["changes"], planned["patch"], planned["budget"]) == ([], None, None)
    assert {"preStop", "spread"} <= {each["expectation"] for each in planned["left"]}
    assert all(reason in each["reason"] for each in planned["left"])


@pytest.mark.parametrize("names", [("web", "web"), ("web", None), ("web", "a b")])
def test_containers_without_names_of_their_own_are_left_to_a_person(names: tuple[str, str | None]) -> None:
    pod = {"containers": [{name: value for name, value in container(each or "").items() if value} for each in names]}
    assert plan(web(pod=pod))["patch"] is None


def test_kinds_that_are_never_repaired_are_not_planned_for() -> None:
    planned = plan(without_uid(job()))
    assert (planned["changes"], planned["left"]) == ([], [])


@pytest.mark.parametrize(
    ("objects", "code"), [([web()], 1), ([web(replicas=1, pod={"containers": [{"name": "a", "image": "a:1"}]})], 0)]
)
def test_the_exit_code_tells_whether_there_is_something_to_repair(objects: list[Raw], code: int) -> None:
    for form in ("text", "json", "yaml"):
        assert shown(form, *objects).code == code
        assert shown(form, *objects, options=("--fail-on", "never")).code == 0


def test_what_is_left_to_a_person_alone_is_nothing_to_repair() -> None:
    done = shown("text", web(pod={"terminationGracePeriodSeconds": 5}), options=("--expectation", "preStop"))
    assert "  left to you: preStop: " in done.out
    assert done.code == 0


def test_what_could_not_be_read_is_no_success() -> None:
    assert check("-", "--plan", stdin="kind: Deployment\nspec: [").code == 2
    assert check("-", "--plan", stdin=f"{written(web())}\n---\nkind: Deployment\nspec: [").code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "yaml"], "-o yaml is a format for repairs: it needs --plan"),
        (["--plan", "-o", "sarif"], "-o sarif is a format for findings: with --plan use text, json, yaml or diff"),
        (["--plan", "-o", "junit"], "-o junit is a format for findings"),
        (["--plan", "-o", "github"], "-o github is a format for findings"),
        (["--write", "nowhere"], "--write is for repairs: it needs --plan"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str) -> None:
    done = check("-", *arguments, stdin="")
    assert done.code == 2
    assert message in done.err


def test_text() -> None:
    options = ("--expectation", "preStop", "--expectation", "podDisruptionBudget", "--expectation", "rollingUpdate")
    lines = shown("text", web(strategy={"type": "Recreate"}), options=options).out.splitlines()
    assert lines[:6] == [
        "Deployment shop/web  stdin:1  restarts its pods",
        "  repair: podDisruptionBudget (maxUnavailable 25%)",
        "  repair: preStop (sleep 10s: web)",
        "  left to you: rollingUpdate: the type of strategy is the owner's decision",
        "",
        "    apiVersion: apps/v1",
    ]
    assert lines[-1] == (
        "workloads: 1, to repair: 1, of these with restarts: 1, budgets to create: 1, repairs left to you: 1, "
        "unreadable documents: 0, objects not judged: 0"
    )
    made = "\n".join(line.removeprefix("    ") for line in lines[5:-2])
    assert [each["kind"] for each in yaml.safe_load_all(made)] == ["Deployment", "PodDisruptionBudget"]


def test_json_is_as_its_schema_says() -> None:
    text = shown("json", web(), web("other", replicas=1), without_uid(job())).out
    msgspec.json.decode(text, type=Report)
    assert [each.message for each in Draft202012Validator(SCHEMA).iter_errors(json.loads(text))] == []
    assert {name: part for name, part in SCHEMA.items() if name != "$comment"} == schema(Report)


def test_yaml_holds_all_patches_and_then_all_budgets() -> None:
    objects = [web("a"), without_uid(stateful_set("b"))]
    planned = report("-", "--plan", stdin=written(*objects))["workloads"]
    documents = list(yaml.safe_load_all(shown("yaml", *objects).out))
    assert documents == [*(each["patch"] for each in planned), *(each["budget"] for each in planned)]


def test_yaml_quotes_what_some_readers_take_for_numbers_and_truth_values() -> None:
    labels = {"app": "1e3", "on": "y", "n": "0o7", "nothing": "~", "date": "2020-01-01", "empty": ""}
    workload = web(selector={"matchLabels": labels})
    workload["spec"]["template"]["metadata"]["labels"] = labels
    text = shown("yaml", workload).out
    assert all(f': "{each}"\n' in text for each in labels.values())


@given(workloads().flatmap(mangled))
def test_there_is_always_a_plan(raw: Raw) -> None:
    for form in ("text", "json", "yaml"):
        assert check("-", "--plan", "-o", form, stdin=json.dumps(raw)).code in {0, 1, 2}
