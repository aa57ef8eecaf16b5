"""`check --from FILE`: a cluster is judged as its objects in files are, and only as far as it was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from productionpolicy.controller.resources import LISTED, NAMESPACES, POLICIES, WATCHED
from productionpolicy.kube.coverage import COMPLETE, Coverage, Read
from productionpolicy.kube.identity import API_VERSION, POLICY_LABEL
from productionpolicy.live.snapshot import Snapshot, save
from support.checking import check, written
from support.manifests import Raw, budget, container, deployment, stateful_set

EVERYTHING = {each.called: COMPLETE for each in (*WATCHED, *LISTED)}
FORBIDDEN = Coverage(Read.NONE, reason="Forbidden: jane cannot list it")
WHOLE = [deployment(), stateful_set("db"), budget(selector={"matchLabels": {"app": "web"}}, maxUnavailable=1)]
BUDGETS = "poddisruptionbudgets.policy"


def namespace(name: str = "shop", **labels: str) -> Raw:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def policy(name: str = "default", **spec: Any) -> Raw:
    spec = {"mode": "Audit", **spec}
    return {"apiVersion": API_VERSION, "kind": "ProductionPolicy", "metadata": {"name": name, "uid": "1"}, "spec": spec}


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    """Save objects as a snapshot, with changes of what is covered."""

    def save_objects(*objects: Raw, **coverage: Coverage) -> Path:
        covered = {**EVERYTHING, **{name.replace("__", "."): each for name, each in coverage.items()}}
        items = [msgspec.json.encode(each) for each in objects]
        save(Snapshot("2026-11-28T03:00:00Z", "prod", "v1.37.2", covered, items), tmp_path / "cluster.json")
        return tmp_path / "cluster.json"

    return save_objects


def told(report: Any) -> dict[str, Any]:
    return {f"{each['kind']} {each['name']}": (each["verdicts"], each["findings"]) for each in report["workloads"]}


def test_it_is_judged_as_the_same_objects_in_files(saved: Any) -> None:
    live = check("--from", saved(*WHOLE), "-o", "json").report
    assert told(live) == told(check("-", "-o", "json", stdin=written(*WHOLE)).report)
    assert (live["workloads"][0]["file"], live["workloads"][0]["line"]) == ("", 0)


def test_the_report_says_which_cluster_it_is_about(saved: Any) -> None:
    done = check("--from", saved(*WHOLE, nodes=FORBIDDEN), "-o", "json")
    cluster = done.report["cluster"]
    assert (cluster["context"], cluster["serverVersion"], cluster["complete"]) == ("prod", "v1.37.2", False)
    assert cluster["coverage"]["nodes"] == {"read": "None", "namespaces": [], "reason": FORBIDDEN.reason}
    assert "context prod, Kubernetes v1.37.2, 2026-11-28T03:00:00Z" in done.err
    assert "not read: nodes, Forbidden: jane cannot list it" in done.err


@pytest.mark.parametrize("output", ["text", "json", "sarif", "junit", "github"])
def test_every_format_says_what_failed_without_a_place_in_a_file(output: str, saved: Any) -> None:
    done = check("--from", saved(*WHOLE), "-o", output)
    assert done.code == 1
    assert "Deployment shop/web" in done.out or '"web"' in done.out
    assert " :0" not in done.out
    assert "file=," not in done.out


def test_without_budgets_their_verdict_is_unknown_with_the_reason(saved: Any) -> None:
    done = check("--from", saved(*WHOLE, **{BUDGETS.replace(".", "__"): FORBIDDEN}), "-o", "json")
    web = done.report["workloads"][0]
    assert web["verdicts"]["podDisruptionBudget"] == "unknown"
    assert {each["expectation"]: each["reason"] for each in web["unknown"]}["podDisruptionBudget"] == (
        "PodDisruptionBudget.policy could not be read (Forbidden: jane cannot list it)"
    )
    assert done.report["summary"]["expectations"]["podDisruptionBudget"]["unknown"] == 2


def test_the_exit_code_is_3_if_nothing_failed_but_not_everything_was_read(saved: Any) -> None:
    arguments = ("--expectation", "podDisruptionBudget")
    assert check("--from", saved(*WHOLE[::2]), *arguments).code == 0
    done = check("--from", saved(*WHOLE[::2], **{BUDGETS.replace(".", "__"): FORBIDDEN}), *arguments)
    assert done.code == 3
    assert "podDisruptionBudget of 1 workloads  unknown" in done.out


def test_a_finding_counts_more_than_what_is_unknown(saved: Any) -> None:
    assert check("--from", saved(*WHOLE, nodes=FORBIDDEN)).code == 1


def test_what_a_file_does_not_have_is_unknown_too(tmp_path: Path) -> None:
    few = {"deployments.apps": COMPLETE, "namespaces": COMPLETE}
    file = tmp_path / "cluster.json"
    save(Snapshot("2026-11-28T03:00:00Z", "prod", "v1.37.2", few, [msgspec.json.encode(deployment())]), file)
    done = check("--from", file, "--expectation", "podDisruptionBudget", "-o", "json")
    assert (done.code, done.report["summary"]["unknown"]) == (3, 1)


def test_values_of_variables_are_not_saved_so_what_they_say_is_unknown(saved: Any) -> None:
    variables = [{"name": "PASSWORD", "value": "hunter2hunter2"}]
    raw = deployment(pod={"containers": [container(env=variables)]})
    done = check("--from", saved(raw), "--expectation", "secretLiterals", "-o", "json")
    assert (done.code, done.report["workloads"][0]["verdicts"]) == (3, {"secretLiterals": "unknown"})


def test_only_the_chosen_workloads_are_judged_among_all_others(saved: Any) -> None:
    other = deployment("web", metadata={"namespace": "bank"})
    labelled = deployment("api", metadata={"labels": {"tier": "back"}})
    file = saved(*WHOLE, labelled, other)
    assert told(check("--from", file, "-n", "bank", "-o", "json").report).keys() == {"Deployment web"}
    assert told(check("--from", file, "-l", "tier in (back,front)", "-o", "json").report).keys() == {"Deployment api"}
    assert len(check("--from", file, "-l", "!tier", "-o", "json").report["workloads"]) == 3


class TestPoliciesOfTheCluster:
    OBJECTS = (
        policy(profile="Development"),
        namespace("shop", **{POLICY_LABEL: "default"}),
        namespace("bank"),
        deployment(),
        deployment("api", metadata={"namespace": "bank"}),
    )

    def test_a_workload_is_judged_by_the_policy_of_its_namespace_and_others_by_the_defaults(self, saved: Any) -> None:
        found = told(check("--from", saved(*self.OBJECTS), "-o", "json").report)
        assert "podDisruptionBudget" not in found["Deployment web"][0]
        assert "podDisruptionBudget" in found["Deployment api"][0]

    def test_governed_leaves_out_all_others(self, saved: Any) -> None:
        assert told(check("--from", saved(*self.OBJECTS), "--governed", "-o", "json").report).keys() == {
            "Deployment web"
        }

    def test_a_policy_file_counts_for_all(self, saved: Any, tmp_path: Path) -> None:
        (tmp_path / "policy.yaml").write_text(written(policy(profile="Production")))
        done = check("--from", saved(*self.OBJECTS), "--policy", tmp_path / "policy.yaml", "-o", "json")
        assert all("podDisruptionBudget" in verdicts for verdicts, _ in told(done.report).values())

    @pytest.mark.parametrize("kind", [POLICIES, NAMESPACES], ids=lambda each: each.plural)
    def test_governed_is_refused_if_it_is_not_known_what_is_governed(self, kind: Any, saved: Any) -> None:
        done = check("--from", saved(*self.OBJECTS, **{kind.called.replace(".", "__"): FORBIDDEN}), "--governed")
        assert done.code == 2
        assert f"--governed needs the right to list {kind.called}: Forbidden" in done.err

    def test_what_an_invalid_policy_governs_is_not_judged_and_that_is_told(self, saved: Any) -> None:
        wrong = policy(mode="Sometimes")
        done = check("--from", saved(wrong, *self.OBJECTS[1:]), "-o", "json")
        assert told(done.report).keys() == {"Deployment api"}
        assert "ProductionPolicy default is not valid" in done.err


class TestPlans:
    def test_the_plan_is_what_the_operator_would_write_notes_included(self, saved: Any) -> None:
        objects = TestPoliciesOfTheCluster.OBJECTS[1:4]
        done = check("--from", saved(policy(mode="Enforce"), *objects), "--governed", "--plan", "-o", "json")
        (web,) = done.report["workloads"]
        assert done.code == 1
        assert "repairs.productionpolicy.dev/preStop" in web["patch"]["metadata"]["annotations"]
        assert web["budget"]["metadata"]["name"] == "web-deployment-productionpolicy"

    def test_a_diff_shows_the_object_before_and_after(self, saved: Any) -> None:
        done = check("--from", saved(*WHOLE[:1]), "--plan", "-o", "diff")
        name = "apps.v1.Deployment.shop.web"
        assert done.out.startswith(f"diff -u -N LIVE/{name} MERGED/{name}\n--- LIVE/{name}\n+++ MERGED/{name}\n@@ ")
        lines = done.out.splitlines()
        assert any(line.startswith("+") and "preStop:" in line for line in lines)
        assert "+++ MERGED/policy.v1.PodDisruptionBudget.shop.web-deployment" in lines
        assert not [line for line in lines if line.startswith("-") and not line.startswith("---")]

    def test_no_repair_is_planned_that_rests_on_what_is_missing(self, saved: Any) -> None:
        done = check("--from", saved(deployment(), **{BUDGETS.replace(".", "__"): FORBIDDEN}), "--plan", "-o", "json")
        (web,) = done.report["workloads"]
        assert web["budget"] is None
        left = {each["expectation"]: each["reason"] for each in web["left"]}
        assert left["podDisruptionBudget"].startswith(
            "it is not known, because PodDisruptionBudget.policy could not be"
        )


class TestWrongUse:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--live", "--from", "x"], "use one of them"),
            (["--live", "-"], "omit PATH"),
            (["-", "-A"], "-A/--all-namespaces needs --live or --from FILE"),
            (["-", "--save", "x"], "--save needs --live"),
            (["--live", "-A", "-n", "shop"], "-n names one namespace"),
            (["--live", "--as-group", "dev"], "--as-group needs --as"),
            (["--live", "-l", "a b"], "not a label selector"),
            (["--live", "-l", "a=b,,c"], "has an empty part"),
            (["-", "--plan", "-o", "diff"], "-o diff compares with objects in a cluster"),
            (["--live", "--plan", "--write", "x"], "--write makes files"),
            (
                ["--live", "--kubeconfig", "nowhere.yaml"],
                "the kubeconfig nowhere.yaml does not exist; pass",
            ),
            (["--from", "nowhere.json"], "nowhere.json cannot be read"),
        ],
    )
    def test_it_is_refused_in_one_sentence_with_the_remedy(self, arguments: list[str], message: str) -> None:
        done = check(*arguments, stdin="")
        assert done.code == 2
        assert message in done.err

    def test_a_file_that_is_no_snapshot_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "cluster.json").write_text('{"kind": "List"}')
        done = check("--from", tmp_path / "cluster.json")
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "Write a new one with" in done.err

    @pytest.mark.parametrize("content", ["", "[]", "3", "contexts: 3", "contexts: [a]", ": :", "{", "a: b"])
    def test_a_broken_kubeconfig_is_refused(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "config").write_text(content)
        done = check("--live", "--kubeconfig", tmp_path / "config")
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert "kubeconfig" in done.err

    def test_a_context_that_is_not_there_is_named_with_those_that_are(self, tmp_path: Path) -> None:
        text = "{contexts: [{name: a, context: {}}, {name: b, context: {}}], current-context: a}"
        (tmp_path / "config").write_text(text)
        done = check("--live", "--kubeconfig", tmp_path / "config", "--context", "c")
        assert done.code == 2
        assert "has no context c; pass --context NAME, one of a, b" in done.err
