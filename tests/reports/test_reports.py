"""The report on a workload, as other tools read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from productionpolicy.expectations import BY_NAME, EXPECTATIONS, Action, Finding
from productionpolicy.kube.text import json_size
from productionpolicy.policy import Policy
from productionpolicy.reports import Form, content_of, is_own, report_on, workload_uid
from productionpolicy.reports.documents import LARGEST
from productionpolicy.reports.results import LONGEST_MESSAGE
from productionpolicy.verdict import Evaluation, Outcome, Verdict, evaluate
from support.examples import examples
from support.manifests import Raw, container, deployment, job
from support.policies import only, policy
from support.world import World, repaired
from verdict.test_rollouts import failing, put_back

UID = "0f0cbb9e-6a3d-4b7e-9c2f-2d1f5b3f1a11"
ALL = 100
CREDENTIAL = "k3y-of-mail"

each_form = pytest.mark.parametrize("form", Form, ids=lambda each: each.kind)


def world(raw: Raw | None = None, **given: Any) -> World:
    made = World(raw or deployment(), **given)
    made.raw["metadata"]["uid"] = UID
    return made


def report(of: World, form: Form = Form.OPEN_REPORTS, *, most: int = ALL) -> Raw:
    return report_on(evaluate(of.inputs), form, most=most)


def results(of: World, **given: Any) -> dict[str, Raw]:
    return {each["rule"]: each for each in report(of, **given)["results"]}


def size(raw: Raw) -> int:
    """Return how many bytes a report takes in the API server, which adds some metadata, with spaces between them."""
    added = {
        "uid": UID,
        "resourceVersion": "123456789012",
        "creationTimestamp": "2026-06-15T11:00:00Z",
        "generation": 100,
    }
    return len(json.dumps({**raw, "metadata": {**raw["metadata"], **added}}))


def with_findings(*found: tuple[str, Finding], long_names: bool = False) -> Evaluation:
    """Return the evaluation of a workload by which these expectations have these findings."""
    raw = deployment("n" * 253, metadata={"namespace": "s" * 63}) if long_names else deployment()
    made = world(raw, policy=policy("p" * 63 if long_names else "default"))
    verdicts = tuple(Verdict(name, Outcome.FAILED, (each,)) for name, each in found)
    return replace(evaluate(made.inputs), verdicts=verdicts)


texts = st.text(max_size=600) | st.sampled_from(
    ['"' * 600, "<&> " * 150, "word " * 120, "ä" * 600, "\N{GRINNING FACE}" * 99]
)
found_anywhere = st.lists(
    st.tuples(st.sampled_from(sorted(BY_NAME)), st.builds(Finding, texts, texts, texts)), min_size=1, max_size=120
)


@each_form
def test_it_belongs_to_the_workload_and_names_it_as_its_scope(form: Form) -> None:
    made = report(world(), form)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": UID}

    assert (made["apiVersion"], made["kind"]) == (form.api_version, form.kind)
    assert made["metadata"] == {
        "name": f"productionpolicy-{UID}",
        "namespace": "shop",
        "labels": {"app.kubernetes.io/managed-by": "productionpolicy", "productionpolicy.dev/policy": "default"},
        "ownerReferences": [owner],
    }
    assert made["scope"] == {**owner, "namespace": "shop"}
    assert (is_own(made), workload_uid(made)) == (True, UID)


def test_the_owner_of_a_job_is_of_its_group() -> None:
    [owner] = report(world(job("import")))["metadata"]["ownerReferences"]
    assert owner["apiVersion"] == "batch/v1"


def test_a_finding_fails_and_says_where_and_what_to_do() -> None:
    assert results(world(policy=only("readinessProbe"))) == {
        "readinessProbe": {
            "source": "productionpolicy",
            "policy": "default",
            "rule": "readinessProbe",
            "category": "Health checks",
            "severity": "high",
            "result": "fail",
            "scored": True,
            "message": "container web has no readinessProbe, so it gets requests before it can answer",
            "properties": {
                "path": "spec.template.spec.containers[0].readinessProbe",
                "remedy": "add a readinessProbe that checks whether the container can serve",
            },
        }
    }


def test_a_heuristic_warns() -> None:
    raw = deployment(pod={"containers": [container(command=["sh", "-c", "setup && server"])]})
    found = results(world(raw, policy=only("signalHandling")))["signalHandling"]
    assert (found["result"], "scored" in found) == ("warn", False)


def test_only_what_is_never_repaired_or_refused_is_a_heuristic() -> None:
    possible = {action for each in EXPECTATIONS if each.heuristic for action in each.parameters.actions}
    assert possible == {Action.IGNORE, Action.AUDIT}


def test_an_exemption_skips_with_its_reason_and_its_end() -> None:
    exempt = world(policy=only("readinessProbe"))
    exempt.exempt("readinessProbe", "a batch worker until=2026-12-31")

    found = results(exempt)["readinessProbe"]
    assert (found["result"], found["message"]) == ("skip", "exempt: a batch worker")
    assert found["properties"] == {
        "path": "metadata.annotations[exempt.productionpolicy.dev/readinessProbe]",
        "finding": "container web has no readinessProbe, so it gets requests before it can answer",
        "until": "2026-12-31",
    }


def test_what_cannot_be_read_is_an_error() -> None:
    raw = deployment()
    raw["spec"]["replicas"] = "many"
    assert results(world(raw, policy=only("replicas")))["unreadable"]["result"] == "error"


def test_an_exemption_without_effect_warns() -> None:
    needless = world(policy=only("replicas"))
    needless.exempt("replicas")
    assert results(needless)["exemptions"]["result"] == "warn"


def test_a_pending_repair_is_told_as_a_patch() -> None:
    found = results(world(policy=only("preStop", "podDisruptionBudget")))
    patch = msgspec.json.decode(found["preStop"]["properties"]["patch"])
    budget = msgspec.json.decode(found["podDisruptionBudget"]["properties"]["patch"])

    [patched] = patch["spec"]["template"]["spec"]["containers"]
    assert patched == {"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    assert (budget["kind"], budget["spec"]["maxUnavailable"]) == ("PodDisruptionBudget", "25%")


def test_what_is_repaired_is_passed() -> None:
    done = repaired(deployment(), policy=only("preStop", "spread"))
    assert (report(done)["results"], report(done)["summary"]["pass"]) == ([], 2)


def test_a_repair_that_is_left_to_a_person_says_why() -> None:
    owned = deployment()
    owner = {"apiVersion": "example/v1", "kind": "App", "name": "shop", "uid": "1", "controller": True}
    owned["metadata"]["ownerReferences"] = [owner]
    properties = results(world(owned, policy=only("preStop")))["preStop"]["properties"]
    assert properties["notRepaired"] == "App shop owns the workload and would revert the repair"


@each_form
def test_the_summary_counts_what_the_list_leaves_out(form: Form) -> None:
    whole, short = report(world(), form), report(world(), form, most=2)

    assert short["summary"] == whole["summary"]
    assert (len(whole["results"]), len(short["results"])) == (whole["summary"]["fail"], 2)
    assert short["results"][1]["properties"]["omittedResults"] == str(len(whole["results"]) - 2)


def test_the_most_severe_results_come_first() -> None:
    raw = deployment(pod={"containers": [container(env=[{"name": "MAIL_API_KEY", "value": CREDENTIAL}])]})
    told = [(each["result"], each["severity"]) for each in report(world(raw))["results"]]
    order = [("fail", "high"), ("fail", "medium"), ("fail", "low"), ("warn", "critical")]
    assert sorted(told, key=order.index) == told


def test_the_report_on_each_example_is_small() -> None:
    asked = policy(spec={"mode": "Audit"})
    made = {each.name: report(world(each.workload, others=list(each.others), policy=asked)) for each in examples()}
    assert {name: size(each) for name, each in made.items() if size(each) > LARGEST} == {}


@given(found=found_anywhere, form=st.sampled_from(Form), most=st.integers(1, 100), long=st.booleans())
def test_a_report_is_small_with_any_findings_and_any_names(
    found: list[tuple[str, Finding]], form: Form, most: int, long: bool
) -> None:
    evaluation = with_findings(*found, long_names=long)
    made = report_on(evaluation, form, most=most)
    last = made["results"][-1]["properties"]

    assert size(made) <= LARGEST
    assert 1 <= len(made["results"]) <= most
    assert sum(made["summary"].values()) == len(found)
    assert len(made["results"]) + int(last.get("omittedResults", 0)) == len(found)
    assert report_on(evaluation, form, most=most) == made


def test_long_remedies_are_cut_after_a_word_before_results_are_left_out() -> None:
    remedy = "do one thing after the other, " * 20
    found = [("replicas", Finding("spec.replicas", f"message {number}", remedy)) for number in range(7)]
    told = report_on(with_findings(*found), Form.OPEN_REPORTS, most=ALL)["results"]

    assert len(told) == len(found)
    assert {each["properties"]["remedy"] for each in told} == {"do one thing after the other, do…"}


@pytest.mark.parametrize("others", [0, 1, 9, 60])
def test_a_message_does_not_depend_on_the_other_results(others: int) -> None:
    """A reader would take the result for a new one."""
    message = "a long message " * 40
    one = ("readinessProbe", Finding("spec", message, "remedy " * 40))
    more = [("replicas", Finding("spec.replicas", f"{number}: {message}", "remedy " * 40)) for number in range(others)]
    [alone] = report_on(with_findings(one), Form.OPEN_REPORTS, most=ALL)["results"]
    first = report_on(with_findings(*more, one), Form.OPEN_REPORTS, most=ALL)["results"][0]
    assert (first["rule"], first["message"]) == ("readinessProbe", alone["message"])


def test_results_that_have_no_room_are_counted_and_the_report_says_where_to_see_them() -> None:
    found = [("replicas", Finding("spec.replicas", f"message {number}", "remedy")) for number in range(40)]
    made = report_on(with_findings(*found), Form.OPEN_REPORTS, most=ALL)
    last = made["results"][-1]["properties"]

    assert made["summary"]["fail"] == len(found)
    assert int(last["omittedResults"]) == len(found) - len(made["results"]) > 0
    assert last["seeAll"] == "productionpolicy check --live -n shop"


def test_patches_are_left_out_where_the_report_would_be_large_and_that_is_told() -> None:
    last = report(world())["results"][-1]["properties"]
    assert int(last["omittedPatches"]) > 0


def test_no_value_of_a_variable_is_told() -> None:
    raw = deployment(pod={"containers": [container(env=[{"name": "MAIL_API_KEY", "value": CREDENTIAL}])]})
    made = report(world(raw, policy=only("secretLiterals")))
    assert "secretLiterals" in {each["rule"] for each in made["results"]}
    assert CREDENTIAL.encode() not in msgspec.json.encode(made)


def test_results_with_the_same_words_are_told_apart_by_their_paths() -> None:
    login = "postgres://shop:violet@db.example/shop"
    raw = deployment(pod={"containers": [container(args=[f"--first={login}", f"--second={login}"])]})
    told = [each["message"] for each in report(world(raw, policy=only("secretLiterals")))["results"]]
    assert [each.partition(": ")[0].rpartition(".")[2] for each in told] == ["args[0]", "args[1]"]


def test_text_of_the_owner_is_made_safe() -> None:
    exempt = world(policy=only("readinessProbe"))
    exempt.exempt("readinessProbe", "a\u202eb\x1b[31m" + "x" * 1000)
    message = results(exempt)["readinessProbe"]["message"]
    assert (message.isprintable(), json_size(message)) == (True, LONGEST_MESSAGE)


def flap(raw: Raw) -> None:
    raw["status"] = {**raw.get("status", {}), "availableReplicas": 1, "readyReplicas": 1, "unavailableReplicas": 3}


def scale(raw: Raw) -> None:
    raw["spec"]["replicas"] = 9


@pytest.mark.parametrize("change", [flap, scale])
@pytest.mark.parametrize("governed_by", [policy(), policy(spec={"mode": "Audit"})], ids=["Enforce", "Audit"])
def test_a_change_that_no_finding_is_about_changes_no_message(change: Any, governed_by: Policy) -> None:
    changing = world(policy=governed_by)
    before = report(changing)
    changing.edit(change)
    assert content_of(report(changing)) == content_of(before)


@pytest.mark.parametrize("failed", [failing, put_back])
def test_a_failed_rollout_is_told_without_the_time_at_which_it_began(failed: Callable[[], World]) -> None:
    found = results(failed())["rollout"]
    assert (found["result"], found["severity"], found["category"]) == ("fail", "high", "Rollouts")
    assert found["message"] == "the rollout of spread, preStop did not end in time and is rolled back"


def test_what_the_api_server_refuses_is_told_without_its_words() -> None:
    refused = world(policy=only("preStop"))
    made = evaluate(refused.inputs)
    denied = replace(refused.inputs, refused={made.circumstances(made.plan.patch): "used: 7, limited: 7"})

    [found] = report_on(evaluate(denied), Form.OPEN_REPORTS, most=ALL)["results"]
    assert found["properties"]["notRepaired"].startswith("the API server refused it")
    assert "limited" not in str(found)


def test_every_severity_is_one_that_both_forms_know() -> None:
    known = {"critical", "high", "medium", "low", "info"}
    assert {str(each.severity) for each in BY_NAME.values()} <= known


@each_form
def test_what_the_api_server_adds_is_not_part_of_the_content(form: Form) -> None:
    made = report(world(), form)
    stored = {**made, "metadata": {**made["metadata"], "resourceVersion": "7", "uid": "2", "managedFields": []}}
    assert content_of(stored) == content_of(made)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda raw: raw["metadata"]["labels"].clear(), id="label"),
        pytest.param(lambda raw: raw["metadata"]["ownerReferences"].clear(), id="owner"),
        pytest.param(lambda raw: raw["metadata"].update(name=UID), id="name"),
        pytest.param(lambda raw: raw.update(source="kyverno"), id="source"),
    ],
)
def test_a_report_of_another_tool_is_not_the_operators(change: Any) -> None:
    made = report(world())
    change(made)
    assert not is_own(made)
